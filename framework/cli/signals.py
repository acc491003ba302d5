"""Ctrl-C, SIGTERM and --max-time: a clean end within two seconds, whatever is under way."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from framework.build.world import Stop
from framework.errors import FrameworkError, Interrupted, Terminated

GRACE = 1.5
"""Seconds to end in. What runs longer (a destination that loads) is left to the next run, which
finishes or drops it: a kill at any moment is safe, so an end by force is too."""


@contextmanager
def heard(stop: Stop) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a stop of the run while the block lasts."""

    over = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        error: FrameworkError = (
            Interrupted("interrupted; what was loaded before stays")
            if number == signal.SIGINT
            else Terminated("terminated; what was loaded before stays")
        )
        stop.set(error)
        threading.Thread(target=_force, args=(error, over), daemon=True).start()
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
def ended_after(stop: Stop, seconds: float | None) -> Iterator[None]:
    """Stop the run when that much time is over, if it is still reading; None: never."""
    if seconds is None:
        yield
        return
    error = FrameworkError(
        f"the run was still reading after {seconds:g} s (--max-time): nothing was loaded. Give it "
        "more time, or fewer --resources"
    )
    timer = threading.Timer(seconds, stop.set, (error,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _force(error: FrameworkError, over: threading.Event) -> None:
    if over.wait(GRACE):
        return
    sys.stderr.write(f"\nerror: {error}\n")
    sys.stderr.flush()
    os._exit(error.exit_code)
