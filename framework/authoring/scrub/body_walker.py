"""Walk recorded bodies string by string; where a string is decides whether it may stay.

A visitor decides what replaces the others. A body is never changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

from framework.authoring.scrub.allowlist import (
    Allowlist,
    Schemas,
    declares_key,
    is_map,
    is_typed,
    keeps_all,
    may_stay,
    property_names,
)
from framework.authoring.scrub.fake_values import EMAIL, UUID, is_numeric, is_time
from framework.authoring.scrub.file_texts import expression_texts, renewals, select_records
from framework.definition.expressions.jsonpath import path_keys
from framework.definition.model import Connector, Resource

Json = Any

STANDARD_WORDS = frozenset(
    {status.phrase for status in HTTPStatus}
    | {
        *("Unauthenticated", "Permission Denied", "Insufficient scope", "Insufficient Scope"),
        *("Resource Not Found", "Invalid Argument", "External Calendar Error"),
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
        *("unsupported_grant_type", "invalid_scope", "invalid_token", "insufficient_scope"),
        *("access_denied", "server_error", "temporarily_unavailable", "Bearer", "bearer"),
    }
)
"""What errors and token responses say in the words of a standard: never personal."""

_TIME_FORMATS = {"timestamp": "date-time", "date": "date", "time": "time"}
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'|`\"((?:[^\"\\`]|\\.)*)\"`")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER = re.compile(r"[a-z_$@][A-Za-z0-9_$.:-]*")
_PERSONAL_DIGITS = 7


class BodyVisitor(Protocol):
    """Receives the contents of a body and returns what replaces them."""

    def text(self, text: str) -> str:
        """Replace a string that must not stay."""

    def allowed_text(self, text: str) -> str:
        """Replace a string that may stay."""

    def number(self, number: float, is_free: bool) -> float:
        """Replace a number; `is_free` if a declared schema does not describe it."""

    def is_personal(self, key: str) -> bool:
        """Return whether a key equals one of the strings that must not stay."""


@dataclass(frozen=True)
class BodyPlace:
    """A place in a body. `schemas` is None outside of records with a declared schema."""

    path: tuple[str, ...] = ()
    schemas: Schemas | None = None
    in_record: bool = False


@dataclass(frozen=True)
class WalkResult:
    """A body after the walk, and its records before and after."""

    data: Json
    records: tuple[tuple[Json, Json], ...]


def _named_fields(connector: Connector) -> Iterator[str]:
    """Yield the fields that a file names, which may be values in a list of column names."""
    for resource in connector.resources:
        incremental = resource.endpoint.incremental
        yield from (*resource.primary_key, *resource.columns, *resource.include_from_parent)
        if incremental is not None:
            yield incremental.cursor_path


def _listed_words(connector: Connector) -> Iterator[str]:
    """Yield the words that a file lists for requests: values of partitions, config defaults."""
    lists = [one.argument for each in connector.resources for one in each.partitions]
    lists += [entry.default for entry in connector.config.values()]
    for values in lists:
        if isinstance(values, (list, tuple)):
            yield from (one for one in values if isinstance(one, str) and "{" not in one)


class BodyWalker:
    """Walks the bodies of one connector."""

    def __init__(self, connector: Connector) -> None:
        texts = list(expression_texts(connector))
        self.literals = frozenset(
            literal
            for text in texts
            for groups in _LITERAL.findall(text)
            for literal in groups
            if any(map(str.isalnum, literal))
        ) | frozenset((*_named_fields(connector), *_listed_words(connector)))
        self.words = frozenset(word for text in texts for word in _WORD.findall(text))
        self.property_names = frozenset(
            name for resource in connector.resources for name in property_names(resource.schema)
        )
        contents = [
            action.content
            for resource in connector.resources
            for action in resource.endpoint.response_actions
        ]
        contents += [one.get("content") for one in renewals(connector)]
        self.phrases = tuple(filter(None, contents))
        self.allowlists = {
            resource.name: allowlist
            for resource in connector.resources
            if (allowlist := _allowlist(resource, connector)) is not None
        }
        self.total_paths = {
            resource.name: _total_paths(resource, connector) for resource in connector.resources
        }

    def walk(
        self, data: Json, resource: Resource | None, status: int, visitor: BodyVisitor
    ) -> WalkResult:
        """Return a decoded body with every string and number replaced by the visitor."""
        walk = _Walk(self, data, resource, status, visitor)
        return WalkResult(walk.node(data, BodyPlace()), tuple(walk.pairs))


class _Walk:
    """The walk of one body. `pairs` are its records before and after."""

    def __init__(
        self,
        walker: BodyWalker,
        data: Json,
        resource: Resource | None,
        status: int,
        visitor: BodyVisitor,
    ) -> None:
        self.pairs: list[tuple[Json, Json]] = []
        self._walker = walker
        self._visitor = visitor
        self._has_standard_words = resource is None or status >= 400
        # the records are held so that their ids stay theirs
        self._records = select_records(resource, data) if resource and status < 400 else []
        self._record_ids = {id(record) for record in self._records if isinstance(record, dict)}
        name = resource.name if resource else ""
        self._allowlist = walker.allowlists.get(name)
        self._total_paths = walker.total_paths.get(name, frozenset())
        self._has_schema = resource is not None and resource.schema is not None
        incremental = resource.endpoint.incremental if resource else None
        self._cursor = path_keys(incremental.cursor_path) if incremental else None

    def node(self, node: Json, place: BodyPlace) -> Json:
        """Return a value of the body, replaced; note it if it is a record."""
        if isinstance(node, dict) and id(node) in self._record_ids and not place.in_record:
            root = self._allowlist.root if self._allowlist else None
            after = self._contents(node, BodyPlace((), root, in_record=True))
            self.pairs.append((node, after))
            return after
        return self._contents(node, place)

    def _contents(self, node: Json, place: BodyPlace) -> Json:
        if place.schemas is not None and keeps_all(place.schemas):
            return self._allowed(node)
        if isinstance(node, str):
            return self._text(node, place)
        if isinstance(node, dict):
            return {
                self._key(key, place): self.node(item, self._below(place, key))
                for key, item in node.items()
            }
        if isinstance(node, list):
            return [self.node(item, self._item(place, index)) for index, item in enumerate(node)]
        if isinstance(node, (int, float)) and not isinstance(node, bool):
            return self._visitor.number(node, self._is_free(place))
        return node

    def _allowed(self, node: Json) -> Json:
        if isinstance(node, dict):
            return {key: self._allowed(item) for key, item in node.items()}
        if isinstance(node, list):
            return [self._allowed(item) for item in node]
        if isinstance(node, str):
            return self._visitor.allowed_text(node)
        if isinstance(node, (int, float)) and not isinstance(node, bool):
            return self._visitor.number(node, False)
        return node

    def _text(self, text: str, place: BodyPlace) -> str:
        if (
            text in self._walker.literals
            or (place.schemas is not None and may_stay(place.schemas, text))
            or (self._has_standard_words and text in STANDARD_WORDS)
            or (not place.in_record and ".".join(place.path) in self._total_paths)
            or (self._is_cursor(place) and (is_time(text) or is_numeric(text)))
        ):
            return self._visitor.allowed_text(text)
        for phrase in self._walker.phrases:
            if phrase in text:
                # an action of the file looks for this phrase, in a replay too
                return f"{phrase} {self._visitor.text(text)}"
        return self._visitor.text(text)

    def _key(self, key: str, place: BodyPlace) -> str:
        if key in self._walker.words or is_time(key):
            return key
        looks_personal = (
            EMAIL.fullmatch(key) is not None
            or UUID.fullmatch(key) is not None
            or "://" in key
            or (is_numeric(key) and sum(map(str.isdigit, key)) >= _PERSONAL_DIGITS)
        )
        if place.schemas is None:
            return self._visitor.text(key) if looks_personal else key
        if declares_key(place.schemas, key) or key in self._walker.property_names:
            return key
        if (
            looks_personal
            or is_map(place.schemas)
            or not _IDENTIFIER.fullmatch(key)
            or self._visitor.is_personal(key)
        ):
            return self._visitor.text(key)
        return key

    def _below(self, place: BodyPlace, key: str) -> BodyPlace:
        schemas = None
        if place.schemas is not None and self._allowlist is not None:
            schemas = self._allowlist.key(place.schemas, key)
        return replace(place, path=(*place.path, key), schemas=schemas)

    def _item(self, place: BodyPlace, index: int) -> BodyPlace:
        if place.schemas is None or self._allowlist is None:
            return place
        return replace(place, schemas=self._allowlist.item(place.schemas, index))

    def _is_cursor(self, place: BodyPlace) -> bool:
        return place.in_record and place.path == self._cursor

    def _is_free(self, place: BodyPlace) -> bool:
        if not self._has_schema or place.schemas is None:
            return False
        return not is_typed(place.schemas) and place.path != self._cursor


def _allowlist(resource: Resource, connector: Connector) -> Allowlist | None:
    """Return the record schema as an allowlist; without one, the times that `columns` declare.

    Names and types of columns stay in metadata.
    """
    kept = [
        _kept(path)
        for one in connector.resources
        if one.columns_from is not None and one.columns_from.resource == resource.name
        for path in (one.columns_from.name, one.columns_from.type)
    ]
    if resource.schema is not None:
        return Allowlist({"allOf": [resource.schema, *kept]} if kept else resource.schema)
    if kept:
        return Allowlist({"allOf": kept})
    if not resource.columns:
        return None
    properties = {
        name: {"format": _TIME_FORMATS[column["data_type"]]}
        for name, column in resource.columns.items()
        if column.get("data_type") in _TIME_FORMATS
    }
    return Allowlist({"properties": properties})


def _kept(path: str) -> Json:
    """Return the schema of a record that keeps what is at a dotted name."""
    schema: Json = {"x-keep": True}
    for name in reversed(path.split(".")):
        schema = {"properties": {name: schema}}
    return schema


def _total_paths(resource: Resource, connector: Connector) -> frozenset[str]:
    """Return where paginators read totals and ends: a number as text must stay that number."""
    paginator = resource.endpoint.paginator or connector.client.paginator or {}
    paths = (paginator.get(name) for name in ("total_path", "has_more_path"))
    return frozenset(str(getattr(path, "text", path)).removeprefix("$.") for path in paths if path)
