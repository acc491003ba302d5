"""Write plain data as a person would write YAML: short mappings on one line, with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from framework.definition.yaml_reader import plain_scalar

Json = Any
Pointer = tuple[str | int, ...]
Comments = Mapping[Pointer, list[str]]

WIDTH = 100
_MAX_NESTING = 3
"""Mappings and lists inside one another on one line."""
_INDENT = "  "
_PLAIN = re.compile(r"[A-Za-z_/$.][A-Za-z0-9_/.$ @()%+=~^-]*\Z")
_WORDS = {
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "~",
}  # fmt: skip
_NOT_IN_BLOCKS = re.compile(r"[^\S\n]\n|\t|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF)}


def yaml_text(data: Mapping[str, Json], comments: Comments) -> str:
    """Return a document. Comments go before the key or item of their pointer, () is the top."""
    lines = [f"# {line}" for line in comments.get((), [])]
    lines += _mapping(data, (), 0, comments)
    return "\n".join(lines) + "\n"


def _mapping(data: Mapping[str, Json], above: Pointer, depth: int, comments: Comments) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        pointer = (*above, key)
        lines += _comment(comments, pointer, depth)
        lines += _entry(f"{_INDENT * depth}{scalar(key)}:", value, pointer, depth, comments)
    return lines


def _comment(comments: Comments, pointer: Pointer, depth: int) -> list[str]:
    return [f"{_INDENT * depth}# {line}" for line in comments.get(pointer, [])]


def _has_comment_below(comments: Comments, pointer: Pointer) -> bool:
    return any(one[: len(pointer)] == pointer and one != pointer for one in comments)


def _entry(head: str, value: Json, pointer: Pointer, depth: int, comments: Comments) -> list[str]:
    """Return `key: value` on one line if it is short, else the value below the key."""
    if isinstance(value, str) and "\n" in value.strip("\n") and _can_be_block(value):
        return _block(head, value, depth)
    is_container = isinstance(value, dict | list) and bool(value)
    is_short = not _has_comment_below(comments, pointer) and not _has_block(value)
    if is_short and (depth > 0 or not is_container):
        line = f"{head} {flow(value)}"
        if (len(line) <= WIDTH and _nesting(value) <= _MAX_NESTING) or not is_container:
            return [line]
    if isinstance(value, dict):
        return [head, *_mapping(value, pointer, depth + 1, comments)]
    return [head, *_list(value, pointer, depth, comments)]


def _list(items: list[Json], above: Pointer, depth: int, comments: Comments) -> list[str]:
    lines: list[str] = []
    indent = _INDENT * (depth + 1)
    for position, item in enumerate(items):
        pointer = (*above, position)
        lines += _comment(comments, pointer, depth + 1)
        line = f"{indent}- {flow(item)}"
        is_short = len(line) <= WIDTH and _nesting(item) <= _MAX_NESTING
        is_resource = isinstance(item, dict) and above == ("resources",)
        is_line = is_short and not is_resource and not _has_comment_below(comments, pointer)
        if is_line or not isinstance(item, dict) or not item:
            lines.append(line)
            continue
        below = _mapping(item, pointer, depth + 2, comments)
        first = below[0].lstrip()
        if first.startswith("#"):
            below.insert(0, f"{indent}-")
        else:
            below[0] = f"{indent}- {first}"
        lines += below
    return lines


def _has_block(value: Json) -> bool:
    """Return whether a mapping has a text of several lines, which is written as such."""
    return isinstance(value, dict) and any(
        _has_block(one) or (isinstance(one, str) and "\n" in one.strip("\n") and _can_be_block(one))
        for one in value.values()
    )


def _nesting(value: Json) -> int:
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_nesting, children), default=0)
    return 0


def _can_be_block(text: str) -> bool:
    return not _NOT_IN_BLOCKS.search(text) and not text.startswith((" ", "\n"))


def _block(head: str, text: str, depth: int) -> list[str]:
    if text.endswith("\n\n"):
        return [f"{head} {scalar(text)}"]
    chomping = "" if text.endswith("\n") else "-"
    indent = _INDENT * (depth + 1)
    body = [f"{indent}{line}" if line else "" for line in text.removesuffix("\n").split("\n")]
    return [f"{head} |{chomping}", *body]


def flow(value: Json) -> str:
    """Return a value on one line."""
    if isinstance(value, dict):
        entries = ", ".join(f"{scalar(str(key))}: {flow(item)}" for key, item in value.items())
        return f"{{{entries}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def scalar(value: Json) -> str:
    """Return a scalar that every YAML reader reads as this value; doubtful text is quoted."""
    if isinstance(value, str):
        if _is_plain(value):
            return value
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    if not _PLAIN.match(text) or text != text.strip() or text.lower() in _WORDS:
        return False
    value, problem = plain_scalar(text)
    return problem is None and value == text and not text.startswith((".", "$"))
