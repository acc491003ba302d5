"""The plan of a fleet: its units, what each will probably cost, and whether quotas can hold it.

Estimates come from earlier units, else from recorded runs, else from the connector's cassette.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, Literal

from framework.definition.model import Connector, RateLimit
from framework.errors import CassetteError, DestinationError
from framework.fleet.jobs.accounts import Account
from framework.fleet.jobs.fleet_file import Fleet, Job
from framework.fleet.jobs.units import Unit, units_of
from framework.fleet.unit_state.unit_tables import CostKey, EarlierCost
from framework.text import count_noun

Json = Any
Source = Literal["units", "runs", "cassette", "unknown"]
Earlier = Mapping[str, tuple[float, float]]
"""The mean requests and seconds of units that have ended, by `Unit.kind`."""
Run = Mapping[str, Json]
RunReader = Callable[[Job, "Account | None"], Sequence[Run]]
"""Returns the recorded runs of an account, newest first, as `read_runs` does."""

MOST_ACCOUNTS_READ = 20
"""Accounts of a job whose recorded runs are read."""
MOST_RUNS_READ = 20
RECENT_RUNS = 5
DAY = 86_400.0

_CONFIG = re.compile(r"\{config\.(\w+)\}")


@dataclass(frozen=True)
class Estimate:
    """The requests and seconds of a unit, None if not known, and what they come from."""

    requests: float | None = None
    seconds: float | None = None
    source: Source = "unknown"


@dataclass(frozen=True)
class PlannedUnit:
    """A unit with its estimate."""

    unit: Unit
    estimate: Estimate


@dataclass
class QuotaUse:
    """The requests of all units that are limited together.

    They have the connector and, unless its `scope` is api, the credentials in common, which are
    names. `per_second` and `per_day` are the limits, None for none; `unknown` counts units without
    an estimate, which send one request at least.
    """

    connector: str
    scope: str
    credentials: tuple[str, ...]
    per_second: float | None = None
    per_day: int | None = None
    requests: float = 0.0
    units: int = 0
    unknown: int = 0
    has_windows: bool = False

    @property
    def busiest_day(self) -> float:
        """The most requests in a day, if the units begin at once."""
        least = self.requests + self.unknown
        return least if self.per_second is None else min(least, self.per_second * DAY)

    @property
    def is_exceeded(self) -> bool:
        """Whether the daily quota cannot hold the units."""
        return self.per_day is not None and self.busiest_day > self.per_day

    def refusal(self) -> str:
        """Return why the units are too many, and what to choose instead."""
        least = self.requests + self.unknown
        quota = self.per_day or 0
        days = math.ceil(least / quota) if quota else 0
        fitting = math.floor(self.units * quota / least)
        whose = f" with {', '.join(self.credentials)}" if self.credentials else ""
        choice = "choose fewer accounts or `resources`"
        if self.has_windows:
            choice += (
                f", or divide the backfill by `since` and `until` into {days:,} files, one for "
                "each day"
            )
        return (
            f"{self.connector}{whose}: {count_noun(self.units, 'unit')} need about "
            f"{math.ceil(least):,} requests, but {quota:,} a day are allowed. About {fitting:,} "
            f"of the units fit into a day; {choice}"
        )

    def minutes(self) -> float | None:
        """Return how long the limit alone makes the units take, or None without one."""
        if self.per_second is None:
            return None
        return (self.requests + self.unknown) / self.per_second / 60


@dataclass(frozen=True)
class JobPlan:
    """The sums of one job: `requests` is None if no unit has an estimate."""

    job: Job
    units: int
    requests: float | None
    unknown: int
    sources: tuple[Source, ...]
    minutes: float | None
    quotas: tuple[QuotaUse, ...]


@dataclass(frozen=True)
class FleetPlan:
    """All units in order, the sums of each job, and the limits that they share.

    `minutes` is None if nothing is known that takes time. `notes` say what could not be read.
    """

    fleet: Fleet
    units: tuple[PlannedUnit, ...] = field(repr=False)
    jobs: tuple[JobPlan, ...]
    quotas: tuple[QuotaUse, ...]
    minutes: float | None
    workers: int
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why the plan must not start, empty if it may."""
        return tuple(quota.refusal() for quota in self.quotas if quota.is_exceeded)


