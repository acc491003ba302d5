"""Read large YAML files: PyYAML parses them in C, but makes the data of them in slow Python."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from framework.definition.yaml_limits import Limits, limited_events

Json = Any

_COMMON = "tag:yaml.org,2002:"
_SIMPLE = frozenset({"null", "bool", "int", "float"})
"""Kinds of plain values that are read here; all others are text, or left to PyYAML."""


class Unusual(Exception):
    """The text has tags, merge keys or keys that are lists: PyYAML's own loader is to read it."""


def data_of(text: str, loader: Any, limits: Limits) -> Json:
    """Return the data of a YAML text as `loader` would, but with every key as text.

    What aliases repeat is one object. Raise Unusual if this is not all there is to it,
    LimitExceeded if the text is over a limit, yaml.YAMLError or ValueError if it is not valid.
    """
    with _no_collection():
        return _Builder(loader).build(limited_events(text, limits))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Leave out the search for garbage: millions of new objects, none of them garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Builder:
    """Makes data of events. Plain values are resolved once for each text."""

    def __init__(self, loader: Any) -> None:
        self._resolvers = loader.yaml_implicit_resolvers
        self._constructor = yaml.constructor.SafeConstructor()
        self._plain: dict[str, Json] = {}
        self._anchors: dict[str, Json] = {}

    def build(self, events: Iterator[Any]) -> Json:
        """Return the data of the one document, None if there is none."""
        root: list[Json] = []
        stack: list[tuple[Json, list[Json]]] = []
        holder: Json = root
        pending: list[Json] = []  # the key whose value comes next
        documents = 0
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value = self._scalar(event)
            elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
                if event.tag is not None:
                    raise Unusual
                value = {} if kind is yaml.MappingStartEvent else []
            elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
                holder, pending = stack.pop()
                continue
            elif kind is yaml.AliasEvent:
                if event.anchor not in self._anchors:
                    raise Unusual  # PyYAML says where
                value = self._anchors[event.anchor]
            else:
                documents += kind is yaml.DocumentStartEvent
                if documents > 1:
                    raise Unusual
                continue
            if kind is not yaml.AliasEvent and event.anchor:
                self._anchors[event.anchor] = value
            is_open = kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent)
            if type(holder) is list:
                holder.append(value)
            elif pending:
                holder[pending.pop()] = value
            elif is_open or isinstance(value, (dict, list)):
                raise Unusual
            else:
                pending.append(text_key(value))
            if is_open:
                stack.append((holder, pending))
                holder, pending = value, []
        return root[0] if root else None

    def _scalar(self, event: Any) -> Json:
        text = event.value
        if event.tag is not None:
            raise Unusual
        if not event.implicit[0]:
            return text  # quoted
        if text in self._plain:
            return self._plain[text]
        value = self._plain[text] = self._resolved(text)
        return value

    def _resolved(self, text: str) -> Json:
        resolvers = self._resolvers.get(text[:1], []) + self._resolvers.get(None, [])
        for tag, pattern in resolvers:
            if not pattern.match(text):
                continue
            kind = tag.removeprefix(_COMMON)
            if kind not in _SIMPLE:
                raise Unusual
            node = yaml.ScalarNode(tag, text)
            return getattr(self._constructor, f"construct_yaml_{kind}")(node)
        return text


def text_key(key: Json) -> str:
    """Return a key as text: in YAML `200:` is a number."""
    return str(key).lower() if isinstance(key, bool) else str(key)
