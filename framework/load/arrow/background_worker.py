"""Work done aside in one thread, in the order in which it was given, a little at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundWorker(Generic[T]):
    """Calls `work` with each thing that is put. The thread begins with the first one; at most one
    waits, so that whoever puts does not run ahead. Its first error ends it, and is raised where
    the next thing is put or all is waited for."""

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._queue: Queue[T | None] = Queue(maxsize=1)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._closed = False

    def put(self, thing: T) -> None:
        """Have this done after all that was put before."""
        if self._error is not None:
            raise self._error
        if self._thread is None:
            # a daemon: a stopped run does not wait for it
            self._thread = threading.Thread(target=self._run, name="framework-aside", daemon=True)
            self._thread.start()
        self._queue.put(thing)

    def wait(self) -> None:
        """Until everything is done."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Do nothing more; what is under way is finished first."""
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
        while (thing := self._queue.get()) is not None:
            if self._error is not None or self._closed:
                continue
            try:
                self._work(thing)
            except BaseException as error:
                self._error = error
