"""`framework fmt`: lay out connector files in one order, with their comments."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option, source_text
from framework.cli.terminal import visible, write_error, write_line


@click.command(
    "fmt",
    short_help="Lay out connector files.",
    epilog="""\b
Examples:
  framework fmt
  framework fmt ./connectors/mine.yaml --diff
  framework fmt --check
""",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", shell_complete=complete_connectors)
@connectors_option
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def command(names: tuple[str, ...], connectors: Path | None, check: bool, diff: bool) -> int:
    """Write connector files in the canonical order and layout. Comments and data stay.

    With no names: your own connectors. Keys are in the order of the reference, an endpoint and the
    processing steps last; levels are indented by two spaces.
    """
    from framework.authoring.scaffold.file_layout import UnknownLayout, canonical_text
    from framework.authoring.scaffold.file_writer import refuse_bundled, write_text
    from framework.authoring.scaffold.yaml_patch import read_whole
    from framework.definition.finder import find_connector, own_connectors

    code = changed = 0
    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    for location in locations:
        try:
            before = read_whole(location.path)
            after = canonical_text(before, location.display)
        except (UnknownLayout, OSError, UnicodeError) as error:
            code = 1
            reason = str(error)
            if not isinstance(error, UnknownLayout):
                why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                reason = f"{location.display} cannot be read: {why}"
            write_error(reason)
            continue
        if after == before:
            continue
        changed += 1
        if diff:
            source_text(location)  # a secret that is written in the file is masked
            old, new, name = before.splitlines(), after.splitlines(), location.display
            for line in difflib.unified_diff(old, new, name, name, lineterm="", n=2):
                write_line(visible(line))
        elif check:
            write_line(f"{location.display}: is laid out otherwise; run: framework fmt")
        else:
            refuse_bundled(location.root, location.name)
            write_text(location.path, after)
            write_line(f"{location.display}: written")
    if not changed and not code:
        write_line("nothing to change")
    return 1 if check and changed else code
