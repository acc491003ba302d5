"""Plain data as the YAML a person would write: short mappings on one line, comments at their
place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from framework.definition.yaml_reader import plain_scalar

Json = Any
Pointer = tuple[str | int, ...]

WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_/$.][A-Za-z0-9_/.$ @()%+=~^-]*\Z")
_WORDS = {
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "~",
}  # fmt: skip
_INDENT = "  "


def yaml_text(data: Mapping[str, Json], comments: Mapping[Pointer, list[str]]) -> str:
    """A document. `comments` stand before the key or item of their pointer; those of `()` at the
    top."""
    lines = [f"# {line}" for line in comments.get((), [])]
    lines += _mapping(data, (), 0, comments)
    return "\n".join(lines) + "\n"


def _mapping(
    data: Mapping[str, Json], place: Pointer, depth: int, comments: Mapping[Pointer, list[str]]
) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        where = (*place, key)
        lines += _commented(comments, where, depth)
        lines += _entry(f"{_INDENT * depth}{scalar(key)}:", value, where, depth, comments)
    return lines


def _commented(comments: Mapping[Pointer, list[str]], where: Pointer, depth: int) -> list[str]:
    return [f"{_INDENT * depth}# {line}" for line in comments.get(where, [])]


def _entry(
    head: str, value: Json, where: Pointer, depth: int, comments: Mapping[Pointer, list[str]]
) -> list[str]:
    """`key: value` on one line where it is short, else below the key."""
    said_below = any(pointer[: len(where)] == where and pointer != where for pointer in comments)
    if isinstance(value, str) and "\n" in value.strip("\n") and _blockable(value):
        return _block(head, value, depth)
    if not said_below and (depth > 0 or not isinstance(value, dict | list) or not value):
        line = f"{head} {flow(value)}"
        if (len(line) <= WIDTH and _nesting(value) <= 3) or not _parts(value):
            return [line]
    if isinstance(value, dict):
        return [head, *_mapping(value, where, depth + 1, comments)]
    return [head, *_list(value, where, depth, comments)]


def _list(
    items: list[Json], place: Pointer, depth: int, comments: Mapping[Pointer, list[str]]
) -> list[str]:
    lines: list[str] = []
    indent = _INDENT * (depth + 1)
    for position, item in enumerate(items):
        where = (*place, position)
        lines += _commented(comments, where, depth + 1)
        said_below = any(p[: len(where)] == where and p != where for p in comments)
        line = f"{indent}- {flow(item)}"
        resource = isinstance(item, dict) and place == ("resources",)
        if not said_below and not resource and len(line) <= WIDTH and _nesting(item) <= 3:
            lines.append(line)
        elif isinstance(item, dict) and item:
            below = _mapping(item, where, depth + 2, comments)
            first = below[0].lstrip()
            if first.startswith("#"):
                below.insert(0, f"{indent}-")
            else:
                below[0] = f"{indent}- {first}"
            lines += below
        else:
            lines.append(line)
    return lines


def _parts(value: Json) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _nesting(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_nesting, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_nesting, value), default=0)
    return 0


def _blockable(text: str) -> bool:
    return not re.search(
        r"[^\S\n]\n|\t|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]", text
    ) and (not text.startswith((" ", "\n")))


def _block(head: str, text: str, depth: int) -> list[str]:
    keep = "" if text.endswith("\n") and not text.endswith("\n\n") else "-"
    if text.endswith("\n\n"):
        return [f"{head} {scalar(text)}"]
    indent = _INDENT * (depth + 1)
    body = [f"{indent}{line}" if line else "" for line in text.removesuffix("\n").split("\n")]
    return [f"{head} |{keep}", *body]


def flow(value: Json) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{scalar(str(key))}: {flow(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def scalar(value: Json) -> str:
    """A scalar as every YAML reader reads it back; text in quotes where it could be anything
    else."""
    if isinstance(value, str):
        return value if _plain(value) else json.dumps(value, ensure_ascii=False).translate(_ESCAPED)
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF)}


def _plain(text: str) -> bool:
    if not _PLAIN.match(text) or text != text.strip() or text.lower() in _WORDS:
        return False
    value, problem = plain_scalar(text)
    return problem is None and value == text and not text.startswith((".", "$"))
