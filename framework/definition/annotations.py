"""Every text of a connector file that may hold placeholders, with its place and what is allowed
there. What has the wrong shape is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from framework.definition.defaults import MergedResource
from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    config_names,
    placeholders,
)
from framework.definition.paginator_keys import CONTEXT_EXPRESSIONS

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.yaml_reader import Pointer

Json = Any


Subject = Literal[
    "record", "parent", "body", "paginator", "answer", "token", "choice", "wait", "context"
]
"""What an expression works on: a record, the parent's record, the body of an answer (`paginator`
where it leads to the next page, `answer` where it may be an error's, `token` where a token is asked
for), or the context itself (`choice` where only config is there, `wait` where an answer is)."""

PAGINATOR_EXPRESSIONS = ("cursor_path", "next_url_path", "total_path", "has_more_path")
EXPORT_EXPRESSIONS = ("ready", "failed", "message")
AUTH_EXPRESSIONS = ("by", "token_path", "expires_in_path", "refresh_token_path")
SIGNED_PARTS = "message"
"""The key of an auth whose text is signed: its placeholders are filled for each request."""
STEP_EXPRESSIONS = ("filter", "map", "yield_map", "rename_keys")


@dataclass(frozen=True)
class ExpressionPlace:
    """An expression at its place; `both` where dlt reads one there too, as JSONPath. One that
    is `bound` to a parent's record may have config entries in it. `resource` is the resource's
    position, None in the client."""

    pointer: Pointer
    text: str
    subject: Subject
    resource: int | None = None
    both: bool = False
    bound: bool = False


def client_expressions(client: Mapping[str, Json]) -> Iterator[ExpressionPlace]:
    """Those of the client section."""
    yield from _paginator(("client", "paginator"), client.get("paginator"), None)
    yield from _auth(("client", "auth"), client.get("auth"), None)
    retry = client.get("retry")
    if isinstance(retry, dict) and isinstance(retry.get("wait"), str):
        yield ExpressionPlace(("client", "retry", "wait"), retry["wait"], "wait")


def resource_expressions(merged: MergedResource) -> Iterator[ExpressionPlace]:
    """Those of one resource, but for what it reads from its parent."""
    endpoint, index = merged.endpoint, merged.index
    selector = endpoint.get("data_selector")
    if isinstance(selector, str):
        yield ExpressionPlace(
            merged.place("endpoint", "data_selector"), selector, "body", index, True
        )
    yield from _paginator(merged.place("endpoint", "paginator"), endpoint.get("paginator"), index)
    if isinstance(merged.data.get("when"), str):
        yield ExpressionPlace(merged.place("when"), merged.data["when"], "parent", index)
    yield from _auth(merged.place("endpoint", "auth"), endpoint.get("auth"), index)
    if isinstance(merged.data.get("only_changed"), str):
        place = merged.place("only_changed")
        yield ExpressionPlace(place, merged.data["only_changed"], "parent", index)
    yield from _actions(merged)
    yield from _export(merged)
    yield from _steps(merged)


def _paginator(pointer: Pointer, paginator: Json, index: int | None) -> Iterator[ExpressionPlace]:
    if isinstance(paginator, dict):
        for key in PAGINATOR_EXPRESSIONS:
            if isinstance(paginator.get(key), str) and paginator[key]:
                yield ExpressionPlace((*pointer, key), paginator[key], "paginator", index, True)
        for key in CONTEXT_EXPRESSIONS:
            if isinstance(paginator.get(key), str) and paginator[key]:
                yield ExpressionPlace((*pointer, key), paginator[key], "context", index)


def _export(merged: MergedResource) -> Iterator[ExpressionPlace]:
    export = merged.endpoint.get("export")
    export = export if isinstance(export, dict) else {}
    for key in EXPORT_EXPRESSIONS:
        if isinstance(export.get(key), str) and export[key]:
            place = merged.place("endpoint", "export", key)
            yield ExpressionPlace(place, export[key], "answer", merged.index)


def _auth(pointer: Pointer, auth: Json, index: int | None) -> Iterator[ExpressionPlace]:
    for place, part in auths(pointer, auth):
        for key in AUTH_EXPRESSIONS if isinstance(part, dict) else ():
            if isinstance(part.get(key), str):
                subject: Subject = "choice" if key == "by" else "token"
                yield ExpressionPlace((*place, key), part[key], subject, index)


def auths(pointer: Pointer, auth: Json) -> Iterator[tuple[Pointer, Json]]:
    """An auth and those inside of it: the cases of `one_of`, that of a login's request."""
    yield pointer, auth
    if not isinstance(auth, dict):
        return
    cases = auth.get("cases")
    if auth.get("type") == "one_of" and isinstance(cases, dict):
        for name, case in cases.items():
            yield from auths((*pointer, "cases", name), case)
    request = auth.get("request")
    if isinstance(request, dict) and request.get("auth") is not None:
        yield from auths((*pointer, "request", "auth"), request["auth"])


