"""Compare two versions of a connector by a replay of each on one cassette."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from framework.authoring.cassettes.cassette import Cassette, cassette_path, read_cassette
from framework.authoring.compare.table_comparison import TableDiff, compare_tables
from framework.authoring.compare.version_replay import VersionReplay, replay_version
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.runtime.environment import StopSignal


@dataclass(frozen=True)
class RequestDiff:
    """A request that one version sends more often: how often each sends it."""

    request: str
    counts: tuple[int, int]


@dataclass(frozen=True)
class ResourceDiff:
    """A resource that only one version has, or that ends otherwise; None: there is no such one.

    `errors` are those of a failed resource, else empty. `warnings` are those that only one has.
    """

    name: str
    outcomes: tuple[str | None, str | None]
    errors: tuple[str, str]
    warnings: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class ConnectorDiff:
    """What differs between two versions; `cassette` is the recording that both were replayed on."""

    connector: str
    cassette: str
    resources: tuple[ResourceDiff, ...]
    requests: tuple[RequestDiff, ...]
    tables: tuple[TableDiff, ...]

    @property
    def is_equal(self) -> bool:
        """Whether both make the same requests and tables."""
        return not (self.resources or self.requests or self.tables)


def diff_connectors(
    old: Connector, new: Connector, cassette: Path | None, stop: StopSignal
) -> ConnectorDiff:
    """Replay both versions and return what differs.

    Without a `cassette` it is that of the new version, or of the old one. Raise CassetteError if
    there is none that can be read.
    """
    path, recording = _recording(old, new, cassette)
    with TemporaryDirectory(prefix="framework-") as name:
        before = replay_version(old, recording, Path(name, "old"), stop)
        after = replay_version(new, recording, Path(name, "new"), stop)
        return ConnectorDiff(
            new.name,
            str(path),
            _resources(before, after),
            _requests(before.requests, after.requests),
            compare_tables(before, after),
        )


def _recording(old: Connector, new: Connector, given: Path | None) -> tuple[Path, Cassette]:
    if given is not None:
        try:
            return given, read_cassette(given, new.name)
        except CassetteError:
            if old.name == new.name:
                raise
            return given, read_cassette(given, old.name)
    for one in (new, old):
        path = cassette_path(one)
        if path.exists():
            return path, read_cassette(path, one.name)
    raise CassetteError(
        f"there is no {cassette_path(new)} to replay both versions on; record it with: "
        f"framework record {new.name}, or name one with --cassette"
    )


def _resources(old: VersionReplay, new: VersionReplay) -> tuple[ResourceDiff, ...]:
    found = []
    for name in sorted({*old.outcomes, *new.outcomes}):
        outcomes = (old.outcomes.get(name), new.outcomes.get(name))
        errors = (old.errors.get(name, ""), new.errors.get(name, ""))
        codes = (set(old.warnings.get(name, ())), set(new.warnings.get(name, ())))
        warnings = (tuple(sorted(codes[0] - codes[1])), tuple(sorted(codes[1] - codes[0])))
        if outcomes[0] != outcomes[1] or "failed" in outcomes or warnings != ((), ()):
            found.append(ResourceDiff(name, outcomes, errors, warnings))
    return tuple(found)


def _requests(old: Mapping[str, int], new: Mapping[str, int]) -> tuple[RequestDiff, ...]:
    counts = {one: (old.get(one, 0), new.get(one, 0)) for one in sorted({*old, *new})}
    return tuple(RequestDiff(one, pair) for one, pair in counts.items() if pair[0] != pair[1])
