"""What a job reads of its request: names, choices and counts, checked as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.load.preflight import select_resources

Json = Any


def text_of_request(request: Mapping[str, Json], key: str) -> str:
    """Return a text that must be there. Raise UsageError if it is not."""
    value = request.get(key)
    if not isinstance(value, str) or not value:
        raise UsageError(f"`{key}` of the request must be a text")
    return value


def choice(request: Mapping[str, Json], key: str, *choices: str) -> str:
    """Return one of the choices, the first by default. Raise UsageError for anything else."""
    value = request.get(key)
    if value is None:
        return choices[0]
    if value not in choices:
        raise UsageError(f"`{key}` of the request must be one of {', '.join(choices)}")
    return str(value)


def count_up_to(
    request: Mapping[str, Json], key: str, default: int | None, most: int
) -> int | None:
    """Return a number from 1 to `most`, `default` if there is none."""
    value = request.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UsageError(f"`{key}` of the request must be a number from 1 to {most:,}")
    return value


def flag(request: Mapping[str, Json], key: str) -> bool:
    """Return whether the request says true."""
    value = request.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise UsageError(f"`{key}` of the request must be true or false")


def resource_names(request: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Return the names in `resources`, None for those that the file selects."""
    value = request.get("resources")
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise UsageError("`resources` of the request must be a list of names, or null")
    return tuple(value)


def one_resource(connector: Connector, request: Mapping[str, Json]) -> Resource:
    """Return the resource that the request names. Raise UsageError if there is none."""
    (resource,) = select_resources(connector, [text_of_request(request, "resource")])
    return resource
