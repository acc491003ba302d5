"""Read the operations of a description: parameters, body, successful response."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from framework.importers.api_guesses.api_model.document_part import DocumentPart, mapping
from framework.importers.api_guesses.api_model.operations import Operation, Parameter
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader, schema_of_example
from framework.importers.openapi.description import Description
from framework.importers.openapi.media_types import (
    MediaType,
    XmlReader,
    best_media_type,
    rows,
    written_format,
)
from framework.text import json_type

Json = Any

METHODS = ("get", "post")
_TEXT = 4_000
"""Characters of a description's prose that are looked at."""
_LONGEST_EXAMPLE = 200_000


@dataclass(frozen=True)
class _Content:
    """The shape of a body, its media type, and `response_format` as the file writes it."""

    shape: Shape | None
    media: MediaType
    is_example: bool = False
    written: Json = None


@dataclass
class OperationReader:
    """Reads the operations of one description.

    `ignored` are places that are not what the format says, with what was found there.
    """

    description: Description
    shapes: ShapeReader
    ignored: list[tuple[str, str]] = field(default_factory=list)

    def operations(self) -> Iterator[Operation]:
        """Yield the operations that may read, in the order of the file."""
        root = self.description.root
        self._is_ignored("security", root.value.get("security"), list)
        for path in mapping(root.value.get("paths")):
            item = root.child("paths", path)
            assert item is not None
            item = self.description.resolve(item)
            if not str(path).strip() or self._is_ignored(f"paths {path}", item.value):
                continue
            for method in METHODS:
                node = item.child(method)
                place = f"{method.upper()} {path}"
                if node is not None and not self._is_ignored(place, node.value):
                    yield self._operation(str(path), method, node, item)

    def _is_ignored(self, place: str, value: Json, expected: type = dict) -> bool:
        """Return whether a value is not of the type that the format has here; note what it is."""
        if isinstance(value, expected):
            return False
        is_extension = place.startswith("paths x-")
        if value is not None and not is_extension:
            name = "a list" if expected is list else "a mapping"
            self.ignored.append(
                (place, f"found {json_type(value)}, expected {name}; it is ignored")
            )
        return True

    def _operation(
        self, path: str, method: str, node: DocumentPart, item: DocumentPart
    ) -> Operation:
        parameters, body = self._parameters(node, item)
        request = node.child("requestBody")
        if request is not None:
            body = self._content(self.description.resolve(request)).shape
        response = self._success(node)
        content = _Content(None, MediaType("", "json", has_others=False))
        headers: dict[str, str] = {}
        if response is not None:
            content = self._content(response, self._produced(node))
            headers = {
                str(name): (one.text("description") if one else "")
                for name in mapping(mapping(response.value).get("headers"))
                for one in [response.child("headers", name)]
            }
        security = node.value.get("security")
        self._is_ignored(f"{method.upper()} {path} security", security, list)
        tags = node.value.get("tags")
        summary = node.text("summary") or item.text("summary")
        address, fixed = _parts(path)
        return Operation(
            path=address,
            method=method,
            operation_id=str(node.value.get("operationId") or ""),
            prose=f"{summary}. {node.text('description')}"[:_TEXT],
            tags=tuple(str(one) for one in tags) if isinstance(tags, list) else (),
            parameters=parameters,
            body=body,
            response=content.shape,
            headers=headers,
            is_deprecated=node.value.get("deprecated") is True,
            security=tuple(mapping(one) for one in security)
            if isinstance(security, list)
            else None,
            servers=tuple(self._servers(node) or self._servers(item)),
            variant=path[len(address) :] if path.startswith(address) else "",
            fixed_query=fixed,
            response_type=content.media.name,
            response_format=content.written,
            has_other_types=content.media.has_others,
            is_example=content.is_example,
        )

    def _produced(self, node: DocumentPart) -> list[str]:
        """Return the media types of an operation's responses in Swagger 2.0."""
        if not self.description.is_swagger:
            return []
        listed = node.value.get("produces", self.description.root.value.get("produces"))
        return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []

    @staticmethod
    def _servers(node: DocumentPart) -> list[DocumentPart]:
        servers = mapping(node.value).get("servers")
        if not isinstance(servers, list):
            return []
        return [DocumentPart(one, node.base) for one in servers if isinstance(one, dict)]

    def _parameters(
        self, node: DocumentPart, item: DocumentPart
    ) -> tuple[tuple[Parameter, ...], Shape | None]:
        """Return the parameters, and the body that Swagger 2.0 has among them."""
        found: dict[tuple[str, str], Parameter] = {}
        body: Shape | None = None
        for owner in (item, node):
            listed = mapping(owner.value).get("parameters")
            for one in listed if isinstance(listed, list) else []:
                resolved = self.description.resolve(DocumentPart(one, owner.base, owner.trail))
                value = mapping(resolved.value)
                name, place = value.get("name"), value.get("in")
                if place == "body":
                    body = self.shapes.shape(resolved.child("schema"))
                elif isinstance(name, str) and name and isinstance(place, str):
                    found[name, place] = self._parameter(name, place, resolved)
        return tuple(found.values()), body

    def _parameter(self, name: str, place: str, node: DocumentPart) -> Parameter:
        schema = node.child("schema")
        if schema is None:
            for media in mapping(mapping(node.value).get("content")):
                schema = node.child("content", media, "schema")
        if schema is None:  # Swagger 2.0 says it beside the name
            own = {key: one for key, one in node.value.items() if key not in ("required", "in")}
            schema = DocumentPart(own, node.base, node.trail)
        return Parameter(
            name=name,
            place=place,
            is_required=node.value.get("required") is True or place == "path",
            shape=self.shapes.shape(schema),
            description=node.text("description")[:_TEXT],
        )

    def _success(self, node: DocumentPart) -> DocumentPart | None:
        responses = mapping(node.value).get("responses")
        codes = [str(code) for code in mapping(responses)]
        ordered = [code for code in codes if re.fullmatch(r"2\d\d", code)]
        ordered = sorted(ordered) + [code for code in codes if code.upper() == "2XX"]
        for code in (*ordered, *(["default"] if "default" in codes else [])):
            response = node.child("responses", code)
            if response is None:
                continue
            resolved = self.description.resolve(response)
            if isinstance(resolved.value, dict) and code not in ("204", "202", "201"):
                return resolved
        return None

    def _content(self, node: DocumentPart, produced: Sequence[str] = ()) -> _Content:
        """Return the body of a request or a response. `produced` is what Swagger 2.0 says."""
        value = mapping(node.value)
        holder = node
        names = [str(name) for name in mapping(value.get("content"))] or list(produced)
        media = best_media_type(names) if names else MediaType("", "json", has_others=False)
        if media is None:
            return _Content(None, MediaType(names[0], "", has_others=False))
        if "content" in value:
            part = node.child("content", media.name)
            holder = self.description.resolve(part) if part else node
        schema = holder.child("schema")
        if media.format in ("jsonl", "csv", "tsv"):
            shape = self.shapes.shape(rows(schema, self.shapes))
            return _Content(shape, media, written=written_format(media))
        if media.format == "xml":
            reader = XmlReader(self.shapes, self.description.resolve)
            shape = self.shapes.shape(reader.document(schema))
            return _Content(shape, media, written=written_format(media, reader.lists))
        shape = self.shapes.shape(schema)
        if shape.types or shape.properties or shape.items is not None:
            return _Content(shape, media)
        example = _as_json(self._example(holder))
        if isinstance(example, (dict, list)):
            made = DocumentPart(schema_of_example(example), holder.base)
            return _Content(self.shapes.shape(made), media, is_example=True)
        return _Content(shape if schema is not None else None, media)

    def _example(self, node: DocumentPart) -> Json:
        value = mapping(node.value)
        if "example" in value:
            return value["example"]
        for one in mapping(value.get("examples")).values():
            held = mapping(one).get("value", one)
            if isinstance(held, (dict, list, str)):
                return held
        schema = node.child("schema")
        return mapping(self.description.resolve(schema).value).get("example") if schema else None


def _parts(path: str) -> tuple[str, dict[str, str]]:
    """Return a path without its query and fragment, and the query that is written out."""
    address, _, query = path.partition("#")[0].partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    fixed = {name: value for name, value in pairs if not set("{}") & {*name, *value}}
    return address or "/", fixed


def _as_json(value: Json) -> Json:
    """Return an example that is written as text as the JSON that it is."""
    if (
        isinstance(value, str)
        and value.lstrip()[:1] in ("{", "[")
        and len(value) < _LONGEST_EXAMPLE
    ):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value
