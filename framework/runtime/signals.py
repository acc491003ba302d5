"""Ctrl-C, SIGTERM and --max-time: stop a run within two seconds, whatever it is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from framework.errors import FrameworkError, Interrupted, OutOfTime, Terminated
from framework.runtime.environment import StopSignal

GRACE = 1.5
"""Seconds that a run has to end by itself. What takes longer (a destination that loads) is left
to the next run, which completes or drops it: a kill at any moment is safe, so a forced exit is."""

WriteEnd = Callable[[FrameworkError], object]


@contextmanager
def stop_on_signals(stop: StopSignal, write_end: WriteEnd | None = None) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a stop of the run while the block lasts.

    If the process must be ended by force, `write_end` writes the last message.
    """

    finished = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        error: FrameworkError = (
            Interrupted("interrupted") if number == signal.SIGINT else Terminated("terminated")
        )
        stop.set(error)
        threading.Thread(target=_force_exit, args=(error, finished, write_end), daemon=True).start()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        raise (stop.error or Interrupted("interrupted")) from None
    finally:
        finished.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stop_after(stop: StopSignal, seconds: float | None) -> Iterator[None]:
    """Stop the run after that time if it is still reading; None means no limit."""
    if seconds is None:
        yield
        return
    error = OutOfTime(
        f"still reading after {seconds:g} s (--max-time); allow more time, or select fewer "
        "--resources"
    )
    timer = threading.Timer(seconds, stop.set, (error,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _force_exit(
    error: FrameworkError, finished: threading.Event, write_end: WriteEnd | None
) -> None:
    """End the process unless the run ends by itself within GRACE seconds."""
    if finished.wait(GRACE):
        return
    try:
        if write_end is None:
            sys.stderr.write(f"\nerror: {error}\n")
        else:
            write_end(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(error.exit_code)
