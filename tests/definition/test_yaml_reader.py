import math
import random
from pathlib import Path

import pytest
import yaml

from framework.definition import yaml_reader as compose
from framework.definition.yaml_reader import Mark, parse_document

CASES = sorted((Path(__file__).parent / "cases" / "document").glob("*.yaml"))
LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


def read(text):
    document, findings = parse_document(text, "file.yaml")
    assert not findings
    return document


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_fault_of_a_file_is_found_at_its_place(case, loader, monkeypatch):
    monkeypatch.setattr(compose, "_LOADER", loader)
    _, findings = parse_document(case.read_text(), case.name)
    found = [f"{finding.code} {finding.line}:{finding.column}" for finding in findings]
    assert found == case.with_suffix(".findings").read_text().splitlines()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-12", -12),
        ("1.5", 1.5),
        ("-1e3", -1000.0),
        ("2E-2", 0.02),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23T01:02:03Z", "2026-11-23T01:02:03Z"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("'true'", "true"),
        ('"1"', "1"),
        ("=", "="),
        ("Trueish", "Trueish"),
    ],
)
def test_scalars_are_read_as_json_reads_them(written, value):
    read_value = read(f"key: {written}\n").data["key"]
    assert read_value == value
    assert type(read_value) is type(value)


@pytest.mark.parametrize("written", ["True", "NULL", "0x1F", "0o17", "007", "+5", ".5", "5."])
def test_a_scalar_that_yaml_readers_disagree_about_is_refused(written):
    _, findings = parse_document(f"key: {written}\n", "file.yaml")
    assert [(finding.code, finding.column) for finding in findings] == [("ambiguous-scalar", 6)]


@pytest.mark.parametrize("written", [".inf", "-.INF", ".nan", "1e400", "9" * 5000])
def test_numbers_that_json_does_not_have_are_refused(written):
    document, findings = parse_document(f"key: {written}\n", "file.yaml")
    assert [finding.code for finding in findings] == ["number-out-of-range"]
    assert math.isfinite(document.data["key"])


def test_json_is_yaml():
    text = '{"name": "shop", "list": [1, 2.5, true, null, "\\u00e9"], "url": "https:\\/\\/a"}'
    data = {"name": "shop", "list": [1, 2.5, True, None, "é"], "url": "https://a"}
    assert read(text).data == data


def test_small_anchors_are_copied_where_they_are_named():
    document = read("base: &base {a: [1]}\nuses: [*base, *base]\n")
    assert document.data["uses"] == [{"a": [1]}, {"a": [1]}]
    assert document.mark(("uses", 0, "a", 0)) == Mark(1, 18)


def test_a_quoted_merge_key_is_a_key_like_any_other():
    assert read("'<<': 1\n").data == {"<<": 1}


def test_marks_are_of_the_value_and_of_its_key():
    document = read("client:\n  base_url: https://a\nlist:\n  - name: a\n    x: 1\n  - b\n")
    assert document.mark(("client", "base_url")) == Mark(2, 13)
    assert document.mark(("client", "base_url"), key=True) == Mark(2, 3)
    assert document.mark(("list", 0)) == Mark(4, 5)
    assert document.mark(("list", 1), key=True) == Mark(6, 5)
    assert document.mark(("list", 0, "x")) == Mark(5, 8)
    assert document.mark(()) == Mark(1, 1)


def test_a_place_that_is_not_there_has_the_mark_of_the_nearest_that_is():
    document = read("client:\n  auth: {type: bearer}\n")
    assert document.mark(("client", "auth", "token")) == Mark(2, 9)
    assert document.mark(("client", "auth", "token"), key=True) == Mark(2, 3)
    assert document.mark(("resources", 3)) == Mark(1, 1)
    assert document.mark(("client", 0)) == Mark(2, 3)


def test_columns_count_characters_and_not_bytes():
    document = read("a: 'é😀'\n'ü😀': {x: 1}\n")
    assert document.mark(("ü😀", "x")) == Mark(2, 11)


def test_a_finding_names_the_file_as_the_person_named_it():
    finding = read("a: 1\n").finding(("a",), "some-code", "words", severity="warning", key=True)
    assert finding.as_dict() == {
        "path": "file.yaml",
        "line": 1,
        "column": 1,
        "severity": "warning",
        "code": "some-code",
        "message": "words",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000,
        "a: " + "{b: " * 50_000,
        "\n".join(" " * depth + "a:" for depth in range(2_000)),
        "- " * 5_000 + "x",
    ],
)
def test_no_nesting_is_too_deep_to_be_refused(text):
    document, findings = parse_document(text, "file.yaml")
    assert document is None
    assert findings[-1].code in ("nesting-too-deep", "yaml-syntax")


def test_aliases_that_nest_too_deep_are_refused():
    text = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40 + "\n"
    _, findings = parse_document(text, "file.yaml")
    assert [finding.code for finding in findings] == ["nesting-too-deep"]


def test_too_many_values_are_refused():
    _, findings = parse_document("a: [" + "1," * 200_000 + "]", "file.yaml")
    assert [finding.code for finding in findings] == ["file-too-large"]


def test_no_text_makes_reading_fail():
    chance = random.Random(20261123)
    pieces = (
        *"{}[]:,-?&*!|>'\"%@`#\n\t \\x~<=.0179eE+_\u00e9\u2028\ufeff\x07\x85\ud800",
        "a: ", "- ", "\n  ", "&a ", "*a", "<<: ", "!!str ", "---\n", "...\n", "%YAML 1.1\n", "? ",
        "|2\n", ">-\n", '"\\u', "'", "[[[[", "}}}}", "\r\n", "true", ".nan", "1e999", "\\x00",
    )  # fmt: skip
    for _ in range(3_000):
        text = "".join(chance.choices(pieces, k=chance.randint(1, 25)))
        document, findings = parse_document(text, "file.yaml")
        assert document is not None or findings, text
        if document is not None:
            assert isinstance(document.data, dict)
            document.mark(("a", 0, "b"), key=True)
