"""`fmt`: the same data and comments in one layout, whatever the file looks like before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framework.authoring.scaffold.file_layout import UnknownLayout, canonical_text
from framework.cli.main import main
from framework.definition.yaml_reader import parse_document
from tests.support.checks_page import cases

ROOT = Path(__file__).parents[2]
FILES = [
    *(ROOT / "connectors").glob("*.yaml"),
    *(ROOT / "tests" / "cases").glob("*/connector.yaml"),
]
MESSY = """\
# yaml-language-server: $schema=../schemas/connector.schema.json

# about the name
name:   example # trailing
version: 1


resources:
# the orders
- endpoint:
      # where
      path:   /orders
      params: { count : 100,size:  5 , "a b":[1,2 ,3] }  #why
      data_selector: items
      json:
        text: |
          kept   as it is
            # no comment
  write_disposition: replace
  # its name
  name: orders
  # the end of orders

# the users
- {name: users, write_disposition: replace}
client:
    base_url: "https://api.example.com"
    paginator: single_page
# the end
"""
CLEAN = """\
# yaml-language-server: $schema=../schemas/connector.schema.json

version: 1
# about the name
name: example  # trailing
client:
  base_url: "https://api.example.com"
  paginator: single_page
# the end

resources:
  # the orders
  # its name
  - name: orders
    # the end of orders
    write_disposition: replace
    endpoint:
      # where
      path: /orders
      params: {count: 100, size: 5, "a b": [1, 2, 3]}  #why
      json:
        text: |
          kept   as it is
            # no comment
      data_selector: items

  # the users
  - {name: users, write_disposition: replace}
"""


def test_order_indentation_spaces_and_comments() -> None:
    assert canonical_text(MESSY, "example.yaml") == CLEAN
    assert canonical_text(CLEAN, "example.yaml") == CLEAN


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_has_a_layout_that_stays(file: Path) -> None:
    # that data and comments are the same is checked by the function itself
    laid = canonical_text(file.read_text(encoding="utf-8"), file.name)
    assert canonical_text(laid, file.name) == laid


@pytest.mark.parametrize("case", [one for one in cases() if one.example], ids=lambda one: one.code)
def test_every_example_of_a_check_is_laid_out_if_it_is_yaml(case: object) -> None:
    text = str(getattr(case, "example", ""))
    if parse_document(text, "example.yaml")[1]:
        with pytest.raises(UnknownLayout, match="framework validate"):
            canonical_text(text, "example.yaml")
        return
    laid = canonical_text(text, "example.yaml")
    assert canonical_text(laid, "example.yaml") == laid


@pytest.mark.parametrize(
    "file", sorted((ROOT / "connectors").glob("*.yaml")), ids=lambda file: file.stem
)
def test_the_bundled_connectors_are_laid_out(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert canonical_text(text, file.name) == text


def test_every_example_of_the_docs_has_a_layout_that_stays() -> None:
    number = 0
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            if not parse_document(block, "example.yaml")[1] and not block.startswith("- "):
                laid = canonical_text(block, "example.yaml")
                assert canonical_text(laid, "example.yaml") == laid
                number += 1
    assert number > 100


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_stay(end: str) -> None:
    assert canonical_text(MESSY.replace("\n", end), "example.yaml") == CLEAN.replace("\n", end)


@pytest.mark.parametrize(
    "text", ["a: [", "- 1", "", "name: a\nname: b", "a:\n  - - 1\n    - 2\n", "a: 1\n---\nb: 1\n"]
)
def test_what_cannot_be_laid_out_is_left(text: str) -> None:
    with pytest.raises(UnknownLayout):
        canonical_text(text, "example.yaml")


def test_an_anchor_that_would_follow_its_alias_is_left() -> None:
    text = "version: 1\nresources:\n  - {name: a, endpoint: &e {path: /a}}\nclient: *e\n"
    with pytest.raises(UnknownLayout, match="left as it is"):
        canonical_text(text, "example.yaml")


def test_the_command_checks_shows_and_writes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "connectors" / "example.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(MESSY, encoding="utf-8")
    assert main(["fmt", "--check"]) == 1
    assert "connectors/example.yaml" in capsys.readouterr().out
    assert main(["fmt", "--diff"]) == 0
    assert "+name: example  # trailing" in capsys.readouterr().out.splitlines()
    assert file.read_text(encoding="utf-8") == MESSY
    assert main(["fmt", "example"]) == 0
    assert file.read_text(encoding="utf-8") == CLEAN
    assert main(["fmt", "--check"]) == 0
    file.write_text("a: [", encoding="utf-8")
    assert main(["fmt"]) == 1
    assert "framework validate" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "a: ["


def test_a_file_keeps_its_permissions(project: Path) -> None:
    file = project / "connectors" / "example.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(MESSY, encoding="utf-8")
    file.chmod(0o600)
    assert main(["fmt", "example"]) == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_read_says_why(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project / "connectors"
    (folder / "folder.yaml").mkdir(parents=True)
    (folder / "bytes.yaml").write_bytes(b"\xff\xfe")
    for command, reasons in (
        ("fmt", ("folder.yaml cannot be read: Is a directory", "bytes.yaml cannot be read: it is")),
        ("upgrade", ("folder.yaml: ", "bytes.yaml: ")),
    ):
        assert main([command]) == 1
        told = capsys.readouterr().err
        assert all(reason in told for reason in reasons)
        assert "expected version" not in told


@pytest.mark.parametrize("written", ["2", "0", "true", "'1'", "[1]"])
def test_upgrade_says_which_version_it_found(
    written: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "connectors" / "example.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"version: {written}\nname: example\n", encoding="utf-8")
    assert main(["upgrade"]) == 1
    found = f"version {written}" if written.isdigit() else "a version that is no number"
    assert f"found {found}, expected version 1" in capsys.readouterr().err


def test_upgrade_says_which_version_a_file_has(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "connectors" / "example.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(CLEAN, encoding="utf-8")
    assert main(["upgrade"]) == 0
    assert capsys.readouterr().out == "connectors/example.yaml: version 1, the newest\n"
    file.write_text(CLEAN.replace("version: 1", "version: 2"), encoding="utf-8")
    assert main(["upgrade", "example"]) == 1
    assert "expected version 1" in capsys.readouterr().err


def test_a_new_file_is_laid_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["new", "shop", "--base-url", "https://api.example.com", "--path", "/orders"]
    assert main([*argv, "--path", "/users"]) == 0
    assert main(["fmt", "--check"]) == 0


def test_comments_may_be_aligned() -> None:
    text = "version: 1       # one\nname: example    # another\n"
    assert canonical_text(text, "example.yaml") == text
