"""Convert places of a text: offsets, YAML's lines and columns, and the positions of LSP.

YAML has line breaks that LSP does not know, and LSP counts in UTF-16 units unless told otherwise.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from lsprotocol import types
from pygls.workspace import PositionCodec

from framework.definition.yaml_reader import Document, Node, Pointer

_YAML_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_LSP_BREAK = re.compile(r"\r\n|[\n\r]")


@dataclass(frozen=True)
class TextPositions:
    """The lines of one text. `codec` has the unit that the client counts in."""

    text: str
    codec: PositionCodec

    @cached_property
    def _yaml_starts(self) -> list[int]:
        return [0, *(found.end() for found in _YAML_BREAK.finditer(self.text))]

    @cached_property
    def _lsp_starts(self) -> list[int]:
        return [0, *(found.end() for found in _LSP_BREAK.finditer(self.text))]

    def offset_of_yaml(self, line: int, column: int) -> int:
        """Return the offset of a line and a column of YAML, both from 0."""
        starts = self._yaml_starts
        return min(starts[min(line, len(starts) - 1)] + column, len(self.text))

    def position(self, offset: int) -> types.Position:
        """Return the client's position of an offset."""
        line = bisect_right(self._lsp_starts, offset) - 1
        before = self.text[self._lsp_starts[line] : offset]
        return types.Position(line, self.codec.client_num_units(before))

    def range(self, start: int, end: int) -> types.Range:
        """Return the client's range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def offset(self, position: types.Position) -> int:
        """Return the offset of a client's position; one past the end of a line is its end."""
        starts = self._lsp_starts
        if position.line >= len(starts):
            return len(self.text)
        start, end = starts[position.line], self.line_end(position.line)
        units = 0
        for offset in range(start, end):
            if units >= position.character:
                return offset
            units += self.codec.client_num_units(self.text[offset])
        return end

    def line_end(self, line: int) -> int:
        """Return the offset of the end of a client's line, before its break."""
        starts = self._lsp_starts
        if line + 1 >= len(starts):
            return len(self.text)
        end = starts[line + 1]
        while end > starts[line] and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def span(self, document: Document, pointer: Pointer, *, key: bool = False) -> tuple[int, int]:
        """Return the offsets around a value, or around its key.

        A mapping or a list ends where the last value in it does.
        """
        mark = document.mark(pointer, key=key)
        start = self.offset_of_yaml(mark.line - 1, mark.column - 1)
        node = document.node(pointer)
        if key and pointer and isinstance(pointer[-1], str):
            return start, self._key_end(start)
        end = start if node is None else self._node_end(node, start)
        return start, max(start, end)

    def word_at(self, line: int, column: int) -> tuple[int, int]:
        """Return the offsets around what a finding at a place of YAML, from 1, is about."""
        start = self.offset_of_yaml(line - 1, column - 1)
        end = self._key_end(start)
        return start, end

    def _node_end(self, node: Node, start: int) -> int:
        if node.end is not None:
            return self._without_breaks(start, self.offset_of_yaml(*node.end))
        last: Node | None = None
        if isinstance(node.items, dict):
            last = next((one for _, one in reversed(node.items.values())), None)
        elif isinstance(node.items, list) and node.items:
            last = node.items[-1]
        if last is None or (last.line, last.column) < (node.line, node.column):
            return start  # empty, or an alias of what stands above
        return self._node_end(last, self.offset_of_yaml(last.line, last.column))

    def _without_breaks(self, start: int, end: int) -> int:
        """Return where the text before `end` ends: a block of text ends with line breaks."""
        return start + len(self.text[start:end].rstrip())

    def _key_end(self, start: int) -> int:
        """Return the end of a key, or of a word on one line."""
        line = _LSP_BREAK.split(self.text[start : start + 1_000], maxsplit=1)[0]
        if line[:1] in ("'", '"'):
            end = line.find(line[0], 1)
            return start + (end + 1 if end > 0 else len(line))
        found = re.match(r"[^\s:,\]}]+", line)
        return start + (found.end() if found else min(1, len(line)))
