"""Every text of a connector file that may hold placeholders, with its place and what is allowed
there. What has the wrong shape is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from framework.definition.defaults import Merged
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    config_names,
    placeholders,
)
from framework.definition.paginator_keys import CONTEXT_EXPRESSIONS
from framework.definition.parts import cursors, is_bound, partitions
from framework.definition.reach import Reach, reach
from framework.definition.written import AUTH_EXPRESSIONS, PAGINATOR_EXPRESSIONS, SIGNED, Written

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any
Area = Literal["client", "path", "request", "setting", "signature", "message"]

_CURSOR_VALUES = ("initial_value", "end_value")


@dataclass(frozen=True)
class Text:
    """A string that may hold placeholders.

    `area` says which are allowed: `client` and `setting` take config and secrets, `request`
    (params, json, data, headers) also parents and the incremental, `path` also parameters,
    `signature` the parts of the request that is signed, `message` those of an answer.
    `resource` is the resource's position, or None for the client's texts.
    """

    pointer: Pointer
    text: str
    area: Area
    resource: int | None = None
    key: bool = False

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """What stands in braces; nothing where the braces do not fit."""
        try:
            return placeholders(self.text)
        except TemplateError:
            return ()


def text_reaches(text: Text) -> Iterator[Reach]:
    """What the placeholders of a text read of the context."""
    for part in text.placeholders:
        if part.kind == "expression":
            written = Written(text.pointer, part.text, "context", text.resource)
            for one in reach(written):
                yield replace(one, key=text.key, area=text.area)
        elif part.kind in ("config", "secrets", "incremental"):
            path = (part.kind, part.name)
            yield Reach(text.pointer, path, part.text, text.resource, text.key, text.area)
        for name in config_names(part.expression or ""):
            path = ("config", name)
            yield Reach(text.pointer, path, part.text, text.resource, text.key, text.area)


def resource_texts(merged: Merged) -> tuple[Text, ...]:
    """Every text of one resource that may hold placeholders, where it was written."""
    if "texts" not in merged.found:
        merged.found["texts"] = tuple(_resource_texts(merged))
    texts: tuple[Text, ...] = merged.found["texts"]
    return texts


def _resource_texts(merged: Merged) -> Iterator[Text]:
    endpoint = merged.endpoint
    path_place = merged.place("endpoint", "path")
    yield Text(path_place, merged.path, "path", merged.index)
    for key in ("params", "json", "data", "headers"):
        value = endpoint.get(key)
        if key == "params" and isinstance(value, dict):
            value = {name: entry for name, entry in value.items() if not is_bound(entry)}
        yield from _strings(merged, ("endpoint", key), value, "request")
    yield from _export_texts(merged)
    if isinstance(merged.data.get("table_name"), str):
        yield Text(merged.place("table_name"), merged.data["table_name"], "request", merged.index)
    for cursor in cursors(merged):
        for key in _CURSOR_VALUES:
            value = cursor.written.get(key)
            if isinstance(value, str):
                yield Text((*cursor.pointer, key), value, "setting", merged.index)
    actions = endpoint.get("response_actions")
    for position, action in enumerate(actions if isinstance(actions, list) else []):
        if isinstance(action, dict):
            message: Pointer = ("endpoint", "response_actions", position, "message")
            yield from _strings(merged, message, action.get("message"), "message")
    auth = endpoint.get("auth")
    for place, value, area in auth_parts((), auth, "setting"):
        yield from _strings(merged, ("endpoint", "auth", *place), value, area)
    for position, partition in partitions(merged):
        place = ("partitions", position)
        yield from _strings(merged, (*place, "values"), partition.get("values"), "setting")
        for kind, keys in (("range", ("start", "stop")), ("dates", ("start", "end"))):
            within = partition.get(kind)
            if not isinstance(within, dict):
                continue
            for key in keys:
                yield from _strings(merged, (*place, kind, key), within.get(key), "setting")
    paginator = endpoint.get("paginator")
    if isinstance(paginator, dict):
        for key, value in paginator.items():
            if key not in (*PAGINATOR_EXPRESSIONS, *CONTEXT_EXPRESSIONS):
                yield from _strings(merged, ("endpoint", "paginator", key), value, "setting")


def _export_texts(merged: Merged) -> Iterator[Text]:
    export = merged.endpoint.get("export")
    export = export if isinstance(export, dict) else {}
    for request in ("status", "download"):
        written, place = export.get(request), ("endpoint", "export", request)
        if isinstance(written, str):
            yield Text(merged.place(*place), written, "request", merged.index)
        for key in ("path", "url", "params", "json", "headers"):
            value = written.get(key) if isinstance(written, dict) else None
            yield from _strings(merged, (*place, key), value, "request")


def client_texts(client: Mapping[str, Json]) -> Iterator[Text]:
    """Every text of the client that may hold placeholders."""
    for key in ("base_url", "headers", "allowed_hosts"):
        yield from _walk(("client", key), client.get(key), "client")
    for place, value, area in auth_parts(("client", "auth"), client.get("auth"), "client"):
        yield from _walk(place, value, area)
    limit = client.get("rate_limit")
    if isinstance(limit, dict) and isinstance(limit.get("requests"), str):
        yield Text(("client", "rate_limit", "requests"), limit["requests"], "client")
    paginator = client.get("paginator")
    if isinstance(paginator, dict):
        for key, value in paginator.items():
            if key not in (*PAGINATOR_EXPRESSIONS, *CONTEXT_EXPRESSIONS):
                yield from _walk(("client", "paginator", key), value, "client")


def auth_parts(pointer: Pointer, auth: Json, area: Area) -> Iterator[tuple[Pointer, Json, Area]]:
    """The parts of an auth that hold placeholders, with what these may be."""
    if not isinstance(auth, dict):
        yield pointer, auth, area
        return
    for key, value in auth.items():
        if key == SIGNED and auth.get("type") == "hmac":
            yield (*pointer, key), value, "signature"
        elif key not in AUTH_EXPRESSIONS:
            yield from auth_parts((*pointer, key), value, area)


def _walk(pointer: Pointer, value: Json, area: Area) -> Iterator[Text]:
    if isinstance(value, str):
        yield Text(pointer, value, area)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk((*pointer, key), inner, area)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _walk((*pointer, position), inner, area)


def _strings(merged: Merged, path: Pointer, value: Json, area: Area) -> Iterator[Text]:
    if isinstance(value, str):
        yield Text(merged.place(*path), value, area, merged.index)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if area == "request" and isinstance(key, str):
                yield Text(merged.place(*path, key), key, area, merged.index, key=True)
            yield from _strings(merged, (*path, key), inner, area)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _strings(merged, (*path, position), inner, area)
