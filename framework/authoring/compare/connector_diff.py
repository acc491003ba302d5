"""Compare two versions of a connector by a replay of each on one cassette."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from framework.api import valid_connector
from framework.authoring.cassettes.cassette import Cassette, read_cassette
from framework.authoring.compare.table_comparison import TableDiff, compare_tables
from framework.authoring.compare.version_replay import VersionReplay, replay_version
from framework.definition.finder import Location, cassette_path
from framework.errors import CassetteError
from framework.runtime.environment import StopSignal


@dataclass(frozen=True)
class RequestDiff:
    """A request that one version sends more often: how often each sends it.

    `read_as` is the recorded request whose responses it got, None if it was recorded itself.
    """

    request: str
    counts: tuple[int, int]
    read_as: str | None


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
    old: Location, new: Location, cassette: Path | None, stop: StopSignal
) -> ConnectorDiff:
    """Replay both versions and return what differs.

    Without a `cassette` it is that of the new version, or of the old one. Raise FindingsError for
    a version with errors, CassetteError if there is no recording that can be read.
    """
    versions = valid_connector(old), valid_connector(new)
    display, recording = _recording(old, new, cassette)
    with TemporaryDirectory(prefix="framework-") as name:
        before = replay_version(versions[0], recording, Path(name, "old"), stop)
        after = replay_version(versions[1], recording, Path(name, "new"), stop)
        return ConnectorDiff(
            new.name,
            display,
            _resources(before, after),
            _requests(before, after),
            compare_tables(before, after),
        )


def _recording(old: Location, new: Location, given: Path | None) -> tuple[str, Cassette]:
    """Return the cassette, and its name in messages."""
    if given is not None:
        try:
            return str(given), read_cassette(given, new.name)
        except CassetteError:
            if old.name == new.name:
                raise
            return str(given), read_cassette(given, old.name)
    for one in (new, old):
        path = cassette_path(one)
        if path.exists():
            return one.display_of(path), read_cassette(path, one.name)
    raise CassetteError(
        f"there is no {new.display_of(cassette_path(new))} to replay both versions on; record it "
        f"with: framework record {new.name}, or name one with --cassette"
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


def _requests(old: VersionReplay, new: VersionReplay) -> tuple[RequestDiff, ...]:
    read_as = {**old.read_as, **new.read_as}
    return tuple(
        RequestDiff(one, (old.requests.get(one, 0), new.requests.get(one, 0)), read_as.get(one))
        for one in sorted({*old.requests, *new.requests})
        if old.requests.get(one) != new.requests.get(one)
    )
