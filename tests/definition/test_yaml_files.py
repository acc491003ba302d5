"""Bad files as people have them: each is one clear finding, none an exception."""

import os

import pytest

from framework.definition.yaml_reader import MAX_BYTES, read_document


def only_finding(path, display="shown.yaml"):
    document, findings = read_document(path, display)
    assert document is None
    (finding,) = findings
    assert finding.path == display
    return finding


def test_a_good_file_is_read_with_or_without_a_byte_order_mark(tmp_path):
    for start in (b"", b"\xef\xbb\xbf"):
        file = tmp_path / "good.yaml"
        file.write_bytes(start + "name: schön\r\nversion: 1\r\n".encode())
        document, findings = read_document(file)
        assert not findings
        assert document.data == {"name": "schön", "version": 1}
        assert document.path == str(file)
        assert (document.mark(("version",)).line, document.mark(("version",)).column) == (2, 10)


def test_a_missing_file(tmp_path):
    assert only_finding(tmp_path / "no.yaml").code == "unreadable-file"


def test_a_folder_named_like_a_connector(tmp_path):
    (tmp_path / "shop.yaml").mkdir()
    finding = only_finding(tmp_path / "shop.yaml")
    assert finding.code == "unreadable-file"
    assert "folder" in finding.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    file = tmp_path / "shop.yaml"
    file.touch(mode=0)
    assert only_finding(file).code == "unreadable-file"


def test_a_file_name_that_no_file_can_have(tmp_path):
    assert only_finding(tmp_path / "a\0b.yaml").code == "unreadable-file"
    assert only_finding(tmp_path / ("x" * 5_000)).code == "unreadable-file"


def test_an_empty_file(tmp_path):
    file = tmp_path / "shop.yaml"
    for content in ("", "\n\n", "# comment\n", "---\n", "null\n"):
        file.write_text(content)
        assert only_finding(file).code == "empty-file"


def test_bytes_that_are_no_utf_8_are_found_where_they_are(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_bytes("version: 1\nname: é".encode() + b"\xe4rger\n")
    finding = only_finding(file)
    assert (finding.code, finding.line, finding.column) == ("not-text", 2, 8)


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF\x02\x01\x01\x00\x00",
        b"PK\x03\x04\x14\x00\x08\x08",
        b"\x89PNG\r\n\x1a\n\x00",
        "version: 1\n".encode("utf-16"),
        b"name: a\x00b\n",
        bytes(range(256)),
    ],
)
def test_a_binary_file(tmp_path, content):
    file = tmp_path / "shop.yaml"
    file.write_bytes(content)
    assert only_finding(file).code == "not-text"


def test_a_file_of_ten_megabytes(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_bytes(b"a: " + b"x" * 10_000_000)
    assert only_finding(file).code == "file-too-large"
    file.write_bytes(b"a: " + b"x" * (MAX_BYTES - 3))
    assert read_document(file)[1] == []


def test_a_file_that_is_no_connector(tmp_path):
    assert only_finding(tmp_path / ".." / ".." / "etc" / "none").code == "unreadable-file"
    file = tmp_path / "passwd"
    file.write_text("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/bin/sh\n")
    assert only_finding(file).code == "not-a-mapping"
