"""Write a request whose JSON body is a GraphQL query as a `graphql` block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.definition.expressions.placeholders import Literal, TemplateError, parse_template
from framework.definition.graphql_block import GraphqlBlock, implied_keys
from framework.definition.graphql_query import GraphqlQuery, QueryError, parse_query

Json = Any


def with_graphql_block(endpoint: Mapping[str, Json]) -> dict[str, Json]:
    """Return the endpoint with its query as it is written in any GraphQL tool.

    An endpoint is unchanged if its body is something else, or holds what a block cannot say: a
    placeholder in the query, another key, a variable that the query does not declare.
    """
    unchanged = dict(endpoint)
    body = endpoint.get("json")
    if endpoint.get("method") != "POST" or not isinstance(body, Mapping):
        return unchanged
    text = _query_text(body.get("query"))
    operation, variables = body.get("operationName"), body.get("variables") or {}
    if text is None or body.keys() - {"query", "operationName", "variables"}:
        return unchanged
    is_named = operation is None or (isinstance(operation, str) and "{" not in operation)
    try:
        query = parse_query(text, operation) if is_named else None
    except QueryError:
        return unchanged
    if query is None or query.kind != "query" or not _fits(query, variables):
        return unchanged
    cursor = None if query.paged is None else query.paged.variable
    if "{" not in str(variables.get(cursor, "")):  # the first page has none
        variables = {name: value for name, value in variables.items() if name != cursor}
    block: dict[str, Json] = {"query": text}
    if operation is not None:
        block["operation"] = operation
    if variables:
        block["variables"] = variables
    written = {**unchanged, "graphql": block}
    return {key: written[key] for key in ("graphql" if one == "json" else one for one in endpoint)}


def told_by_query(endpoint: Mapping[str, Json]) -> dict[str, Json]:
    """Return the keys that a `graphql` block implies: `method`, often selector and paginator."""
    block = endpoint.get("graphql")
    if block is None:
        return {}
    query = parse_query(block["query"], block.get("operation"))
    known = GraphqlBlock((), (), block.get("variables", {}), query=query)
    return {"method": "POST", **implied_keys(known)}


def without_implied_keys(endpoint: Mapping[str, Json]) -> dict[str, Json]:
    """Return the endpoint without the keys that its query tells, too."""
    implied = told_by_query(endpoint)
    return {
        key: value for key, value in endpoint.items() if key not in implied or implied[key] != value
    }


def _query_text(written: Json) -> str | None:
    """Return the text that a template stands for, None if it has placeholders."""
    if not isinstance(written, str) or "{" not in written:
        return None
    try:
        parts = parse_template(written)
    except TemplateError:
        return None
    texts = [one.text for one in parts if isinstance(one, Literal)]
    return "".join(texts) if len(texts) == len(parts) else None


def _fits(query: GraphqlQuery, variables: Json) -> bool:
    """Return whether each value has its variable, and each variable that needs one a value."""
    if not isinstance(variables, Mapping) or not variables.keys() <= query.variables.keys():
        return False
    return all(one.name in variables for one in query.variables.values() if one.required)