def plan_fleet(
    fleet: Fleet,
    *,
    units: Sequence[Unit] | None = None,
    earlier: Earlier | None = None,
    recorded: RunReader | None = None,
    workers: int = 1,
) -> FleetPlan:
    """Return the plan of a fleet for this many workers.

    `units` are those that are left to run, by default all. `recorded` is `read_job_runs` by
    default.
    """
    notes: list[str] = []
    estimates = {
        id(job): _JobEstimates(job, earlier or {}, recorded or read_job_runs, notes)
        for job in fleet.jobs
    }
    every = units_of(fleet) if units is None else units
    planned = tuple(PlannedUnit(unit, estimates[id(unit.job)].of(unit)) for unit in every)
    quotas = _quotas(planned)
    by_job: dict[int, list[PlannedUnit]] = {id(job): [] for job in fleet.jobs}
    for one in planned:
        by_job[id(one.unit.job)].append(one)
    jobs = tuple(_job_plan(job, by_job[id(job)], workers) for job in fleet.jobs)
    unique = tuple(dict.fromkeys(notes))
    return FleetPlan(
        fleet, planned, jobs, quotas, _minutes(planned, quotas, workers), workers, unique
    )


def earlier_by_kind(units: Iterable[Unit], costs: Mapping[CostKey, EarlierCost]) -> Earlier:
    """Return what units of each kind took, as the ledger of units has it by account."""
    found: dict[str, dict[CostKey, EarlierCost]] = {}
    for unit in units:
        key = CostKey(unit.connector, unit.alias, unit.resources, unit.since is not None)
        if key in costs:
            found.setdefault(unit.kind, {})[key] = costs[key]
    return {
        kind: (
            fmean(one.requests for one in own.values()),
            fmean(one.seconds for one in own.values()),
        )
        for kind, own in found.items()
    }


def read_job_runs(job: Job, account: Account | None) -> Sequence[Run]:
    """Return the runs that the destination has a record of, newest first.

    Raise DestinationError if it cannot be read.
    """
    from framework.ledger.ledger_reader import read_runs
    from framework.load.run_options import RunOptions

    options = RunOptions(
        alias=account.alias if account else None,
        destination=job.destination,
        dataset=job.dataset_of(account),
    )
    return read_runs(job.connector, options, failed=False, limit=MOST_RUNS_READ)


class _JobEstimates:
    """The estimates of a job's units, each account and each set of resources once."""

    def __init__(self, job: Job, earlier: Earlier, recorded: RunReader, notes: list[str]) -> None:
        self._job = job
        self._earlier = earlier
        self._recorded = recorded
        self._notes = notes
        self._runs: dict[str | None, Sequence[Run]] | None = None
        self._known: dict[tuple[str | None, bool], Estimate] = {}
        self._requests_of_cassette: float | None = None

    def of(self, unit: Unit) -> Estimate:
        """Return the estimate of one of the job's units."""
        key = (unit.alias, unit.since is not None)
        if key not in self._known:
            self._known[key] = self._estimate(unit)
        return self._known[key]

    def _estimate(self, unit: Unit) -> Estimate:
        if unit.kind in self._earlier:
            return Estimate(*self._earlier[unit.kind], "units")
        if self._runs is None:
            self._runs = self._read_runs()
            self._requests_of_cassette = self._read_cassette()
        divided = len(self._job.windows) if unit.since else 1
        own = _of_runs(unit, self._runs.get(unit.alias, ()), divided)
        if own is not None:
            return own
        others = [_of_runs(unit, runs, divided) for runs in self._runs.values()]
        known = [one for one in others if one is not None]
        if known:
            return Estimate(
                fmean(one.requests or 0.0 for one in known),
                fmean(one.seconds or 0.0 for one in known),
                "runs",
            )
        if self._requests_of_cassette is not None:
            return Estimate(self._requests_of_cassette, None, "cassette")
        return Estimate()

    def _read_runs(self) -> dict[str | None, Sequence[Run]]:
        """Return the recorded runs of some accounts, of none if the destination cannot be read."""
        runs: dict[str | None, Sequence[Run]] = {}
        for account in self._job.owners[:MOST_ACCOUNTS_READ]:
            try:
                runs[account.alias if account else None] = self._recorded(self._job, account)
            except DestinationError as error:
                self._notes.append(f"estimated without recorded runs: {error}")
                break
        return runs

    def _read_cassette(self) -> float | None:
        from framework.authoring.cassettes.cassette import cassette_path, read_cassette

        path = cassette_path(self._job.connector)
        if not path.exists():
            return None
        try:
            cassette = read_cassette(path, self._job.connector.name)
        except CassetteError as error:
            self._notes.append(f"estimated without the cassette: {error}")
            return None
        return float(len(cassette.interactions))


