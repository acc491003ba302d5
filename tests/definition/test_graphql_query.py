"""Queries read without a schema: where the list is, how its pages are asked for, what is wrong."""

import json
import subprocess
import sys

import pytest

from framework.definition import graphql_query
from framework.definition.graphql_query import QueryError, parse_query

INFO = "pageInfo { hasNextPage endCursor }"
ORDERS = "query ($after: String) { orders(after: $after) { nodes { id } " + INFO + " } }"


def found(query, operation=None):
    paged = parse_query(query, operation).paged
    assert paged is not None
    return paged.name, paged.records, paged.cursor, paged.has_more, paged.variable


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ORDERS, ("orders", "nodes", "pageInfo.endCursor", "pageInfo.hasNextPage", "after")),
        (
            "query ($c: String) { shop { all: orders(after: $c) { es: edges { x: node { id } } "
            "i: pageInfo { m: hasNextPage e: endCursor } } } }",
            ("shop.all", "es[].x", "i.e", "i.m", "c"),
        ),
        (
            "query ($c: String) { orders(after: $c) { edges { cursor node { id } } "
            "pageInfo { hasNextPage } } }",
            ("orders", "edges[].node", "edges[-1].cursor", "pageInfo.hasNextPage", "c"),
        ),
        (
            "query ($c: String) { orders(page: {size: 2, after: $c}) { nodes { id } ...p } } "
            "fragment p on X { ... on Y { " + INFO + " } }",
            ("orders", "nodes", "pageInfo.endCursor", "pageInfo.hasNextPage", "c"),
        ),
        (
            "query ($b: String) { orders(before: $b) { nodes { id } "
            "pageInfo { startCursor hasPreviousPage } } }",
            ("orders", "nodes", "pageInfo.startCursor", "pageInfo.hasPreviousPage", "b"),
        ),
        (
            "query ($a: String) { first: orders(first: 1) { nodes { id } } "
            "orders(after: $a) { nodes { id } " + INFO + " } }",
            ("orders", "nodes", "pageInfo.endCursor", "pageInfo.hasNextPage", "a"),
        ),
        ("{ orders(first: 9) { nodes { id } } }", ("orders", "nodes", None, None, None)),
        ("{ a { " + INFO + " } }", ("a", None, "pageInfo.endCursor", "pageInfo.hasNextPage", None)),
    ],
)
def test_the_list_and_its_pages_are_found(query, expected):
    assert found(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { name } }",
        "{ graph { nodes { id } } }",  # a field of this name, without pages
        "{ a(first: 1) { nodes { id } } b(first: 1) { nodes { id } } }",
    ],
)
def test_no_list_is_guessed(query):
    assert parse_query(query).paged is None


def test_a_list_inside_records_is_no_list_of_its_own():
    inner = "nodes { id lines(first: 3) { nodes { id } pageInfo { hasNextPage } } }"
    query = parse_query(ORDERS.replace("nodes { id }", inner))
    assert [(one.name, one.inside) for one in query.connections] == [
        ("orders", None),
        ("orders.nodes.lines", ("orders",)),
    ]
    assert query.paged is query.connections[0]


def test_variables_have_their_types_and_whether_they_need_a_value():
    query = parse_query("query ($a: [Int!]!, $b: Int! = 3, $c: X) { f(a: $a, b: $b, c: $c) }")
    variables = query.variables.values()
    assert [(one.name, one.type, one.required) for one in variables] == [
        ("a", "[Int!]!", True),
        ("b", "Int!", False),
        ("c", "X", False),
    ]


@pytest.mark.parametrize(
    ("query", "operation", "places", "words"),
    [
        ("query {\n  a(: 1)\n}", None, [(2, 5)], "Expected Name"),
        ("{ a ", None, [(1, 5)], "Expected Name, found <EOF>"),
        ("query ($a: Int) {\n  f(b: $b) }", None, [(2, 8), (1, 8)], "is not defined"),
        ("{ ...f }", None, [(1, 6)], "Unknown fragment"),
        ("{ ...f } fragment f on X { ...f }", None, [(1, 28)], "within itself"),
        ("fragment f on X { a }", None, [(1, 1)], "never used"),
        ("query A { a } query B { b }", None, [(1, 1)], "2 operations (A, B)"),
        ("query A { a } query B { b }", "C", [(1, 1)], "it has A, B"),
        ("{ a }", "C", [(1, 1)], "its operation has no name"),
        ("type A { a: Int }", None, [(1, 1)], "not executable"),
        ("{ a" * 5000, None, None, ""),
        ("{" + " a" * 30_000 + "}", None, None, ""),
    ],
)
def test_mistakes_have_a_place_and_words(query, operation, places, words):
    with pytest.raises(QueryError) as refused:
        parse_query(query, operation)
    mistakes = refused.value.mistakes
    assert places is None or [(one.line, one.column) for one in mistakes] == places
    assert words in mistakes[0].message


def test_fragments_that_multiply_are_refused():
    chain = "".join(f"fragment f{n} on X {{ ...f{n + 1} ...f{n + 1} }}" for n in range(20))
    with pytest.raises(QueryError, match="more than 20,000 fields"):
        parse_query(f"{{ ...f0 }} {chain} fragment f20 on X {{ a }}")


def test_the_rules_are_all_of_graphql_core():
    from graphql import validation

    assert [name for name in graphql_query._RULES if not hasattr(validation, name)] == []


CODE = """
import json, sys
from framework.definition.finder import find_connector
from framework.definition.validation import validate
found = validate(find_connector("scheduling"))
assert found.connector is not None
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] == "graphql")))
"""


def test_a_connector_without_a_query_does_not_load_graphql_core():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
