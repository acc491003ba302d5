"""The tables of the ledger of units, and the records that go in and come out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from framework.errors import UnitLedgerError
from framework.fleet.unit_state.ledger_store import (
    MARKER_TABLE,
    OTHER_TABLES,
    LedgerStore,
    Row,
    Value,
    no_ledger,
)
from framework.text import cut

State = Literal["planned", "running", "done", "failed"]
Outcome = Literal["done", "failed", "lost", "interrupted"]
"""How an attempt ended; `lost`: its worker or its coordinator is gone."""

FORMAT = 1
"""The version of the tables."""

LONGEST_ERROR = 2_000
"""Characters of an error."""
LONGEST_REPORT = 64_000
"""Characters of a report as JSON."""

CREATE = (
    f"CREATE TABLE {MARKER_TABLE} (version integer NOT NULL, salt text NOT NULL)",
    "CREATE TABLE fleet_rounds (number integer PRIMARY KEY, began double precision NOT NULL, "
    "requests bigint NOT NULL, rows_loaded bigint NOT NULL)",
    "CREATE TABLE fleet_units (id text PRIMARY KEY, position integer NOT NULL, job text NOT NULL, "
    "connector text NOT NULL, account text, resources text NOT NULL, since text, until text, "
    "dataset text, destination text, in_plan integer NOT NULL, state text NOT NULL, "
    "round integer NOT NULL, attempt integer NOT NULL, failures integer NOT NULL, "
    "not_before double precision, changed double precision NOT NULL)",
    "CREATE INDEX fleet_units_queue ON fleet_units (state, position, not_before) WHERE in_plan = 1",
    "CREATE TABLE fleet_attempts (unit text NOT NULL, round integer NOT NULL, "
    "attempt integer NOT NULL, worker text NOT NULL, started double precision NOT NULL, "
    "ended double precision, outcome text, exit_code integer, requests bigint NOT NULL, "
    "rows_loaded bigint NOT NULL, error text, PRIMARY KEY (unit, round, attempt))",
    "CREATE INDEX fleet_attempts_ended ON fleet_attempts (outcome, ended)",
    "CREATE TABLE fleet_reports (unit text PRIMARY KEY, report text NOT NULL)",
    "CREATE TABLE fleet_requests (budget text NOT NULL, hour integer NOT NULL, "
    "requests bigint NOT NULL, PRIMARY KEY (budget, hour))",
    "CREATE TABLE fleet_cooling (budget text PRIMARY KEY, tokens text NOT NULL)",
    "CREATE TABLE fleet_sessions (id integer PRIMARY KEY, host text NOT NULL, "
    "pid integer NOT NULL, started double precision NOT NULL, beat double precision NOT NULL, "
    "ended double precision)",
)
"""Times are seconds since 1970. `fleet_units.attempt` and `failures` count within its round."""

UNIT_COLUMNS = (
    "id, position, job, connector, account, resources, since, until, dataset, destination"
)


@dataclass(frozen=True)
class LedgerUnit:
    """A unit as the fleet file has it now.

    `account` is None for a connector without accounts, `resources` are empty for all of them.
    `since` and `until` are the window of a backfill. Units are run in the order of `position`.
    """

    id: str
    job: str
    connector: str
    account: str | None
    resources: tuple[str, ...]
    since: str | None
    until: str | None
    dataset: str | None
    destination: str | None
    position: int

    @property
    def is_window(self) -> bool:
        """Return whether it is one window of a backfill, which needs to be done only once."""
        return self.since is not None or self.until is not None

    def row(self) -> tuple[Value, ...]:
        """Return the values of UNIT_COLUMNS."""
        return (
            self.id,
            self.position,
            self.job,
            self.connector,
            self.account,
            json.dumps(self.resources),
            self.since,
            self.until,
            self.dataset,
            self.destination,
        )


@dataclass(frozen=True)
class Round:
    """One time through the units of a fleet.

    `is_continued` means that it began in an earlier session. `planned` is the number of units
    that are still to be run, `lost` that of attempts whose coordinator is gone.
    """

    number: int
    is_continued: bool
    planned: int
    lost: int


@dataclass(frozen=True)
class UnitAttempt:
    """One attempt at a unit. `number` and `failures`, those before it, count within the round."""

    unit: str
    round: int
    number: int
    failures: int


@dataclass(frozen=True)
class AttemptRecord:
    """What the ledger knows of an attempt. `ended` and `outcome` are None while it runs."""

    unit: str
    job: str
    account: str | None
    since: str | None
    until: str | None
    round: int
    number: int
    worker: str
    started: datetime
    ended: datetime | None
    outcome: Outcome | None
    exit_code: int | None
    requests: int
    rows: int
    error: str | None


ATTEMPT_QUERY = (
    "SELECT u.id, u.job, u.account, u.since, u.until, a.round, a.attempt, a.worker, a.started, "
    "a.ended, a.outcome, a.exit_code, a.requests, a.rows_loaded, a.error "
    "FROM fleet_attempts a JOIN fleet_units u ON u.id = a.unit "
)
"""A query of rows for `attempt_record`, to be completed by its conditions."""


@dataclass(frozen=True)
class CoordinatorSession:
    """A coordinator that holds or held the ledger. `ended` is None unless it ended cleanly."""

    host: str
    pid: int
    started: datetime
    beat: datetime
    ended: datetime | None


@dataclass(frozen=True)
class LedgerSummary:
    """The current round: units by job and state, and what its attempts requested and loaded.

    `round` is 0 if none began. `failures` are the last attempts of failed units, latest first, at
    most as many as asked for; `session` is the last coordinator's.
    """

    round: int
    began: datetime | None
    units: Mapping[str, Mapping[State, int]]
    running: tuple[AttemptRecord, ...]
    failures: tuple[AttemptRecord, ...]
    requests: int
    rows: int
    session: CoordinatorSession | None

    def count(self, state: State) -> int:
        """Return the number of units in a state."""
        return sum(states.get(state, 0) for states in self.units.values())


class CostKey(NamedTuple):
    """Units that are expected to cost the same."""

    connector: str
    account: str | None
    resources: tuple[str, ...]
    is_window: bool


@dataclass(frozen=True)
class EarlierCost:
    """The means of `attempts` earlier attempts that were done."""

    requests: float
    seconds: float
    attempts: int


def prepare_tables(store: LedgerStore, *, create: bool) -> str:
    """Return the ledger's salt, 64 hexadecimal digits; create the ledger if there is none.

    Raise UnitLedgerError if it is no ledger, of a newer format, or missing without `create`.
    """
    if not store.has_ledger():
        if not create:
            raise no_ledger(store.place)
        marker = f"INSERT INTO {MARKER_TABLE} VALUES ({FORMAT}, '{secrets.token_hex(32)}')"
        store.create((*CREATE, marker))
    with store.transaction(writes=False) as sql:
        found = sql.rows(f"SELECT version, salt FROM {MARKER_TABLE}")
    if len(found) != 1:
        cause, remedy = OTHER_TABLES
        raise UnitLedgerError(f"the ledger of units in {store.place} {cause}. {remedy}")
    version, salt = found[0]
    if version != FORMAT:
        raise UnitLedgerError(
            f"the ledger of units in {store.place} has format {version}, and this version of the "
            f"framework reads format {FORMAT}. Install the framework that wrote it, or a newer "
            "one, or choose another place for the ledger."
        )
    return str(salt)


def attempt_record(row: Row) -> AttemptRecord:
    """Return the record of a row of ATTEMPT_QUERY."""
    values = list(row)
    started, ended = 8, 9
    values[started] = moment(row[started])
    values[ended] = None if row[ended] is None else moment(row[ended])
    return AttemptRecord(*values)


def session_record(row: Row) -> CoordinatorSession:
    """Return the session of the columns host, pid, started, beat, ended."""
    host, pid, started, beat, ended = row
    end = None if ended is None else moment(ended)
    return CoordinatorSession(host, pid, moment(started), moment(beat), end)


def moment(seconds: float) -> datetime:
    """Return a time as it was before it was stored."""
    return datetime.fromtimestamp(seconds, UTC)


def error_text(error: str | None) -> str | None:
    """Return an error of limited length."""
    return None if error is None else cut(error, LONGEST_ERROR)


def report_text(report: Mapping[str, Any]) -> str:
    """Return a run's report as JSON of limited length.

    A longer one loses its warnings and slowest requests, then its resources too.
    """
    short = {**report, "warnings": [], "slowest_requests": []}
    short["error"] = error_text(report.get("error"))
    parts = [
        {**part, "warnings": [], "error": error_text(part.get("error"))}
        for part in report.get("resources", ())
    ]
    text = ""
    for one in (report, {**short, "resources": parts}, {**short, "resources": [], "notes": []}):
        text = json.dumps(one)
        if len(text) <= LONGEST_REPORT:
            break
    return text


def report_total(report: Mapping[str, Any] | None, count: str) -> int:
    """Return the sum of a count of all resources."""
    return sum(part.get(count, 0) for part in (report or {}).get("resources", ()))
