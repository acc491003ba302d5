"""Record the cassettes of bundled connectors: `python -m tests.connectors.recording NAME...`.

A run against the server of `tests.connectors.NAME_api` is recorded as `framework record` does it;
then the expected tables are written.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from framework.api import valid_connector
from framework.authoring.cassettes.recorder import record_through
from framework.authoring.cassettes.snapshot import test_connector as replay_cassette
from framework.definition.finder import bundled_root, find_connector
from framework.errors import FrameworkError
from framework.events import Event, WarningRaised
from framework.load.dlt_defaults import set_defaults
from framework.load.run_options import RunOptions
from framework.runtime.environment import StopSignal
from tests.connectors.vendor_server import vendor_server


def record_bundled(name: str, root: Path) -> list[str]:
    """Record the connector of a project folder, write its expected tables; return problems."""
    connector = valid_connector(find_connector(str(root / "connectors" / f"{name}.yaml")))
    events: list[Event] = []
    with vendor_server(name) as server:
        recording = record_through(
            connector,
            server.transport,
            RunOptions(resources=server.resources, config=server.settings),
            server.environment(),
            events.append,
        )
    for event in events:
        if isinstance(event, WarningRaised):
            print(f"  {event.resource}: {event.code}: {event.message}", file=sys.stderr)
    print(f"{recording.path.name}: {recording.interactions} requests")
    for resource, part in recording.report.resources.items():
        print(f"  {resource}: {part.status}, {part.rows} rows")
    result = replay_cassette(connector, update=True, stop=StopSignal())
    return list(result.problems)


def copy_project(name: str, target: Path) -> None:
    """Copy the files of a bundled connector, without its recording."""
    source = bundled_root()
    for folder in ("connectors", "cassettes", "schemas"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "connectors" / f"{name}.yaml", target / "connectors")
    for folder in ("schemas", "queries"):
        if (source / folder / name).is_dir():
            shutil.copytree(source / folder / name, target / folder / name)


def main(names: list[str]) -> int:
    """Record the connectors and write their files into the checkout."""
    set_defaults()
    failed = False
    for name in names:
        with TemporaryDirectory(prefix="framework-") as folder:
            copy_project(name, Path(folder))
            try:
                problems = record_bundled(name, Path(folder))
            except FrameworkError as error:
                problems = [str(error)]
            for problem in problems:
                print(f"{name}: {problem}", file=sys.stderr)
            failed = failed or bool(problems)
            if not problems:
                for file in (Path(folder) / "cassettes").iterdir():
                    shutil.copy(file, bundled_root() / "cassettes")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
