"""Recorded bodies walked string by string: where each stands decides whether it may stay.

What stands in for a string is the visitor's. A body is never changed in place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

from framework.authoring.scrub.allowlist import (
    Allowlist,
    Schemas,
    declares_key,
    is_map,
    is_typed,
    keeps,
    lets_stay,
    property_names,
)
from framework.authoring.scrub.fake_values import EMAIL, UUID, is_numeric, is_time
from framework.authoring.scrub.request_routes import expression_texts, records
from framework.definition.expressions.jsonpath import path_keys
from framework.definition.model import Connector, Resource

Json = Any

VOCABULARY = frozenset(
    {status.phrase for status in HTTPStatus}
    | {
        *("Unauthenticated", "Permission Denied", "Insufficient scope", "Insufficient Scope"),
        *("Resource Not Found", "Invalid Argument", "External Calendar Error"),
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
        *("unsupported_grant_type", "invalid_scope", "invalid_token", "insufficient_scope"),
        *("access_denied", "server_error", "temporarily_unavailable", "Bearer", "bearer"),
    }
)
"""What errors and token answers say in the words of a standard; nobody's data."""

TIME_TYPES = {"timestamp": "date-time", "date": "date", "time": "time"}
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'|`\"((?:[^\"\\`]|\\.)*)\"`")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER = re.compile(r"[a-z_$@][A-Za-z0-9_$.:-]*")


class Visitor(Protocol):
    """What is done with what a body holds."""

    def text(self, text: str) -> str:
        """A string that must not stay."""

    def kept(self, text: str) -> str:
        """A string that may."""

    def number(self, number: float, free: bool) -> float:
        """A number; `free` where a declared schema says nothing of it."""

    def is_personal(self, key: str) -> bool:
        """Whether a key is one of the strings that must not stay."""


@dataclass(frozen=True)
class BodyPlace:
    """Where in a body: `schemas` is None outside of records with a declared schema."""

    path: tuple[str, ...] = ()
    schemas: Schemas | None = None
    in_record: bool = False


@dataclass(frozen=True)
class WalkResult:
    """A body after the walk, and its records before and after."""

    data: Json
    records: tuple[tuple[Json, Json], ...]


class Bodies:
    """The walk, for one connector."""

    def __init__(self, connector: Connector) -> None:
        texts = list(expression_texts(connector))
        self._literals = frozenset(
            literal
            for text in texts
            for groups in _LITERAL.findall(text)
            for literal in groups
            if any(map(str.isalnum, literal))
        )
        self._words = frozenset(word for text in texts for word in _WORD.findall(text))
        self._names = frozenset(
            name for resource in connector.resources for name in property_names(resource.schema)
        )
        self.phrases = tuple(
            action.content
            for resource in connector.resources
            for action in resource.endpoint.response_actions
            if action.content
        )
        self._declared = {
            resource.name: declared
            for resource in connector.resources
            if (declared := _declared(resource)) is not None
        }
        self._envelope = {
            resource.name: _counted(resource, connector) for resource in connector.resources
        }

    def walk(
        self, data: Json, resource: Resource | None, status: int, visitor: Visitor
    ) -> WalkResult:
        """A decoded body with every string and number shown to the visitor."""
        return _Walk(self, data, resource, status, visitor).done()


