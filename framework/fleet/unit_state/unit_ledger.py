"""The ledger of a fleet's units: which are planned, running, done or failed, and every attempt.

One coordinator writes it, and any process may read it meanwhile. All of its changes are
transactions: whatever is killed at any moment leaves a ledger from which the next coordinator goes
on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from framework.fleet.unit_state.ledger_store import LedgerStore
from framework.fleet.unit_state.postgres_store import PostgresStore
from framework.fleet.unit_state.sqlite_store import SqliteStore
from framework.fleet.unit_state.unit_rounds import LedgerHold, known_units, last_session, plan_round
from framework.fleet.unit_state.unit_tables import (
    ATTEMPT_QUERY,
    AttemptRecord,
    CostKey,
    EarlierCost,
    LedgerSummary,
    LedgerUnit,
    Outcome,
    State,
    UnitAttempt,
    attempt_record,
    error_text,
    moment,
    prepare_tables,
    report_text,
    report_total,
)

RECENT_ATTEMPTS = 10
"""Attempts of equal units whose mean is returned."""
_LATEST_ATTEMPTS = 50_000
"""Attempts among which those are searched."""


def open_ledger(location: Path | str, *, create: bool = True) -> UnitLedger:
    """Open the ledger in an SQLite file, or in PostgreSQL if the location contains `://`.

    Without `create` it must exist. Raise UnitLedgerError if it cannot be opened.
    """
    store: LedgerStore
    if isinstance(location, str) and "://" in location:
        store = PostgresStore(location)
    else:
        store = SqliteStore(Path(location), create=create)
    try:
        return UnitLedger(store, prepare_tables(store, create=create))
    except BaseException:
        store.close()
        raise


class UnitLedger:
    """The ledger. `salt` is random and its own, 64 hexadecimal digits. Thread-safe.

    All its methods raise UnitLedgerError if the database fails.
    """

    def __init__(self, store: LedgerStore, salt: str) -> None:
        self._store = store
        self.salt = salt

    def __enter__(self) -> UnitLedger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._store.close()

    @property
    def place(self) -> str:
        """The path, or the server and database, for messages; without a password."""
        return self._store.place

    @contextmanager
    def hold(self, now: datetime, wait: float = 0) -> Iterator[LedgerHold]:
        """Hold the ledger against other coordinators.

        Raise LedgerHeld, which names the holder, if one still holds it after `wait` seconds. The
        session has ended cleanly only if `LedgerHold.end` was called.
        """
        held = LedgerHold(self._store, now, wait)
        try:
            yield held
        finally:
            held.release()

    def preview(self, units: Iterable[LedgerUnit], *, retry: bool = False) -> list[str]:
        """Return the ids of the units that a hold's `begin` or `retry` would have run, in order."""
        every = sorted(units, key=lambda unit: unit.position)
        with self._store.transaction(writes=False) as sql:
            known, last = known_units(sql)
        plan = plan_round(every, known, last, retry=retry)
        again = {unit.id for unit in plan.anew}
        again |= {unit.id for unit in plan.kept if known[unit.id].state in ("planned", "running")}
        return [unit.id for unit in every if unit.id in again]

    def next_units(self, count: int, now: datetime) -> list[str]:
        """Return the ids of the first planned units, by position, that may start now."""
        with self._store.transaction(writes=False) as sql:
            rows = sql.rows(
                "SELECT id FROM fleet_units WHERE in_plan = 1 AND state = 'planned' "
                "AND (not_before IS NULL OR not_before <= ?) ORDER BY position LIMIT ?",
                now.timestamp(),
                count,
            )
        return [name for (name,) in rows]

    def next_time(self) -> datetime | None:
        """Return when the first of the planned units that have to wait may start, or None."""
        with self._store.transaction(writes=False) as sql:
            [(seconds,)] = sql.rows(
                "SELECT min(not_before) FROM fleet_units WHERE in_plan = 1 AND state = 'planned'"
            )
        return None if seconds is None else moment(seconds)

    def start(self, unit: str, worker: str, now: datetime) -> UnitAttempt:
        """Start the next attempt at a unit. Raise ValueError if it is not planned."""
        at = now.timestamp()
        with self._store.transaction() as sql:
            changed = sql.change(
                "UPDATE fleet_units SET state = 'running', attempt = attempt + 1, changed = ?, "
                "round = (SELECT max(number) FROM fleet_rounds) "
                "WHERE id = ? AND state = 'planned'",
                at,
                unit,
            )
            if not changed:
                raise ValueError(f"unit {unit} is not planned")
            query = "SELECT round, attempt, failures FROM fleet_units WHERE id = ?"
            [(number, attempt, failures)] = sql.rows(query, unit)
            sql.change(
                "INSERT INTO fleet_attempts VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL, 0, 0, NULL)",
                unit,
                number,
                attempt,
                worker,
                at,
            )
        return UnitAttempt(unit, number, attempt, failures)

    def note_worker(self, unit: str, number: int, worker: str) -> None:
        """Note where the unit's attempt of this number runs, in the current round."""
        with self._store.transaction() as sql:
            sql.change(
                "UPDATE fleet_attempts SET worker = ? WHERE unit = ? AND attempt = ? "
                "AND round = (SELECT max(number) FROM fleet_rounds)",
                *(worker, unit, number),
            )

    def finish(
        self,
        attempt: UnitAttempt,
        outcome: Outcome,
        now: datetime,
        *,
        worker: str = "",
        exit_code: int | None = None,
        report: Mapping[str, Any] | None = None,
        error: str | None = None,
        not_before: datetime | None = None,
    ) -> bool:
        """Record how an attempt ended; return whether it was the current one.

        A unit that is not done is planned again if there is a time `not_before` which it must not
        start, or if it was interrupted; else it has failed. An attempt that is no longer current
        changes no unit: it was given up as lost, and another may run by now.
        """
        again = not_before is not None or outcome == "interrupted"
        state: State = "done" if outcome == "done" else "planned" if again else "failed"
        key = (attempt.unit, attempt.round, attempt.number)
        requests, rows = report_total(report, "requests"), report_total(report, "rows")
        at = now.timestamp()
        with self._store.transaction() as sql:
            [(old_requests, old_rows)] = sql.rows(
                "SELECT requests, rows_loaded FROM fleet_attempts "
                "WHERE unit = ? AND round = ? AND attempt = ?",
                *key,
            )
            sql.change(
                "UPDATE fleet_attempts SET ended = ?, outcome = ?, exit_code = ?, requests = ?, "
                "rows_loaded = ?, error = ?, worker = CASE WHEN ? = '' THEN worker ELSE ? END "
                "WHERE unit = ? AND round = ? AND attempt = ?",
                *(at, outcome, exit_code, requests, rows, error_text(error), worker, worker),
                *key,
            )
            sql.change(
                "UPDATE fleet_rounds SET requests = requests + ?, rows_loaded = rows_loaded + ? "
                "WHERE number = ?",
                *(requests - old_requests, rows - old_rows, attempt.round),
            )
            is_current = sql.change(
                "UPDATE fleet_units SET state = ?, failures = failures + ?, not_before = ?, "
                "changed = ? WHERE id = ? AND round = ? AND attempt = ? AND state = 'running'",
                *(state, int(outcome in ("failed", "lost"))),
                *(not_before.timestamp() if not_before and state == "planned" else None, at),
                *key,
            )
            if is_current and report is not None:
                sql.change(
                    "INSERT INTO fleet_reports VALUES (?, ?) "
                    "ON CONFLICT (unit) DO UPDATE SET report = excluded.report",
                    *(attempt.unit, report_text(report)),
                )
        return bool(is_current)

    def summary(self, failures: int = 20) -> LedgerSummary:
        """Return the state of the current round, with at most so many failures."""
        units: dict[str, dict[State, int]] = {}
        current = (
            "WHERE u.in_plan = 1 AND u.state = ? AND a.round = u.round AND a.attempt = u.attempt "
        )
        with self._store.transaction(writes=False) as sql:
            for job, state, count in sql.rows(
                "SELECT job, state, count(*) FROM fleet_units WHERE in_plan = 1 "
                "GROUP BY job, state ORDER BY job, state"
            ):
                units.setdefault(job, {})[state] = count
            running = sql.rows(f"{ATTEMPT_QUERY}{current}ORDER BY a.started, u.id", "running")
            failed = sql.rows(
                f"{ATTEMPT_QUERY}{current}ORDER BY u.changed DESC, u.id LIMIT ?", "failed", failures
            )
            rounds = sql.rows(
                "SELECT number, began, requests, rows_loaded FROM fleet_rounds "
                "ORDER BY number DESC LIMIT 1"
            )
            session = last_session(sql)
        number, began, requests, rows = rounds[0] if rounds else (0, None, 0, 0)
        return LedgerSummary(
            number,
            None if began is None else moment(began),
            units,
            tuple(map(attempt_record, running)),
            tuple(map(attempt_record, failed)),
            requests,
            rows,
            session,
        )

    def states(self) -> Counter[str]:
        """Return the number of units in each state."""
        with self._store.transaction(writes=False) as sql:
            query = "SELECT state, count(*) FROM fleet_units WHERE in_plan = 1 GROUP BY state"
            return Counter(dict(sql.rows(query)))

    def attempts(self, unit: str) -> list[AttemptRecord]:
        """Return all attempts at a unit, in all rounds, oldest first."""
        with self._store.transaction(writes=False) as sql:
            rows = sql.rows(f"{ATTEMPT_QUERY}WHERE u.id = ? ORDER BY a.round, a.attempt", unit)
        return [attempt_record(row) for row in rows]

    def report(self, unit: str) -> dict[str, Any] | None:
        """Return the report of a unit's last attempt that has one, or None."""
        with self._store.transaction(writes=False) as sql:
            rows = sql.rows("SELECT report FROM fleet_reports WHERE unit = ?", unit)
        return json.loads(rows[0][0]) if rows else None

    def earlier_costs(self) -> dict[CostKey, EarlierCost]:
        """Return the mean requests and seconds of the last done attempts at equal units.

        Attempts without a request say nothing: such a run was a repetition.
        """
        window = "CASE WHEN u.since IS NULL AND u.until IS NULL THEN 0 ELSE 1 END"
        equal = f"u.connector, u.account, u.resources, {window}"
        with self._store.transaction(writes=False) as sql:
            rows = sql.rows(
                "SELECT connector, account, resources, is_window, avg(requests), avg(seconds), "
                "count(*) FROM (SELECT u.connector, u.account, u.resources, "
                f"{window} AS is_window, a.requests, a.ended - a.started AS seconds, "
                f"row_number() OVER (PARTITION BY {equal} ORDER BY a.ended DESC) AS recency "
                "FROM (SELECT unit, requests, started, ended FROM fleet_attempts "
                "WHERE outcome = 'done' AND requests > 0 ORDER BY ended DESC LIMIT ?) a "
                "JOIN fleet_units u ON u.id = a.unit) latest WHERE recency <= ? "
                "GROUP BY connector, account, resources, is_window",
                _LATEST_ATTEMPTS,
                RECENT_ATTEMPTS,
            )
        return {
            CostKey(connector, account, tuple(json.loads(names)), bool(is_window)): EarlierCost(
                float(requests), float(seconds), attempts
            )
            for connector, account, names, is_window, requests, seconds, attempts in rows
        }

    def add_requests(self, counts: Mapping[tuple[str, int], int]) -> None:
        """Add requests to the counts of budgets, by budget and hour, in hours since 1970."""
        with self._store.transaction() as sql:
            sql.change_each(
                "INSERT INTO fleet_requests VALUES (?, ?, ?) ON CONFLICT (budget, hour) "
                "DO UPDATE SET requests = fleet_requests.requests + excluded.requests",
                ((budget, hour, count) for (budget, hour), count in counts.items()),
            )

    def requests_since(self, hour: int) -> dict[tuple[str, int], int]:
        """Return the requests of each budget and hour, from an hour on."""
        with self._store.transaction(writes=False) as sql:
            rows = sql.rows(
                "SELECT budget, hour, requests FROM fleet_requests WHERE hour >= ?", hour
            )
        return {(budget, at): requests for budget, at, requests in rows}
