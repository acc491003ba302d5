"""The keys of each paginator type, by what the connector schema says of them.

The schema entry of a type is the only list of its keys. `x-sends` names the paging value that is
sent under the parameter which a key names; `x-kind` and `x-context` mark expressions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from framework.definition.schema.connector_schema import schemas_at
from framework.definition.schema.file_schema import Schema

Json = Any

PAGING = frozenset({"page", "offset", "limit", "cursor"})
"""The names under `paginator` in the context."""

PAGE_KEYS = frozenset({"response", "headers", "status", "records", "last_record"})
"""The roots of the context that a response gives to the request of the next page."""


@dataclass(frozen=True)
class PaginatorKeys:
    """The keys of one paginator type, each with its schema, in the schema's order."""

    schemas: Mapping[str, Schema]

    @property
    def parameters(self) -> Mapping[str, str]:
        """The keys that name a parameter or its place, each with the paging value sent there."""
        return {key: part["x-sends"] for key, part in self.schemas.items() if "x-sends" in part}

    @property
    def values(self) -> tuple[str, ...]:
        """The paging values of the type, for `{paginator.VALUE}`."""
        return tuple(dict.fromkeys(self.parameters.values()))

    @property
    def paths(self) -> tuple[str, ...]:
        """The keys that hold an expression over the body."""
        return self._expressions("paginator")

    @property
    def context_expressions(self) -> tuple[str, ...]:
        """The keys that hold an expression over the context."""
        return self._expressions("context")

    @property
    def ends(self) -> tuple[str, ...]:
        """The keys that say where counted pages end; the first two say so ahead."""
        if "total_path" not in self.schemas:
            return ()
        return tuple(
            key
            for key in self.schemas
            if key in ("total_path", "has_more_path") or key.startswith("maximum_")
        )

    def _expressions(self, context: str) -> tuple[str, ...]:
        return tuple(
            key
            for key, part in self.schemas.items()
            if part.get("x-kind") == "expression" and part.get("x-context") == context
        )


@cache
def paginator_types() -> Mapping[str, PaginatorKeys]:
    """Return the keys of every paginator type in the connector schema."""
    schemas: dict[str, dict[str, Schema]] = {}
    for schema in schemas_at(("client", "paginator")):
        properties = schema.get("properties", {})
        for kind in _types_of(properties.get("type", {})):
            schemas.setdefault(kind, {}).update(properties)
    return {kind: PaginatorKeys(properties) for kind, properties in schemas.items()}


def _types_of(schema: Schema) -> Iterator[str]:
    yield from schema.get("enum", ())
    if "const" in schema:
        yield schema["const"]


def total_path(paginator: Mapping[str, Json]) -> Json:
    """Return the path of the total: dlt's `total`, or None if something else ends the list."""
    ends = paginator.get("stop_after_short_page") or paginator.get("stop_when") is not None
    return paginator.get("total_path", None if ends else "total")