def _actions(merged: MergedResource) -> Iterator[ExpressionPlace]:
    actions = merged.endpoint.get("response_actions")
    for position, action in enumerate(actions if isinstance(actions, list) else []):
        subjects: tuple[tuple[str, Subject], ...] = (("body", "answer"), ("wait", "wait"))
        for key, subject in subjects if isinstance(action, dict) else ():
            if isinstance(action.get(key), str):
                pointer = merged.place("endpoint", "response_actions", position, key)
                yield ExpressionPlace(pointer, action[key], subject, merged.index)


def _steps(merged: MergedResource) -> Iterator[ExpressionPlace]:
    steps = merged.data.get("processing_steps")
    for position, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, Mapping):
            continue
        place = merged.place("processing_steps", position)
        for key in STEP_EXPRESSIONS:
            if isinstance(step.get(key), str):
                yield ExpressionPlace((*place, key), step[key], "record", merged.index)
        fields = step.get("set")
        for name, value in (fields if isinstance(fields, dict) else {}).items():
            if isinstance(value, str):
                yield ExpressionPlace((*place, "set", name), value, "record", merged.index)


@dataclass(frozen=True)
class ContextRead:
    """`text`, a placeholder or an expression, reads `path` of the context.

    `area` says what the text is for where it is a placeholder, `key` that it stands in a key;
    for an expression `area` is what it works on.
    """

    pointer: Pointer
    path: Path
    text: str
    resource: int | None
    key: bool = False
    area: str = ""


def context_reads(written: ExpressionPlace) -> Iterator[ContextRead]:
    """What an expression reads of the context; nothing where it does not compile."""
    text = written.text
    if written.bound:
        for name in config_names(text):
            yield ContextRead(
                written.pointer, ("config", name), text, written.resource, area=written.subject
            )
    if is_jsonpath(text) or (written.bound and config_names(text)):
        return
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    for path in expression.reads(over_context=written.subject in ("context", "choice", "wait")):
        yield ContextRead(written.pointer, path, text, written.resource, area=written.subject)


@dataclass(frozen=True)
class CursorPlace:
    """An incremental, wherever it was written; `param` where it stands in a parameter."""

    pointer: Pointer
    written: Mapping[str, Json]
    param: str | None = None


def partitions(merged: MergedResource) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The partitions of a resource with their positions."""
    written = merged.data.get("partitions")
    for position, partition in enumerate(written if isinstance(written, list) else []):
        if isinstance(partition, dict):
            yield position, partition


def cursors(merged: MergedResource) -> list[CursorPlace]:
    """The incrementals of a resource: at most one is legal."""
    found = [
        CursorPlace(merged.place("endpoint", "params", name), entry, name)
        for name, entry in merged.params.items()
        if isinstance(entry, dict) and entry.get("type") == "incremental"
    ]
    written = merged.endpoint.get("incremental")
    if isinstance(written, dict):
        found.append(CursorPlace(merged.place("endpoint", "incremental"), written))
    return found


def is_resolve(entry: Json) -> bool:
    """Whether a parameter's value is taken from the parent."""
    return isinstance(entry, dict) and entry.get("type") == "resolve"


def is_bound(entry: Json) -> bool:
    """Whether a parameter is a `type: resolve` or `type: incremental` mapping."""
    return isinstance(entry, dict)


Area = Literal["client", "path", "request", "setting", "signature", "message"]

