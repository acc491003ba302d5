"""Where in a connector file the cursor is, told from the lines: the file may not parse yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

_BREAK = re.compile(r"\r\n|[\n\r]")
_KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{}\[\]#,&*!|>%@`-][^:#{}\[\]"']*?|-[^\s:]+)
    \s*:(?=\s|$)[ \t]*""",
    re.VERBOSE,
)
_DASHES = re.compile(r"(?:-(?:[ \t]+|$))*")
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]+)*")
_BLOCK_TEXT = re.compile(r"(?:[&!]\S+[ \t]+)*[|>][-+0-9]*[ \t]*(?:#.*)?$")
_MOST_LINES = 20_000


@dataclass(frozen=True)
class Cursor:
    """A place in the file, and what is typed there so far.

    `pointer` leads to the value, or to the mapping that a key is typed in. `text` is the part of
    the word before the cursor, which starts at the offset `start`; `quote` is what it began with.
    `is_item` means that the word may be the first key of a list item, or the item itself.
    """

    pointer: Pointer
    is_key: bool
    text: str
    start: int
    quote: str = ""
    is_item: bool = False
    in_flow: bool = False


@dataclass(frozen=True)
class _Element:
    """A dash (`key` is None) or a key, with its column, and what follows the key on its line."""

    column: int
    key: str | None
    rest: str = ""


def cursor_at(text: str, offset: int) -> Cursor | None:
    """Return where the cursor is, None inside a comment."""
    lines = _BREAK.split(text[:offset])
    before = lines[-1]
    line_start = offset - len(before)
    if _in_comment(before):
        return None
    elements, rest_column = _elements(before)
    rest = before[rest_column:]
    last_key = elements[-1] if elements and elements[-1].key is not None else None
    need = elements[-1].column if last_key else rest_column
    dashes = [one for one in elements if one.key is None]
    above, is_text = _above(lines[:-1], dashes, need)
    if is_text:
        stripped = before.lstrip()
        return Cursor(above, False, stripped, line_start + len(before) - len(stripped))
    if last_key is not None:
        assert last_key.key is not None
        return _in_value((*above, last_key.key), rest, line_start + rest_column)
    if rest[:1] in ("{", "["):
        return _in_value(above, rest, line_start + rest_column)
    quote = rest[:1] if rest[:1] in ("'", '"') else ""
    return Cursor(
        above,
        True,
        rest[len(quote) :],
        line_start + rest_column + len(quote),
        quote,
        is_item=bool(dashes),
    )


def _in_comment(before: str) -> bool:
    quote = ""
    for position, character in enumerate(before):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and (position == 0 or before[position - 1] in " \t{[,:"):
            quote = character
        elif character == "#" and (position == 0 or before[position - 1] in " \t"):
            return True
    return False


def _elements(line: str) -> tuple[list[_Element], int]:
    """Return the dashes and the key that a line begins with, and the column behind them."""
    column = len(line) - len(line.lstrip(" \t"))
    found = _DASHES.match(line, column)
    assert found is not None  # it matches nothing, too
    elements = [
        _Element(position, None) for position in range(column, found.end()) if line[position] == "-"
    ]
    column = found.end()
    key = _KEY.match(line, column)
    if key is None:
        return elements, column
    begin = key.end()
    properties = _PROPERTIES.match(line, begin)
    assert properties is not None
    elements.append(_Element(column, _unquoted(key["key"]), line[begin:]))
    return elements, properties.end()


def _unquoted(key: str) -> str:
    return key[1:-1] if key[:1] in ("'", '"') else key.strip()


def _above(lines: list[str], dashes: list[_Element], need: int) -> tuple[Pointer, bool]:
    """Return the pointer to what a column is inside of, and whether that is a block of text."""
    path: list[str | int] = []
    index: int | None = None  # of the list item whose earlier siblings are counted
    is_text = False
    for element in (*reversed(dashes), *_upward(lines)):
        if index is not None:
            if element.key is None and element.column == need:
                index += 1
                continue
            if element.key is not None and element.column <= need:
                path.append(index)
                index = None
                need = element.column + 1
            elif element.key is None and element.column < need:
                path.append(index)
                index, need = 0, element.column
                continue
            else:
                continue
        if element.column >= need:
            continue
        if element.key is None:
            index, need = 0, element.column
            continue
        if _BLOCK_TEXT.match(element.rest):
            path, is_text = [], True
        path.append(element.key)
        need = element.column
        if need == 0:
            break
    if index is not None:
        path.append(index)
    return tuple(reversed(path)), is_text


def _upward(lines: list[str]) -> Iterator[_Element]:
    """Yield the elements of the lines above, from the last one's last."""
    for line in reversed(lines[-_MOST_LINES:]):
        if line.strip() and not line.lstrip().startswith("#"):
            yield from reversed(_elements(line)[0])


def _in_value(pointer: Pointer, written: str, offset: int) -> Cursor:
    """Return the cursor at the end of a value, which may be a mapping or a list in brackets."""
    stack: list[tuple[str, Pointer]] = []
    here, token, is_key = pointer, 0, False
    position = 0
    while position < len(written):
        character = written[position]
        begins = not written[token:position].strip()
        if character in "'\"" and begins:
            end = _closing(written, position)
            if end is None:
                text = written[position + 1 :]
                begin = offset + position + 1
                return Cursor(here, is_key, text, begin, character, in_flow=bool(stack))
            position = end
        elif character in "{[" and begins:
            stack.append((character, here))
            is_key = character == "{"
            here = here if is_key else (*here, 0)
            token = position + 1
        elif stack and character in "}]":
            here = stack.pop()[1]
            is_key, token = False, position + 1
        elif stack and character == ",":
            bracket, outer = stack[-1]
            is_key = bracket == "{"
            here = outer if is_key else (*outer, _next(here, outer))
            token = position + 1
        elif is_key and character == ":" and written[position + 1 : position + 2] in ("", " "):
            here = (*here, _unquoted(written[token:position].strip()))
            is_key, token = False, position + 1
        position += 1
    text = written[token:].lstrip()
    begin = offset + len(written) - len(text)
    return Cursor(here, is_key, text, begin, in_flow=bool(stack))


def _next(here: Pointer, outer: Pointer) -> int:
    step = here[len(outer)] if len(here) > len(outer) else 0
    return step + 1 if isinstance(step, int) else 0


def _closing(written: str, start: int) -> int | None:
    """Return the position of the quote that closes the one at `start`, or None."""
    quote, position = written[start], start + 1
    while position < len(written):
        if written[position] == "\\" and quote == '"':
            position += 1
        elif written[position] == quote:
            return position
        position += 1
    return None
