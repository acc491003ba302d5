"""The tables of docs/expressions.md: each expression has the result that the page shows."""

import json
import re

import pytest

from framework.definition.expressions.function_registry import FUNCTIONS
from framework.definition.expressions.jmespath_expression import (
    AlwaysNullError,
    ExpressionError,
    check_types,
    compile_expression,
    syntax_tree,
)
from framework.definition.expressions.jsonpath import is_jsonpath, jsonpath_problem
from framework.definition.finder import find_connector
from framework.definition.schema.annotations import CONTEXT_EXPRESSIONS
from framework.definition.validation import validate
from framework.runtime.templates import Values, expand, fill
from tests.support.docs_blocks import PAGES, read

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
    codes = {"jsonpath-spelling", "jsonpath-meaning", "bad-expression"}
    assert finding_codes(tmp_path, jsonpath) & codes
    if jmespath:
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


CONTEXT_OF_A_PAGE = {
    "config": {"auth": "token"},
    "headers": {"x-next": "n"},
    "paginator": {"cursor": 1},
    "last_record": {"id": 9},
    "records": [{"id": 9}],
    "response": {
        "nextSyncToken": "s",
        "truncated": True,
        "has_more": False,
        "links": [{"rel": "next", "href": "https://api.example.com/2"}],
        "error": {"retry_in": 5},
    },
}
BODY = {
    "id": 1,
    "uri": "https://api.example.com/users/7",
    "updated_at": "2026-11-23",
    "counter": {"total": 1},
    "data": {"items": [], "session": {"token": "t"}, "ttl": 60},
    "pagination": {"next_page_token": "n"},
    "paging": {"next": "https://api.example.com/2"},
    "meta": {"has_more": False},
    "status": "error",
    "error": {"message": "m"},
    "title": "Not Found",
    "contact": {"email": "a@example.com"},
    "items": [{"id": 1}],
}


def examples_in(part):
    """Yield the context and each example of the expressions in a part of a JSON Schema."""
    if isinstance(part, dict):
        if part.get("x-kind") == "expression":
            for example in part.get("examples", []):
                yield part["x-context"], example
        part = list(part.values())
    for value in part if isinstance(part, list) else []:
        yield from examples_in(value)


EXAMPLES = sorted(set(examples_in(json.loads(read("schemas/connector.schema.json")))))


@pytest.mark.parametrize(("context", "text"), EXAMPLES)
def test_examples_of_the_schema_have_a_result(context, text):
    if is_jsonpath(text):
        assert jsonpath_problem(text) is None
        return
    over_context = context in CONTEXT_EXPRESSIONS
    check_types(text, syntax_tree(text), over_context=over_context)
    data = CONTEXT_OF_A_PAGE if over_context else "Full Name" if "@" in text else BODY
    assert compile_expression(text).search(data, CONTEXT_OF_A_PAGE) is not None


def test_the_example_of_an_end_is_true_on_the_last_page_only():
    stop_when = compile_expression("!(response.has_more)")
    assert ("context", stop_when.text) in EXAMPLES
    assert stop_when.search({"response": {"has_more": False}}) is True
    assert stop_when.search({"response": {"has_more": True}}) is False


CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
OPERATORS = re.compile(r"!(?!=)|&&|\|\||\[\?|[<>]=?|\w\(")


SIGNATURES = {row[0] for row in CALLS}


def code_spans():
    """Yield the page and text of each inline code that reads as an expression with an operator."""
    for page in PAGES:
        for line in read(page).splitlines():
            for match in CODE.finditer(line):
                text = match[2].strip().replace("\\|", "|")
                for part in (text, *re.findall(r"\{([^{}]+)\}", text)):
                    if part in SIGNATURES or part.startswith("framework."):
                        continue
                    if OPERATORS.search(part) and is_jmespath(part):
                        yield page, part


def is_jmespath(text):
    try:
        syntax_tree(text)
    except ExpressionError:
        return False
    return True


SPANS = sorted(set(code_spans()))


@pytest.mark.parametrize(("page", "text"), SPANS)
def test_expressions_in_prose_can_be_more_than_null(page, text):
    try:
        compile_expression(text)
    except AlwaysNullError:
        raise
    except ExpressionError:
        assert re.match(r"\w+\(", text), "only a call with arguments left out may not compile"


def test_prose_has_such_expressions():
    assert len(SPANS) > 50
