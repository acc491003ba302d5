"""What a JSON Schema of a description says about a value, with `$ref` and alternatives resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.importers.api_guesses.api_model.document_part import DocumentPart, mapping

Json = Any

_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object"})
_SYNONYMS = {
    "int": "integer", "int32": "integer", "int64": "integer", "long": "integer",
    "float": "number", "double": "number", "decimal": "number",
    "str": "string", "text": "string", "date": "string", "datetime": "string", "uuid": "string",
    "bool": "boolean", "list": "array", "dict": "object", "map": "object", "file": "string",
}  # fmt: skip
_MAX_ALTERNATIVES = 30
_MAX_MERGED = 6
"""How deep `allOf`, `oneOf` and `anyOf` are followed inside one another."""
_LEADING = frozenset({"$ref", "allOf", "oneOf", "anyOf"})
"""Keywords by which a schema leads to others."""
_LIMITS = ("minimum", "maximum", "default", "example", "pattern", "const")


class Properties(Mapping[str, DocumentPart]):
    """The properties of a schema as parts of its document, made when they are looked at."""

    def __init__(self, schemas: Mapping[str, Json], owner: DocumentPart) -> None:
        self._schemas = schemas
        self._owner = owner

    def __getitem__(self, name: str) -> DocumentPart:
        return DocumentPart(self._schemas[name], self._owner.base, self._owner.trail)

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemas)

    def __len__(self) -> int:
        return len(self._schemas)


@dataclass(frozen=True)
class Shape:
    """One value. `properties` are nodes, not shapes: they are looked at when they are needed.

    `types` is empty if nothing is said. `is_cut` means that the schema contains itself. `origin`
    is the address of the schema, to tell whether two values have the same one.
    """

    types: frozenset[str] = frozenset()
    is_nullable: bool = False
    format: str = ""
    description: str = ""
    properties: Mapping[str, DocumentPart] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: DocumentPart | None = None
    enum: tuple[Json, ...] = ()
    limits: Mapping[str, Json] = field(default_factory=dict)
    origin: str = ""
    is_cut: bool = False
    is_mapping: bool = False

    @property
    def is_list(self) -> bool:
        """Whether it is a list, and nothing else."""
        return self.types == {"array"} or (not self.types and self.items is not None)

    @property
    def is_object(self) -> bool:
        """Whether it is an object, and nothing else."""
        return self.types == {"object"} or (not self.types and bool(self.properties))

    @property
    def is_scalar(self) -> bool:
        """Whether it is text, a number or a truth value."""
        return bool(self.types) and not self.types & {"array", "object"}


class ShapeReader:
    """Makes shapes of schemas; each is read once. `resolve` returns what a `$ref` leads to."""

    def __init__(self, resolve: Callable[[DocumentPart], DocumentPart]) -> None:
        self._resolve_reference = resolve
        self._cache: dict[tuple[int, tuple[str, ...]], tuple[DocumentPart, Shape]] = {}

    def shape(self, node: DocumentPart | None, depth: int = 0) -> Shape:
        """Return the shape of a schema; an empty one if it says nothing or contains itself."""
        if node is None or not isinstance(node.value, dict):
            return Shape()
        trail = node.trail
        if not node.value.keys() & _LEADING:
            return self._own(node.value, node, "")
        if len(trail) != len(set(trail)):
            return Shape(is_cut=True, origin=trail[-1])
        key = (id(node.value), trail)
        if key in self._cache and self._cache[key][0].value is node.value:
            return self._cache[key][1]
        found = self._read(node, depth)
        self._cache[key] = (node, found)
        return found

    def _read(self, node: DocumentPart, depth: int) -> Shape:
        here = self._resolve_reference(node)
        if len(here.trail) != len(set(here.trail)):
            return Shape(is_cut=True, origin=here.trail[-1])
        schema = mapping(here.value)
        origin = here.trail[-1] if here.trail != node.trail else ""
        shape = self._own(schema, here, origin)
        if depth < _MAX_MERGED:
            for keyword in ("allOf", "oneOf", "anyOf"):
                parts = schema.get(keyword)
                if isinstance(parts, list) and parts:
                    shapes = [
                        self.shape(DocumentPart(one, here.base, here.trail), depth + 1)
                        for one in parts[:_MAX_ALTERNATIVES]
                    ]
                    join = _all_of if keyword == "allOf" else _one_of
                    shape = _all_of([shape, join(shapes)])
        return shape

    @staticmethod
    def _own(schema: Mapping[str, Json], node: DocumentPart, origin: str) -> Shape:
        """Return what the schema's own keywords say."""
        written = schema.get("type")
        types = _types_of(written)
        properties = Properties(mapping(schema.get("properties")), node)
        items = schema.get("items")
        if isinstance(items, list):
            items = items[0] if len(items) == 1 else {}
        required = schema.get("required")
        enum = schema.get("enum")
        additional = schema.get("additionalProperties")
        values = list(enum) if isinstance(enum, list) else []
        return Shape(
            types=frozenset(types & _TYPES),
            is_nullable="null" in types
            or schema.get("nullable") is True
            or schema.get("x-nullable") is True
            or None in values,
            format=schema["format"] if isinstance(schema.get("format"), str) else "",
            description=node.text("description"),
            properties=properties,
            required=frozenset(
                str(one)
                for one in (required if isinstance(required, list) else [])
                if isinstance(one, str)
            ),
            items=DocumentPart(items, node.base, node.trail) if isinstance(items, dict) else None,
            enum=tuple(one for one in values if isinstance(one, (str, int, float))),
            limits={key: schema[key] for key in _LIMITS if schema.get(key) is not None},
            origin=origin,
            is_mapping=isinstance(additional, dict) and not properties,
        )

    def children(self, shape: Shape) -> Iterator[tuple[str, Shape]]:
        """Yield the properties of an object with their shapes."""
        for name, node in shape.properties.items():
            yield name, self.shape(node)

    def item(self, shape: Shape) -> Shape:
        """Return the shape of a list's items."""
        return self.shape(shape.items)


