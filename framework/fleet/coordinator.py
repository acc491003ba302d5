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
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.errors import FrameworkError, Interrupted
from framework.fleet.executors import UnitExecutor
from framework.fleet.unit_ledger import UnitLedger
from framework.fleet.unit_process import Outcome, outcome
from framework.fleet.units import Unit
from framework.runtime.environment import StopSignal
from framework.text import count_noun

Json = Any

TICK = 0.1
"""Seconds after which the coordinator looks for units that may start, and what has ended."""
GRACE = 1.2
"""Seconds that units have to end themselves after Ctrl-C."""
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(minutes=5)
"""Waits before a failed unit is tried again: doubled for each attempt."""
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


FleetEvent = UnitStarted | UnitEnded | UnitLog
FleetEventHandler = Callable[[FleetEvent], None]


@dataclass
class FleetReport:
    """What one call of the coordinator has done; `states` are those of all units now."""

    states: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str | None, str]] = field(default_factory=list)
    seconds: float = 0.0
    units: int = 0
    attempts: int = 0
    requests: int = 0
    rows: int = 0
    error: str | None = None

    @property
    def status(self) -> str:
        """Return `ok`, `failed`, or `interrupted` if units are left."""
        if self.error is not None:
            return "interrupted"
        return "failed" if self.states["failed"] else "ok"

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
            "failures": [
                {"unit": unit, "account": account, "error": error}
                for unit, account, error in self.failures
            ],
            "error": self.error,
        }


class Coordinator:
    """Runs the units of one round.

    `address` and `key` are those of the control server, which units connect to; `attempts` is how
    often a unit of each job is tried.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        attempts: Mapping[str, int],
        ledger: UnitLedger,
        executor: UnitExecutor,
        server: Any,
        stop: StopSignal,
        on_event: FleetEventHandler,
        *,
        folder: str,
        log_requests: bool = False,
    ) -> None:
        self._units = {unit.id: unit for unit in units}
        self._attempts = attempts
        self._ledger = ledger
        self._executor = executor
        self._server = server
        self._stop = stop
        self._on_event = on_event
        self._shared = {"folder": folder, "log_requests": log_requests}
        self._running: dict[Future[Outcome], tuple[Unit, int, float]] = {}
        self._lost: Counter[str] = Counter()
        self.report = FleetReport()

    def run(self, *, only_failed: bool = False) -> FleetReport:
        """Run until no unit is planned or running; return the report, also after an interrupt."""
        began = time.monotonic()
        round_ = self._ledger.retry() if only_failed else self._ledger.begin(self._units.values())
        self._round = round_.number
        try:
            self._run_all()
        except (KeyboardInterrupt, Interrupted):
            error = self._stop.error or Interrupted("interrupted")
            self._interrupt(error)
            self.report.error = f"{error}. The same command goes on with what is not done"
        finally:
            self.report.seconds = time.monotonic() - began
            self.report.states = self._ledger.states()
        return self.report

    def _run_all(self) -> None:
        while True:
            self._stop.check()
            self._submit()
            if not self._running and not self._ledger.has_planned():
                return
            if self._running:
                ended, _ = wait(self._running, timeout=TICK, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(future)
            else:
                self._stop.wait(TICK)
            self._ledger.beat()

    def _submit(self) -> None:
        """Give planned units to free workers."""
        free = self._executor.slots - len(self._running)
        if free <= 0:
            return
        for unit_id in self._ledger.next_units(free, _now()):
            unit = self._units[unit_id]
            attempt = self._ledger.start(unit_id, "", _now())
            work = {
                **unit.spec(),
                **self._shared,
                "attempt": attempt,
                "once": f"{self._round}:{unit_id}",
                "address": list(self._server.address),
                "key": self._server.key.hex(),
            }
            self._running[self._executor.submit(work)] = (unit, attempt, time.monotonic())
            self._on_event(UnitStarted(unit, attempt))

    def _end(self, future: Future[Outcome]) -> None:
        """Record how an attempt has ended, and whether the unit is tried again."""
        unit, attempt, began = self._running.pop(future)
        found = self._outcome(future)
        status, error = str(found["status"]), found.get("error")
        report = found.get("report")
        state, not_before = status, None
        if status in ("lost", "interrupted"):
            self._lost[unit.id] += 1
            state = "planned" if self._lost[unit.id] <= MAX_LOST else "failed"
        elif status == "failed" and found.get("retry") and attempt < self._attempts[unit.job]:
            state = "planned"
            not_before = _now() + min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY)
        self._ledger.finish(
            unit.id,
            attempt,
            outcome=status,
            state=state,
            now=_now(),
            worker=str(found.get("worker") or ""),
            report=report,
            error=error,
            not_before=not_before,
        )
        self.report.attempts += 1
        if report is not None:
            self.report.requests += sum(part["requests"] for part in report["resources"])
            self.report.rows += sum(part["rows"] for part in report["resources"])
        if state == "failed":
            self.report.failures.append((unit.id, unit.alias, error or status))
        seconds = time.monotonic() - began
        self._on_event(UnitEnded(unit, attempt, state, error, report, seconds))

    def _outcome(self, future: Future[Outcome]) -> Outcome:
        try:
            return future.result(timeout=0)
        except FrameworkError:
            raise
        except BaseException as error:  # a worker or the scheduler is gone
            if isinstance(error, KeyboardInterrupt):
                raise
            self._executor.recover()
            return outcome("lost", f"its worker is gone ({type(error).__name__})")

    def _interrupt(self, error: FrameworkError) -> None:
        """Stop the units, and plan again those that did not end meanwhile."""
        self._server.stop_all(str(error))
        end = time.monotonic() + GRACE
        while self._running and time.monotonic() < end:
            ended, _ = wait(self._running, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in ended:
                self._end(future)
        left = count_noun(len(self._running), "unit")
        for unit, attempt, _ in self._running.values():
            self._ledger.finish(
                unit.id,
                attempt,
                outcome="interrupted",
                state="planned",
                now=_now(),
                error=f"ended by force with {left} after {error}",
            )
        self._running.clear()


def new_key() -> bytes:
    """Return a key for the control channel of one coordinator."""
    return secrets.token_bytes(32)


def _now() -> datetime:
    return datetime.now(UTC)
