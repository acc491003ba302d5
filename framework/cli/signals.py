"""Ctrl-C, SIGTERM and --max-time: a clean end within two seconds, whatever is under way."""

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
"""Seconds to end in. What runs longer (a destination that loads) is left to the next run, which
finishes or drops it: a kill at any moment is safe, so an end by force is too."""


@contextmanager
def signals_handled(
    stop: StopSignal, last_words: Callable[[FrameworkError], object] | None = None
) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a stop of the run while the block lasts. `last_words` are said
    where it has to be ended by force."""

    over = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        error: FrameworkError = (
            Interrupted("interrupted") if number == signal.SIGINT else Terminated("terminated")
        )
        stop.set(error)
        threading.Thread(target=_force, args=(error, over, last_words), daemon=True).start()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        raise (stop.error or Interrupted("interrupted")) from None
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_after(stop: StopSignal, seconds: float | None) -> Iterator[None]:
    """Stop the run when that much time is over, if it is still reading; None: never."""
    if seconds is None:
        yield
        return
    error = OutOfTime(
        f"the run was still reading after {seconds:g} s (--max-time). Give it more time, or fewer "
        "--resources"
    )
    timer = threading.Timer(seconds, stop.set, (error,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _force(
    error: FrameworkError,
    over: threading.Event,
    last_words: Callable[[FrameworkError], object] | None,
) -> None:
    if over.wait(GRACE):
        return
    try:
        if last_words is None:
            sys.stderr.write(f"\nerror: {error}\n")
        else:
            last_words(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(error.exit_code)