def _types_of(written: Json) -> frozenset[str]:
    if isinstance(written, str) and (written in _TYPES or written == "null"):
        return frozenset((written,))
    names = [str(one) for one in (written if isinstance(written, list) else [written])]
    return frozenset(_SYNONYMS.get(one.lower(), one) for one in names)


def _all_of(shapes: list[Shape]) -> Shape:
    """Return a shape that is all of these at once: what is said first counts."""
    said = [
        one
        for one in shapes
        if one.types
        or one.properties
        or one.items
        or one.is_cut
        or one.description
        or one.format
        or one.enum
        or one.limits
        or one.is_nullable
    ]
    if len(said) == 1:
        return said[0]
    types = frozenset[str]()
    for one in said:
        types = (types & one.types or types) if types else one.types
    return _merged(
        said,
        types=types,
        is_nullable=any(one.is_nullable for one in said),
        required=frozenset[str]().union(*(one.required for one in said)),
    )


def _one_of(shapes: list[Shape]) -> Shape:
    """Return a shape that holds any of these: what only some require may be missing."""
    said = [one for one in shapes if one.types or one.properties or one.items or one.is_cut]
    no_null = said or shapes
    required = frozenset.intersection(*(one.required for one in no_null)) if no_null else None
    formats = {one.format for one in no_null}
    merged = _merged(
        no_null,
        types=frozenset[str]().union(*(_implied(one) for one in no_null)),
        is_nullable=any(one.is_nullable for one in shapes),
        required=required or frozenset(),
    )
    return merged if len(formats) == 1 else _replace(merged, format="")


def _implied(shape: Shape) -> frozenset[str]:
    if shape.types:
        return shape.types
    return frozenset({"object"} if shape.properties else {"array"} if shape.items else ())


def _merged(shapes: list[Shape], **given: Any) -> Shape:
    having = [one.properties for one in shapes if one.properties]
    if len(having) == 1:
        return _joined(shapes, having[0], **given)
    properties: dict[str, DocumentPart] = {}
    for one in shapes:
        for name, node in one.properties.items():
            before = properties.get(name)
            if before is None:
                properties[name] = node
            elif before.value != node.value and before.base == node.base:
                either = {"anyOf": [before.value, node.value]}
                properties[name] = DocumentPart(
                    either, node.base, max(before.trail, node.trail, key=len)
                )
    return _joined(shapes, properties, **given)


def _joined(shapes: list[Shape], properties: Mapping[str, DocumentPart], **given: Any) -> Shape:
    limits: dict[str, Json] = {}
    for one in reversed(shapes):
        limits.update(one.limits)
    return Shape(
        format=_first(one.format for one in shapes) or "",
        description=_first(one.description for one in shapes) or "",
        properties=properties,
        items=_first(one.items for one in shapes),
        enum=_first(one.enum for one in shapes) or (),
        limits=limits,
        origin=_first(one.origin for one in shapes) or "",
        is_cut=any(one.is_cut for one in shapes) and not properties,
        is_mapping=any(one.is_mapping for one in shapes) and not properties,
        **given,
    )


def _first(values: Any) -> Any:
    return next((one for one in values if one), None)


def _replace(shape: Shape, **given: Any) -> Shape:
    from dataclasses import replace

    return replace(shape, **given)


def schema_of_example(value: Json, depth: int = 0) -> Json:
    """Return the schema of an example, where a description has nothing else."""
    if isinstance(value, dict) and depth < 8:
        fields = {str(key): schema_of_example(one, depth + 1) for key, one in value.items()}
        return {"type": "object", "properties": fields}
    if isinstance(value, list) and depth < 8:
        return {"type": "array", "items": schema_of_example(value[0], depth + 1) if value else {}}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return {"type": [name, "null"]}
    return {}
