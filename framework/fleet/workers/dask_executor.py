"""Units on a Dask cluster: a local one that is started for the run, or one that is there."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from framework.fleet.workers.executors import (
    ExecutorError,
    WaitHandler,
    run_on_worker,
    worker_refusal,
    worker_versions,
)
from framework.fleet.workers.unit_outcome import Outcome, here

try:
    import dask
    import distributed
except ImportError as error:
    raise ExecutorError(
        "--on dask needs the packages dask and distributed. Run "
        "pip install 'rest-connector-framework[dask]', or use --on processes"
    ) from error

Json = Any
_untyped: Any = distributed

PATIENCE = 60.0
"""Seconds to wait for a scheduler that does not answer, or has no worker."""
ANSWER = 5.0
"""Seconds for one try to reach the scheduler: Dask itself waits for ever for one that hangs."""
WORKERS_ANSWER = 20.0
"""Seconds in which all workers tell their versions; they may have to import the framework."""
RETRY = 0.2
"""Seconds between two tries."""
RECHECK = 1.0
"""Seconds after which the number of workers is read again."""

SETTINGS = {
    # a unit whose worker dies is tried again by the coordinator, which counts its attempts
    "distributed.scheduler.allowed-failures": 0,
    "distributed.comm.retry.count": 0,
}


class DaskExecutor:
    """The workers of a cluster. With `workers`, a local cluster of so many is started.

    `address` is HOST:PORT of a scheduler. `on_wait` is told when it does not answer.
    """

    def __init__(
        self, on_wait: WaitHandler, *, address: str | None = None, workers: int = 0
    ) -> None:
        self._on_wait = on_wait
        self._address = f"tcp://{address}"
        self._name = f"dask://{address}" if address else "the local cluster"
        self._cluster: Any = None
        self._client: Any = None
        self._nthreads: dict[str, int] = {}
        self._read_at = 0.0
        self._silence: _Patience | None = None
        self._refusals: dict[str, str] = {}
        """Workers that cannot run units, and why."""
        self._checked: set[str] = set()
        self._placed: dict[Future[Outcome], frozenset[str]] = {}
        """The workers that may run a unit, if not all of them may."""
        self._has_files = False
        """Whether units load into files on this machine."""
        _silence_logs()
        dask.config.set(SETTINGS)
        try:
            if address is None:
                with _no_interrupt():
                    self._cluster = _local_cluster(workers)
            self._client = self._connect()
        except BaseException:
            self._close_cluster()
            raise

    @property
    def slots(self) -> int:
        """The threads of all workers, 0 while there is no worker.

        Raise ExecutorError if the scheduler has not answered for PATIENCE seconds.
        """
        workers = self._workers()
        return sum(workers[name] for name in workers.keys() - self._refusals)

    @property
    def hosts(self) -> frozenset[str]:
        """The machines of the workers."""
        return frozenset(name.rpartition(":")[0].rpartition("/")[2] for name in self._workers())

    def submit(self, unit: Mapping[str, Json]) -> Future[Outcome]:
        """Have a unit run on a worker."""
        if self._cluster is None and unit.get("destination") == "duckdb" and not self._has_files:
            self._has_files = True
            self._checked.clear()
        places = self._workers().keys() - self._refusals if self._refusals else set()
        executor = self._client.get_executor(
            pure=False, retries=0, workers=sorted(places) if places else None
        )
        work = {**unit, "coordinator": self._required()}
        future: Future[Outcome] = executor.submit(run_on_worker, work)
        if places:
            self._placed[future] = frozenset(places)
        return future

    def recover(self) -> None:
        """Connect again if the scheduler was restarted or lost, or has no worker left.

        Raise ExecutorError if none comes, or if all would refuse units.
        """
        if self._client.status == "running":
            with suppress(Exception):
                if _threads_of_workers(self._client).keys() - self._refusals:
                    return
        _close_client(self._client)
        self._client = self._connect()

    def leave_out_workers(self) -> bool:
        """Give no unit to workers that would refuse it; return whether there are any."""
        with suppress(OSError):  # the scheduler is gone: futures say so
            self._leave_out(self._refusals_of(self._client))
        return bool(self._refusals)

    def close(self) -> None:
        """End what runs, and the local cluster."""
        _close_client(self._client)
        self._close_cluster()

    def _connect(self) -> Any:
        """Return a client once the scheduler has a worker; refuse workers of other versions."""
        waits = _Patience(self._on_wait)
        while True:
            client = None
            try:
                client = self._new_client(waits)
                while not (workers := _threads_of_workers(client)):
                    remedy = "Start some with `dask worker HOST:PORT`, where this framework is"
                    waits.wait(f"the Dask scheduler at {self._name} has no worker", remedy)
                self._checked = {*workers}
                self._refusals = self._refusals_of(client)
                # later, those that fit go on alone
                for name in self._refusals:
                    if self._client is None or not workers.keys() - self._refusals:
                        raise ExecutorError(f"the worker {name} {self._refusals[name]}")
            except OSError:
                _close_client(client)
                remedy = "Start one with `dask scheduler`, or check host, port and firewall"
                waits.wait(f"no Dask scheduler answers at {self._name}", remedy)
            except BaseException:
                _close_client(client)
                raise
            else:
                self._silence = None
                return client

    def _new_client(self, waits: _Patience) -> Any:
        started = _start_client(self._cluster or self._address)
        try:
            # of its three steps, each has ANSWER, but one has no limit
            while not wait([started], timeout=3 * ANSWER).done:
                waits.wait(*self._hangs)
            return started.result()
        except BaseException:
            started.add_done_callback(_close_late_client)
            raise

    @property
    def _hangs(self) -> tuple[str, str]:
        """What to say of a scheduler that hangs, and what to do."""
        remedy = "Restart it; the same command goes on with what is not done"
        return f"the Dask scheduler at {self._name} does not answer", remedy

    def _refusals_of(self, client: Any, workers: Iterable[str] | None = None) -> dict[str, str]:
        """Return the workers that cannot run units, and why; of all or of these."""
        required = self._required()
        try:
            found = client.run(
                worker_refusal,
                required,
                workers=None if workers is None else list(workers),
                on_error="return",
                callback_timeout=WORKERS_ANSWER,
            )
        except TimeoutError:  # one that hangs must not keep the others from work
            return {}
        reasons = {}
        for worker, reason in found.items():
            if isinstance(reason, OSError):  # it has ended meanwhile
                continue
            if isinstance(reason, Exception):
                kind = "" if type(reason) is Exception else f"{type(reason).__name__}: "
                reasons[worker] = (
                    f"cannot run units: {kind}{reason}. Install this version of the framework "
                    f"({required['framework']}) there"
                )
            elif reason is not None:
                reasons[worker] = reason
        return reasons

    def _required(self) -> dict[str, str]:
        """Return what workers must have in common with this coordinator."""
        return {**worker_versions(), **({"host": here()} if self._has_files else {})}

    def _workers(self) -> dict[str, int]:
        now = time.monotonic()
        if now - self._read_at >= RECHECK:
            self._read_at = now
            try:
                self._nthreads = _threads_of_workers(self._client)
                self._silence = None
            except TimeoutError:  # it hangs, and so would its futures
                self._nthreads = {}
                self._silence = self._silence or _Patience(self._on_wait)
                self._silence.wait(*self._hangs)
            except Exception:  # the scheduler is gone: its futures say so
                self._nthreads = {}
            else:
                self._check_new()
                self._cancel_unplaced()
        return self._nthreads

    def _check_new(self) -> None:
        """Leave out workers that have joined and cannot run units; one without the framework ends.

        Units check it too: one may be there before this.
        """
        new = self._nthreads.keys() - self._checked - self._refusals.keys()
        self._checked = {*self._nthreads}
        for name in self._refusals.keys() - self._nthreads:
            del self._refusals[name]
        if new:
            with suppress(OSError):  # the scheduler is gone: futures say so
                self._leave_out(self._refusals_of(self._client, new))

    def _leave_out(self, refusals: Mapping[str, str]) -> None:
        """Warn of workers that get no units, once of each."""
        for name, reason in refusals.items():
            if name not in self._refusals:
                self._on_wait(f"the worker {name} {reason}. It gets no units", 0.0)
        self._refusals = {**self._refusals, **refusals}

    def _cancel_unplaced(self) -> None:
        """End units whose workers are all gone: Dask would wait for those to come back."""
        for future, places in list(self._placed.items()):
            if future.done():
                del self._placed[future]
            elif not places & self._nthreads.keys():
                future.cancel()

    def _close_cluster(self) -> None:
        if self._cluster is not None:
            with suppress(Exception):
                self._cluster.close(timeout=1)


def _start_client(place: Any) -> Future[Any]:
    """Have a client connect in a thread; Dask waits for ever for a scheduler that hangs.

    If the scheduler goes on, so does the client. The future raises OSError if there is none.
    """
    started: Future[Any] = Future()

    def start() -> None:
        try:
            client = _untyped.Client(place, timeout=ANSWER, set_as_default=False)
        except BaseException as error:
            started.set_exception(error)
        else:
            started.set_result(client)

    threading.Thread(target=start, daemon=True).start()
    return started


def _close_late_client(started: Future[Any]) -> None:
    if started.exception() is None:
        _close_client(started.result())


def _threads_of_workers(client: Any) -> dict[str, int]:
    """Return the threads of each worker; raise OSError if the scheduler does not answer."""
    return dict(client.ncores(callback_timeout=ANSWER))


def _local_cluster(workers: int) -> Any:
    try:
        return _untyped.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            # without a dashboard there is a server yet; at a fixed port it would warn of others
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            memory_limit=0,  # units have processes of their own
            silence_logs=logging.CRITICAL,
        )
    except Exception as error:  # whatever ends a worker at its start
        raise ExecutorError(
            f"the local cluster of Dask cannot be started: {type(error).__name__}. Try again, or "
            "use --on processes"
        ) from error


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: this one is to end them.

    Here it is obeyed after the block, since half a cluster cannot be closed.
    """
    # the first use of this starts a process, and would allow the signal again
    resource_tracker.ensure_running()
    is_main = threading.current_thread() is threading.main_thread()
    caught: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda *_: caught.append(1)) if is_main else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if is_main:
            signal.signal(signal.SIGINT, handler)
            if caught:
                signal.raise_signal(signal.SIGINT)


class _Patience:
    """Waits for a cluster for PATIENCE seconds in all; tells once for each reason."""

    def __init__(self, on_wait: WaitHandler) -> None:
        self._on_wait = on_wait
        self._end = time.monotonic() + PATIENCE
        self._told: set[str] = set()

    def wait(self, why: str, remedy: str) -> None:
        """Wait a moment; raise ExecutorError if the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise ExecutorError(f"{why}, after {PATIENCE:.0f} s. {remedy}")
        if why not in self._told:
            self._told.add(why)
            self._on_wait(why, left)
        time.sleep(RETRY)


def _close_client(client: Any) -> None:
    with suppress(Exception):
        if client is not None:
            client.close(timeout=1)


def _silence_logs() -> None:
    """Leave the talk to us: what these libraries log about lost connections is part of outcomes."""
    for name in ("distributed", *logging.root.manager.loggerDict, "tornado", "asyncio"):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
