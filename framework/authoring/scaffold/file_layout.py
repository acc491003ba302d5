"""The canonical order and layout of a connector file, by moving its own lines: comments stay.

Keys of the file, of `client`, of resources and of endpoints have an order; other mappings keep
theirs. What is on one line stays on one line. The data is the same before and after, which is
checked; a file for which that cannot be had is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from framework.definition.finder import shared_schema
from framework.definition.yaml_reader import parse_document
from framework.errors import FrameworkError

Pointer = tuple[str | int, ...]
Lines = list[str]

LAST = ("endpoint", "processing_steps")
"""Keys of a resource that come after all others: what is requested, and what is made of it."""
_INDENT = 2
_TIGHT = (yaml.FlowEntryToken, yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_OPENING = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_NO_TEXT = (yaml.StreamStartToken, yaml.StreamEndToken, yaml.BlockEndToken, yaml.KeyToken)
_STARTS = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken)


class UnknownLayout(FrameworkError):
    """A file that the layout cannot be made of without changing what it says."""


def canonical_text(text: str, name: str) -> str:
    """Return the file's text in the canonical layout; that of a canonical file is itself.

    Raise UnknownLayout if the text is not valid YAML, or cannot be laid out.
    """
    document, findings = parse_document(text, name)
    if findings or document is None or not isinstance(document.data, dict):
        first = findings[0] if findings else None
        where = f"{name}:{first.line}:{first.column}: {first.message}" if first else name
        raise UnknownLayout(f"{where}; fix this first: framework validate {name}")
    end = "\r\n" if "\r\n" in text and not re.search(r"(?<!\r)\n", text) else "\n"
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        laid = _Layout(_spaced(plain)).text()
        after, _ = parse_document(laid, name)
        is_same = after is not None and _exact(after.data) == _exact(document.data)
        is_same = is_same and sorted(_comments(laid)) == sorted(_comments(plain))
    except (yaml.YAMLError, RecursionError, IndexError):
        is_same = False
    if not is_same:
        raise UnknownLayout(
            f"{name} is written in a way that cannot be laid out without changing it (an anchor "
            "that would come after its alias, tabs between keys and values, or a text block whose "
            "last line ends count, say); it is left as it is"
        )
    return laid.replace("\n", end)


def _exact(value: Any) -> Any:
    """Return the data with the type of each value, in which 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return type(value).__name__, repr(value)


def _gaps(text: str) -> Iterator[tuple[Any, int, int, Any]]:
    """Yield what is between two tokens that have text: the tokens, and where the gap is."""
    before: Any = None
    position = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        start, end = token.start_mark.index, token.end_mark.index
        if isinstance(token, (*_NO_TEXT, *_STARTS)) and not isinstance(token, yaml.StreamEndToken):
            continue
        yield before, position, start, token
        before, position = token, end


def _comments(text: str) -> list[str]:
    found: list[str] = []
    for _, start, end, _ in _gaps(text):
        found += [line.strip() for line in re.findall(r"#[^\n]*", text[start:end])]
    return found


def _spaced(text: str) -> str:
    """Return the text with one space where tokens of a line are apart, two before a comment."""
    parts: list[str] = []
    depth = 0
    for before, start, end, after in _gaps(text):
        gap = text[start:end]
        is_value = isinstance(after, yaml.ValueToken)
        if isinstance(before, yaml.ScalarToken) and before.style in ("|", ">"):
            parts.append(gap)
        elif "\n" in gap or "#" in gap:
            parts.append(_spaced_lines(gap, at_start=start == 0))
        elif before is None or (isinstance(before, yaml.BlockEntryToken) and gap):
            parts.append(gap if before is None else " ")
        elif depth and (isinstance(before, _OPENING) or isinstance(after, _TIGHT)):
            parts.append("")
        elif is_value:
            # a key that is quoted may touch its colon, an alias may not
            parts.append("" if isinstance(before, yaml.ScalarToken) else gap)
        elif isinstance(before, (yaml.ValueToken, yaml.FlowEntryToken)):
            parts.append(" " if not isinstance(after, yaml.StreamEndToken) else gap)
        else:
            parts.append(gap)
        depth += isinstance(after, _OPENING) - isinstance(after, _CLOSING)
        parts.append(text[after.start_mark.index : after.end_mark.index])
    return "".join(parts)


