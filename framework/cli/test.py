"""`framework test`: connectors tested from their recordings."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from framework.cli.option_types import connectors_option
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
@click.option("--update", is_flag=True, help="Write NAME.expected.yaml from what the replay gives.")
def command(names: tuple[str, ...], connectors: Path | None, update: bool) -> int:
    """Replay each cassette into a throw-away DuckDB and compare with NAME.expected.yaml.

    No network, no secrets. With no names: your own connectors, or the bundled ones where there
    are none. Exit code 1 when a table differs, a recorded answer is never used, or a named
    connector has no cassette.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.api import valid_connector
    from framework.authoring.cassettes.cassette import cassette_path
    from framework.authoring.cassettes.snapshot import test_connector
    from framework.cli.signals import signals_handled
    from framework.definition.finder import find_connector, own_connectors
    from framework.runtime.environment import StopSignal

    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    failed = tested = 0
    stop = StopSignal()
    with signals_handled(stop):
        for location in locations:
            try:
                connector = valid_connector(location)
                if not names and not cassette_path(connector).exists():
                    _say(f"{location.name}: not tested, it has no cassette")
                    continue
                outcome = test_connector(connector, update=update, stop=stop)
            except FrameworkError as error:
                if stop.error is not None:
                    raise
                failed += 1
                _say(f"{location.name}: FAILED\n  {_indented(str(error))}")
                continue
            tested += 1
            if outcome.problems:
                failed += 1
                _say(f"{location.name}: FAILED")
                for problem in outcome.problems:
                    _say(f"  {_indented(problem)}")
            else:
                done = "written" if update else "ok"
                tables, rows = count_noun(outcome.tables, "table"), count_noun(outcome.rows, "row")
                _say(f"{location.name}: {done}, {tables}, {rows}")
    if not tested and not failed:
        _say(
            "nothing was tested: no connector has a cassette; make one with: framework record NAME"
        )
        return 1
    return int(failed > 0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
