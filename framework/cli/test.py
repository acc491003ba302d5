"""`framework test`: test connectors against their recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option, format_option
from framework.cli.terminal import write_error, write_line

if TYPE_CHECKING:
    from framework.authoring.cassettes.connector_test import ConnectorTest


@click.command(
    "test",
    short_help="Replay cassettes and compare the tables.",
    epilog="""\b
Examples:
  framework test
  framework test scheduling
  framework test scheduling --update
  framework test --format junit > tests.xml
""",
)
@click.argument("names", nargs=-1, shell_complete=complete_connectors)
@connectors_option
@click.option("--update", is_flag=True, help="Write NAME.expected.yaml from the replayed tables.")
@format_option("text", "junit")
def command(names: tuple[str, ...], connectors: Path | None, update: bool, form: str) -> int:
    """Replay each cassette into a temporary DuckDB and compare with NAME.expected.yaml.

    Needs no network and no secrets. With no names: your own connectors, or the bundled ones if
    you have none. Exit code 1 if a table differs, a recorded response is not used, or a named
    connector has no cassette.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.authoring.cassettes.connector_test import outcome_lines, test_location
    from framework.cli.test_view import render_junit
    from framework.definition.finder import find_connector, own_connectors
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    tests: list[ConnectorTest] = []
    stop = StopSignal()
    with stop_on_signals(stop):
        for location in locations:
            test = test_location(location, update=update, is_named=bool(names), stop=stop)
            tests.append(test)
            if form == "text":
                for line in outcome_lines(test, updated=update):
                    write_line(line)
    if form == "junit":
        write_line(render_junit(tests))
    if all(test.result is None for test in tests):
        message = "no connector has a cassette; create one with: framework record NAME"
        write_line(message) if form == "text" else write_error(message)
        return 1
    return int(any(test.has_failed for test in tests))
