"""Write text and JSON so that no content can control the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

import click

from framework.runtime.redacted_output import process_redactor
from framework.text import cut

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_ANY_WIDTH = 10_000
_LONGEST_LINE = 4_000
"""Characters of one line of a message: what it quotes may be as long as a file."""


def visible(text: str) -> str:
    """Return the text with every character replaced that could hide text or change the terminal."""
    return "".join(
        character if character.isprintable() else " " if character in "\t\n" else "\ufffd"
        for character in text
    )


def visible_lines(text: str) -> str:
    """Return `visible` of each line."""
    return "\n".join(visible(line) for line in text.split("\n"))


def write_line(line: str) -> None:
    """Write one line to stdout; click keeps an ASCII stream from failing on other characters."""
    click.echo(line)


def write_error(message: str) -> None:
    """Write `error: MESSAGE` to stderr."""
    text = "\n".join(cut(line, _LONGEST_LINE) for line in visible_lines(message).split("\n"))
    click.echo(f"error: {text}", err=True)


def is_utf_8(stream: TextIO) -> bool:
    """Return whether a stream can hold every character."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def json_text(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Return the value as indented JSON for stdout: ASCII only, if that is not UTF-8."""
    return json.dumps(value, ensure_ascii=not is_utf_8(sys.stdout), indent=2, default=default)


def write_json(value: Any, default: Callable[[Any], Any] | None = None) -> None:
    """Write the value to stdout as indented JSON, valid also if it contains a secret."""
    text, redactor = json_text(value, default), process_redactor()
    if redactor.redact(text) != text:
        text = json_text(redactor.redact_data(json.loads(text)))
    write_line(text)


def print_plain(console: Console, text: str, style: str | None = None) -> None:
    """Print the text as it is: no markup, no highlighting, no line breaks of our own."""
    console.print(
        visible_lines(text),
        style=style,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


def new_table(*columns: str) -> Table:
    """Return a table without borders, whose columns are never cut."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="fold")
    return table


def print_table(console: Console, table: Table) -> None:
    """Print the table at its full width, so that logs contain whole lines."""
    from rich.measure import Measurement

    wide = console.options.update_width(_ANY_WIDTH)
    table.width = Measurement.get(console, wide, table).maximum
    console.print(table, crop=False)