def _spaced_lines(gap: str, *, at_start: bool) -> str:
    """Return a gap with line ends: no spaces there, two or more before a comment of that line."""
    first, *rest = gap.split("\n")
    if first.strip() and not at_start and not first.startswith("  "):  # more of them align comments
        first = f"  {first.strip()}"
    lines = [first.rstrip() if rest else first, *(line.rstrip() for line in rest[:-1]), *rest[-1:]]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Entry:
    """An entry of a block: the comments above it, its own lines from `start` to `end`."""

    key: Any
    value: Any
    lead: Sequence[str]
    start: int
    end: int


class _Layout:
    """Lays out one document. Lines of nodes are the text's, entries are moved as a whole."""

    def __init__(self, text: str) -> None:
        self._lines = text.rstrip("\n").split("\n")
        self._root: Any = yaml.compose(text, yaml.SafeLoader)
        self._dashes: list[tuple[int, int]] = [
            (token.start_mark.line, token.start_mark.column)
            for token in yaml.scan(text, Loader=yaml.SafeLoader)
            if isinstance(token, yaml.BlockEntryToken)
        ]

    def text(self) -> str:
        """Return the document in its layout."""
        first = self._root.start_mark.line
        if self._root.flow_style or self._root.start_mark.column:
            return _without_blanks(self._lines)
        head = self._lines[:first]
        # what stands above a blank line, or names the schema, is about the file
        split = max((at + 1 for at, line in enumerate(head) if not line.strip()), default=0)
        for at, line in enumerate(head):
            if line.startswith(("# yaml-language-server", "%", "---")):
                split = max(split, at + 1)
        body = self._mapping(self._root, split, len(self._lines), 0, ())
        return _without_blanks([*(line.strip() for line in head[:split]), *body])

    def _mapping(self, node: Any, start: int, end: int, indent: int, at: Pointer) -> Lines:
        """Return a block mapping whose lines are those from `start` to `end`."""
        entries = self._entries(
            [(key.start_mark.line, key, value) for key, value in node.value],
            node.value[0][0].start_mark.column,
            start,
            end,
        )
        order = _orders().get(_kind(at) or "", ())
        lines: Lines = []
        for entry in _in_order(entries, order):
            lines += _shifted_comments(entry.lead, indent)
            column = entry.key.start_mark.column
            inside = (*at, str(entry.key.value))
            lines += self._value(entry, entry.value, column, indent, inside)
        return lines

    def _sequence(self, node: Any, start: int, end: int, indent: int, at: Pointer) -> Lines:
        """Return a block sequence; its dashes stand at `indent`."""
        column = next(dash for line, dash in self._dashes if start <= line)
        heads = [line for line, dash in self._dashes if dash == column and start <= line < end]
        if len(heads) != len(node.value):
            raise IndexError("a dash without a line of its own")
        entries = self._entries(
            [(line, None, item) for line, item in zip(heads, node.value, strict=True)],
            column,
            start,
            end,
        )
        lines: Lines = []
        for position, entry in enumerate(entries):
            lines += _shifted_comments(entry.lead, indent)
            item, inside = entry.value, (*at, position)
            if _is_block(item) and self._first_line(item) == entry.start:
                if isinstance(item, yaml.SequenceNode):
                    raise IndexError("a list directly in a list")
                below = self._mapping(item, entry.start, entry.end, indent + _INDENT, inside)
                first = next(n for n, line in enumerate(below) if not _is_aside(line))
                dash = " " * indent + "- " + below[first].strip()
                lines += [*_shifted_comments(below[:first], indent), dash, *below[first + 1 :]]
            else:
                lines += self._value(entry, item, column, indent, inside)
        return lines

    def _entries(
        self, heads: list[tuple[int, Any, Any]], column: int, start: int, end: int
    ) -> list[_Entry]:
        """Return entries with their lines; comments that stand farther right end the one above."""
        if len({line for line, _, _ in heads}) != len(heads):
            raise IndexError("several entries in one line")
        entries: list[_Entry] = []
        begin = start
        for position, (line, key, value) in enumerate(heads):
            last = heads[position + 1][0] if position + 1 < len(heads) else end
            stop = last
            if position + 1 < len(heads):
                content = max(line, _last_line(value))
                while stop - 1 > content and _is_aside(self._lines[stop - 1]):
                    if _indent_of(self._lines[stop - 1]) > column:
                        break
                    stop -= 1
            entries.append(_Entry(key, value, self._lines[begin:line], line, stop))
            begin = stop
        return entries

    def _first_line(self, node: Any) -> int:
        """Return the line of a block's first entry, which may be below its anchor."""
        if isinstance(node, yaml.MappingNode):
            return int(node.value[0][0].start_mark.line)
        place = (node.start_mark.line, node.start_mark.column)
        return min(line for line, column in self._dashes if (line, column) >= place)

    def _value(self, entry: _Entry, value: Any, column: int, indent: int, at: Pointer) -> Lines:
        """Return the lines of an entry, from its key or dash on."""
        lines = self._lines
        first = " " * indent + lines[entry.start][column:].rstrip()
        if _is_block(value) and self._first_line(value) > entry.start:
            lay = self._mapping if isinstance(value, yaml.MappingNode) else self._sequence
            return [first, *lay(value, entry.start + 1, entry.end, indent + _INDENT, at)]
        shift = indent - column
        rest = [_shifted(line, shift) for line in lines[entry.start + 1 : entry.end]]
        return [first, *rest]


