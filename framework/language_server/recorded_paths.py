"""The paths in recorded data and in declared schemas, each with a value to show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.language_server.recorded_responses import RecordedResponses
from framework.text import json_type, shorten

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.draft import Draft

Json = Any

MOST_PATHS = 300
"""Paths that one completion proposes."""
_DEPTH = 5
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class RecordedPath:
    """A dotted path, what is there, and the first value that was recorded or the description."""

    path: str
    kind: str
    shown: str
    is_list: bool = False


def paths_in(samples: Sequence[Json]) -> list[RecordedPath]:
    """Return the paths of the objects in these samples; lists are not entered."""
    found: dict[str, RecordedPath] = {}
    for sample in samples:
        for path, value in _paths(sample, "", 0):
            if path not in found or found[path].kind == "null":
                is_list = isinstance(value, list)
                found[path] = RecordedPath(path, json_type(value), shown_value(value), is_list)
            if len(found) >= MOST_PATHS:
                return list(found.values())
    return list(found.values())


def _paths(value: Json, prefix: str, depth: int) -> Iterator[tuple[str, Json]]:
    if not isinstance(value, dict) or depth >= _DEPTH:
        return
    for key, inner in value.items():
        path = f"{prefix}{key if _PLAIN.match(key) else json.dumps(key)}"
        yield path, inner
        yield from _paths(inner, f"{path}.", depth + 1)


def record_paths(
    draft: Draft, merged: MergedResource, recording: RecordedResponses
) -> list[RecordedPath]:
    """Return the fields of a resource's records: recorded ones, then those of its schema."""
    found = {one.path: one for one in paths_in(recording.records(draft, merged))}
    schema = draft.schema(merged)
    for one in _declared(schema.usable if schema is not None else None, "", 0):
        found.setdefault(one.path, one)
    return list(found.values())[:MOST_PATHS]


def _declared(schema: Json, prefix: str, depth: int) -> Iterator[RecordedPath]:
    fields = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(fields, Mapping) or depth >= _DEPTH:
        return
    for name, field in fields.items():
        path = f"{prefix}{name if _PLAIN.match(str(name)) else json.dumps(str(name))}"
        types = field.get("type") if isinstance(field, Mapping) else None
        words = types if isinstance(types, str) else "/".join(map(str, types or ()))
        about = field.get("description") if isinstance(field, Mapping) else None
        yield RecordedPath(path, words or "declared", str(about or "declared in the schema"))
        yield from _declared(field, f"{path}.", depth + 1)


def shown_value(value: Json, most: int = 200) -> str:
    """Return a recorded value as one line of JSON, cut after `most` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return json_type(value)
    return shorten(text, most)
