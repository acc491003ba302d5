"""Run jobs in parallel and yield their results in the order of the jobs.

The threads are daemons: one that waits for a server must not keep a stopped run alive, as the pool
of concurrent.futures does. The number of unread results is bounded, so that memory stays flat.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TypeVar

from framework.runtime.environment import StopSignal

T = TypeVar("T")
WINDOW = 2
"""Jobs started per worker, so that a slow first one does not leave the others idle."""


def run_in_order(jobs: Iterable[Callable[[], T]], workers: int, stop: StopSignal) -> Iterator[T]:
    """Yield the results of the jobs in their order; the first error is raised and ends the rest."""
    if workers <= 1:
        for job in jobs:
            stop.check()
            yield job()
        return
    work: SimpleQueue[tuple[Future[T], Callable[[], T]] | None] = SimpleQueue()
    ended = threading.Event()
    waiting: deque[Future[T]] = deque()
    started = 0
    remaining = iter(jobs)
    try:
        while True:
            while len(waiting) < workers * WINDOW:
                following = next(remaining, None)
                if following is None:
                    break
                if started < workers:
                    started += 1
                    threading.Thread(
                        target=_work, args=(work, ended), name="framework-fetch", daemon=True
                    ).start()
                future: Future[T] = Future()
                waiting.append(future)
                work.put((future, following))
            if not waiting:
                return
            yield _result(waiting.popleft(), stop)
    finally:
        ended.set()
        for _ in range(started):
            work.put(None)


def _work(
    work: SimpleQueue[tuple[Future[T], Callable[[], T]] | None], ended: threading.Event
) -> None:
    while (item := work.get()) is not None and not ended.is_set():
        future, job = item
        try:
            future.set_result(job())
        except BaseException as error:
            future.set_exception(error)


def _result(future: Future[T], stop: StopSignal) -> T:
    while not future.done():
        wait([future], timeout=0.5)
        stop.check()
    return future.result()
