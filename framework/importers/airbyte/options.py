"""Request options: where in a request a value goes."""

from __future__ import annotations

from typing import Any

from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component

Json = Any

_LOCATIONS = {
    "request_parameter": "query",
    "header": "header",
    "body_data": "body",
    "body_json": "body",
    "path": "path",
}
_PARTS = {
    "request_parameter": "params",
    "header": "headers",
    "body_data": "data",
    "body_json": "json",
}


def place_of(importing: Importing, option: Component) -> tuple[str, str]:
    """Where a key goes, in the words of `auth`, and its name."""
    location = _LOCATIONS.get(str(option.get("inject_into", "header")), "header")
    return location, ".".join(field_path(importing, option))


def part_of(option: Component) -> str:
    """The part of the endpoint: params, headers, data or json; empty for the path."""
    return _PARTS.get(str(option.get("inject_into", "request_parameter")), "")


def field_path(importing: Importing, option: Component) -> list[str]:
    """The field's name, or the way to it in a body."""
    written = option.get("field_path") or [option.get("field_name", "")]
    scope = importing.sent(option)
    found = [importing.text(str(one), scope, option.at("field_name")) for one in written]
    return [str(one) for one in found if one is not ABSENT]


def put(endpoint: dict[str, Json], part: str, path: list[str], value: Json) -> None:
    """Write a value into a part of an endpoint that is being made."""
    current = endpoint.setdefault(part, {})
    if not isinstance(current, dict):
        # a body that is a text holds no fields
        return
    for key in path[:-1]:
        below = current.setdefault(key, {})
        if not isinstance(below, dict):
            return
        current = below
    if path:
        current[path[-1]] = value
