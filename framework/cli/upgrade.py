"""`framework upgrade`: bring connector files to the newest version of their format."""

from __future__ import annotations

from pathlib import Path

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option
from framework.cli.terminal import write_error, write_line

NEWEST = 1
"""The newest `version` of a file. The next one brings the steps that lead to it."""


@click.command(
    "upgrade",
    short_help="Bring connector files to the newest file version.",
    epilog="""\b
Examples:
  framework upgrade
  framework upgrade ./connectors/mine.yaml
""",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", shell_complete=complete_connectors)
@connectors_option
def command(names: tuple[str, ...], connectors: Path | None) -> int:
    """Say which file version connectors have; there is one so far, so nothing is changed.

    With no names: your own connectors. Exit code 1 if a file has another version.
    """
    from framework.definition.finder import find_connector, own_connectors
    from framework.definition.yaml_reader import read_document

    code = 0
    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    for location in locations:
        document, findings = read_document(location.path, location.display)
        data = document.data if document is not None else None
        version = data.get("version") if isinstance(data, dict) else None
        if document is None and findings:
            code = 1
            write_error(f"{location.display}: {findings[0].message}")
        elif version == NEWEST and not isinstance(version, bool):
            write_line(f"{location.display}: version {NEWEST}, the newest")
        else:
            code = 1
            write_error(
                f"{location.display}: found {_shown(version)}, expected version {NEWEST}, the only "
                f"one that this release knows; run: framework validate {location.display}"
            )
    return code


def _shown(version: object) -> str:
    """Return a version for a message; text may be anything, so that it is not repeated."""
    if version is None:
        return "no version"
    return f"version {version}" if type(version) in (int, float) else "a version that is no number"
