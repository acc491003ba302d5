"""One version replayed on a cassette: its requests, its resources' outcomes, and its tables."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.cassettes.replayer import ReplayAdapter, replay_of
from framework.authoring.cassettes.snapshot import primary_keys
from framework.definition.model import Connector
from framework.events import ignore_event
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import StopSignal

_DATABASE = "version.duckdb"


@dataclass(frozen=True)
class VersionReplay:
    """What a version made of a cassette.

    `requests` counts them by method, URL and body. `outcomes` are the status of each resource,
    `errors` its error, `warnings` its codes. `keys` are the primary keys by table. `file` is the
    DuckDB file with the tables in `dataset`.
    """

    requests: Mapping[str, int]
    outcomes: Mapping[str, str]
    errors: Mapping[str, str]
    warnings: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, tuple[str, ...]]
    file: Path
    dataset: str


class CountingAdapter(BaseAdapter):
    """A replay's adapter that counts the requests, found in the cassette or not. Thread-safe."""

    def __init__(self, inner: ReplayAdapter) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._inner = inner
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Count the request, and return the recorded response."""
        with self._lock:
            self.counts[self._inner.described(request)] += 1
        return self._inner.send(request, *args, **kwargs)

    def close(self) -> None:
        """Do nothing: nothing is open."""


def replay_version(
    connector: Connector, cassette: Cassette, folder: Path, stop: StopSignal
) -> VersionReplay:
    """Replay a cassette into a DuckDB file in `folder`.

    Config entries and resources of the cassette that this version does not have are left out.
    """
    names = {one.name for one in connector.resources}
    fitting = replace(
        cassette,
        config={key: value for key, value in cassette.config.items() if key in connector.config},
        resources=tuple(name for name in cassette.resources if name in names),
    )
    folder.mkdir()
    replay = replay_of(fitting, RunOptions(folder=folder, pipelines=folder / "dlt"), stop)
    adapter = CountingAdapter(replay.adapter)
    report = run(
        connector,
        replace(replay.options, file=_DATABASE),
        replace(replay.environment, transport=lambda _: adapter),
        ignore_event,
    )
    parts = report.resources
    return VersionReplay(
        dict(adapter.counts),
        {name: part.status for name, part in parts.items()},
        {name: part.error for name, part in parts.items() if part.error},
        {name: tuple(sorted(part.warning_counts)) for name, part in parts.items()},
        primary_keys(connector),
        folder / _DATABASE,
        str(report.dataset),
    )
