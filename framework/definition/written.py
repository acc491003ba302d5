"""Every expression of a connector file at its place, with what it works on.

Lenient, as a draft is: what has the wrong shape is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from framework.definition.paginator_keys import CONTEXT_EXPRESSIONS

if TYPE_CHECKING:
    from framework.definition.defaults import Merged
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
SIGNED = "message"
"""The key of an auth whose text is signed: its placeholders are filled for each request."""
STEP_EXPRESSIONS = ("filter", "map", "yield_map", "rename_keys")


@dataclass(frozen=True)
class Written:
    """An expression at its place; `both` where dlt reads one there too, as JSONPath. One that
    is `bound` to a parent's record may have config entries in it. `resource` is the resource's
    position, None in the client."""

    pointer: Pointer
    text: str
    subject: Subject
    resource: int | None = None
    both: bool = False
    bound: bool = False


def client_expressions(client: Mapping[str, Json]) -> Iterator[Written]:
    """Those of the client section."""
    yield from _paginator(("client", "paginator"), client.get("paginator"), None)
    yield from _auth(("client", "auth"), client.get("auth"), None)
    retry = client.get("retry")
    if isinstance(retry, dict) and isinstance(retry.get("wait"), str):
        yield Written(("client", "retry", "wait"), retry["wait"], "wait")


def resource_expressions(merged: Merged) -> Iterator[Written]:
    """Those of one resource, but for what it reads from its parent."""
    endpoint, index = merged.endpoint, merged.index
    selector = endpoint.get("data_selector")
    if isinstance(selector, str):
        yield Written(merged.place("endpoint", "data_selector"), selector, "body", index, True)
    yield from _paginator(merged.place("endpoint", "paginator"), endpoint.get("paginator"), index)
    if isinstance(merged.data.get("when"), str):
        yield Written(merged.place("when"), merged.data["when"], "parent", index)
    yield from _auth(merged.place("endpoint", "auth"), endpoint.get("auth"), index)
    if isinstance(merged.data.get("only_changed"), str):
        place = merged.place("only_changed")
        yield Written(place, merged.data["only_changed"], "parent", index)
    yield from _actions(merged)
    yield from _export(merged)
    yield from _steps(merged)


def _paginator(pointer: Pointer, paginator: Json, index: int | None) -> Iterator[Written]:
    if isinstance(paginator, dict):
        for key in PAGINATOR_EXPRESSIONS:
            if isinstance(paginator.get(key), str) and paginator[key]:
                yield Written((*pointer, key), paginator[key], "paginator", index, True)
        for key in CONTEXT_EXPRESSIONS:
            if isinstance(paginator.get(key), str) and paginator[key]:
                yield Written((*pointer, key), paginator[key], "context", index)


def _export(merged: Merged) -> Iterator[Written]:
    export = merged.endpoint.get("export")
    export = export if isinstance(export, dict) else {}
    for key in EXPORT_EXPRESSIONS:
        if isinstance(export.get(key), str) and export[key]:
            place = merged.place("endpoint", "export", key)
            yield Written(place, export[key], "answer", merged.index)


def _auth(pointer: Pointer, auth: Json, index: int | None) -> Iterator[Written]:
    for place, part in auths(pointer, auth):
        for key in AUTH_EXPRESSIONS if isinstance(part, dict) else ():
            if isinstance(part.get(key), str):
                subject: Subject = "choice" if key == "by" else "token"
                yield Written((*place, key), part[key], subject, index)


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


def _actions(merged: Merged) -> Iterator[Written]:
    actions = merged.endpoint.get("response_actions")
    for position, action in enumerate(actions if isinstance(actions, list) else []):
        subjects: tuple[tuple[str, Subject], ...] = (("body", "answer"), ("wait", "wait"))
        for key, subject in subjects if isinstance(action, dict) else ():
            if isinstance(action.get(key), str):
                pointer = merged.place("endpoint", "response_actions", position, key)
                yield Written(pointer, action[key], subject, merged.index)


def _steps(merged: Merged) -> Iterator[Written]:
    steps = merged.data.get("processing_steps")
    for position, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, Mapping):
            continue
        place = merged.place("processing_steps", position)
        for key in STEP_EXPRESSIONS:
            if isinstance(step.get(key), str):
                yield Written((*place, key), step[key], "record", merged.index)
        fields = step.get("set")
        for name, value in (fields if isinstance(fields, dict) else {}).items():
            if isinstance(value, str):
                yield Written((*place, "set", name), value, "record", merged.index)
