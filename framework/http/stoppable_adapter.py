"""An adapter whose requests end with the run, for runs outside of the main thread.

Ctrl-C ends the main thread in the middle of a request. A thread has no such end, and would wait for
a server that hangs until the timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter

from framework.runtime.environment import StopSignal
from framework.runtime.thread_pool import await_result

T = TypeVar("T")


def stoppable(work: Callable[[], T], stop: StopSignal) -> T:
    """Return what the work returns. Raise the error of the stop if it comes first.

    The work then goes on in a daemon thread, and nobody takes its result.
    """
    stop.check()
    future: Future[T] = Future()
    context = copy_context()  # which resource a request belongs to

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="sending", daemon=True).start()
    return await_result(future, stop)


class StoppableAdapter(BaseAdapter):
    """Sends through `inner`, and raises as soon as the run is stopped.

    The request goes on in a daemon thread until its own timeout, and nobody reads its response.
    """

    def __init__(self, inner: BaseAdapter, stop: StopSignal) -> None:
        super().__init__()
        self._inner = inner
        self._stop = stop

    def send(
        self, request: requests.PreparedRequest, *args: Any, **named: Any
    ) -> requests.Response:
        """Return the response. Raise the error of the stop if it comes first."""
        return stoppable(lambda: self._inner.send(request, *args, **named), self._stop)

    def close(self) -> None:
        """Close the inner adapter."""
        self._inner.close()
