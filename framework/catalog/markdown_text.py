"""Markdown of texts that strangers wrote: none of them can become markup, HTML or another cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from framework.text import cut

_LONGEST_CODE = 300
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9_])_+|_+(?![A-Za-z0-9_])")
_BLOCK = re.compile(r"^(?:([-+=#:])|(\d{1,9})([.)]))")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def prose(text: str) -> str:
    """Return a text on one line, as it is read, for a paragraph, a list or a table's cell.

    What stands between two backticks is code, as people write it in descriptions.
    """
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0 or any(not one.strip() for one in parts[1::2]):
        parts = ["`".join(parts)]
    line = "".join(
        code(part, most=len(part)) if number % 2 else _plain(part)
        for number, part in enumerate(parts)
    )
    return _BLOCK.sub(
        lambda found: f"\\{found[1]}" if found[1] else rf"{found[2]}\{found[3]}", line
    )


def code(text: str, *, most: int = _LONGEST_CODE) -> str:
    """Return a text as code; a `|` in it would end a table's cell, so it is escaped as tables do.

    Empty for an empty text.
    """
    line = cut(one_line(text), most)
    if not line:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(markdown: str) -> str:
    r"""Return Markdown for a table's cell, in which each `|` has a backslash, in code too."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", markdown)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table of Markdown; none without rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *lines, ""]


def fenced(language: str, lines: Iterable[str]) -> list[str]:
    """Return lines of code in a block that none of them can end."""
    inner = [line for text in lines for line in text.split("\n")]
    runs = (len(run) for line in inner for run in re.findall(r"`{3,}", line))
    fence = "`" * max(3, 1 + max(runs, default=0))
    return [f"{fence}{language}", *inner, fence, ""]


def one_line(text: str) -> str:
    """Return a text on one line, without characters that hide or reorder others."""
    line = " ".join(text.split())
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in line)


def _plain(text: str) -> str:
    line = "".join(_ENTITIES.get(mark, mark) for mark in text)
    return _MARKUP.sub(lambda found: "".join(f"\\{mark}" for mark in found[0]), line)
