"""One version replayed on a cassette: its requests, its resources' outcomes, and its tables."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.cassettes.matching import RecordedRequest
from framework.authoring.cassettes.replayer import ReplayAdapter, replay_of
from framework.authoring.cassettes.snapshot import primary_keys
from framework.authoring.exchange import Interaction
from framework.definition.model import Connector
from framework.events import ignore_event
from framework.http.transport import make_response
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import StopSignal

Json = Any

_DATABASE = "version.duckdb"


@dataclass(frozen=True)
class VersionReplay:
    """What a version made of a cassette.

    `requests` counts them by method, URL and body. `outcomes` are the status of each resource,
    `read_as` names the recorded request whose responses a request got that was not recorded.
    `errors` are those of resources, `warnings` their codes. `keys` are the primary keys by
    table. `file` is the DuckDB file with the tables in `dataset`.
    """

    requests: Mapping[str, int]
    read_as: Mapping[str, str]
    outcomes: Mapping[str, str]
    errors: Mapping[str, str]
    warnings: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, tuple[str, ...]]
    file: Path
    dataset: str


class LenientAdapter(BaseAdapter):
    """A replay's adapter that counts requests, and reads one that is not recorded as a near one.

    That is the only nearest one of the same method and path, such as the one with another page
    size; if several are equally near, the request fails as in any replay. What is read so stays
    for the request that was recorded. Thread-safe.
    """

    def __init__(self, inner: ReplayAdapter, cassette: Cassette) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.read_as: dict[str, str] = {}
        self._inner = inner
        self._recorded: dict[RecordedRequest, list[Interaction]] = {}
        for one in cassette.interactions:
            self._recorded.setdefault(RecordedRequest.of(one), []).append(one)
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Count the request, and return the recorded response."""
        sent = self._inner.normalized(request)
        with self._lock:
            self.counts[sent.text] += 1
            turn = self.counts[sent.text] - 1
        near = None if sent in self._recorded else self._nearest(sent)
        if near is None:
            return self._inner.send(request, *args, **kwargs)
        with self._lock:
            self.read_as[sent.text] = near.text
        recorded = self._recorded[near]
        found = recorded[min(turn, len(recorded) - 1)]
        return make_response(request, found.status, found.reason, found.headers, found.body)

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _nearest(self, sent: RecordedRequest) -> RecordedRequest | None:
        """Return the only nearest recorded request of the same method and path, or None."""
        same = [
            one
            for one in self._recorded
            if (one.method, one.address.origin, one.address.segments)
            == (sent.method, sent.address.origin, sent.address.segments)
        ]
        mine = _parts(sent)
        ranked = sorted((len(mine ^ _parts(one)), number) for number, one in enumerate(same))
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None
        return same[ranked[0][1]]


def _parts(request: RecordedRequest) -> frozenset[tuple[str, str]]:
    """Return what a request sends, each value by its place."""
    parts = [(f"?{name}", value) for name, value in request.address.query]
    if isinstance(request.body, tuple):
        parts += request.body
    else:
        try:
            parts += _leaves(json.loads(request.body_text or "null"), "")
        except (ValueError, RecursionError):
            parts.append(("", request.body_text))
    return frozenset(parts)


def _leaves(value: Json, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, (dict, list)):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{place}/{step}")
    elif value is not None:
        yield place, json.dumps(value)


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
    adapter = LenientAdapter(replay.adapter, cassette)
    report = run(
        connector,
        replace(replay.options, file=_DATABASE),
        replace(replay.environment, transport=lambda _: adapter),
        ignore_event,
    )
    parts = report.resources
    return VersionReplay(
        dict(adapter.counts),
        dict(adapter.read_as),
        {name: part.status for name, part in parts.items()},
        {name: part.error for name, part in parts.items() if part.error},
        {name: tuple(sorted(part.warning_counts)) for name, part in parts.items()},
        primary_keys(connector),
        folder / _DATABASE,
        str(report.dataset),
    )
