"""Run jobs in parallel and yield their results in the order of the jobs.

The threads are daemons: one that waits for a server must not keep a stopped run alive, as the pool
of concurrent.futures does. The number of unread results is bounded, so that memory stays flat.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from framework.runtime.environment import StopSignal

T = TypeVar("T")
WINDOW = 2
"""Results per worker that wait to be read, so that a slow first job does not leave others idle."""
POLL = 0.5
"""Seconds after which a waiting reader looks whether the run is stopped."""


def run_in_order(jobs: Iterable[Callable[[], T]], workers: int, stop: StopSignal) -> Iterator[T]:
    """Yield the results of the jobs in their order; the first error is raised and ends the rest.

    The jobs may be slow to come: they are iterated by the workers, one at a time, and an error of
    the iterator is raised in its place.
    """
    if workers <= 1:
        for job in jobs:
            stop.check()
            yield job()
        return
    pool = _Pool(iter(jobs), workers)
    try:
        pool.start_worker()
        while (future := _next_of(pool.results, stop)) is not None:
            yield await_result(future, stop)
            pool.room.release()
    finally:
        pool.end()


class _Pool(Generic[T]):
    """Workers that take jobs. `results` has a future for each job taken, None after the last."""

    def __init__(self, jobs: Iterator[Callable[[], T]], workers: int) -> None:
        self._jobs = jobs
        self._workers = workers
        self._started = 0
        self._is_ended = False
        self._taking = threading.Lock()
        self.room = threading.Semaphore(workers * WINDOW)
        self.results: SimpleQueue[Future[T] | None] = SimpleQueue()

    def start_worker(self) -> None:
        """Start one thread; each that takes a job starts the next one."""
        self._started += 1
        threading.Thread(target=self._work, name="framework-fetch", daemon=True).start()

    def end(self) -> None:
        """Let the workers end after the jobs that they have taken."""
        self._is_ended = True
        self.room.release(self._workers)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            future, job = taken
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)

    def _take(self) -> tuple[Future[T], Callable[[], T]] | None:
        self.room.acquire()
        with self._taking:
            if self._is_ended:
                return None
            future: Future[T] = Future()
            try:
                job = next(self._jobs, None)
            except BaseException as error:
                job = None
                future.set_exception(error)
                self.results.put(future)
            if job is None:
                self.results.put(None)
                self.end()
                return None
            self.results.put(future)
            if self._started < self._workers:
                self.start_worker()
            return future, job


def _next_of(results: SimpleQueue[Future[T] | None], stop: StopSignal) -> Future[T] | None:
    while True:
        try:
            return results.get(timeout=POLL)
        except Empty:
            stop.check()


def await_result(future: Future[T], stop: StopSignal) -> T:
    """Return the result of a job in another thread; raise as soon as the run is stopped."""
    while not future.done():
        wait([future], timeout=POLL)
        stop.check()
    return future.result()
