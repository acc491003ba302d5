"""Formats of responses other than JSON, as their media types and schemas tell: lines, CSV, XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.importers.api_guesses.api_model.document_part import DocumentPart, mapping
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader

Json = Any

_FORMATS = {
    "json": re.compile(r"(application|text)/([\w.+-]*\+)?json\b|\*/\*$|text/plain$"),
    "jsonl": re.compile(
        r"application/(x-)?(nd-?json|json-?lines|jsonl|json-stream|stream\+json|json-seq)\b|"
        r"text/(x-)?(nd-?json|json-?lines|jsonl)\b"
    ),
    "csv": re.compile(r"(text|application)/(x-)?(csv|comma-separated-values)\b"),
    "tsv": re.compile(r"text/(x-)?(tsv|tab-separated-values)\b"),
    "xml": re.compile(r"(application|text)/([\w.+-]*\+)?xml\b"),
}
_NOT_DATA = re.compile(r"\b(xhtml|svg)")
_MAX_DEPTH = 8


@dataclass(frozen=True)
class MediaType:
    """A media type of a response, its format (`json`, `csv`, ...), and whether others exist."""

    name: str
    format: str
    has_others: bool


def best_media_type(names: Iterable[str]) -> MediaType | None:
    """Return the media type to ask for, JSON if there is some, None if none holds records."""
    listed = list(names)
    for kind, pattern in _FORMATS.items():
        for name in listed:
            if _is(name, pattern):
                return MediaType(name, kind, not all(_is(one, pattern) for one in listed))
    return None


def _is(name: str, pattern: re.Pattern[str]) -> bool:
    plain = name.strip().lower()
    return bool(pattern.match(plain)) and not _NOT_DATA.search(plain)


def written_format(media: MediaType, xml_lists: Iterable[str] = ()) -> Json:
    """Return `response_format` as the file writes it, None for JSON."""
    if media.format == "json":
        return None
    if media.format == "tsv":
        return {"type": "csv", "delimiter": "\t"}
    lists = sorted(set(xml_lists))
    return {"type": "xml", "lists": lists} if media.format == "xml" and lists else media.format


def rows(schema: DocumentPart | None, shapes: ShapeReader) -> DocumentPart:
    """Return the schema of lines or rows as that of a list; a schema is of one or of all."""
    shape = shapes.shape(schema)
    if schema is None or shape.is_scalar or not (shape.types or shape.properties or shape.items):
        return DocumentPart({"type": "array"}, schema.base if schema else "")
    if shape.is_list:
        return schema
    return DocumentPart({"type": "array", "items": schema.value}, schema.base, schema.trail)


@dataclass
class XmlReader:
    """Turns the schema of a response into that of its XML as it is decoded: `users.user`.

    `resolve` returns what a `$ref` leads to. `lists` are the names of the elements that repeat.
    """

    shapes: ShapeReader
    resolve: Callable[[DocumentPart], DocumentPart]
    lists: set[str] = field(default_factory=set)

    def document(self, schema: DocumentPart | None) -> DocumentPart | None:
        """Return the schema of a whole document, None if its root has no name."""
        if schema is None:
            return None
        shape = self.shapes.shape(schema)
        name = self._element(schema, shape.origin.rsplit("/", 1)[-1])
        if not name:
            return None
        inner = self._list(shape, name, 0) if shape.is_list else self._value(shape, 0)
        return DocumentPart(_object({name: inner}), schema.base)

    def _value(self, shape: Shape, depth: int) -> Json:
        if shape.is_cut or depth > _MAX_DEPTH:
            return {}
        if not shape.properties:
            return {"type": sorted(shape.types) or ["string"]}
        fields: dict[str, Json] = {}
        for name, part in shape.properties.items():
            inner = self.shapes.shape(part)
            element = self._element(part, name)
            if self._xml(part).get("attribute") is True:
                fields[f"@{element}"] = {"type": "string"}
            elif not inner.is_list:
                fields[element] = self._value(inner, depth + 1)
            elif self._xml(part).get("wrapped") is True:
                fields[element] = self._list(inner, name, depth)
            else:
                fields.update(self._list(inner, element, depth)["properties"])
        return _object(fields)

    def _list(self, shape: Shape, name: str, depth: int) -> dict[str, Json]:
        """Return the schema of the element that wraps a list, whose items have a name."""
        own = self._element(shape.items, name)
        self.lists.add(own)
        items = self._value(self.shapes.item(shape), depth + 1)
        return _object({own: {"type": "array", "items": items}})

    def _element(self, part: DocumentPart | None, otherwise: str) -> str:
        """Return the name of an element, as `xml` says it."""
        xml = self._xml(part)
        name, prefix = xml.get("name") or otherwise, xml.get("prefix")
        return f"{prefix}:{name}" if prefix and name else str(name)

    def _xml(self, part: DocumentPart | None) -> Mapping[str, Json]:
        schema = self.resolve(part).value if part is not None else None
        return mapping(mapping(schema).get("xml"))


def _object(fields: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": fields}
