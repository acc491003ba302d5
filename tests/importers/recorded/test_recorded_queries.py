"""GraphQL requests without a recorded response: what validate says of their pages stays visible."""

import json

import pytest

from framework.cli.main import main

QUERY = "{ shop { books(first: 5) { nodes { id } } } }"
WHOLE = """query Load($after: String) { shop { books(first: 5, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } } }"""
ADDRESS = "https://api.example.com/graphql"


@pytest.fixture(params=["curl", "postman"])
def imported(request, tmp_path, monkeypatch, capsys):
    """Return a function that imports a query, and returns the file's text and the report."""
    monkeypatch.chdir(tmp_path)

    def do(query, *, first=None):
        body = json.dumps({"query": query})
        if request.param == "curl":
            command = ["curl", ADDRESS, "-H", "Content-Type: application/json", "-d", body]
            words = ["curl", *(["curl", first, ";"] if first else []), *command]
            arguments = ["import", words[0], "-o", "connectors/shop.yaml", "--format", "json"]
            assert main([*arguments, *words[1:]]) == 0
        else:
            sent = {"mode": "graphql", "graphql": {"query": query, "variables": ""}}
            items = [{"request": {"method": "POST", "url": ADDRESS, "body": sent}}]
            items = [*([{"request": first}] if first else []), *items]
            (tmp_path / "shop.json").write_text(json.dumps({"info": {}, "item": items}))
            assert main(["import", "postman", "shop.json", "--format", "json"]) == 0
        report = json.loads(capsys.readouterr().out)
        return (tmp_path / "connectors" / "shop.yaml").read_text(encoding="utf-8"), report

    return do


def reasons(report):
    return " ".join(one["reason"] for one in report["notes"])


def test_a_connection_without_its_cursor_is_named_and_no_paginator_hides_it(imported, capsys):
    text, report = imported(QUERY)
    assert report["resources"] == ["books"]
    assert "paginator" not in text.replace("write the paginator", "")
    assert "to be checked: only the first page of shop.books would be read" in reasons(report)
    assert "`after: $VARIABLE` to its arguments" in reasons(report)
    assert main(["validate", "shop"]) == 1
    assert "[graphql-connection]" in capsys.readouterr().out


def test_a_query_that_pages_needs_no_check(imported):
    text, report = imported(WHOLE)
    assert report["resources"] == ["books"]
    assert "paginator" not in text
    assert "page" not in reasons(report)
    assert main(["validate", "shop", "--strict"]) == 0


def test_paginators_of_other_requests_are_no_default_of_a_query(imported, capsys):
    text, _ = imported(QUERY, first="https://api.example.com/items?page=1")
    assert "paginator: {type: page_number" in text.replace("\n", " ")
    assert main(["validate", "shop"]) == 1
    assert "[graphql-connection]" in capsys.readouterr().out


def test_a_query_that_is_not_valid_is_told(imported):
    text, report = imported("{ shop { books(first: 5)  nodes { id } } ")
    assert "to be checked: the GraphQL query is not valid: line 1, column" in reasons(report)
    assert "header_link" not in text
