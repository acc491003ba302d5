"""Run jobs in order on one background thread, with a queue of one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundWorker(Generic[T]):
    """Call `work` with each item on a background thread.

    `put` blocks while an item waits, so that the caller does not run ahead. The first error stops
    the work, and is raised by the next `put` or `wait`.
    """

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._queue: Queue[T | None] = Queue(maxsize=1)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._closed = False

    def put(self, item: T) -> None:
        """Queue an item; raise the error of an earlier one."""
        if self._error is not None:
            raise self._error
        if self._thread is None:
            # a daemon thread: an interrupted run does not wait for it
            self._thread = threading.Thread(target=self._run, name="framework-arrow", daemon=True)
            self._thread.start()
        self._queue.put(item)

    def wait(self) -> None:
        """Wait until all items are processed; raise the error of one."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stop after the current item; drop those that wait."""
        self._closed = True
        if self._thread is None:
            return
        while True:
            try:
                self._queue.get_nowait()
            except Empty:
                break
        self._queue.put(None)
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is not None or self._closed:
                continue
            try:
                self._work(item)
            except BaseException as error:
                self._error = error
