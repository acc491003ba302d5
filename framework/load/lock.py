"""One run of a connector at a time into one dataset: dlt must never work in one folder twice at
once, and what a load that was interrupted left is settled by the next."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fasteners import InterProcessLock

from framework.errors import DestinationError
from framework.events import StepStarted, Watch
from framework.load.destinations.target import Target
from framework.runtime.environment import Stop


@contextmanager
def only_one(
    folder: Path, connector: str, target: Target, watch: Watch, stop: Stop
) -> Iterator[None]:
    """Hold the lock of the connector in this dataset; wait for a run that has it, and say so."""
    where = f"{target.file or target.kind}\n{target.dataset}"
    name = f"{connector}_{hashlib.sha256(where.encode()).hexdigest()[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = InterProcessLock(folder / f"{name}.lock")
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
