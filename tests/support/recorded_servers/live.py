"""Record the HAR files of the tests anew, and prove the imported connectors on the live servers.

`python -m tests.support.recorded_servers.live INSTALLED [SERVER ...]` starts each server, browses
it, imports the HAR, runs the connector against the server, and compares with the truth. It writes
the HAR, the truth and the whole run into `tests/importers/recorded/servers`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import Cassette, write_cassette
from framework.authoring.cassettes.recorder import Recorder, RecordingAdapter
from framework.definition.finder import Location
from framework.definition.model import Connector
from framework.events import ignore_event
from framework.http.transport import LiveAdapter
from framework.importers.import_report import write_imported
from framework.importers.recorded.formats.har_file import read_har
from framework.importers.recorded.recorded_import import RecordedSource, import_recorded
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.support.recorded_servers.servers import SERVERS, Truth

Json = Any

FOLDER = Path(__file__).parents[2] / "importers" / "recorded" / "servers"
KEYS = {
    "datasette": {"books": "isbn", "loans": "book || ' ' || day"},
}
"""The columns that tell rows apart, if it is not `id`."""


def imported_connector(har: Path, folder: Path) -> Connector:
    """Import a HAR into a folder and open the connector."""
    recording = read_har(har)
    source = RecordedSource(recording.interactions, har.name, "a HAR", recording.notes)
    imported = import_recorded(source, har.stem).imported
    file = folder / "connectors" / f"{har.stem}.yaml"
    write_imported(imported, file)
    return valid_connector(Location(har.stem, file, folder, str(file)))


def loaded_keys(database: Path, dataset: str, name: str, tables: list[str]) -> Truth:
    """Return the keys of each table, sorted; one that is loaded twice is there twice."""
    import duckdb

    keys = KEYS.get(name, {})
    with duckdb.connect(str(database)) as connection:
        return {
            table: sorted(
                row[0]
                for row in connection.sql(
                    f"select {keys.get(table, 'id')} from {dataset}.{table}"
                ).fetchall()
            )
            for table in tables
        }


def _prove(name: str, installed: Path) -> None:
    with SERVERS[name](installed, Path(mkdtemp(prefix=name))) as browsed:
        FOLDER.mkdir(parents=True, exist_ok=True)
        har = FOLDER / f"{name}.har"
        browsed.har.save(har)
        folder = Path(mkdtemp(prefix=f"{name}-run"))
        connector = imported_connector(har, folder)
        for key, value in browsed.secrets.items():
            os.environ[f"SOURCES__{name}__{key}".upper()] = value
        recorder = Recorder()
        adapter = LiveAdapter.of(connector.client, 10)
        environment = Environment(transport=lambda _: RecordingAdapter(adapter, recorder))
        options = RunOptions(folder=folder, pipelines=folder / "dlt", file="live.duckdb")
        report = run(connector, options, environment, ignore_event)
        for resource, part in report.resources.items():
            print(name, resource, part.status, part.rows, part.error or "", part.warnings or "")
        found = loaded_keys(folder / "live.duckdb", str(report.dataset), name, list(browsed.truth))
        truth = {table: sorted(keys) for table, keys in browsed.truth.items()}
        print(name, "every row" if found == truth else f"expected {truth}, found {found}")
        (FOLDER / f"{name}.truth.json").write_text(json.dumps(truth) + "\n")
        exchanges = tuple(replace(one, body=_compact(one.body)) for one in recorder.exchanges)
        cassette = Cassette(name, environment.now, exchanges)
        write_cassette(FOLDER / f"{name}.run.yaml", cassette, browsed.secrets.values())


def _compact(body: bytes) -> bytes:
    return json.dumps(json.loads(body), ensure_ascii=False).encode()


if __name__ == "__main__":
    for one in sys.argv[2:] or SERVERS:
        _prove(one, Path(sys.argv[1]))
