"""`framework test`: test connectors against their recordings."""

from __future__ import annotations

from pathlib import Path

import click

from framework.cli.shared_options import connectors_option
from framework.cli.terminal import write_line
from framework.errors import FrameworkError
from framework.text import count_noun


@click.command(
    "test",
    short_help="Replay cassettes and compare the tables.",
    epilog="""\b
Examples:
  framework test
  framework test scheduling
  framework test scheduling --update
""",
)
@click.argument("names", nargs=-1)
@connectors_option
@click.option("--update", is_flag=True, help="Write NAME.expected.yaml from the replayed tables.")
def command(names: tuple[str, ...], connectors: Path | None, update: bool) -> int:
    """Replay each cassette into a temporary DuckDB and compare with NAME.expected.yaml.

    Needs no network and no secrets. With no names: your own connectors, or the bundled ones if
    you have none. Exit code 1 if a table differs, a recorded response is not used, or a named
    connector has no cassette.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.api import valid_connector
    from framework.authoring.cassettes.cassette import cassette_path
    from framework.authoring.cassettes.snapshot import test_connector
    from framework.definition.finder import find_connector, own_connectors
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    failed = tested = 0
    stop = StopSignal()
    with stop_on_signals(stop):
        for location in locations:
            try:
                connector = valid_connector(location)
                if not names and not cassette_path(connector).exists():
                    write_line(f"{location.name}: skipped, it has no cassette")
                    continue
                outcome = test_connector(connector, update=update, stop=stop)
                problems = outcome.problems
            except FrameworkError as error:
                if stop.error is not None:
                    raise
                problems = (str(error),)
            else:
                tested += 1
            if problems:
                failed += 1
                write_line(f"{location.name}: FAILED")
                for problem in problems:
                    write_line("  " + problem.replace("\n", "\n  "))
            else:
                result = "written" if update else "ok"
                tables, rows = count_noun(outcome.tables, "table"), count_noun(outcome.rows, "row")
                write_line(f"{location.name}: {result}, {tables}, {rows}")
    if not tested and not failed:
        write_line("no connector has a cassette; create one with: framework record NAME")
        return 1
    return int(failed > 0)
