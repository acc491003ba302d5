"""The turns of a unit that has no coordinator: `fleet run-unit`, under another scheduler.

dlt stages the rows of all runs into one dataset in one place, so two that load there at once would
lose rows of each other. PostgreSQL has locks for such ends. A DuckDB file is opened on one machine
only, whose locks will do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
from fasteners import InterProcessLock

from framework.load.destinations.profiles import profile_of
from framework.load.destinations.target import Target
from framework.load.pipeline import destination_errors
from framework.runtime.destination_turn import TakeTurn
from framework.runtime.environment import StopSignal

POLL = 0.2
"""Seconds between two questions for a turn that another run has."""


def has_turns(destination: str) -> bool:
    """Return whether units of one dataset may load at once there: they take turns, or need none.

    Files have no staging dataset: each run writes files of its own.
    """
    profile = profile_of(destination)
    return profile.is_local_file or profile.is_file_store or profile.has_advisory_locks


def local_turn(target: Target, folder: Path, stop: StopSignal) -> TakeTurn | None:
    """Return how a run takes its turn at the target, or None if nothing there could be locked.

    `folder` has the locks of files. A wait ends with `stop`, as a FrameworkError.
    """

    def wait_until(is_ours: Callable[[], bool]) -> None:
        while not is_ours():
            stop.wait(POLL)

    @contextmanager
    def in_the_database(place: str) -> Iterator[None]:
        with destination_errors("cannot open", target):
            client = dlt.dataset(target.destination, target.dataset).sql_client
            client.open_connection()
        key = int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], signed=True)

        def is_ours() -> bool:
            with destination_errors("cannot lock", target):
                rows = client.execute_sql("SELECT pg_try_advisory_lock(%s)", key)
            return bool(rows and rows[0][0])

        try:
            wait_until(is_ours)
            yield
        finally:
            client.close_connection()  # which also gives the lock back

    @contextmanager
    def on_this_machine(place: str) -> Iterator[None]:
        digest = hashlib.sha256(place.encode()).hexdigest()[:8]
        lock = InterProcessLock(folder / f"{digest}.turn.lock")
        wait_until(lambda: lock.acquire(blocking=False))
        try:
            yield
        finally:
            lock.release()

    if target.profile.has_advisory_locks:
        return in_the_database
    return on_this_machine if target.profile.is_local_file else None