def _of_runs(unit: Unit, runs: Iterable[Run], divided: int) -> Estimate | None:
    """Return what recorded runs with the unit's resources took, or None if there are none.

    That is the median of recent ones. A window takes its share of the largest, the one that most
    probably read everything.
    """
    connector = unit.job.connector
    names = set(unit.resources)
    for name in unit.resources:
        names |= {one.name for one in connector.ancestors(connector.resource(name))}
    found: list[tuple[float, float]] = []
    for run in runs:
        parts = {part["resource"]: part["requests"] or 0 for part in run["resources"]}
        if run["status"] == "ok" and parts.keys() >= set(unit.resources):
            requests = sum(count for name, count in parts.items() if name in names)
            found.append((float(requests), float(run["seconds"] or 0.0)))
    if not found:
        return None
    if divided > 1:
        requests, seconds = max(found)
        return Estimate(max(requests / divided, 1.0), seconds / divided, "runs")
    requests, seconds = (median(values) for values in zip(*found[:RECENT_RUNS], strict=True))
    return Estimate(requests, seconds, "runs")


def _quotas(planned: Iterable[PlannedUnit]) -> tuple[QuotaUse, ...]:
    """Return the limits that the units share, in the order of their first units."""
    uses: dict[tuple[str, tuple[str, ...]], QuotaUse] = {}
    for one in planned:
        unit = one.unit
        connector = unit.job.connector
        limit = connector.client.rate_limit
        if limit is None or len(connector.rate_limits) > 1:
            continue  # estimates do not say which requests count for which limit
        scope = getattr(limit, "scope", None) or "credential"
        credentials = () if scope == "api" else tuple(_credentials(connector, unit))
        key = (connector.name, credentials)
        use = uses.setdefault(key, QuotaUse(connector.name, scope, credentials))
        use.units += 1
        use.requests += one.estimate.requests or 0.0
        use.unknown += one.estimate.requests is None
        use.has_windows |= unit.since is not None
        use.per_second = _least(use.per_second, _per_second(limit, unit))
        use.per_day = _least(use.per_day, _number(getattr(limit, "per_day", None), unit))
    limited = (use for use in uses.values() if use.per_second or use.per_day)
    return tuple(limited)


def _credentials(connector: Connector, unit: Unit) -> Iterator[str]:
    """Yield the name of each of the unit's secrets, as dlt's providers have it."""
    names = unit.secrets
    for entry in connector.secrets:
        yield names.get(entry) or f"sources.{unit.alias or connector.name}.{entry}"


def _per_second(limit: RateLimit, unit: Unit) -> float | None:
    requests = _number(limit.requests, unit)
    return None if requests is None else requests / limit.per.total_seconds()


def _number(written: int | str | None, unit: Unit) -> int | None:
    """Return a number of the file, or the config entry that it names if its value is known."""
    value: Json = written
    if isinstance(written, str):
        found = _CONFIG.fullmatch(written)
        entry = unit.job.connector.config.get(found[1]) if found else None
        if entry is None:
            return None
        given = unit.config.get(entry.name)
        value = entry.default if given is None else given
    return value if type(value) is int and value > 0 else None


def _least(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else min(one, other)


def _job_plan(job: Job, own: Sequence[PlannedUnit], workers: int) -> JobPlan:
    known = [one.estimate.requests for one in own if one.estimate.requests is not None]
    quotas = _quotas(own)
    return JobPlan(
        job,
        len(own),
        sum(known) if known or not own else None,
        len(own) - len(known),
        tuple(dict.fromkeys(one.estimate.source for one in own)),
        _minutes(own, quotas, workers),
        quotas,
    )


def _minutes(
    planned: Sequence[PlannedUnit], quotas: Iterable[QuotaUse], workers: int
) -> float | None:
    """Return how long the units take: by their limits and by their own time, whichever is more."""
    if not planned:
        return 0.0
    seconds = [one.estimate.seconds for one in planned if one.estimate.seconds is not None]
    times = [quota.minutes() for quota in quotas]
    if seconds:
        times.append(max(sum(seconds) / workers, max(seconds)) / 60)
    known = [one for one in times if one is not None]
    return max(known) if known else None
