import json

import pytest

from framework.cli.findings_view import (
    render_github,
    render_json,
    render_text,
    summary,
)
from framework.cli.terminal import visible
from framework.definition.finder import shared_schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.findings import Finding


def finding(line=1, column=1, message="words", severity="error", path="a.yaml", code="some-code"):
    return Finding(path, line, column, severity, code, message)


def caret_of(source, column):
    """Return the source line of the excerpt, and the line with the caret."""
    _, shown, caret = render_text([finding(1, column)], {"a.yaml": source}).split("\n")
    return shown, caret


def test_a_finding_is_one_line_then_the_source_and_a_caret():
    text = "version: 1\nname: Shop\n"
    assert render_text([finding(2, 7, "a bad name")], {"a.yaml": text}).split("\n") == [
        "a.yaml:2:7: error: a bad name [some-code]",
        "    2 | name: Shop",
        "      |       ^",
    ]


def test_a_finding_without_its_line_is_shown_without_it():
    for text in ({}, {"a.yaml": "x"}, {"a.yaml": "x\n\n\n"}):
        shown = render_text([finding(3, 1)], text)
        assert shown == "a.yaml:3:1: error: words [some-code]"


@pytest.mark.parametrize(
    ("source", "column", "above"),
    [
        ("a: 'x'", 4, "'"),
        ("\ta: x", 2, "a"),
        ("é: x", 4, "x"),
        ("e\u0301: x", 5, "x"),
        ("名前: x", 5, "x"),
        ("😀: x", 4, "x"),
        ("k: " + "x" * 300 + "HERE" + "y" * 300, 304, "H"),
        ("HERE" + "y" * 300, 1, "H"),
        ("y" * 300 + "E", 301, "E"),
    ],
)
def test_the_caret_is_below_the_character(source, column, above):
    import unicodedata

    shown, caret = caret_of(source, column)
    width, character = 0, ""
    for character in shown:
        here = (
            0
            if unicodedata.combining(character)
            else 2
            if unicodedata.east_asian_width(character) in "WF"
            else 1
        )
        if here and width == caret.index("^"):
            break
        width += here
    assert character == above
    assert len(shown) < 120


def test_a_column_past_the_end_of_the_line_has_its_caret_there():
    assert caret_of("key:", 99)[1].index("^") == len("    1 | key:")


def test_file_contents_cannot_control_the_terminal():
    nasty = "a: \x1b[31mred\x07 \u202egnp"
    shown = render_text([finding(1, 1, f"found {nasty}")], {"a.yaml": nasty})
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert visible("a\tb\nc") == "a b c"


def test_colours_are_optional():
    assert "\x1b" not in render_text([finding()], {})
    assert "\x1b[" in render_text([finding()], {}, colour=True)


def test_json_is_a_list_that_matches_its_schema():
    findings = [finding(), finding(2, 3, 'quotes " and ü', "warning")]
    shown = json.loads(render_json(findings))
    Draft202012Validator(shared_schema("finding")).validate(shown)
    assert [Finding(**entry) for entry in shown] == findings
    assert json.loads(render_json([])) == []


def test_github_annotations_escape_what_would_end_them():
    shown = render_github([finding(2, 3, "100% sure\nof: it, yes\r", path="a,b:c.yaml")])
    assert shown == (
        "::error file=a%2Cb%3Ac.yaml,line=2,col=3,title=some-code"
        "::100%25 sure%0Aof: it, yes%0D [some-code]"
    )


def test_the_closing_line_counts_files_errors_and_warnings():
    warning = finding(severity="warning")
    assert summary([], 1) == "1 file, nothing found"
    assert summary([finding()], 2) == "2 files, 1 error"
    assert summary([finding(), finding(2), warning], 25) == "25 files, 2 errors and 1 warning"
