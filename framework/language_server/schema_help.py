"""What the connector schema says of a place: keys, values, annotations, descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.definition.schema.connector_schema import schemas_at
from framework.definition.schema.file_schema import Schema
from framework.definition.schema.schema_findings import type_words

if TYPE_CHECKING:
    from framework.definition.draft import Draft
    from framework.definition.yaml_reader import Pointer

Json = Any

_CHOOSERS = ("type", "strategy", "disposition")
"""Keys whose value says which variant of a mapping is meant."""
_TEMPLATES = ("template", "secret")


@dataclass(frozen=True)
class Annotation:
    """What a text at a place means: its `x-kind` and `x-context`."""

    kind: str
    context: str = ""

    @property
    def is_template(self) -> bool:
        """Whether the text may hold placeholders."""
        return self.kind in _TEMPLATES


def value_at(draft: Draft | None, pointer: Pointer) -> Json:
    """Return the value at a place of the last readable text, None if there is none."""
    node = None if draft is None else draft.document.node(pointer)
    return None if node is None else node.value


def applicable(pointer: Pointer, written: Json) -> tuple[Schema, ...]:
    """Return the schemas of a place, without variants that `written` excludes."""
    mapping = written if isinstance(written, dict) else {}
    return tuple(part for part in schemas_at(pointer) if _admits(part, mapping))


def _admits(part: Schema, written: Mapping[str, Json]) -> bool:
    for chooser in _CHOOSERS:
        value = written.get(chooser)
        allowed = _options(part.get("properties", {}).get(chooser))
        if isinstance(value, str) and allowed and value not in allowed:
            return False
    return True


def _options(schema: Json) -> list[Json]:
    if not isinstance(schema, Mapping):
        return []
    if "const" in schema:
        return [schema["const"]]
    options = schema.get("enum")
    return list(options) if isinstance(options, list) else []


def known_keys(pointer: Pointer, written: Json) -> dict[str, Schema]:
    """Return the keys that a mapping at a place may have, with their schemas."""
    keys: dict[str, Schema] = {}
    for part in applicable(pointer, written):
        for key, schema in part.get("properties", {}).items():
            if isinstance(schema, Mapping) and "x-hidden" not in schema:
                known = keys.get(key, {})
                keys[key] = schema if "description" in schema or not known else known
    return keys


def known_values(pointer: Pointer) -> list[tuple[str, str]]:
    """Return the values that the schema proposes for a place, and the kind of each."""
    found: dict[str, str] = {}
    for part in schemas_at(pointer):
        for option in _options(part):
            found.setdefault(_plain(option), "value")
        types = part.get("type", ())
        if "boolean" in ([types] if isinstance(types, str) else types):
            found.update({word: found.get(word, "value") for word in ("true", "false")})
    for part in schemas_at(pointer):
        for example in part.get("examples", ()):
            if not isinstance(example, (dict, list)):
                found.setdefault(_plain(example), "example")
    return list(found.items())


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def annotation(pointer: Pointer) -> Annotation | None:
    """Return what a text at a place means; what is below a template is one too."""
    above: Annotation | None = None
    for length in range(len(pointer) + 1):
        is_inside = length < len(pointer)
        parts = [part for part in schemas_at(pointer[:length]) if "x-kind" in part]
        own = next((part for part in parts if _may_hold(part, is_inside=is_inside)), None)
        if own is not None and own["x-kind"] == "binding":
            above = None
        elif own is not None:
            context = own.get("x-context") or (above.context if above else "setting")
            above = Annotation(own["x-kind"], context)
        elif above is not None and not above.is_template:
            above = None
    return above


def _may_hold(part: Schema, *, is_inside: bool) -> bool:
    """Return whether a schema is one of a mapping or a list, or else one of a text."""
    found = part.get("type", ())
    names = {found} if isinstance(found, str) else set(found)
    if is_inside:
        return not names or bool(names & {"object", "array"})
    return str(part["x-kind"]) != "binding"


def description(pointer: Pointer, written: Json = None) -> str | None:
    """Return what the schema says of the key at a place, as Markdown.

    `written` is the mapping that the key is in, which tells variants apart.
    """
    if not pointer:
        return None
    schemas: list[Schema] = []
    if isinstance(pointer[-1], str):
        parts = applicable(pointer[:-1], written)
        schemas += [inner for part in parts if (inner := _property(part, pointer[-1]))]
    schemas += schemas_at(pointer)
    text = next((one["description"] for one in schemas if "description" in one), None)
    if text is None:
        return None
    return "\n\n".join([str(text), *_facts(schemas)])


def _property(part: Schema, key: str) -> Schema | None:
    inner = part.get("properties", {}).get(key)
    return inner if isinstance(inner, Mapping) else None


def _facts(schemas: list[Schema]) -> Iterator[str]:
    types = next((one["type"] for one in schemas if "type" in one), None)
    expected = next((one["x-expected"] for one in schemas if "x-expected" in one), None)
    if expected or types:
        yield f"Expected: {expected or type_words(types or ())}."
    options = next((found for one in schemas if (found := _options(one))), [])
    if options:
        yield "One of: " + ", ".join(f"`{_plain(one)}`" for one in options if one is not None) + "."
    default = next((one["default"] for one in schemas if "default" in one), None)
    if default is not None:
        yield f"Default: `{_plain(default)}`."
    examples: list[Json] = next((one["examples"] for one in schemas if one.get("examples")), [])
    if examples:
        yield "For example: " + ", ".join(f"`{_plain(one)}`" for one in examples[:3]) + "."
