"""A run of a fleet: ledger, executor and control server together, and what is refused before."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from framework.errors import (
    DestinationError,
    FrameworkError,
    LedgerMissing,
    QuotaExceeded,
    UsageError,
)
from framework.fleet.control.budgets import Budgets
from framework.fleet.control.control_server import ControlServer
from framework.fleet.control.token_budget import HOUR, QUOTA_HOURS
from framework.fleet.coordinator import (
    Coordinator,
    ExecutorWait,
    FleetEventHandler,
    FleetReport,
    UnitLog,
    ledger_units,
    new_key,
)
from framework.fleet.jobs.fleet_file import Fleet
from framework.fleet.jobs.fleet_plan import FleetPlan, RunReader, earlier_by_kind, plan_fleet
from framework.fleet.jobs.units import Unit, units_of
from framework.fleet.unit_state.unit_ledger import UnitLedger, open_ledger
from framework.fleet.unit_state.unit_rounds import LedgerHold
from framework.fleet.workers.executors import ProcessExecutor, UnitExecutor, WaitHandler
from framework.runtime.environment import StopSignal
from framework.text import nearest

LOOPBACK = "127.0.0.1"
DASK_PORT = 8786
"""The port of a Dask scheduler, unless another is named."""
LOCAL_HOSTS = {LOOPBACK, "localhost", "::1"}
ANY_HOST = {"0.0.0.0", "::"}
HOLD_WAIT = 2.0
"""Seconds for a ledger whose coordinator was killed a moment ago to be free."""


class FleetRun:
    """Everything that one `fleet run` needs, opened by `run` and closed after it.

    `on` names the executor, `listen` the address of the control server. `folder` is where DuckDB
    files are.
    """

    def __init__(
        self,
        fleet: Fleet,
        ledger: Path | str,
        *,
        on: str,
        listen: str | None,
        folder: str,
        log_requests: bool,
        stop: StopSignal,
        on_event: FleetEventHandler,
        report: FleetReport,
    ) -> None:
        self._fleet = fleet
        self._units = units_of(fleet)
        self._ledger = ledger
        self._open_executor = choose_executor(on)
        self._address = choose_address(listen, on)
        self._folder = folder
        self._log_requests = log_requests
        self._stop = stop
        self._on_event = on_event
        self._report = report
        self._executor: UnitExecutor | None = None

    def run(
        self,
        *,
        only_failed: bool = False,
        on_start: Callable[[int, ControlServer | None], None] | None = None,
    ) -> None:
        """Run the units that are not done; fill in the report.

        `on_start` is given what shows the progress: the number of units, and the server if there
        are any. Raise FrameworkError for what is not the fault of one unit: a ledger that is in
        use, an executor that cannot be had.
        """
        with ExitStack() as stack:
            refuse_full_quota(self._fleet, self._ledger)
            ledger = stack.enter_context(open_ledger(self._ledger, create=not only_failed))
            hold = stack.enter_context(ledger.hold(_now(), HOLD_WAIT))
            budgets, key = open_budgets(ledger, hold), new_key()
            try:
                units = ledger_units(self._units)
                if not ledger.preview(units, retry=only_failed):
                    (hold.retry if only_failed else hold.begin)(units, _now())
                    self._report.states = ledger.states()
                    hold.end(_now(), budgets.cooling())
                    if on_start is not None:
                        on_start(0, None)
                    return
                executor = self._executor = self._open_executor(self._on_wait)
                stack.callback(executor.close)
                refuse_one_writer(self._units, executor)
                server = stack.enter_context(self._server(budgets, key, ledger))
            except BaseException:
                hold.end(_now(), budgets.cooling())  # no unit has sent a request
                raise
            coordinator = Coordinator(
                *(self._units, ledger, hold, executor, server, key, self._stop, self._on_event),
                self._report,
                folder=self._folder,
                log_requests=self._log_requests,
            )
            planned = coordinator.begin(only_failed=only_failed)
            if on_start is not None:
                on_start(planned, server)
            coordinator.run()

    def end_by_force(self) -> None:
        """End the executor's processes, when this process is about to be ended."""
        if self._executor is not None:
            self._executor.close()

    def _on_wait(self, why: str, seconds: float) -> None:
        self._on_event(ExecutorWait(why, seconds))

    def _server(self, budgets: Budgets, key: bytes, ledger: UnitLedger) -> ControlServer:
        host, port = self._address()
        try:
            return ControlServer(
                *(budgets, host, port, key),
                salt=bytes.fromhex(ledger.salt),
                on_line=lambda unit, _, fields: self._on_event(UnitLog(unit, fields)),
            )
        except OSError as error:
            known = error.errno is not None and error.errno > 0
            cause = os.strerror(error.errno or 0) if known else error.strerror
            raise FrameworkError(
                f"units cannot reach this process at {host}:{port}: {cause}. Give --listen an "
                "address of this machine, and a port that is free or none"
            ) from None


def plan_with_ledger(
    fleet: Fleet, location: Path | str, *, recorded: RunReader | None = None, workers: int
) -> FleetPlan:
    """Return the plan of what is left by the ledger, with what earlier rounds took.

    Without a ledger, all units are left.
    """
    units = units_of(fleet)
    try:
        with open_ledger(location, create=False) as ledger:
            left = set(ledger.preview(ledger_units(units)))
            earlier = earlier_by_kind(units, ledger.earlier_costs())
    except LedgerMissing:
        return plan_fleet(fleet, recorded=recorded, workers=workers)
    remaining = [unit for unit in units if unit.id in left]
    return plan_fleet(fleet, units=remaining, earlier=earlier, recorded=recorded, workers=workers)


