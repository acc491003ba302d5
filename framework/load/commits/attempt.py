"""What an earlier run that did not end has left to go on with: the attempt that a run continues.

The state of each resource holds, under `resume`, the point after the last rows that were loaded.
It is part of the load package with these rows, so both are there or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.definition.model import Connector, Resource
from framework.events import EventHandler, WarningRaised
from framework.extract.incremental.state_codec import key_of
from framework.extract.resume.resume_point import ResumePoint
from framework.load.declared_tables import root_table
from framework.load.destinations.profiles import DestinationProfile
from framework.load.persistence.run_state import SourceState

Json = Any
RESUME = "resume"
"""Key in the state of a resource."""

FORMAT = 1
"""A point of another format is not used."""


@dataclass(frozen=True)
class Attempt:
    """A run, or several that continue each other. `start` is when the first of them began.

    `run` is the id of this run, `resumes` that of the one that it continues.

    `points` say where resources go on. `loads` are the loads by which this attempt appended rows,
    by resource; those of `take_back` belong to no point and are deleted before anything is read.
    """

    start: datetime
    file: str
    run: str
    points: Mapping[str, ResumePoint] = field(default_factory=dict)
    loads: dict[str, list[str]] = field(default_factory=dict)
    take_back: dict[str, list[str]] = field(default_factory=dict)
    resumes: str | None = None

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier run is continued."""
        return bool(self.points)

    def entry(self, point: ResumePoint, loads: list[str]) -> dict[str, Json]:
        """Return what the state of a resource holds after a load."""
        stored = point.as_json()
        entry: dict[str, Json] = {
            "format": FORMAT,
            "file": self.file,
            "attempt": self.start.isoformat(),
            "run": self.run,
            "point": stored,
            "hash": key_of(stored),
        }
        return {**entry, "loads": loads} if loads else entry


def file_hash(connector: Connector, config: Mapping[str, Json]) -> str:
    """Return a hash of the file and the config, which a point belongs to."""
    return key_of({"file": connector.data, "config": config})


def find_attempt(
    state: SourceState,
    connector: Connector,
    selected: Collection[Resource],
    config: Mapping[str, Json],
    now: datetime,
    within: timedelta | None,
    on_event: EventHandler,
    run: str,
) -> Attempt:
    """Return the attempt that a run at `now` continues, or a new one. `run` is its id.

    `within` is the greatest age of an attempt, None for a run that forgets it. Warn of a point that
    cannot be used.
    """
    file = file_hash(connector, config)
    points: dict[str, ResumePoint] = {}
    loads: dict[str, list[str]] = {}
    take_back: dict[str, list[str]] = {}
    starts: list[datetime] = []
    resumes = None
    for resource in selected:
        entry = state.resources.get(resource.name, {}).get(RESUME)
        if entry is None:
            continue
        known, problem = _read(entry, file, now, within)
        ids = _load_ids(entry)
        if known is None:
            take_back[resource.name] = ids
            if problem:
                message = f"read from the start, not from where the run before ended: {problem}"
                on_event(WarningRaised(resource.name, "not-resumed", message))
            continue
        start, points[resource.name] = known
        starts.append(start)
        resumes = str(entry.get("run"))
        loads[resource.name] = ids
    for name in _needed(connector, selected, points):
        take_back[name] = loads.pop(name)
        del points[name]
    take_back = {name: ids for name, ids in take_back.items() if ids}
    start = min(starts, default=now) if points else now
    return Attempt(start, file, run, points, loads, take_back, resumes if points else None)


def _needed(
    connector: Connector, selected: Collection[Resource], points: Mapping[str, ResumePoint]
) -> Iterator[str]:
    """Yield the resources with a point of which all records are needed, for their children."""
    for resource in selected:
        below = [one for one in selected if resource in connector.ancestors(one)]
        is_asked = any(one.name not in points or not points[one.name].is_end for one in below)
        if resource.name in points and is_asked:
            yield resource.name


def _read(
    entry: Json, file: str, now: datetime, within: timedelta | None
) -> tuple[tuple[datetime, ResumePoint] | None, str]:
    """Return start and point of an entry, or None and why it is not used."""
    if within is None:
        return None, ""
    try:
        if entry["format"] != FORMAT:
            return None, "it is of another version"
        start = datetime.fromisoformat(entry["attempt"]).astimezone(UTC)
        point = ResumePoint.of(entry["point"])
        same = entry["file"] == file
        if entry["hash"] != key_of(entry["point"]):
            return None, "its state is damaged"
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, "its state is damaged"
    if point.is_start:
        return None, point.reason
    if not same:
        return None, "the file or its config has changed"
    if now - start > within:
        return None, f"that was at {start:%Y-%m-%d %H:%M} UTC, longer ago than --resume-within"
    return (start, point), ""


def _load_ids(entry: Json) -> list[str]:
    loads = entry.get("loads") if isinstance(entry, Mapping) else None
    return [one for one in loads if isinstance(one, str)] if isinstance(loads, list) else []


@dataclass(frozen=True)
class Committable:
    """The resources whose rows may be loaded before all resources were read.

    Those of `parts` page by page, those of `whole` once they were read to their end.
    """

    parts: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()


def committable(
    connector: Connector,
    selected: Iterable[Resource],
    profile: DestinationProfile,
    loaded_before: Collection[str],
) -> Committable:
    """Return which resources may be loaded in several packages of one run.

    The tables must come out as if all rows had been in one package. So a contract must not see a
    table that this run created, a table belongs to one resource, and children follow parents.
    """
    tables = Counter(root_table(resource) for resource in connector.resources)
    parts, whole = set[str](), set[str]()
    names = {resource.name for resource in selected}
    for resource in selected:  # parents come first
        if tables[root_table(resource)] > 1 or resource.tables is not None:
            continue
        if resource.hints.get("schema_contract") and resource.name not in loaded_before:
            continue
        above = {one.name for one in connector.ancestors(resource)} & names
        if not above <= whole:
            continue
        whole.add(resource.name)
        is_undone = resource.write_disposition == "append" and profile.marks_loads
        if is_undone or (_merges_by_key(resource) and not profile.is_file_store):
            parts.add(resource.name)
    return Committable(frozenset(parts), frozenset(whole))


def _merges_by_key(resource: Resource) -> bool:
    disposition = resource.hints.get("write_disposition")
    strategy = "delete-insert"
    if isinstance(disposition, Mapping):
        strategy = disposition.get("strategy") or strategy
    return (
        resource.write_disposition == "merge"
        and strategy in ("delete-insert", "upsert")
        and bool(resource.primary_key)
        and not resource.hints.get("merge_key")
    )
