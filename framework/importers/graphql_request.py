"""Write a request whose JSON body is a GraphQL query as a `graphql` block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.definition.expressions.placeholders import Literal, TemplateError, parse_template
from framework.definition.graphql_block import GraphqlBlock, implied_keys
from framework.definition.graphql_query import GraphqlQuery, QueryError, parse_query
from framework.definition.rules.graphql_rules import connection_problem

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


def without_guessed_pages(endpoint: Mapping[str, Json]) -> tuple[dict[str, Json], str]:
    """Return a query's endpoint without a paginator that sends no variable, and what to check.

    A query is paged by its own variables alone: another paginator would read the first page, and
    hide from `validate` that it does. The text is empty if there is nothing to check.
    """
    query: GraphqlQuery | None = None
    problem = "its pages are not known: the query has placeholders; write them as variables"
    block = endpoint.get("graphql") or endpoint["json"]
    text = block["query"] if "graphql" in endpoint else _query_text(block["query"])
    operation = block.get("operation") or block.get("operationName")
    if text is not None:
        try:
            query = parse_query(text, operation if isinstance(operation, str) else None)
        except QueryError as error:
            first = error.mistakes[0]
            problem = (
                f"the GraphQL query is not valid: line {first.line}, column {first.column}: "
                f"{first.message}"
            )
    kept, paginator = dict(endpoint), endpoint.get("paginator")
    is_record = paginator == "single_page" and query is not None and not query.lists
    if not is_record and not _sends_variable(paginator):
        kept.pop("paginator", None)
    if query is None:
        return kept, problem
    told = told_by_query(endpoint)
    incomplete = connection_problem(query, {**told, **kept})
    if incomplete is not None:
        return kept, incomplete[2]
    if "paginator" in {**told, **kept}:
        return kept, ""
    return kept, (
        "the query asks for no pages (`pageInfo`), so that one response is read as the whole list; "
        "write the paginator (single_page, if there are no more)"
    )


def _sends_variable(paginator: Json) -> bool:
    return isinstance(paginator, Mapping) and any(
        key.endswith("body_path") and str(value).startswith("variables.")
        for key, value in paginator.items()
    )


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
