"""Turn PyYAML's syntax errors into a place and a message for someone writing YAML."""

from __future__ import annotations

import yaml

_MESSAGES = (
    ("found unexpected end of stream", "a quote is opened here and never closed"),
    (
        "that cannot start any token",
        "found a character that cannot begin text; put quotes around the text",
    ),
    (
        "mapping values are not allowed",
        "found a `:` where no key is expected; put quotes around text that contains `: `, and "
        "check that this line is indented like the keys above it",
    ),
    (
        "did not find expected key",
        "this does not continue the mapping above it; check that the line is indented like its "
        "keys, and that no quote is closed too early",
    ),
    (
        "did not find expected '-' indicator",
        "this does not continue the list above it; check that the line is indented like its items "
        "and begins with `- `",
    ),
    ("expected ',' or '}'", "expected a comma or a `}` here; is one missing?"),
    ("expected ',' or ']'", "expected a comma or a `]` here; is one missing?"),
    (
        "could not find expected ':'",
        "found a line without a `:` among keys; is it missing, or is this the rest of text that "
        "needs quotes or `>-`?",
    ),
    (
        "block sequence entries are not allowed",
        "found a `- ` where no list is expected; begin the list on a line of its own",
    ),
)
_TAB = "found a tab; indent with spaces, not with tabs"


def syntax_error(error: yaml.YAMLError, lines: list[str]) -> tuple[int, int, str]:
    """Return the line and column of an error, both from 0, and a message."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = getattr(error, "context", None)
    marks = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    if "end of stream" in problem:
        marks.reverse()  # an open quote is noticed at the end of the file
    mark = marks[0] or marks[1]
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if line < len(lines) and lines[line][column : column + 1] == "\t":
        return line, column, _TAB
    text = f"{context}, {problem}" if context else problem
    for part, message in _MESSAGES:
        if part in text:
            return line, column, message
    return line, column, f"this is not valid YAML: {text}"