def _is_block(node: Any) -> bool:
    is_collection = isinstance(node, yaml.CollectionNode)
    return is_collection and not node.flow_style and bool(node.value)


@cache
def _orders() -> dict[str, tuple[str, ...]]:
    """Return the keys of each kind of mapping in their order, that of the JSON Schema."""
    schema = shared_schema("connector")
    definitions = schema["$defs"]
    resource = (key for key in definitions["resource"]["properties"] if key not in LAST)
    return {
        "file": tuple(schema["properties"]),
        "client": tuple(definitions["client"]["properties"]),
        "resource": (*resource, *LAST),
        "endpoint": tuple(definitions["endpoint"]["properties"]),
    }


def _kind(at: Pointer) -> str | None:
    """Return which order the keys of a mapping have, None for their own."""
    match at:
        case ():
            return "file"
        case ("client",):
            return "client"
        case ("resource_defaults",) | ("resources", int()):
            return "resource"
        case ("resource_defaults", "endpoint") | ("resources", int(), "endpoint"):
            return "endpoint"
    return None


def _in_order(entries: list[_Entry], order: Sequence[str]) -> list[_Entry]:
    """Return the entries in order; one that is not in it stays behind the one above it."""
    ranks: list[int] = []
    for entry in entries:
        key = entry.key.value
        ranks.append(order.index(key) if key in order else (ranks[-1] if ranks else -1))
    ranked = sorted(enumerate(entries), key=lambda one: (ranks[one[0]], one[0]))
    return [entry for _, entry in ranked]


def _last_line(node: Any) -> int:
    """Return the last line that has something of a node."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    is_ended = mark.column == 0 and mark.line > node.start_mark.line
    return int(mark.line - 1 if is_ended else mark.line)


def _is_aside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip()) if line.strip() else 0


def _shifted_comments(lines: Iterable[str], indent: int) -> Lines:
    """Return comments at another indentation, with at most one blank line between them."""
    shifted: Lines = []
    for line in lines:
        if line.strip():
            shifted.append(" " * indent + line.strip())
        elif not shifted or shifted[-1]:
            shifted.append("")
    return shifted


def _shifted(line: str, shift: int) -> str:
    """Return a line of a value farther right, or left as far as it has spaces."""
    if not line.strip():
        return line
    return " " * shift + line if shift >= 0 else line[min(-shift, _indent_of(line)) :]


def _without_blanks(lines: Lines) -> str:
    """Return the text without blank lines at its ends."""
    return "\n".join(lines).strip("\n") + "\n"
