"""One run at a time for one pipeline: dlt must never work in one folder twice at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fasteners import InterProcessLock

from framework.build.events import StepStarted, Watch
from framework.build.world import Stop
from framework.errors import DestinationError


@contextmanager
def only_one(folder: Path, pipeline: str, watch: Watch, stop: Stop) -> Iterator[None]:
    """Hold the pipeline's lock; wait for a run that has it, and say so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = InterProcessLock(folder / f"{pipeline}.lock")
        held = lock.acquire(blocking=False)
    except OSError as error:
        raise DestinationError(
            f"cannot write to dlt's folder {folder}: {os.strerror(error.errno or 0)}. Set "
            "DLT_DATA_DIR to a folder that can be written."
        ) from None
    if not held:
        watch(StepStarted("waiting for another run of this connector into the same dataset"))
    while not held:
        stop.wait(0.2)
        held = lock.acquire(blocking=False)
    try:
        yield
    finally:
        lock.release()
