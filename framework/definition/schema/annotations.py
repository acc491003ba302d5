"""Find the values of a document that the connector schema annotates with `x-kind`.

The kinds are template, secret (a template too), expression, duration, period, time_format,
graphql and binding. `x-context` says what a template or an expression can refer to. A value of the
wrong type is left out: the findings of the JSON Schema report it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.literal_braces import literal_template
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    config_names,
    placeholders,
)
from framework.definition.schema.connector_schema import keys_at, schemas_at
from framework.definition.schema.file_schema import Schema

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.yaml_reader import Pointer

Json = Any

_CLIENT: Pointer = ("client",)
_RESOURCE: Pointer = ("resources", 0)
_TEXT_KINDS = ("template", "secret")
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_REQUEST_ORDER = ("path", "params", "json", "data", "headers", "export")
"""Keys of an endpoint in the order in which their placeholders are bound."""


@dataclass(frozen=True)
class AnnotatedValue:
    """A value with its annotations; `key` says that it is the mapping's key at `pointer`.

    `resource` is the position of the resource that it belongs to, None in the client section.
    """

    pointer: Pointer
    kind: str
    context: str
    value: Json
    schema: Schema = field(compare=False, repr=False)
    key: bool = False
    resource: int | None = None

    @property
    def is_template(self) -> bool:
        """Whether this is text that may hold placeholders."""
        return self.kind in _TEXT_KINDS and isinstance(self.value, str)

    @property
    def is_jsonpath_too(self) -> bool:
        """Whether dlt reads JSONPath here."""
        return "x-jsonpath" in self.schema

    @property
    def takes_config(self) -> bool:
        """Whether config entries may complete an expression."""
        return "x-config-allowed" in self.schema

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The placeholders of a template, none if its braces do not match."""
        try:
            return placeholders(self.value)
        except TemplateError:
            return ()


def annotated_values(
    value: Json, place: Pointer, pointer: Pointer = (), above: AnnotatedValue | None = None
) -> Iterator[AnnotatedValue]:
    """Yield every annotated value inside `value`, which stands at `place` of a connector file.

    Text below a template is a template too, unless it has an annotation of its own. Keys that
    the schema does not name are templates in the context `request`.
    """
    schemas = schemas_at(place)
    own = next((part for part in schemas if "x-kind" in part and _has_type(part, value)), None)
    note = above
    if own is not None:
        context = own.get("x-context") or (above.context if above else "")
        note = AnnotatedValue(pointer, own["x-kind"], context, value, own)
    if not schemas and note is None:
        return
    inherited = note if note is not None and note.kind in _TEXT_KINDS else None
    if isinstance(value, dict):
        if own is not None and note is not None and note.kind == "binding":
            yield note
        known = keys_at(place)
        for key, inner in value.items():
            inside = (*place, key if key in known else "*")
            if (
                inherited is not None
                and inherited.context == "request"
                and key not in known
                and not _is_binding(inside, inner)
            ):
                yield replace(inherited, pointer=(*pointer, key), value=key, key=True)
            yield from annotated_values(inner, inside, (*pointer, key), inherited)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from annotated_values(inner, (*place, 0), (*pointer, position), inherited)
    elif note is not None and (own is not None or isinstance(value, str)):
        is_literal = isinstance(value, str) and note.schema.get("x-braces") == "literal"
        yield replace(note, pointer=pointer, value=literal_template(value) if is_literal else value)