def open_budgets(ledger: UnitLedger, hold: LedgerHold) -> Budgets:
    """Return the budgets with the requests of earlier coordinators, as far as they still count."""
    budgets, now = Budgets(), _now()
    since = int(now.timestamp() // HOUR) - QUOTA_HOURS
    budgets.load((key, hour, n) for (key, hour), n in ledger.requests_since(since).items())
    before = hold.previous
    if before is None:
        return budgets
    # clocks of two machines need not agree, and one may have been put back: no time has passed then
    seconds = (now - (before.ended or before.beat)).total_seconds()
    elapsed = max(seconds, 0.0) if before.host == socket.gethostname() else 0.0
    if before.ended is not None:
        budgets.restore(hold.cooling(), elapsed)
    else:
        # its units may have sent requests until its last beat, and a moment longer
        budgets.start_used(elapsed)
    return budgets


def choose_executor(on: str) -> Callable[[WaitHandler], UnitExecutor]:
    """Return what opens the executor that `--on` names: `processes:4`, `dask://HOST:PORT`, ...

    Raise UsageError for another text, ExecutorError if Dask is not installed.
    """
    kind, _, rest = on.partition(":")
    workers = (os.cpu_count() or 1) if on == kind else int(rest) if rest.isdecimal() else 0
    place = None
    if rest.startswith("//"):
        place = _host_and_port(rest.removeprefix("//").removesuffix("/"), DASK_PORT)
    if kind == "processes" and workers:
        return lambda _: ProcessExecutor(workers)
    if kind == "dask" and (workers or place):
        from framework.fleet.workers.dask_executor import DaskExecutor

        if place is None:
            return partial(DaskExecutor, workers=workers)
        host, port = place
        name = f"[{host}]" if ":" in host else host
        return partial(DaskExecutor, address=f"{name}:{port}")
    hint = nearest(kind, ("processes", "dask"))
    raise UsageError(
        f"--on: found {on!r}, expected processes, processes:N, dask, dask:N or dask://HOST:PORT"
        + (f"; did you mean {hint}?" if hint and hint != kind else "")
    )


def choose_address(listen: str | None, on: str) -> Callable[[], tuple[str, int]]:
    """Return what tells host and port to listen at: as `--listen` says, or where workers see us.

    Raise UsageError if `--listen` is neither HOST nor HOST:PORT.
    """
    if listen is None:
        return partial(_own_address, on)
    found = _host_and_port(listen, 0)
    if found is None:
        raise UsageError(
            f"--listen: found {listen!r}, expected HOST or HOST:PORT, an address of this machine "
            "and a port up to 65535"
        )
    if found[0] in ANY_HOST:
        raise UsageError(
            f"--listen: found {listen!r}, which is no address that units can connect to; expected "
            "the address at which workers reach this machine"
        )
    return lambda: found


def _host_and_port(text: str, port: int) -> tuple[str, int] | None:
    """Return host and port of HOST, HOST:PORT or [IPV6]:PORT, None for another text."""
    try:
        parts = urlsplit(f"//{text}")
        found = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.netloc != text or "@" in text:
        return None
    return parts.hostname, port if found is None else found


def _own_address(on: str) -> tuple[str, int]:
    """Return the address of this machine that a scheduler sees, and any port."""
    scheduler = urlsplit(on).hostname
    if scheduler is None or scheduler in LOCAL_HOSTS:
        return LOOPBACK, 0
    try:
        [(family, _, _, _, place), *_] = socket.getaddrinfo(scheduler, 9, type=socket.SOCK_DGRAM)
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(place)  # sends nothing, but chooses an address
            return probe.getsockname()[0], 0
    except OSError:
        raise FrameworkError(
            f"found no address of this machine that {scheduler} can reach; give one by --listen"
        ) from None


def refuse_full_quota(fleet: Fleet, location: Path | str) -> None:
    """Raise QuotaExceeded if a connector's daily quota cannot hold what is left to run.

    Estimates come from the ledger of units and from cassettes; no destination is asked.
    """
    limits = (job.connector.client.rate_limit for job in fleet.jobs)
    if not any(limit is not None and limit.per_day is not None for limit in limits):
        return
    plan = plan_with_ledger(fleet, location, recorded=lambda *_: (), workers=1)
    if plan.refusals:
        raise QuotaExceeded("\n".join(plan.refusals))


def refuse_one_writer(units: Iterable[Unit], executor: UnitExecutor) -> None:
    """Raise DestinationError if workers on other machines would write one DuckDB file."""
    others = executor.hosts - {*LOCAL_HOSTS, *own_addresses()}
    jobs = sorted({unit.job.name for unit in units if unit.destination == "duckdb"})
    if others and jobs:
        raise DestinationError(
            f"the jobs {', '.join(jobs)} load into DuckDB, a file on this machine that has one "
            f"writer, and there are workers on {', '.join(sorted(others))}. Use destination: "
            "postgres, filesystem, motherduck or a warehouse, or run --on processes"
        )


def own_addresses() -> frozenset[str]:
    """Return the addresses of this machine, as far as its name tells."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return frozenset()
    return frozenset(str(one[4][0]) for one in found)


def _now() -> datetime:
    return datetime.now(UTC)
