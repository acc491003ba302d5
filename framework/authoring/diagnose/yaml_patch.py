"""One change to a connector file as a diff: a key of one resource gets another value.

Works on the text, so that comments, order and style stay. Where the text has no plain place for
the change there is no diff; nothing is written.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MERGED = (("endpoint",), ("endpoint", "params"), ("endpoint", "json"))
"""Mappings of a resource that may be begun there: defaults are merged into them."""


@dataclass(frozen=True)
class Change:
    """`key` (a path below the resource) gets `value`, which is YAML on one line. With `old` that
    text is replaced within the resource instead. `also` are changes that are made with it."""

    key: tuple[str, ...]
    value: str
    old: str | None = None
    also: tuple[Change, ...] = ()


def diff(file: Path, resource: str, changes: Iterable[Change]) -> str:
    """The unified diff of the first change that the file has a place for; empty where none has."""
    try:
        before = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return ""
    for change in changes:
        after: str | None = before
        for one in (change, *change.also):
            after = None if after is None else changed(after, resource, one)
        if after is not None and after != before:
            lines = difflib.unified_diff(
                before.splitlines(keepends=True),
                after.splitlines(keepends=True),
                str(file),
                str(file),
                n=1,
            )
            return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    return ""


def changed(text: str, resource: str, change: Change) -> str | None:
    """The file's text with the change made, None where there is no place for it."""
    try:
        place = _place(yaml.compose(text, yaml.SafeLoader), resource, change.key)
        if place is None:
            return None
        if change.old:
            return _replaced(text, place, change)
        made = _set(text, place, change)
        if made is None:
            return None
        place = _place(yaml.compose(made, yaml.SafeLoader), resource, change.key)
        wanted = yaml.compose(change.value, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    for name in change.key:
        place = None if place is None else _child(place, name)
    # held against the value that was wanted: text that YAML reads otherwise is no change
    same = place is not None and yaml.serialize(place) == yaml.serialize(wanted)
    return made if same else None


def _place(root: Any, name: str, key: tuple[str, ...]) -> Any:
    """The node that takes the change: the resource, or the defaults where they have the key and
    there is no other resource that it would change."""
    found = None if root is None else _resource(root, name)
    defaults = None if root is None else _child(root, "resource_defaults")
    if found is None or defaults is None or len(_child(root, "resources").value) > 1:
        return found
    own, inherited = found, defaults
    for part in key:
        own = None if own is None else _child(own, part)
        inherited = None if inherited is None else _child(inherited, part)
    return defaults if own is None and inherited is not None else found


def _resource(root: Any, name: str) -> Any:
    """The node of the resource, None where it is none or is written as a text alone."""
    resources = None if root is None else _child(root, "resources")
    for node in resources.value if isinstance(resources, yaml.SequenceNode) else ():
        named = _child(node, "name")
        if named is not None and named.value == name:
            return node
    return None


def _child(node: Any, name: str) -> Any:
    pair = _pair(node, name)
    return None if pair is None else pair[1]


def _pair(node: Any, name: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((pair for pair in pairs if pair[0].value == name), None)


def _replaced(text: str, node: Any, change: Change) -> str | None:
    start, end = node.start_mark.index, node.end_mark.index
    inside, old = text[start:end], str(change.old)
    return (
        f"{text[:start]}{inside.replace(old, change.value)}{text[end:]}" if old in inside else None
    )


def _set(text: str, resource: Any, change: Change) -> str | None:
    """The value put at the key: where the resource has it, or as a new entry."""
    node = resource
    for depth, name in enumerate(change.key):
        pair = _pair(node, name)
        if pair is None:
            begun = change.key[:depth]
            if begun and begun not in _MERGED:
                return None  # what is inherited there would be replaced whole
            value = change.value
            for missing in reversed(change.key[depth + 1 :]):
                value = f"{{{missing}: {value}}}"
            if any(change.key[:n] not in _MERGED for n in range(depth + 1, len(change.key))):
                return None
            return _added(text, node, name, value)
        node = pair[1]
    return _put(text, pair[0], pair[1], change.value)


def _put(text: str, key: Any, node: Any, value: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    if not _is_block(node):
        return text[:start] + value + text[end:]
    # a block ends where the next thing begins: what lies between is not its own
    lines = text[start:end].split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    end = start + len("\n".join(lines))
    return f"{text[: key.end_mark.index]}: {value}{text[end:]}"


def _added(text: str, node: Any, name: str, value: str) -> str | None:
    if not isinstance(node, yaml.MappingNode) or not node.value:
        return None
    key, first = node.value[0]
    if node.flow_style:
        end = node.value[-1][1].end_mark.index
        return f"{text[:end]}, {name}: {value}{text[end:]}"
    indent = " " * key.start_mark.column
    if _is_block(first):
        start = key.start_mark.index
        return f"{text[:start]}{name}: {value}\n{indent}{text[start:]}"
    end = text.find("\n", first.end_mark.index)
    end = len(text) if end < 0 else end
    return f"{text[:end]}\n{indent}{name}: {value}{text[end:]}"


def _is_block(node: Any) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return node.style in ("|", ">")
    return not node.flow_style
