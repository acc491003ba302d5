"""A connector tested from its recording: played into a database that is thrown away, compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framework.authoring.cassettes.cassette import read_cassette
from framework.authoring.cassettes.replays import cassette_of, played
from framework.authoring.cassettes.snapshot import compare, read_expected, snapshot, write_expected
from framework.authoring.scaffold.file_writer import refuse_bundled
from framework.definition.model import Connector
from framework.definition.naming import normalize_identifier, normalize_path
from framework.events import unwatched
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Stop

FILE = "tested.duckdb"


@dataclass(frozen=True)
class Outcome:
    """What a test found: nothing in `problems` is a pass. `tables` and `rows` are what it saw."""

    problems: tuple[str, ...]
    tables: int = 0
    rows: int = 0


def expected_path(connector: Connector) -> Path:
    """Where the tables that the cassette must give are written down."""
    return cassette_of(connector).with_suffix(".expected.yaml")


def test_connector(connector: Connector, *, update: bool, stop: Stop) -> Outcome:
    """Play the cassette and compare with the expected tables, or write them.

    CassetteError where a file is missing or broken.
    """
    if update:
        refuse_bundled(connector.root, connector.name)
    cassette = read_cassette(cassette_of(connector), connector.name)
    expected = None if update else read_expected(expected_path(connector), connector.name)
    with TemporaryDirectory(prefix="framework-") as folder:
        here = Path(folder)
        playing = played(cassette, RunOptions(folder=here, pipelines=here / "dlt"), stop)
        options = replace(playing.options, file=FILE)
        report = run(connector, options, playing.world, unwatched)
        problems = [
            f"{part.error}" for part in report.resources.values() if part.status == "failed"
        ]
        # what a failed resource had not asked for yet depends on the moment
        unused = [] if problems else playing.adapter.unused()
        problems += [f"recorded, but never asked for: {line}" for line in unused]
        if problems:
            return Outcome(tuple(problems))
        found = snapshot(here / FILE, str(report.dataset), _primary_keys(connector))
    if expected is None:
        write_expected(expected_path(connector), found)
    else:
        problems = compare(expected, found)
    return Outcome(tuple(problems), len(found["tables"]), _rows(found))


test_connector.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


def _primary_keys(connector: Connector) -> dict[str, tuple[str, ...]]:
    return {
        normalize_identifier(str(resource.hints.get("table_name") or resource.name)): tuple(
            normalize_path(name) for name in resource.primary_key
        )
        for resource in connector.resources
    }


def _rows(found: dict[str, Any]) -> int:
    return sum(int(table["rows"]) for table in found["tables"].values())
