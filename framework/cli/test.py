"""`framework test`: test connectors against their recordings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option, format_option
from framework.cli.terminal import write_error, write_line
from framework.errors import FrameworkError

if TYPE_CHECKING:
    from framework.cli.test_view import ConnectorTest
    from framework.definition.finder import Location
    from framework.runtime.environment import StopSignal


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
    from framework.cli.test_view import outcome_lines, render_junit
    from framework.definition.finder import find_connector, own_connectors
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    tests: list[ConnectorTest] = []
    stop = StopSignal()
    with stop_on_signals(stop):
        for location in locations:
            test = _test(location, update=update, is_named=bool(names), stop=stop)
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


def _test(location: Location, *, update: bool, is_named: bool, stop: StopSignal) -> ConnectorTest:
    """Return the test of one connector; an error is a problem of it, a stop is raised."""
    from framework.api import valid_connector
    from framework.authoring.cassettes.cassette import cassette_path
    from framework.authoring.cassettes.snapshot import TestResult, test_connector
    from framework.cli.test_view import ConnectorTest

    began = time.perf_counter()
    try:
        connector = valid_connector(location)
        if not is_named and not cassette_path(connector).exists():
            return ConnectorTest(location.name)
        result = test_connector(connector, update=update, stop=stop)
    except FrameworkError as error:
        if stop.error is not None:
            raise
        result = TestResult(replay=(str(error),))
    return ConnectorTest(location.name, result, time.perf_counter() - began)
