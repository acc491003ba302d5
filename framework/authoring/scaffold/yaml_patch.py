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
        root = yaml.compose(text, yaml.SafeLoader)
        node = _target(root, resource, change.key)
        if node is None:
            return None
        new_text = _replace_text(text, node, change) if change.old else _set(text, node, change)
        if new_text is None:
            return None
        new_root = yaml.compose(new_text, yaml.SafeLoader)
        new_node = _target(new_root, resource, change.key)
        # what an alias repeats elsewhere must stay as it is
        if _without(root, node) != _without(new_root, new_node):
            return None
        if change.old:
            return new_text
        expected = yaml.compose(change.value, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    # a text that YAML reads as another value is not the change
    found = _descend(new_node, change.key)
    is_same = found is not None and _without(found, None) == _without(expected, None)
    return new_text if is_same else None


def _without(root: Any, changed: Any) -> Any:
    """Return the data of a document as nested tuples, without the node that is changed."""
    if root is changed:
        return None
    if isinstance(root, yaml.MappingNode):
        return tuple((_without(key, changed), _without(one, changed)) for key, one in root.value)
    if isinstance(root, yaml.SequenceNode):
        return tuple(_without(one, changed) for one in root.value)
    return (root.tag, root.value)


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
    """Put another value in the place of one; comments inside of it stay, above what is new."""
    start, end = node.start_mark.index, node.end_mark.index
    if not _is_block(node):
        return text[:start] + value + text[end:]
    end = _own_end(text, node)
    comments = _comments(text, key, node, end)
    new: Any = yaml.compose(value, yaml.SafeLoader)
    is_mapping = isinstance(node, yaml.MappingNode) and isinstance(new, yaml.MappingNode)
    if is_mapping and new.value:
        indent = "\n" + " " * node.start_mark.column
        entries = [value[one.start_mark.index : to.end_mark.index] for one, to in new.value]
        lines = indent + indent.join([*comments, *entries])
        return f"{text[: key.end_mark.index]}:{lines}{text[end:]}"
    indent = " " * key.start_mark.column
    above = "".join(f"{line}\n{indent}" for line in comments)
    begin = key.start_mark.index
    return f"{text[:begin]}{above}{text[begin : key.end_mark.index]}: {value}{text[end:]}"


def _own_end(text: str, node: Any) -> int:
    """Return where a block node ends: blank lines and comments before the next are not its own."""
    start, end = node.start_mark.index, node.end_mark.index
    lines = text[start:end].split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    own_end: int = start + len("\n".join(lines))
    return own_end


def _comments(text: str, key: Any, node: Any, end: int) -> list[str]:
    """Return the comments between a key and the end of its block."""
    if isinstance(node, yaml.ScalarNode):
        return []
    spans = sorted(_scalar_spans(node))
    begins = [key.end_mark.index, *(to for _, to in spans)]
    ends = [*(begin for begin, _ in spans), end]
    gaps = [text[begin:to] for begin, to in zip(begins, ends, strict=True)]
    return [
        f"#{line.partition('#')[2].rstrip()}"
        for gap in gaps
        for line in gap.split("\n")
        if "#" in line
    ]


def _scalar_spans(node: Any) -> Iterator[tuple[int, int]]:
    """Yield where the scalars of a node begin and end: between them are marks and comments."""
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark.index, node.end_mark.index
    for part in node.value if not isinstance(node, yaml.ScalarNode) else ():
        for one in part if isinstance(part, tuple) else (part,):
            yield from _scalar_spans(one)


def _add(text: str, node: Any, name: str, value: str) -> str | None:
    """Add an entry: behind the first that is on one line, else as the last one."""
    if not isinstance(node, yaml.MappingNode) or not node.value:
        return None
    if node.flow_style:
        end = node.value[-1][1].end_mark.index
        return f"{text[:end]}, {name}: {value}{text[end:]}"
    indent = " " * node.value[0][0].start_mark.column
    line = next((one for _, one in node.value if not _is_block(one)), None)
    end = _own_end(text, node) if line is None else text.find("\n", line.end_mark.index)
    end = len(text) if end < 0 else end
    if text[:end].endswith("\r"):
        end -= 1
    return f"{text[:end]}\n{indent}{name}: {value}{text[end:]}"


def _is_block(node: Any) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return node.style in ("|", ">")
    return not node.flow_style
