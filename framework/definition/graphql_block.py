"""The `graphql` block of an endpoint: read its query, and write the request that it stands for.

It becomes what dlt knows: POST, a JSON body, a paginator, a data_selector and response actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.definition.expressions.placeholders import escape, texts_of
from framework.definition.finder import query_folder
from framework.definition.graphql_query import (
    GraphqlQuery,
    QueryConnection,
    QueryError,
    QueryMistake,
    parse_query,
)
from framework.definition.yaml_reader import read_text
from framework.text import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from framework.definition.defaults import MergedResource
    from framework.definition.finder import Location
    from framework.definition.yaml_reader import Pointer

Json = Any

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LARGEST = 1_000_000
_REPLACED = ("graphql", "method", "json", "data")


@dataclass(frozen=True)
class GraphqlBlock:
    """A `graphql` block after merging; `place` is where it was written, `query_place` its query.

    `text` is the query, from `display` if it is a file's name. `problem` says why there is none.
    `mistakes` are those in the query, which is then None.
    `beside` are keys of the endpoint that the block excludes, with their places.
    """

    place: Pointer
    query_place: Pointer
    variables: Mapping[str, Json]
    keeps_partial_data: bool = False
    beside: Mapping[str, Pointer] = field(default_factory=dict)
    text: str = ""
    display: str | None = None
    problem: str = ""
    query: GraphqlQuery | None = None
    mistakes: tuple[QueryMistake, ...] = ()

    @property
    def connection(self) -> QueryConnection | None:
        """The connection that the records come from, if its pages can be read."""
        found = None if self.query is None else self.query.paged
        if found is None or not (found.records and found.cursor and found.has_more):
            return None
        return found if found.variable else None

    @property
    def is_judged_as_list(self) -> bool:
        """Whether the query asks for a list with pages, or has mistakes that hide it."""
        return self.query is None or bool(self.query.lists)

    @property
    def list_path(self) -> str:
        """The path of what holds the records in the body; `data` if that is not known."""
        if self.query is not None and self.query.paged is not None:
            return ".".join(("data", *self.query.paged.path))
        roots = () if self.query is None else self.query.roots
        return f"data.{roots[0]}" if len(roots) == 1 else "data"


def expand_block(merged: MergedResource, location: Location) -> MergedResource:
    """Return the resource with its `graphql` block written as a request, if it has one.

    The endpoint's own `paginator` and `data_selector` stay.
    """
    written = merged.endpoint.get("graphql")
    if not isinstance(written, dict):
        return merged
    block = _read_block(merged, written, location)
    endpoint = {key: merged.endpoint[key] for key in merged.endpoint if key not in _REPLACED}
    origins = dict(merged.origins)
    endpoint["method"] = "POST"
    for key, value in implied_keys(block).items():
        if endpoint.get(key) is None:
            endpoint[key] = value
            origins["endpoint", key] = block.query_place
    endpoint["json"] = _body(block, written.get("operation"))
    origins["endpoint", "json"] = block.place
    origins["endpoint", "json", "query"] = block.query_place
    for name in block.variables:
        place = merged.place("endpoint", "graphql", "variables", name)
        origins["endpoint", "json", "variables", name] = place
    actions = endpoint.get("response_actions")
    listed = actions if isinstance(actions, list) else []
    endpoint["response_actions"] = [*listed, {"body": _failed(block), "action": "fail"}]
    origins["endpoint", "response_actions", len(listed)] = block.place
    data = {**merged.data, "endpoint": endpoint}
    return replace(merged, data=data, origins=origins, graphql=block, found={})


def implied_keys(block: GraphqlBlock) -> dict[str, Json]:
    """Return the `data_selector` and the `paginator` that the query itself tells."""
    implied = {"data_selector": _selector(block), "paginator": _paginator(block)}
    return {key: value for key, value in implied.items() if value is not None}


def _body(block: GraphqlBlock, operation: Json) -> dict[str, Json]:
    body: dict[str, Json] = {"query": escape(block.text)}
    if isinstance(operation, str):
        body["operationName"] = escape(operation)
    return {**body, "variables": dict(block.variables)}


def _selector(block: GraphqlBlock) -> str | None:
    """Return where the records are; None if the query has several things that may be the list."""
    query = block.query
    if query is None:
        return None
    if query.paged is None:
        return block.list_path if not query.lists and len(query.roots) == 1 else None
    records = query.paged.records
    if records is None:
        return None
    # a record that the server could not read is null: `[]` drops it
    drops = block.keeps_partial_data and not records.endswith("]") and "[]" not in records
    return query.paged.below(f"{records}[]" if drops else records)


def _paginator(block: GraphqlBlock) -> dict[str, Json] | None:
    connection = block.connection
    if connection is None or connection.cursor is None or connection.has_more is None:
        return None
    variable = f"variables.{connection.variable}"
    # who writes the cursor as a placeholder says where it is sent
    is_written = any("paginator" in text for text in texts_of(block.variables))
    return {
        "type": "cursor",
        "cursor_path": connection.below(connection.cursor),
        "has_more_path": connection.below(connection.has_more),
        **({} if is_written else {"cursor_body_path": variable}),
    }


def _failed(block: GraphqlBlock) -> str:
    """Return the condition under which a response with errors fails the resource."""
    return f"errors && type({block.list_path}) == 'null'" if block.keeps_partial_data else "errors"


def _read_block(
    merged: MergedResource, written: Mapping[str, Json], location: Location
) -> GraphqlBlock:
    variables = written.get("variables")
    block = GraphqlBlock(
        merged.place("endpoint", "graphql"),
        merged.place("endpoint", "graphql", "query"),
        {
            name: value
            for name, value in (variables if isinstance(variables, dict) else {}).items()
            if value is not None
        },
        written.get("partial_data") == "keep",
        dict(_beside(merged)),
    )
    query, operation = written.get("query"), written.get("operation")
    if query is None:
        problem = "the block has no query; write `query`: the query, or the name of its file"
        return replace(block, query_place=block.place, problem=problem)
    if not isinstance(query, str):
        return block
    block = replace(block, text=query) if "{" in query else _from_file(block, query, location)
    if block.problem:
        return block
    try:
        return replace(
            block, query=parse_query(block.text, operation if isinstance(operation, str) else None)
        )
    except QueryError as error:
        return replace(block, mistakes=error.mistakes)


def _beside(merged: MergedResource) -> Iterator[tuple[str, Pointer]]:
    """Yield keys that the block excludes; it replaces those of `resource_defaults`."""
    is_own = not merged.from_defaults("endpoint", "graphql")
    for key in _REPLACED[1:]:
        value = merged.endpoint.get(key)
        is_replaced = is_own and merged.from_defaults("endpoint", key)
        if value is not None and value != "POST" and not is_replaced:
            yield key, merged.place("endpoint", key)


def _from_file(block: GraphqlBlock, name: str, location: Location) -> GraphqlBlock:
    """Return the block with the query of a file in the connector's folder of queries."""
    # a path could lead out of the folder
    if not _NAME.fullmatch(name):
        problem = (
            "found neither a query nor the name of a file without folder and extension, such as "
            f"orders for queries/{location.name}/orders.graphql"
        )
        return replace(block, problem=problem)
    file = query_folder(location) / f"{name}.graphql"
    display = location.display_of(file)
    if not file.is_file():
        problem = f"found no file {display}{_near(file, name)}"
        return replace(block, problem=problem)
    try:
        is_inside = file.resolve().is_relative_to(location.root.resolve())
    except (OSError, RuntimeError):  # a link to itself
        is_inside = False
    if not is_inside:
        problem = f"{display} is a link to a file elsewhere; put the file here"
        return replace(block, problem=problem)
    text, findings = read_text(file, display, _LARGEST)
    if text is None:
        problem = f"{display}: {findings[0].message}"
        return replace(block, problem=problem)
    return replace(block, text=text, display=display)


def _near(file: Path, name: str) -> str:
    try:
        names = sorted(path.stem for path in file.parent.glob("*.graphql"))
    except OSError:
        names = []
    return did_you_mean(name, names) or "; write it, or write the query itself here"
