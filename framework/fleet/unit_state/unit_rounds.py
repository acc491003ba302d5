"""Who holds a ledger of units, and which of them are to be run: its sessions and rounds."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from framework.errors import LedgerHeld
from framework.fleet.unit_state.ledger_store import LedgerStore, Row, Statements
from framework.fleet.unit_state.unit_tables import (
    UNIT_COLUMNS,
    CoordinatorSession,
    LedgerUnit,
    Round,
    error_text,
    session_record,
)

Cooling = Mapping[str, Sequence[tuple[float, int]]]
"""By budget: seconds, and the number of tokens that are not free for so long."""

BEAT = timedelta(seconds=1)
"""At most one beat in this time is written."""
KEPT_HOURS = 48
"""Hours for which counts of requests are kept."""

_DESCRIPTION = ", ".join(
    f"{name} = excluded.{name}" for name in UNIT_COLUMNS.split(", ") if name != "id"
)
_INSERT = (
    f"INSERT INTO fleet_units ({UNIT_COLUMNS}, in_plan, state, round, attempt, failures, changed) "
    f"VALUES ({', '.join('?' * len(UNIT_COLUMNS.split(', ')))}, 1, 'planned', ?, 0, 0, ?) "
    f"ON CONFLICT (id) DO UPDATE SET {_DESCRIPTION}, in_plan = 1"
)
_PLAN_AGAIN = (
    ", state = 'planned', round = excluded.round, attempt = 0, failures = 0, not_before = NULL, "
    "changed = excluded.changed"
)


class KnownUnit(NamedTuple):
    """A unit in the ledger. `row` are the values of UNIT_COLUMNS."""

    in_plan: bool
    state: str
    round: int
    row: Row


@dataclass(frozen=True)
class RoundPlan:
    """What a round makes of the units: which are planned anew, keep their state, or leave."""

    number: int
    is_continued: bool
    anew: Sequence[LedgerUnit]
    kept: Sequence[LedgerUnit]
    dropped: Sequence[str]


def plan_round(
    units: Iterable[LedgerUnit], known: Mapping[str, KnownUnit], last: int, *, retry: bool = False
) -> RoundPlan:
    """Return the plan of the next round, or of the last one if it is not finished.

    `units` are those of the fleet file, `known` those of the ledger, `last` the number of its last
    round, 0 if there is none. A retry plans failed units anew and adds none.
    """
    every = list(units)
    is_open = any(_is_open(known.get(unit.id)) for unit in every)

    def keeps_state(unit: LedgerUnit) -> bool:
        row = known.get(unit.id)
        if row is None:
            return False
        if retry:
            return row.state != "failed"
        if is_open and (row.in_plan or row.round == last):
            return True
        return unit.is_window and row.state == "done"

    names = {unit.id for unit in every}
    planned = {name for name, row in known.items() if row.in_plan}
    chosen = [unit for unit in every if unit.id in planned] if retry else every
    kept = [unit for unit in chosen if keeps_state(unit)]
    anew = [unit for unit in chosen if not keeps_state(unit)]
    is_continued = not anew if retry else is_open
    number = last if is_continued else last + 1
    return RoundPlan(number, is_continued, anew, kept, sorted(planned - names))


def _is_open(row: KnownUnit | None) -> bool:
    return row is not None and row.in_plan and row.state in ("planned", "running")


def known_units(sql: Statements) -> tuple[dict[str, KnownUnit], int]:
    """Return all units by id, and the number of the last round."""
    rows = sql.rows(f"SELECT in_plan, state, round, {UNIT_COLUMNS} FROM fleet_units")
    known = {row[3]: KnownUnit(bool(row[0]), row[1], row[2], tuple(row[3:])) for row in rows}
    [(last,)] = sql.rows("SELECT coalesce(max(number), 0) FROM fleet_rounds")
    return known, last


class LedgerHold:
    """One coordinator's session: only it begins rounds.

    `previous` is the session before it, or None. If that has not ended cleanly, its units may
    have sent requests until its last beat and later. Its times are those of its host's clock.
    """

    def __init__(self, store: LedgerStore, now: datetime, wait: float) -> None:
        lock = store.lock(wait)
        if lock is None:
            raise LedgerHeld(_held_message(store))
        self._store, self._lock, self._beat = store, lock, now
        try:
            with store.transaction() as sql:
                self.previous = last_session(sql)
                [(self._id,)] = sql.rows("SELECT coalesce(max(id), 0) + 1 FROM fleet_sessions")
                sql.change(
                    "INSERT INTO fleet_sessions (id, host, pid, started, beat) "
                    "VALUES (?, ?, ?, ?, ?)",
                    self._id,
                    socket.gethostname(),
                    os.getpid(),
                    now.timestamp(),
                    now.timestamp(),
                )
                oldest = int(now.timestamp() // 3600) - KEPT_HOURS
                sql.change("DELETE FROM fleet_requests WHERE hour < ?", oldest)
        except BaseException:
            lock.release()
            raise

    def begin(self, units: Iterable[LedgerUnit], now: datetime) -> Round:
        """Begin a round, or continue the last one if one of these units was still to be run.

        Call it before the first `start`: what runs by the ledger counts as lost, and is planned
        again. A new round plans all units but windows that are done. A continued one keeps the
        state of known units. Units that the file no longer has leave the plan.
        """
        return self._open_round(units, now, retry=False)

    def retry(self, units: Iterable[LedgerUnit], now: datetime) -> Round:
        """Begin a round of the failed units, and of what the last round had still to run.

        With no failed unit, the last round is continued. New units are not added.
        """
        return self._open_round(units, now, retry=True)

    def _open_round(self, units: Iterable[LedgerUnit], now: datetime, *, retry: bool) -> Round:
        at = now.timestamp()
        with self._store.transaction() as sql:
            lost = sql.change(
                "UPDATE fleet_attempts SET outcome = 'lost', ended = ? WHERE outcome IS NULL", at
            )
            sql.change(
                "UPDATE fleet_units SET state = 'planned', not_before = NULL, changed = ? "
                "WHERE state = 'running'",
                at,
            )
            known, last = known_units(sql)
            plan = plan_round(units, known, last, retry=retry)
            if not plan.is_continued:
                sql.change("INSERT INTO fleet_rounds VALUES (?, ?, 0, 0)", plan.number, at)
            leave = "UPDATE fleet_units SET in_plan = 0 WHERE id = ?"
            sql.change_each(leave, ((name,) for name in plan.dropped))
            new = (plan.number, at)
            changed = (unit.row() for unit in plan.kept if _differs(unit, known[unit.id]))
            sql.change_each(_INSERT, ((*row, *new) for row in changed))
            sql.change_each(_INSERT + _PLAN_AGAIN, ((*unit.row(), *new) for unit in plan.anew))
            [(planned,)] = sql.rows(
                "SELECT count(*) FROM fleet_units WHERE in_plan = 1 AND state = 'planned'"
            )
        return Round(plan.number, plan.is_continued, planned, lost)

    def plan_again(self, now: datetime, error: str) -> list[tuple[str, int]]:
        """Plan again what runs by the ledger; return the units, and the numbers of the attempts.

        Their attempts count as interrupted.
        """
        at = now.timestamp()
        with self._store.transaction() as sql:
            running = sql.rows(
                "SELECT id, attempt FROM fleet_units WHERE state = 'running' ORDER BY position"
            )
            sql.change(
                "UPDATE fleet_attempts SET outcome = 'interrupted', ended = ?, error = ? "
                "WHERE outcome IS NULL",
                *(at, error_text(error)),
            )
            sql.change(
                "UPDATE fleet_units SET state = 'planned', not_before = NULL, changed = ? "
                "WHERE state = 'running'",
                at,
            )
        return [(unit, attempt) for unit, attempt in running]

    def beat(self, now: datetime) -> None:
        """Note that the coordinator is alive; raise UnitLedgerError if it lost the ledger.

        It may be called at any rate: at most one beat in a second is written.
        """
        if timedelta(0) <= now - self._beat < BEAT:  # the clock may have been put back
            return
        self._beat = now
        self._lock.check()
        with self._store.transaction() as sql:
            statement = "UPDATE fleet_sessions SET beat = ? WHERE id = ?"
            sql.change(statement, now.timestamp(), self._id)

    def cooling(self) -> Cooling:
        """Return what `end` of the session before was given."""
        with self._store.transaction(writes=False) as sql:
            rows = sql.rows("SELECT budget, tokens FROM fleet_cooling")
        return {budget: [tuple(one) for one in json.loads(tokens)] for budget, tokens in rows}

    def end(self, now: datetime, cooling: Cooling | None = None) -> None:
        """Note that the session ended cleanly: none of its units will send a request.

        `cooling` are the tokens of budgets that are not free yet, as `Budgets.cooling` returns
        them.
        """
        with self._store.transaction() as sql:
            sql.change("DELETE FROM fleet_cooling")
            rows = ((budget, json.dumps(left)) for budget, left in (cooling or {}).items())
            sql.change_each("INSERT INTO fleet_cooling VALUES (?, ?)", rows)
            at = now.timestamp()
            statement = "UPDATE fleet_sessions SET beat = ?, ended = ? WHERE id = ?"
            sql.change(statement, at, at, self._id)

    def release(self) -> None:
        """Let another coordinator have the ledger."""
        self._lock.release()


def last_session(sql: Statements) -> CoordinatorSession | None:
    """Return the session that began last, or None."""
    rows = sql.rows(
        "SELECT host, pid, started, beat, ended FROM fleet_sessions ORDER BY id DESC LIMIT 1"
    )
    return session_record(rows[0]) if rows else None


def _differs(unit: LedgerUnit, known: KnownUnit) -> bool:
    return not known.in_plan or unit.row() != known.row


def _held_message(store: LedgerStore) -> str:
    with store.transaction(writes=False) as sql:
        holder = last_session(sql)
    who = "another coordinator"
    if holder is not None:
        since = holder.started.isoformat(sep=" ", timespec="seconds")
        who = f"the coordinator with pid {holder.pid} on host {holder.host} since {since}"
    return (
        f"the ledger of units in {store.place} is held by {who}. Wait until it ends, end it, or "
        "name another ledger."
    )
