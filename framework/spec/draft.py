"""A document as the checks see it: merged resources, and every text with its placeholders.

Lenient: what has the wrong shape is left out, since the JSON Schema's findings say so. Nothing is
judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from framework.spec.merge import Merged, merge_resources
from framework.spec.paging import CONTEXT_EXPRESSIONS
from framework.spec.placeholders import Placeholder, TemplateError, config_names, placeholders
from framework.spec.reach import Reach, reach
from framework.spec.records import RecordSchema, load_schema
from framework.spec.written import (
    AUTH_EXPRESSIONS,
    PAGINATOR_EXPRESSIONS,
    SIGNED,
    Written,
    client_expressions,
    resource_expressions,
)

if TYPE_CHECKING:
    from framework.spec.document import Document, Pointer
    from framework.spec.locate import Location

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


@dataclass(frozen=True)
class Reference:
    """A child reads a field of its parent: by `type: resolve` or by `{resources.parent.EXPR}`.

    `param` is the parameter of a resolve; `text` the placeholder's text. Where an expression
    over the context reads a parent, `expression` is empty: nothing is bound by name. `partition`
    is the position of the partition whose values are taken from there.
    """

    pointer: Pointer
    parent: str
    expression: str
    param: str | None = None
    text: str = ""
    partition: int | None = None


@dataclass(frozen=True)
class Cursor:
    """An incremental, wherever it was written; `param` where it stands in a parameter."""

    pointer: Pointer
    written: Mapping[str, Json]
    param: str | None = None


@dataclass(frozen=True)
class Draft:
    """A document with its resources merged."""

    document: Document
    location: Location
    _loaded: dict[int, RecordSchema | None] = field(default_factory=dict, repr=False)
    _above: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def data(self) -> Mapping[str, Json]:
        """The document's mapping."""
        return self.document.data if isinstance(self.document.data, dict) else {}

    @cached_property
    def client(self) -> Mapping[str, Json]:
        """The client section, empty where there is none."""
        return self.section("client")

    @cached_property
    def resources(self) -> tuple[Merged, ...]:
        """The merged resources in file order."""
        return merge_resources(self.data)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The resources' names, without repetitions."""
        return tuple(dict.fromkeys(merged.name for merged in self.resources))

    def section(self, key: str) -> Mapping[str, Json]:
        """A mapping of the top level, empty where it is missing or no mapping."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def texts(self) -> tuple[Text, ...]:
        """Every text that may hold placeholders, each place of the document once."""
        return self._texts

    @cached_property
    def _texts(self) -> tuple[Text, ...]:
        found: dict[tuple[Pointer, bool], Text] = {}
        for text in _client_texts(self.client):
            found.setdefault((text.pointer, text.key), text)
        for merged in self.resources:
            for text in resource_texts(merged):
                found.setdefault((text.pointer, text.key), text)
        return tuple(found.values())

    def expressions(self) -> tuple[Written, ...]:
        """Every expression, those in placeholders left out, each place of the document once."""
        return self._expressions

    @cached_property
    def _expressions(self) -> tuple[Written, ...]:
        found = [*client_expressions(self.client)]
        for merged in self.resources:
            found += resource_expressions(merged)
            found += bound_expressions(merged)
        return tuple(dict.fromkeys(found))

    def reaches(self) -> tuple[Reach, ...]:
        """Every part of the context that is read, by placeholders and by expressions."""
        return self._reaches

    @cached_property
    def _reaches(self) -> tuple[Reach, ...]:
        found = [one for text in self.texts() for one in text_reaches(text)]
        for written in self.expressions():
            found += reach(written)
        return tuple(dict.fromkeys(found))

    def schema(self, merged: Merged) -> RecordSchema | None:
        """The JSON Schema of a resource's records with its place; None where none is named."""
        if merged.index not in self._loaded:
            self._loaded[merged.index] = load_schema(merged, self.location)
        return self._loaded[merged.index]

    def parent_of(self, merged: Merged) -> Merged | None:
        """The resource that this one reads from, where it exists: of several that are named, the
        one that has the others above it, else the first."""
        named = [one.name for one in self._named(merged)]
        nearest = next(
            (name for name in named if {*named} <= {name, *self.above(name)}),
            named[0] if named else None,
        )
        return next((one for one in self.resources if one.name == nearest), None)

    def above(self, name: str) -> tuple[str, ...]:
        """The parent of a resource, the parent's parent, and so on; a circle is left."""
        if name not in self._above:
            self._above[name] = ()  # whoever comes here again goes round in a circle
            merged = next((one for one in self.resources if one.name == name), None)
            parent = None if merged is None else self.parent_of(merged)
            if parent is not None and parent.name != name:
                self._above[name] = (parent.name, *self.above(parent.name))
        return self._above[name]

    def _named(self, merged: Merged) -> list[Merged]:
        names = dict.fromkeys(reference.parent for reference in references(merged))
        return [one for name in names for one in self.resources if one.name == name][:50]


def settings_used(draft: Draft) -> Iterator[tuple[Pointer, bool, str, str]]:
    """Every entry of config and secrets that is named, in placeholders and in expressions: the
    place, whether it is a key, and the section and entry. The whole section names all of it."""
    for one in draft.reaches():
        if one.path[:1] in (("config",), ("secrets",)):
            section = one.path[0]
            names = one.path[1:2] or tuple(draft.section(section))
            for name in names:
                yield one.pointer, one.key, section, name


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


def bound_expressions(merged: Merged) -> Iterator[Written]:
    """The expressions that bind a value of the parent's record."""
    for reference in references(merged):
        pointer = reference.pointer
        if reference.partition is not None:
            if reference.expression:
                yield Written((*pointer, "field"), reference.expression, "parent", merged.index)
        elif reference.param is not None:
            if isinstance(merged.params[reference.param].get("field"), str):
                place = (*pointer, "field")
                yield Written(
                    place, reference.expression, "parent", merged.index, both=True, bound=True
                )
        elif reference.expression:
            yield Written(
                pointer, reference.expression, "parent", merged.index, both=True, bound=True
            )


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


def references(merged: Merged) -> tuple[Reference, ...]:
    """What a resource reads from its parents, resolves first, in the order of the file."""
    if "references" not in merged.found:
        merged.found["references"] = tuple(_references(merged))
    read: tuple[Reference, ...] = merged.found["references"]
    return read


def _references(merged: Merged) -> list[Reference]:
    found = [
        Reference(merged.place("endpoint", "params", name), parent, str(entry.get("field")), name)
        for name, entry in merged.params.items()
        if is_resolve(entry) and isinstance(parent := entry.get("resource"), str)
    ]
    for position, partition in partitions(merged):
        parent, field = partition.get("resource"), partition.get("field")
        if isinstance(parent, str):
            place = merged.place("partitions", position)
            expression = field if isinstance(field, str) else ""
            found.append(
                Reference(
                    place, parent, expression, text=str(partition.get("name")), partition=position
                )
            )
    for text in resource_texts(merged):
        if text.area not in ("path", "request"):
            continue
        for one in text_reaches(text):
            if one.path[:1] == ("resources",) and len(one.path) > 1:
                found.append(Reference(text.pointer, one.path[1], "", None, one.text))
        for placeholder in text.placeholders:
            if placeholder.kind == "resources":
                found.append(
                    Reference(
                        text.pointer,
                        placeholder.name,
                        placeholder.expression or "",
                        None,
                        placeholder.text,
                    )
                )
    return found


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


def _client_texts(client: Mapping[str, Json]) -> Iterator[Text]:
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
