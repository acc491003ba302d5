"""`framework diff`: what two versions of a connector make of one recording."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option, format_option
from framework.cli.terminal import write_json, write_line
from framework.errors import UsageError


@click.command(
    "diff",
    short_help="Compare two versions of a connector on one recording.",
    epilog="""\b
Examples:
  framework diff HEAD:connectors/shop.yaml connectors/shop.yaml
  framework diff shop --rev main --format markdown
  framework diff old/shop.yaml connectors/shop.yaml --cassette cassettes/shop.yaml
""",
)
@click.argument("old", shell_complete=complete_connectors)
@click.argument("new", required=False, shell_complete=complete_connectors)
@click.option("--rev", metavar="REVISION", help="Compare what this git revision has with the file.")
@click.option(
    "--cassette",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="The recording; by default the new version's.",
)
@connectors_option
@format_option("text", "json", "markdown")
def command(
    old: str,
    new: str | None,
    rev: str | None,
    cassette: Path | None,
    connectors: Path | None,
    form: str,
) -> int:
    """Replay versions OLD and NEW on one cassette and print what differs.

    Each is a name, a file, or REVISION:PATH. With --rev, OLD is the connector's name or file.
    Compared are requests, tables, columns, types, primary keys and rows. Needs no network and no
    secrets. Exit code 0 if nothing differs, 1 if something does.
    """
    if (new is None) == (rev is None):
        raise UsageError("expected OLD and NEW, or one connector and --rev REVISION")
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.authoring.compare.connector_diff import diff_connectors
    from framework.authoring.compare.connector_version import open_revision, open_version
    from framework.cli.diff_view import as_data, render_markdown, render_text
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    stop = StopSignal()
    with ExitStack() as stack:
        if rev is not None:
            versions = [open_revision(rev, old, connectors), open_version(old, connectors)]
        else:
            versions = [open_version(old, connectors), open_version(str(new), connectors)]
        try:
            before, after = (stack.enter_context(one) for one in versions)
        except UsageError as error:
            if new is None or "there is no connector" not in str(error):
                raise
            hint = "For a git revision: framework diff NAME --rev REVISION"
            raise UsageError(f"{error}. {hint}") from None
        stack.enter_context(stop_on_signals(stop))
        found = diff_connectors(before, after, cassette, stop)
        names = (before.display, after.display)
    if form == "json":
        write_json(as_data(found, names))
    else:
        render = render_markdown if form == "markdown" else render_text
        write_line(render(found, names))
    return int(not found.is_equal)
