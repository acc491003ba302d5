"""Write docs/commands.md from the texts of `--help`.

`python -m tests.support.commands_page [--check]`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from framework.cli.main import cli
from tests.support.docs_blocks import ROOT

PAGE = ROOT / "docs" / "commands.md"
WIDTH = 90
HEAD = """\
# Commands

<!-- Written by `python -m tests.support.commands_page` from the commands' own help. -->

What `framework COMMAND --help` prints. [The tour](tour.md#commands) shows the usual ones at work.
"""


def page() -> str:
    """Return the page: a section for each command, in the order of `framework --help`."""
    root = click.Context(cli, info_name="framework", terminal_width=WIDTH, **cli.context_settings)
    sections = [HEAD, _block(root), *_sections(cli, root, level=2)]
    return "\n".join(sections)


def _sections(group: click.Group, context: click.Context, level: int) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, context, info_name=name, terminal_width=WIDTH)
        words = inner.command_path.partition(" ")[2]
        yield f"{'#' * level} {words}\n\n{_block(inner)}"
        if isinstance(command, click.Group):
            yield from _sections(command, inner, level + 1)


def _block(context: click.Context) -> str:
    lines = [line.rstrip() for line in context.get_help().splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


def main(arguments: list[str]) -> int:
    """Write the page, or compare it with `--check`; return 1 if it is out of date."""
    text = page()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/commands.md is out of date; run python -m tests.support.commands_page")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
