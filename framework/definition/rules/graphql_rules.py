"""GraphQL blocks: the query is valid, its variables have values, and its list can be read whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.graphql_block import GraphqlBlock
from framework.definition.graphql_query import GraphqlQuery, QueryConnection
from framework.definition.rules.rule import Breach, Key, TextPlace, rule
from framework.text import did_you_mean, join_words

Json = Any
_FIELDS = {"after": "hasNextPage endCursor", "before": "hasPreviousPage startCursor"}


@rule("query-missing")
def check_texts(draft: Draft) -> Iterator[Breach]:
    """A block has a query, or names a file that can be read."""
    for _, block in _blocks(draft):
        if block.problem:
            yield block.query_place, block.problem


@rule("graphql-query")
def check_queries(draft: Draft) -> Iterator[Breach]:
    """A query is valid GraphQL, and reads."""
    for merged, block in _blocks(draft):
        for one in block.mistakes:
            message = one.message
            if one.line > 1 and block.display is None:
                here = draft.document.mark_inside(block.query_place, one.line, one.column)
                if here == draft.document.mark(block.query_place):  # folded text has other lines
                    message = f"line {one.line} of the query: {message}"
            if "{config." in block.text or "{resources." in block.text:
                message += "; a query has no placeholders: declare a variable, and write the value "
                message += "in `variables`"
            yield _place(block, one.line, one.column), message
        query = block.query
        if query is None or query.kind == "query":
            continue
        if query.kind == "mutation" and merged.endpoint.get("export"):
            continue
        yield (
            _place(block, query.line, query.column),
            f"found a {query.kind}, expected a query; a mutation may only create an `export` job",
        )


@rule("graphql-request")
def check_requests(draft: Draft) -> Iterator[Breach]:
    """Nothing beside the block says how the request is sent."""
    for _, block in _blocks(draft):
        for key, place in block.beside.items():
            yield (
                Key(place),
                f"`{key}` and `graphql` cannot be used together: a query is sent by POST as JSON; "
                "remove one of them",
            )


@rule("graphql-variable")
def check_variables(draft: Draft) -> Iterator[Breach]:
    """Every value belongs to a variable of the query, and every variable that needs one has it."""
    for merged, block in _blocks(draft):
        query = block.query
        if query is None:
            continue
        paged = query.paged
        filled = {*block.variables, paged.variable if paged is not None else None}
        for name in block.variables:
            if name not in query.variables:
                near = did_you_mean(name, [one for one in query.variables if one not in filled])
                yield (
                    Key(merged.place("endpoint", "json", "variables", name)),
                    f"the query declares no variable ${name}"
                    f"{near or '; declare it in the query, or remove it here'}",
                )
        for one in query.variables.values():
            if not one.required or one.name in block.variables:
                continue
            remedy = f"add it to `variables`, or declare it as `{one.type.rstrip('!')}`"
            if paged is not None and paged.variable == one.name:
                remedy = f"the first page has no cursor: declare it as `{one.type.rstrip('!')}`"
            yield (
                _place(block, one.line, one.column),
                f"the variable ${one.name} of the type {one.type} has no value; {remedy}",
            )


@rule("graphql-connection")
def check_connections(draft: Draft) -> Iterator[Breach]:
    """The query asks for what reading all pages of its list takes."""
    for merged, block in _blocks(draft):
        problem = None if block.query is None else connection_problem(block.query, merged.endpoint)
        if problem is not None:
            line, column, message = problem
            yield _place(block, line, column), message


def connection_problem(
    query: GraphqlQuery, endpoint: Mapping[str, Json]
) -> tuple[int, int, str] | None:
    """Return line, column and message if the list cannot be read whole, None if it can.

    Of the endpoint, `paginator` and `data_selector` say what the query does not.
    """
    paginator, selector = (endpoint.get(key) for key in ("paginator", "data_selector"))
    paged = query.paged
    if paged is None:
        if selector is None or (query.lists and paginator is None):
            return query.line, query.column, _ambiguous(query)
        return None
    if paged.records is None and selector is None:
        message = (
            f"the query asks for no records of {paged.name}; add `nodes {{ … }}` to it, or "
            "write data_selector"
        )
        return paged.line, paged.column, message
    return None if paginator is not None else (paged.line, paged.column, _incomplete(paged))


@rule("graphql-other-pages")
def check_other_pages(draft: Draft) -> Iterator[Breach]:
    """Pages that a query asks for are not those of a paginator that is there for other lists."""
    for merged, block in _blocks(draft):
        connection = block.connection
        if connection is None or not merged.from_defaults("endpoint", "paginator"):
            continue
        paginator = merged.endpoint["paginator"]
        kind = paginator.get("type") if isinstance(paginator, dict) else paginator
        if kind == "auto" or _reads_body(paginator):
            continue
        yield (
            _place(block, connection.line, connection.column),
            f"found the paginator {kind} in resource_defaults, which does not read the pages of "
            f"{connection.name}: only the first would come. Move it to client.paginator, over "
            "which a query's own pages go, or write the paginator of this resource",
        )


def _reads_body(paginator: Json) -> bool:
    """Return whether a cursor paginator reads what a GraphQL response has below `data`."""
    if not isinstance(paginator, dict) or paginator.get("type") != "cursor":
        return False
    return any("data" in str(paginator.get(key)) for key in ("cursor", "cursor_path"))


@rule("graphql-inner-list", severity="warning")
def check_inner_lists(draft: Draft) -> Iterator[Breach]:
    """A list inside another list's records says whether it was read to its end."""
    for _, block in _blocks(draft):
        for one in block.query.connections if block.query is not None else ():
            if one.inside is not None and one.has_more is None:
                yield (
                    _place(block, one.line, one.column),
                    f"only the first page of {one.name} is read, since it is inside the records of "
                    f"{'.'.join(one.inside)}; read it as a child resource, or ask for its "
                    "`pageInfo { hasNextPage }` to see in the table where records are missing",
                )


def _ambiguous(query: GraphqlQuery) -> str:
    if query.lists:
        names = join_words([one.name for one in query.lists])
        return (
            f"the query has several lists, {names}; a resource reads one: remove the others, or "
            "write data_selector and paginator"
        )
    names = join_words(list(query.roots))
    return f"the query asks for {names}; a resource reads one list: write data_selector"


def _incomplete(one: QueryConnection) -> str:
    missing = []
    if one.cursor is None or one.has_more is None:
        fields = _FIELDS.get(one.argument, _FIELDS["after"])
        missing.append(f"`pageInfo {{ {fields} }}` to its fields")
    if one.variable is None:
        missing.append(f"`{one.argument}: $VARIABLE` to its arguments")
    return (
        f"only the first page of {one.name} would be read; add {' and '.join(missing)}, or write "
        "the paginator (single_page, if there are no more)"
    )


def _blocks(draft: Draft) -> Iterator[tuple[MergedResource, GraphqlBlock]]:
    for merged in draft.resources:
        if merged.graphql is not None:
            yield merged, merged.graphql


def _place(block: GraphqlBlock, line: int, column: int) -> TextPlace:
    return TextPlace(block.query_place, line, column, block.display)