class _Walk:
    def __init__(
        self, bodies: Bodies, data: Json, resource: Resource | None, status: int, visitor: Visitor
    ) -> None:
        self._bodies = bodies
        self._data = data
        self._visitor = visitor
        self._vocabulary = resource is None or status >= 400
        self._resource = resource
        self._found: list[Json] = []
        if resource is not None and status < 400:
            self._found = [item for item in records(resource, data) if isinstance(item, dict)]
        self._ids = {id(item) for item in self._found}
        name = resource.name if resource else ""
        self._declared = bodies._declared.get(name)
        self._envelope = bodies._envelope.get(name, frozenset())
        incremental = resource.endpoint.incremental if resource else None
        self._cursor = path_keys(incremental.cursor_path) if incremental else None
        self._pairs: list[tuple[Json, Json]] = []

    def done(self) -> WalkResult:
        data = self._walk(self._data, BodyPlace())
        return WalkResult(data, tuple(self._pairs))

    def _walk(self, node: Json, place: BodyPlace) -> Json:
        if id(node) in self._ids and isinstance(node, dict) and not place.in_record:
            root = self._declared.root if self._declared else None
            made = self._inside(node, BodyPlace((), root, in_record=True))
            self._pairs.append((node, made))
            return made
        return self._inside(node, place)

    def _inside(self, node: Json, place: BodyPlace) -> Json:
        if place.schemas is not None and keeps(place.schemas):
            return self._keep(node)
        if isinstance(node, str):
            return self._text(node, place)
        if isinstance(node, dict):
            return {
                self._key(key, place): self._walk(item, self._below(place, key))
                for key, item in node.items()
            }
        if isinstance(node, list):
            return [self._walk(item, self._item(place, index)) for index, item in enumerate(node)]
        if isinstance(node, (int, float)) and not isinstance(node, bool):
            return self._visitor.number(node, self._is_free(place))
        return node

    def _keep(self, node: Json) -> Json:
        if isinstance(node, dict):
            return {key: self._keep(item) for key, item in node.items()}
        if isinstance(node, list):
            return [self._keep(item) for item in node]
        if isinstance(node, str):
            return self._visitor.kept(node)
        if isinstance(node, (int, float)) and not isinstance(node, bool):
            return self._visitor.number(node, False)
        return node

    def _text(self, text: str, place: BodyPlace) -> str:
        stays = (
            text in self._bodies._literals
            or (place.schemas is not None and lets_stay(place.schemas, text))
            or (self._vocabulary and text in VOCABULARY)
            or (not place.in_record and ".".join(place.path) in self._envelope)
            or (
                place.in_record
                and place.path == self._cursor
                and (is_time(text) or is_numeric(text))
            )
        )
        if stays:
            return self._visitor.kept(text)
        for phrase in self._bodies.phrases:
            if phrase in text:
                # an action of the file looks for this: it has to be found in a replay, too
                return f"{phrase} {self._visitor.text(text)}"
        return self._visitor.text(text)

    def _key(self, key: str, place: BodyPlace) -> str:
        if key in self._bodies._words or is_time(key):
            return key
        looks_personal = (
            EMAIL.fullmatch(key) is not None
            or UUID.fullmatch(key) is not None
            or "://" in key
            or (is_numeric(key) and sum(map(str.isdigit, key)) >= 7)
        )
        if place.schemas is None:
            return self._visitor.text(key) if looks_personal else key
        if declares_key(place.schemas, key) or key in self._bodies._names:
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
        if place.schemas is not None and self._declared is not None:
            schemas = self._declared.key(place.schemas, key)
        return replace(place, path=(*place.path, key), schemas=schemas)

    def _item(self, place: BodyPlace, index: int) -> BodyPlace:
        if place.schemas is None or self._declared is None:
            return place
        return replace(place, schemas=self._declared.item(place.schemas, index))

    def _is_free(self, place: BodyPlace) -> bool:
        resource = self._resource
        if resource is None or resource.schema is None or place.schemas is None:
            return False
        return not is_typed(place.schemas) and place.path != self._cursor


def _declared(resource: Resource) -> Allowlist | None:
    """The record's schema; without one, times that `columns` declare."""
    if resource.schema is not None:
        return Allowlist(resource.schema)
    if not resource.columns:
        return None
    properties = {
        name: {"format": TIME_TYPES[column["data_type"]]}
        for name, column in resource.columns.items()
        if column.get("data_type") in TIME_TYPES
    }
    return Allowlist({"properties": properties})


def _counted(resource: Resource, connector: Connector) -> frozenset[str]:
    """Where paginators read totals and ends from: numbers as text must stay the numbers."""
    paginator = resource.endpoint.paginator or connector.client.paginator or {}
    paths = (paginator.get(name) for name in ("total_path", "has_more_path"))
    return frozenset(str(getattr(path, "text", path)).removeprefix("$.") for path in paths if path)
