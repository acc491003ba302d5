"""The coordinator: hands the units of a fleet to an executor until each is done or failed.

All that must outlive it is in the ledger of units, which it writes before and after each attempt.
So it can be killed at any moment: the same command goes on with what is not done.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from framework import __version__
from framework.errors import FrameworkError, Interrupted
from framework.fleet.control.control_server import ControlServer
from framework.fleet.jobs.units import Unit
from framework.fleet.unit_state.unit_ledger import UnitLedger
from framework.fleet.unit_state.unit_rounds import LedgerHold
from framework.fleet.unit_state.unit_tables import LedgerUnit, UnitAttempt
from framework.fleet.workers.executors import UnitExecutor
from framework.fleet.workers.unit_outcome import Outcome, outcome
from framework.runtime.environment import StopSignal

Json = Any

TICK = 0.1
"""Seconds after which the coordinator looks for units that may start, and what has ended."""
GRACE = 1.2
"""Seconds that units have to end themselves after Ctrl-C."""
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(minutes=5)
"""Waits before a failed unit is tried again: doubled for each attempt."""
STORE_EVERY = 1.0
"""Seconds after which the requests of daily quotas, and who runs what, are stored."""
MAX_LOST = 10
"""Attempts of one unit whose worker died, after which it counts as failed."""


@dataclass(frozen=True)
class UnitStarted:
    """An attempt of a unit was handed to a worker."""

    unit: Unit
    attempt: int


@dataclass(frozen=True)
class UnitEnded:
    """An attempt has ended; `state` is the unit's state now, `report` that of its run."""

    unit: Unit
    attempt: int
    state: str
    error: str | None
    report: Mapping[str, Json] | None
    seconds: float


@dataclass(frozen=True)
class UnitLog:
    """A log line of a unit: the fields of an event of its run."""

    unit: str
    fields: Mapping[str, Json]


@dataclass(frozen=True)
class ExecutorWait:
    """The executor is awaited for at most so many seconds; `why` is the reason.

    With 0 it is a warning: nothing is awaited.
    """

    why: str
    seconds: float


FleetEvent = UnitStarted | UnitEnded | UnitLog | ExecutorWait
FleetEventHandler = Callable[[FleetEvent], None]


@dataclass(frozen=True)
class UnitFailure:
    """A unit that failed in its last attempt. `since` and `until` are its window, if it has one."""

    unit: str
    job: str
    account: str | None
    since: str | None
    until: str | None
    error: str


@dataclass
class FleetReport:
    """What one `fleet run` has done; `states` are those of all units now, empty if not known.

    `error` is what ended it before all units were done or failed.
    """

    states: Counter[str] = field(default_factory=Counter)
    failures: list[UnitFailure] = field(default_factory=list)
    seconds: float = 0.0
    attempts: int = 0
    requests: int = 0
    rows: int = 0
    error: str | None = None
    is_interrupted: bool = False

    def end(self, error: FrameworkError) -> None:
        """Note what ended the run of the fleet before all units were done or failed."""
        self.is_interrupted = isinstance(error, Interrupted)
        self.error = str(error)
        if self.is_interrupted:
            self.error += ". The same command goes on with what is not done"

    @property
    def status(self) -> str:
        """Return `ok`, `failed` or `interrupted`."""
        if self.is_interrupted:
            return "interrupted"
        return "failed" if self.error is not None or self.states["failed"] else "ok"

    @property
    def exit_code(self) -> int:
        """Return 1 if a unit failed, else 0."""
        return int(self.status == "failed")

    def as_dict(self) -> dict[str, Json]:
        """Return the report as schemas/fleet-report.schema.json describes it."""
        return {
            "status": self.status,
            "units": dict(self.states),
            "attempts": self.attempts,
            "requests": self.requests,
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "failures": [asdict(failure) for failure in self.failures],
            "error": self.error,
        }


