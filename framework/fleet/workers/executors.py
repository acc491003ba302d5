"""Where units run: processes of this machine, or a Dask cluster; both as an `Executor`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import metadata
from typing import Any, Protocol

from framework import __version__
from framework.errors import FrameworkError
from framework.fleet.workers.unit_outcome import Outcome, here, outcome
from framework.fleet.workers.unit_process import UnitProcesses

Json = Any


class ExecutorError(FrameworkError):
    """The executor cannot be reached, or its workers are of another version."""


WaitHandler = Callable[[str, float], None]
"""Is told what is awaited, and for how many seconds at most; with 0, a warning."""


class UnitExecutor(Protocol):
    """Runs units somewhere. `submit` returns a future of the outcome."""

    @property
    def slots(self) -> int:
        """How many units run at once, 0 while there is no worker."""

    @property
    def hosts(self) -> frozenset[str]:
        """The machines of the workers."""

    def submit(self, unit: Mapping[str, Json]) -> Future[Outcome]:
        """Have a unit run."""

    def recover(self) -> None:
        """Connect again after a failure of the executor itself, or without a worker.

        Raise ExecutorError if none comes, or if all would refuse units.
        """

    def leave_out_workers(self) -> bool:
        """Give no unit to workers that would refuse it; return whether there are any."""

    def close(self) -> None:
        """End every unit that still runs, and what was started for them."""


_processes = UnitProcesses()


def run_on_worker(unit: Mapping[str, Json]) -> Outcome:
    """Run a unit in a process of its own on this machine, or refuse it. Called on the worker."""
    reason = worker_refusal(unit.get("coordinator", {}))
    if reason is not None:
        return outcome("refused", f"the worker on {here()} {reason}")
    return _processes.run(unit)


def worker_refusal(coordinator: Mapping[str, str]) -> str | None:
    """Return what of this worker does not fit its coordinator, or None. Called on the worker.

    `coordinator` are its `worker_versions`, and its `host` if units load into a file there.
    """
    own = worker_versions()
    for name, version in coordinator.items():
        if name == "host" and version != here():
            return (
                f"is on {here()}, and the DuckDB files on {version}, the coordinator's host, have "
                "one writer; use another destination, or only workers there"
            )
        if version != own.get(name, version):
            return (
                f"has {name} {own[name]}, and this coordinator {version}; install the same version "
                "on both"
            )
    return None


def worker_versions() -> dict[str, str]:
    """Return the versions that a coordinator and its workers must share."""
    python = ".".join(map(str, sys.version_info[:2]))
    return {"framework": __version__, "dlt": metadata.version("dlt"), "Python": python}


class ProcessExecutor:
    """Processes of this machine, `slots` of them at once."""

    def __init__(self, slots: int) -> None:
        if not hasattr(os, "fork"):
            raise ExecutorError("a fleet needs Linux or macOS; on Windows use WSL")
        self.slots = slots
        self.hosts: frozenset[str] = frozenset()
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="framework-unit")

    def submit(self, unit: Mapping[str, Json]) -> Future[Outcome]:
        """Have a unit run."""
        return self._threads.submit(run_on_worker, unit)

    def recover(self) -> None:
        """Do nothing: the warm process is started again by the next unit."""

    def leave_out_workers(self) -> bool:
        """Return False: this machine refuses nothing."""
        return False

    def close(self) -> None:
        """End all processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        _processes.kill()
