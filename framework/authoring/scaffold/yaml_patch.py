"""Change one key of one resource in the text of a connector file, and show it as a diff.

It edits the text, so that comments, order and style stay. If the text has no simple place for the
change there is no diff. Nothing is written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LONE_END = re.compile(r"(?<!\r)\n")
_MERGED = (("endpoint",), ("endpoint", "params"), ("endpoint", "json"))
"""Mappings that a resource may add: defaults are merged into them."""


@dataclass(frozen=True)
class Change:
    """A new `value` (YAML on one line) for `key`, a path below the resource.

    With `old`, that text is replaced within the resource instead. `also` are made with it.
    """

    key: tuple[str, ...]
    value: str
    old: str | None = None
    also: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Patch:
    """The file's whole text before and after a change, and it as a unified diff and in words."""

    before: str
    text: str
    diff: str
    remedy: str = ""


def patches(
    file: Path, resource: str, changes: Iterable[Change], remedy: str = ""
) -> Iterator[Patch]:
    """Yield a patch for each change that the file has a place for."""
    try:
        before = read_whole(file)
    except (OSError, UnicodeError):
        return
    for change in changes:
        after: str | None = before
        for part in (change, *change.also):
            after = None if after is None else apply_change(after, resource, part)
        if after is not None and after != before:
            if "\r\n" in before and not _LONE_END.search(before):
                after = _LONE_END.sub("\r\n", after)
            yield Patch(before, after, _unified_diff(before, after, str(file)), remedy)


def read_whole(file: Path) -> str:
    """Return the text of a file with its own line ends. Raise OSError, UnicodeError."""
    return file.read_bytes().decode("utf-8")


def _unified_diff(before: str, after: str, name: str) -> str:
    old, new = (text.replace("\r\n", "\n").splitlines(keepends=True) for text in (before, after))
    lines = difflib.unified_diff(old, new, name, name, n=1)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def apply_change(text: str, resource: str, change: Change) -> str | None:
    """Return the file's text with the change. Return None if there is no place for it."""
    try:
        node = _target(yaml.compose(text, yaml.SafeLoader), resource, change.key)
        if node is None:
            return None
        if change.old:
            return _replace_text(text, node, change)
        new_text = _set(text, node, change)
        if new_text is None:
            return None
        node = _target(yaml.compose(new_text, yaml.SafeLoader), resource, change.key)
        expected = yaml.compose(change.value, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    # a text that YAML reads as another value is not the change
    found = _descend(node, change.key)
    is_same = found is not None and yaml.serialize(found) == yaml.serialize(expected)
    return new_text if is_same else None


def _target(root: Any, name: str, key: tuple[str, ...]) -> Any:
    """Return the node to change: the resource, or the defaults if only they have the key.

    Defaults count only if no other resource inherits them.
    """
    resource = _resource(root, name)
    defaults = _child(root, "resource_defaults")
    if resource is None or defaults is None or len(_child(root, "resources").value) > 1:
        return resource
    is_inherited = _descend(resource, key) is None and _descend(defaults, key) is not None
    return defaults if is_inherited else resource


def _resource(root: Any, name: str) -> Any:
    """Return the resource's node. Return None if it is missing or only a name."""
    resources = _child(root, "resources")
    for node in resources.value if isinstance(resources, yaml.SequenceNode) else ():
        name_node = _child(node, "name")
        if name_node is not None and name_node.value == name:
            return node
    return None


def _descend(node: Any, key: tuple[str, ...]) -> Any:
    for name in key:
        node = _child(node, name)
    return node


def _child(node: Any, name: str) -> Any:
    pair = _pair(node, name)
    return None if pair is None else pair[1]


def _pair(node: Any, name: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((pair for pair in pairs if pair[0].value == name), None)


def _replace_text(text: str, node: Any, change: Change) -> str | None:
    start, end = node.start_mark.index, node.end_mark.index
    inside, old = text[start:end], str(change.old)
    return (
        f"{text[:start]}{inside.replace(old, change.value)}{text[end:]}" if old in inside else None
    )


def _set(text: str, resource: Any, change: Change) -> str | None:
    """Put the value at the key: in place of the old one, or as a new entry."""
    node = resource
    for depth, name in enumerate(change.key):
        pair = _pair(node, name)
        if pair is None:
            parent = change.key[:depth]
            if parent and parent not in _MERGED:
                return None  # this would replace all that is inherited there
            value = change.value
            for missing in reversed(change.key[depth + 1 :]):
                value = f"{{{missing}: {value}}}"
            if any(change.key[:n] not in _MERGED for n in range(depth + 1, len(change.key))):
                return None
            return _add(text, node, name, value)
        node = pair[1]
    return _put(text, pair[0], pair[1], change.value)


def _put(text: str, key: Any, node: Any, value: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    if not _is_block(node):
        return text[:start] + value + text[end:]
    # a block node ends where the next node begins: blank lines and comments between are not its own
    lines = text[start:end].split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    end = start + len("\n".join(lines))
    return f"{text[: key.end_mark.index]}: {value}{text[end:]}"


def _add(text: str, node: Any, name: str, value: str) -> str | None:
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