def plain_texts(value: Json, place: Pointer, pointer: Pointer) -> Iterator[tuple[Pointer, str]]:
    """Yield every text inside `value` that the schema describes and reads as it is written.

    Texts with an annotation are left out, and those that a person reads.
    """
    schemas = schemas_at(place)
    if not schemas or place[-1:] in (("description",), ("schema",)):
        return
    own = next((part for part in schemas if "x-kind" in part and _has_type(part, value)), None)
    if own is not None and own["x-kind"] != "binding":
        return
    if isinstance(value, dict):
        known = keys_at(place)
        for key, inner in value.items():
            inside = (*place, key if key in known else "*")
            yield from plain_texts(inner, inside, (*pointer, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from plain_texts(inner, (*place, 0), (*pointer, position))
    elif isinstance(value, str) and place != _RESOURCE and place[-1:] != ("endpoint",):
        yield pointer, value  # a resource or an endpoint that is a text is its path


def _has_type(schema: Schema, value: Json) -> bool:
    types = schema.get("type", ())
    names = (types,) if isinstance(types, str) else types
    return not names or any(isinstance(value, _PYTHON_TYPES[name]) for name in names)


def _is_binding(place: Pointer, value: Json) -> bool:
    return isinstance(value, dict) and any(
        part.get("x-kind") == "binding" for part in schemas_at(place)
    )


def client_values(client: Mapping[str, Json]) -> Iterator[AnnotatedValue]:
    """Yield the annotated values of the client section."""
    return annotated_values(client, _CLIENT, _CLIENT)


def resource_values(merged: MergedResource) -> tuple[AnnotatedValue, ...]:
    """Return the annotated values of a resource, each where it is written in the document."""
    if "values" not in merged.found:
        values = sorted(annotated_values(merged.data, _RESOURCE), key=_request_order)
        merged.found["values"] = tuple(
            replace(one, pointer=merged.place(*one.pointer), resource=merged.index)
            for one in values
        )
    cached: tuple[AnnotatedValue, ...] = merged.found["values"]
    return cached


def _request_order(one: AnnotatedValue) -> int:
    step = one.pointer[1] if one.pointer[:1] == ("endpoint",) and len(one.pointer) > 1 else None
    return _REQUEST_ORDER.index(str(step)) if step in _REQUEST_ORDER else len(_REQUEST_ORDER)


def resource_templates(merged: MergedResource) -> tuple[AnnotatedValue, ...]:
    """Return every text of one resource that may hold placeholders."""
    return tuple(one for one in resource_values(merged) if one.is_template)


def expressions(values: Iterable[AnnotatedValue]) -> Iterator[AnnotatedValue]:
    """Yield the expressions among annotated values; those in placeholders are not values."""
    for one in values:
        # an empty path of a paginator means none, as in dlt; others are findings of the schema
        is_empty = not one.value and (one.context == "paginator" or "minLength" in one.schema)
        if one.kind == "expression" and isinstance(one.value, str) and not is_empty:
            yield one


CONTEXT_EXPRESSIONS = ("context", "choice", "wait")
"""The `x-context` of expressions that work on the context."""


@dataclass(frozen=True)
class ContextRead:
    """A part of the context that `text`, a placeholder or an expression, reads.

    The other fields are those of the annotated value that holds the text.
    """

    pointer: Pointer
    path: Path
    text: str
    context: str
    resource: int | None
    key: bool = False


def context_reads(one: AnnotatedValue) -> Iterator[ContextRead]:
    """Yield what an expression, or the placeholders of a template, read of the context."""
    reads = _template_reads(one) if one.is_template else _expression_reads(one)
    for path, text in reads:
        yield ContextRead(one.pointer, path, text, one.context, one.resource, one.key)


def _template_reads(one: AnnotatedValue) -> Iterator[tuple[Path, str]]:
    for part in one.placeholders:
        if part.kind == "expression":
            yield from _paths(part.text, over_context=True)
        elif part.kind in ("config", "secrets", "incremental"):
            yield (part.kind, part.name), part.text
        for name in config_names(part.expression or ""):
            yield ("config", name), part.text


def _expression_reads(one: AnnotatedValue) -> Iterator[tuple[Path, str]]:
    names = config_names(one.value) if one.takes_config else ()
    for name in names:
        yield ("config", name), one.value
    if not names:
        yield from _paths(one.value, over_context=one.context in CONTEXT_EXPRESSIONS)


def _paths(text: str, *, over_context: bool) -> Iterator[tuple[Path, str]]:
    """Yield the parts of the context that an expression reads, none if it does not compile."""
    try:
        compiled = None if is_jsonpath(text) else compile_expression(text)
    except ExpressionError:
        return
    for path in compiled.reads(over_context=over_context) if compiled else ():
        yield path, text


@dataclass(frozen=True)
class CursorPlace:
    """An incremental; `param` is the parameter that it stands in, or None."""

    pointer: Pointer
    written: Mapping[str, Json]
    param: str | None = None


def token_of(merged: MergedResource) -> Mapping[str, Json] | None:
    """Return the incremental of a resource that is one by a token, else None."""
    written = merged.endpoint.get("incremental")
    return written if isinstance(written, dict) and "token" in written else None


def cursors(merged: MergedResource) -> list[CursorPlace]:
    """Return the incrementals by a cursor, those in parameters first; one at most is valid."""
    places = [
        CursorPlace(merged.place("endpoint", "params", name), entry, name)
        for name, entry in merged.params.items()
        if isinstance(entry, dict) and entry.get("type") == "incremental"
    ]
    incremental = merged.endpoint.get("incremental")
    if isinstance(incremental, dict) and "token" not in incremental:
        places.append(CursorPlace(merged.place("endpoint", "incremental"), incremental))
    return places


def partitions(merged: MergedResource) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """Yield the partitions of a resource with their positions."""
    entries = merged.data.get("partitions")
    for position, partition in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(partition, dict):
            yield position, partition


def auths(pointer: Pointer, auth: Json) -> Iterator[tuple[Pointer, Json]]:
    """Yield an auth and those inside it: the cases of `one_of`, that of a login's request."""
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
