"""The tables of docs/expressions.md: each expression has the result that the page shows."""

import json
import re

import pytest

from framework.definition.expressions.function_registry import FUNCTIONS
from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.runtime.templates import Values, expand, fill
from tests.support.docs_blocks import read

CELL = re.compile(r"(?<!\\)\|")
VALUES = {
    "config.page": 50,
    "config.all": True,
    "config.kind": "a/b c",
    "resources.users.id": 7,
}
CONTEXT = {
    "config": {"page": 50, "all": True, "kind": "a/b c", "region": "eu"},
    "now": "2026-11-23T12:00:00Z",
}


def table(heading, columns):
    """Return the rows of the table with these columns under a heading, without code marks."""
    section = read("docs/expressions.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    first = next(n for n, line in enumerate(lines) if cells(line) == columns)
    rows = []
    for line in lines[first + 2 :]:
        if len(cells(line)) != len(columns):
            break
        rows.append(tuple(cells(line)))
    return rows


def cells(line):
    return [
        re.sub(r"^(`+) ?(.*?) ?\1$", r"\2", cell.strip()).replace("\\|", "|")
        for cell in CELL.split(line)[1:-1]
    ]


PLACES = table("Placeholders", ["where", "text", "becomes"])
SHORT = table("JMESPath in short", ["expression", "on", "result"])
CALLS = table("Functions", ["function", "returns", "example", "on", "result"])
SPELLINGS = table("JSONPath", ["dlt's JSONPath", "JMESPath", ""])


@pytest.mark.parametrize(("place", "text", "becomes"), PLACES)
def test_placeholders_become(place, text, becomes):
    values = Values(VALUES, CONTEXT)
    known = lambda placeholder: values[placeholder.text]  # noqa: E731
    template = fill(json.loads(text), known, place=place, final=False)
    assert expand(template, values, place) == json.loads(becomes)


@pytest.mark.parametrize(
    ("text", "data", "result"),
    [(text, data, result) for text, data, result in SHORT]
    + [(text, data, result) for _, _, text, data, result in CALLS],
)
def test_expressions_have_the_result(text, data, result):
    value = compile_expression(text).search(json.loads(data), CONTEXT)
    assert value == json.loads(result)
    assert isinstance(value, bool) == isinstance(json.loads(result), bool)


def test_every_function_has_a_row_with_its_arguments():
    signatures = {row[0].partition("(")[0]: row[0] for row in CALLS}
    assert signatures.keys() == FUNCTIONS.keys()
    for name, signature in signatures.items():
        function = FUNCTIONS[name]
        arguments = [one for one in signature[len(name) + 1 : -1].split(", ") if one]
        optional = [one for one in arguments if one[0] == "["]
        variadic = arguments[-1:] == ["..."]
        assert variadic == function.variadic
        required = [one for one in arguments if one not in (*optional, "...")]
        if name != "length":  # its argument is written as a list of types
            assert len(required) == function.required
            assert len(required) + len(optional) == len(function.types)


@pytest.mark.parametrize(("jsonpath", "jmespath", "_"), SPELLINGS)
def test_jsonpath_spellings_are_findings(jsonpath, jmespath, _, tmp_path):
    assert finding_codes(tmp_path, jsonpath) & {"jsonpath-spelling", "bad-expression"}
    assert not finding_codes(tmp_path, jmespath)


def finding_codes(folder, selector):
    file = folder / "shop.yaml"
    file.write_text(
        'version: 1\nname: shop\nclient: {base_url: "https://api.example.com"}\nresources:\n'
        "  - name: orders\n    write_disposition: replace\n"
        f"    endpoint: {{paginator: single_page, data_selector: {json.dumps(selector)}}}\n",
        encoding="utf-8",
    )
    return {finding.code for finding in validate(find_connector(str(file))).findings}
