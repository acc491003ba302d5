"""Work of a tool in a thread, with a time limit: a server that hangs must not hang the agent.

At the limit, and when the client cancels, the run is asked to stop, which ends its waits and its
next request. A thread that is still in a request then is left to its end; what it finds is dropped.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import anyio

from framework.errors import Interrupted, OutOfTime
from framework.runtime.environment import StopSignal

T = TypeVar("T")
GRACE = 1.0
"""Seconds that work has to end by itself after it was asked to."""


class TimedWork:
    """Runs the work of calls. Those that run something do it one after the other."""

    def __init__(self) -> None:
        self._under_way: dict[threading.Thread, StopSignal] = {}
        self._turn: asyncio.Lock | None = None

    async def in_turn(self, work: Callable[[StopSignal], T], seconds: float) -> T:
        """Return what the work returns, after that of earlier calls. Raise OutOfTime."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            return await self.at_once(work, seconds)

    async def at_once(self, work: Callable[[StopSignal], T], seconds: float) -> T:
        """Return what the work returns, or raise what it raises.

        Raise OutOfTime after so many seconds.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        stop = StopSignal()

        def finish(result: list[T], error: BaseException | None) -> None:
            self._under_way.pop(thread, None)
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result[0])

        def run() -> None:
            result: list[T] = []
            error: BaseException | None = None
            try:
                result.append(work(stop))
            except BaseException as caught:
                error = caught
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(finish, result, error)

        # a daemon, so that a request without an end does not keep the process alive
        thread = threading.Thread(target=run, name="tool", daemon=True)
        self._under_way[thread] = stop
        thread.start()
        try:
            await asyncio.wait({done}, timeout=seconds)
        except asyncio.CancelledError:
            await _stopped(done, stop, Interrupted("cancelled by the client"))
            raise
        if not done.done():
            error = OutOfTime(
                f"stopped: it took longer than the limit of {seconds:g} s. Ask for less "
                "(resources, limit), or pass a larger time_limit"
            )
            await _stopped(done, stop, error)
            raise error
        return done.result()

    def stop_all(self) -> None:
        """Ask all work to stop, and wait a moment for it. For the end of the process."""
        for stop in self._under_way.values():
            stop.set()
        for thread in list(self._under_way):
            thread.join(GRACE)


async def _stopped(done: asyncio.Future[T], stop: StopSignal, error: Exception) -> None:
    """Ask work to stop, wait a moment for it, and take no notice of what it says."""
    stop.set(error)
    with anyio.CancelScope(shield=True):
        await asyncio.wait({done}, timeout=GRACE)
    if done.done():
        done.exception()
    else:
        done.add_done_callback(lambda one: one.cancelled() or one.exception())
