"""Parts of a merged resource that are more than a value: bound parameters, incrementals,
partitions. What has the wrong shape is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.definition.defaults import Merged

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any


@dataclass(frozen=True)
class Cursor:
    """An incremental, wherever it was written; `param` where it stands in a parameter."""

    pointer: Pointer
    written: Mapping[str, Json]
    param: str | None = None


def partitions(merged: Merged) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The partitions of a resource with their positions."""
    written = merged.data.get("partitions")
    for position, partition in enumerate(written if isinstance(written, list) else []):
        if isinstance(partition, dict):
            yield position, partition


def cursors(merged: Merged) -> list[Cursor]:
    """The incrementals of a resource: at most one is legal."""
    found = [
        Cursor(merged.place("endpoint", "params", name), entry, name)
        for name, entry in merged.params.items()
        if isinstance(entry, dict) and entry.get("type") == "incremental"
    ]
    written = merged.endpoint.get("incremental")
    if isinstance(written, dict):
        found.append(Cursor(merged.place("endpoint", "incremental"), written))
    return found


def is_resolve(entry: Json) -> bool:
    """Whether a parameter's value is taken from the parent."""
    return isinstance(entry, dict) and entry.get("type") == "resolve"


def is_bound(entry: Json) -> bool:
    """Whether a parameter is a `type: resolve` or `type: incremental` mapping."""
    return isinstance(entry, dict)
