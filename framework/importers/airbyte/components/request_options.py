"""Request options: values that another component puts into the request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component

Json = Any

_LOCATIONS = {"request_parameter": "query", "header": "header", "path": "path"}
_PARTS = {
    "request_parameter": "params",
    "header": "headers",
    "body_data": "data",
    "body_json": "json",
}


@dataclass(frozen=True)
class Injection:
    """A value for a part of the endpoint: params, headers, data or json."""

    part: str
    path: list[str]
    value: Json


def part_of(option: Component) -> str:
    """Return the part of the endpoint that an option names; "" for the path."""
    return _PARTS.get(str(option.get("inject_into", "request_parameter")), "")


def field_path(context: ImportContext, option: Component) -> list[str]:
    """Return the name of a parameter, or the keys of a place in a body."""
    names = option.get("field_path") or [option.get("field_name", "")]
    scope = context.request_scope(option)
    keys = [context.translate(str(one), scope, option.at("field_name")) for one in names]
    return [str(one) for one in keys if one is not None]


def parameter_name(context: ImportContext, option: Component) -> str:
    """Return the name of a parameter, whose nested keys are joined by dots."""
    return ".".join(field_path(context, option))


def injection(
    context: ImportContext, option: Component, value: Json, what: str = ""
) -> Injection | None:
    """Return a value for the part that an option names; None, with a remark on `what`, if that is
    the path."""
    part, path = part_of(option), field_path(context, option)
    if part and path:
        return Injection(part, [".".join(path)] if part == "params" else path, value)
    if what:
        context.missing(option.place, f"{what} as the path")
    return None


def auth_location(context: ImportContext, option: Component) -> tuple[str, str]:
    """Return where a key goes, as `auth` names it, and its name there."""
    written = str(option.get("inject_into", "header"))
    location = "body" if written.startswith("body") else _LOCATIONS.get(written, "header")
    return location, parameter_name(context, option)


def inject(endpoint: dict[str, Json], injections: Iterable[Injection | None]) -> None:
    """Write values into an endpoint. A body that is a text has no fields and stays as it is."""
    for one in injections:
        current = endpoint.setdefault(one.part, {}) if one else None
        for key in one.path[:-1] if one else ():
            current = current.setdefault(key, {}) if isinstance(current, dict) else None
        if one and one.path and isinstance(current, dict):
            current[one.path[-1]] = one.value
