"""Streams that the original makes from a list: of the file, of an input, or of the API."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.parameters import KEY, handed_down
from framework.importers.airbyte.scope import Scope, fixed

Json = Any


def expanded(importing: Importing, dynamic: Component) -> Iterator[Component]:
    """The streams of a ParametrizedComponentsResolver, one for each entry of its list."""
    resolver = dynamic.part("components_resolver")
    assert resolver is not None
    listed = resolver.part("stream_parameters")
    entries = listed.get("list_of_parameters_for_stream", []) if listed is not None else []
    for entry in entries:
        values = fixed(entry)
        scope = Scope({"components_values": values, "stream_parameters": values})
        template = _template(dynamic)
        for mapping in resolver.parts("components_mapping"):
            value = mapping.get("value")
            if isinstance(value, str):
                value = importing.text(value, scope, mapping.at("value"))
            test = importing.condition(
                mapping.get("condition", True), scope, mapping.at("condition")
            )
            if test is None or (test.fixed and not test.constant):
                continue
            if value is not ABSENT:
                _set(template, _way(mapping), value)
        yield _renewed(dynamic, template)


def templated(importing: Importing, dynamic: Component) -> tuple[Component, str | None]:
    """The one stream that stands for all, with the mapping's templates written into it, and the
    template of its name."""
    resolver = dynamic.part("components_resolver")
    assert resolver is not None
    template = _template(dynamic)
    name: str | None = None
    for mapping in resolver.parts("components_mapping"):
        value = mapping.get("value")
        if isinstance(value, str):
            value = re.sub(r"\bstream_(slice|partition|interval)\b", "resolver_slice", value)
        if mapping.get("condition"):
            importing.remarks.missing(
                mapping.at("condition"), "a part of a stream that only some streams have"
            )
        way = _way(mapping)
        if way == ["name"]:
            name = value
        _set(template, way, value)
    return _renewed(dynamic, template), name


def _template(dynamic: Component) -> dict[str, Json]:
    found: dict[str, Json] = copy.deepcopy(_mapping(dynamic.data.get("stream_template")))
    return found


def _mapping(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _renewed(dynamic: Component, template: dict[str, Json]) -> Component:
    again = handed_down({"streams": [template]})["streams"][0]
    return Component(again, dynamic.at("stream_template"), "DeclarativeStream")


def _way(mapping: Component) -> list[str]:
    return [str(key) for key in mapping.get("field_path", [])]


def _set(node: Json, way: list[str], value: Json) -> None:
    """Set a value at a path with `*`; parameters reach what is below them."""
    if not way:
        return
    key, rest = way[0], way[1:]
    if isinstance(node, list):
        targets = range(len(node)) if key == "*" else [int(key)] if key.isdigit() else []
        for index in targets:
            if index < len(node):
                if rest:
                    _set(node[index], rest, value)
                else:
                    node[index] = value
        return
    if not isinstance(node, dict):
        return
    for name in list(node) if key == "*" else [key]:
        if not rest:
            old = node.get(name)
            node[name] = value
            del old
        else:
            _set(node.setdefault(name, {}), rest, value)
            if name == KEY and len(rest) == 1:
                _replace_parameter(node, rest[0], value)


def _replace_parameter(node: Mapping[str, Json], name: str, value: Json) -> None:
    """Parameters were handed down already: the new value goes to all that is below."""
    for key, below in list(node.items()):
        if key == KEY:
            continue
        for one in below if isinstance(below, list) else [below]:
            if isinstance(one, dict) and isinstance(one.get(KEY), dict) and name in one[KEY]:
                old = one[KEY][name]
                one[KEY][name] = value
                if one.get(name) == old:
                    one[name] = value
                _replace_parameter(one, name, value)