class Coordinator:
    """Runs the units of one round.

    Units connect to `server` with `key`. `folder` is where DuckDB files are. `report` is filled in
    while they run.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        ledger: UnitLedger,
        hold: LedgerHold,
        executor: UnitExecutor,
        server: ControlServer,
        key: bytes,
        stop: StopSignal,
        on_event: FleetEventHandler,
        report: FleetReport,
        *,
        folder: str,
        log_requests: bool = False,
    ) -> None:
        self._units = {unit.id: unit for unit in units}
        self._ledger = ledger
        self._hold = hold
        self._executor = executor
        self._server = server
        self._key = key.hex()
        self._stop = stop
        self._on_event = on_event
        self._shared = {"folder": folder, "log_requests": log_requests}
        self._running: dict[Future[Outcome], tuple[Unit, UnitAttempt, float]] = {}
        self._workers: dict[tuple[str, int], str] = {}
        self._stored_at = time.monotonic()
        self._stored = {(one, hour): n for one, hour, n in server.budget_rows()}
        self._report = report

    def begin(self, *, only_failed: bool) -> int:
        """Begin a round, or go on with the last one; return the number of units to run."""
        open_round = self._hold.retry if only_failed else self._hold.begin
        return open_round(ledger_units(self._units.values()), _now()).planned

    def run(self) -> None:
        """Run until no unit is planned or running, or until an interrupt; fill in the report."""
        began = time.monotonic()
        try:
            self._run_all()
        except (KeyboardInterrupt, Interrupted):
            error = self._stop.error
            if not isinstance(error, Interrupted):
                error = Interrupted("interrupted")
            self._interrupt(str(error))
            self._report.end(error)
        finally:
            self._report.seconds = time.monotonic() - began
        self._store_requests()
        self._hold.end(_now(), self._server.cooling())
        self._report.states = self._ledger.states()

    def _run_all(self) -> None:
        while True:
            self._stop.check()
            self._submit()
            if self._running:
                ended, _ = wait(self._running, timeout=TICK, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(future)
            elif self._has_planned():
                if not self._executor.slots:
                    self._executor.recover()
                self._stop.wait(TICK)
            else:
                return
            self._hold.beat(_now())
            if time.monotonic() - self._stored_at >= STORE_EVERY:
                self._store_requests()
                self._note_workers()

    def _note_workers(self) -> None:
        """Note in the ledger where units run that have connected since the last time."""
        units = {(one.unit, one.attempt): f"{one.host}:{one.pid}" for one in self._server.units()}
        for (unit, attempt), worker in units.items() - self._workers.items():
            self._ledger.note_worker(unit, attempt, worker)
        self._workers = units

    def _store_requests(self) -> None:
        """Add to the ledger what was requested of daily quotas since the last time."""
        self._stored_at = time.monotonic()
        rows = {(key, hour): requests for key, hour, requests in self._server.budget_rows()}
        changes = {at: n - self._stored.get(at, 0) for at, n in rows.items()}
        if any(changes.values()):
            self._ledger.add_requests({at: n for at, n in changes.items() if n})
        self._stored = rows  # after that: an interrupt may count them twice, and never not at all

    def _has_planned(self) -> bool:
        return bool(self._ledger.next_units(1, _now())) or self._ledger.next_time() is not None

    def _submit(self) -> None:
        """Give planned units to free workers."""
        free = self._executor.slots - len(self._running)
        for unit_id in self._ledger.next_units(free, _now()) if free > 0 else ():
            unit = self._units[unit_id]
            attempt = self._ledger.start(unit_id, "", _now())
            work = {
                **unit.spec(),
                **self._shared,
                "attempt": attempt.number,
                # another ledger counts its rounds from 1 again
                "once": f"{self._ledger.salt[:16]}:{attempt.round}:{unit_id}",
                "address": list(self._server.address),
                "key": self._key,
            }
            self._running[self._executor.submit(work)] = (unit, attempt, time.monotonic())
            self._on_event(UnitStarted(unit, attempt.number))

    def _end(self, future: Future[Outcome]) -> None:
        """Record how an attempt has ended, and whether the unit is tried again."""
        unit, attempt, began = self._running.pop(future)
        found = self._outcome(future)
        status, error, report = found["status"], found.get("error"), found.get("report")
        not_before = self._try_again_at(unit, attempt, found)
        again = not_before is not None or status == "interrupted"
        self._ledger.finish(
            *(attempt, status, _now()),
            worker=found.get("worker") or "",
            exit_code=found.get("exit_code"),
            report=report,
            error=error,
            not_before=not_before,
        )
        self._report.attempts += 1
        if report is not None:
            self._report.requests += sum(part["requests"] for part in report["resources"])
            self._report.rows += sum(part["rows"] for part in report["resources"])
        state = "done" if status == "done" else "planned" if again else "failed"
        if state == "failed":
            window = (unit.since, unit.until)
            failure = UnitFailure(unit.id, unit.job.name, unit.alias, *window, error or status)
            self._report.failures.append(failure)
        seconds = time.monotonic() - began
        if status == "interrupted" and self._stop.error is not None:
            error = None  # the end of the whole fleet is told once
        self._on_event(UnitEnded(unit, attempt.number, state, error, report, seconds))

    def _try_again_at(
        self, unit: Unit, attempt: UnitAttempt, found: Mapping[str, Json]
    ) -> datetime | None:
        """Return when a unit that failed or was lost is tried again, None if it is not."""
        status = found["status"]
        if status not in ("failed", "lost") or not found.get("retry", status == "lost"):
            return None
        earlier = [
            one.outcome for one in self._ledger.attempts(unit.id) if one.round == attempt.round
        ]
        same = earlier.count(status) + 1
        if status == "lost":
            return _now() if same < MAX_LOST else None
        if same >= unit.job.attempts:
            return None
        delay: timedelta = min(FIRST_DELAY * 2 ** (same - 1), LONGEST_DELAY)
        return _now() + delay

    def _outcome(self, future: Future[Outcome]) -> Outcome:
        try:
            found = future.result(timeout=0)
        except (FrameworkError, KeyboardInterrupt):
            raise
        except (ImportError, AttributeError) as error:  # there is another framework, or none
            text = f"its worker cannot run units: {type(error).__name__}: {error}"
            found = outcome("refused", f"{text}. Install this framework ({__version__}) there")
        except BaseException as error:  # a worker or the scheduler is gone
            self._executor.recover()
            return outcome("lost", f"its worker is gone ({type(error).__name__})")
        if found["status"] == "refused":
            # no attempt at all, unless the worker is not found: then there must be an end
            is_left_out = self._executor.leave_out_workers()
            return {**found, "status": "interrupted" if is_left_out else "lost"}
        return found

    def _interrupt(self, error: str) -> None:
        """Stop the units, and plan again those that did not end meanwhile."""
        self._server.stop(error)
        end = time.monotonic() + GRACE
        while self._running and time.monotonic() < end:
            ended, _ = wait(self._running, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in ended:
                self._end(future)
        self._running.clear()
        # not only those: an interrupt may come between any note in the ledger and `_running`
        for unit, number in self._hold.plan_again(_now(), f"ended by force: {error}"):
            self._on_event(UnitEnded(self._units[unit], number, "planned", None, None, 0.0))


def ledger_units(units: Iterable[Unit]) -> list[LedgerUnit]:
    """Return the units as the ledger has them, in their order."""
    return [
        LedgerUnit(
            *(unit.id, unit.job.name, unit.connector, unit.alias, unit.resources),
            *(unit.since, unit.until, unit.dataset, unit.destination, position),
        )
        for position, unit in enumerate(units)
    ]


def new_key() -> bytes:
    """Return a key for the control channel of one coordinator."""
    return secrets.token_bytes(32)


def _now() -> datetime:
    return datetime.now(UTC)