_CURSOR_VALUES = ("initial_value", "end_value")


@dataclass(frozen=True)
class TemplatePlace:
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


def text_reaches(text: TemplatePlace) -> Iterator[ContextRead]:
    """What the placeholders of a text read of the context."""
    for part in text.placeholders:
        if part.kind == "expression":
            written = ExpressionPlace(text.pointer, part.text, "context", text.resource)
            for one in context_reads(written):
                yield replace(one, key=text.key, area=text.area)
        elif part.kind in ("config", "secrets", "incremental"):
            path = (part.kind, part.name)
            yield ContextRead(text.pointer, path, part.text, text.resource, text.key, text.area)
        for name in config_names(part.expression or ""):
            path = ("config", name)
            yield ContextRead(text.pointer, path, part.text, text.resource, text.key, text.area)


def resource_texts(merged: MergedResource) -> tuple[TemplatePlace, ...]:
    """Every text of one resource that may hold placeholders, where it was written."""
    if "texts" not in merged.found:
        merged.found["texts"] = tuple(_resource_texts(merged))
    texts: tuple[TemplatePlace, ...] = merged.found["texts"]
    return texts


def _resource_texts(merged: MergedResource) -> Iterator[TemplatePlace]:
    endpoint = merged.endpoint
    path_place = merged.place("endpoint", "path")
    yield TemplatePlace(path_place, merged.path, "path", merged.index)
    for key in ("params", "json", "data", "headers"):
        value = endpoint.get(key)
        if key == "params" and isinstance(value, dict):
            value = {name: entry for name, entry in value.items() if not is_bound(entry)}
        yield from _strings(merged, ("endpoint", key), value, "request")
    yield from _export_texts(merged)
    if isinstance(merged.data.get("table_name"), str):
        yield TemplatePlace(
            merged.place("table_name"), merged.data["table_name"], "request", merged.index
        )
    for cursor in cursors(merged):
        for key in _CURSOR_VALUES:
            value = cursor.written.get(key)
            if isinstance(value, str):
                yield TemplatePlace((*cursor.pointer, key), value, "setting", merged.index)
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


def _export_texts(merged: MergedResource) -> Iterator[TemplatePlace]:
    export = merged.endpoint.get("export")
    export = export if isinstance(export, dict) else {}
    for request in ("status", "download"):
        written, place = export.get(request), ("endpoint", "export", request)
        if isinstance(written, str):
            yield TemplatePlace(merged.place(*place), written, "request", merged.index)
        for key in ("path", "url", "params", "json", "headers"):
            value = written.get(key) if isinstance(written, dict) else None
            yield from _strings(merged, (*place, key), value, "request")


def client_texts(client: Mapping[str, Json]) -> Iterator[TemplatePlace]:
    """Every text of the client that may hold placeholders."""
    for key in ("base_url", "headers", "allowed_hosts"):
        yield from _walk(("client", key), client.get(key), "client")
    for place, value, area in auth_parts(("client", "auth"), client.get("auth"), "client"):
        yield from _walk(place, value, area)
    limit = client.get("rate_limit")
    if isinstance(limit, dict) and isinstance(limit.get("requests"), str):
        yield TemplatePlace(("client", "rate_limit", "requests"), limit["requests"], "client")
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
        if key == SIGNED_PARTS and auth.get("type") == "hmac":
            yield (*pointer, key), value, "signature"
        elif key not in AUTH_EXPRESSIONS:
            yield from auth_parts((*pointer, key), value, area)


def _walk(pointer: Pointer, value: Json, area: Area) -> Iterator[TemplatePlace]:
    if isinstance(value, str):
        yield TemplatePlace(pointer, value, area)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk((*pointer, key), inner, area)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _walk((*pointer, position), inner, area)


def _strings(
    merged: MergedResource, path: Pointer, value: Json, area: Area
) -> Iterator[TemplatePlace]:
    if isinstance(value, str):
        yield TemplatePlace(merged.place(*path), value, area, merged.index)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if area == "request" and isinstance(key, str):
                yield TemplatePlace(merged.place(*path, key), key, area, merged.index, key=True)
            yield from _strings(merged, (*path, key), inner, area)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _strings(merged, (*path, position), inner, area)
