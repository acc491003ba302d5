"""The warm process of a worker: `python -m framework.fleet.workers.unit_fork`.

It imports what a run needs, once. For each line on its standard input, a JSON object with a unit
and its number, it forks a child that runs the unit, and writes the number and the outcome as a line
on its standard output. When its input ends, the children end themselves, and so does it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from framework.fleet.workers.unit_outcome import Outcome, lost_outcome, outcome

Json = Any
STDIN, STDOUT = 0, 1
KILL_AFTER = 10.0
"""Seconds after `max_time` at which a child that does not end itself is killed."""
CHUNK = 1 << 16


@dataclass
class _Child:
    """A child that runs the unit of this number, and what it has written of its outcome.

    `folder` is for its temporary files, None if it could not be created.
    """

    number: int
    pid: int
    folder: str | None
    limit: float | None
    ends_at: float | None
    written: bytearray = field(default_factory=bytearray)
    is_killed: bool = False

    def outcome(self) -> Outcome:
        """Wait for the child's end, and return the outcome."""
        status = self.end()
        with suppress(ValueError):
            found: Outcome = json.loads(self.written)
            return found
        code = os.waitstatus_to_exitcode(status)
        if self.is_killed:
            error = f"it did not end within max_time ({self.limit:g} s), and was killed"
            return outcome("failed", error, code, retry=True)
        return lost_outcome(code)

    def end(self) -> int:
        """Wait for the child's end, and remove what it left; return its wait status."""
        _, status = os.waitpid(self.pid, 0)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status


def prepare() -> None:
    """Import what a unit needs, in the order that makes dlt start fast.

    The only thread is one that Arrow's allocator starts, and that is ready for a fork. Python
    warns of any.
    """
    from framework.load.dlt_defaults import set_defaults
    from framework.runtime.deferred_imports import defer_imports

    set_defaults()
    defer_imports()
    import framework.fleet.workers.unit_run  # noqa: F401

    warnings.filterwarnings("ignore", ".*use of fork", DeprecationWarning)


def main() -> int:
    """Serve units until standard input ends."""
    prepare()
    with os.fdopen(os.dup(STDOUT), "wb") as replies:
        with Path(os.devnull).open("wb") as silence:
            os.dup2(silence.fileno(), STDOUT)  # what libraries print is no reply
        for number, found in _outcomes(replies.fileno()):
            replies.write(json.dumps({"number": number, "outcome": found}).encode() + b"\n")
            replies.flush()
    return 0


def _outcomes(replies: int) -> Iterator[tuple[int, Outcome]]:
    """Fork a child for each unit that comes; yield number and outcome of each that ends.

    `replies` is closed in the children: the worker must notice if this process ends.
    """
    children: dict[int, _Child] = {}
    received = bytearray()
    while True:
        now = time.monotonic()
        for child in children.values():
            if child.ends_at is not None and child.ends_at <= now and not child.is_killed:
                child.is_killed = True
                os.kill(child.pid, signal.SIGKILL)
        ends = [one.ends_at for one in children.values() if one.ends_at and not one.is_killed]
        wait = min(ends) - now if ends else None
        ready, _, _ = select.select([STDIN, *children], [], [], wait)
        for reader in ready:
            part = os.read(reader, CHUNK)
            if reader == STDIN:
                if not part:
                    for child in children.values():  # they are about to end themselves
                        os.kill(child.pid, signal.SIGKILL)
                        child.end()
                    return
                received += part
                while b"\n" in received:
                    line, _, received = received.partition(b"\n")
                    children.update([_fork(json.loads(line), replies)])
            elif part:
                children[reader].written += part
            else:
                os.close(reader)
                ended = children.pop(reader)
                yield ended.number, ended.outcome()


def _fork(request: Mapping[str, Json], replies: int) -> tuple[int, _Child]:
    """Fork a child that runs the unit; return the pipe of its outcome, and the child."""
    unit = request["unit"]
    reader, writer = os.pipe()
    folder = None
    with suppress(OSError):  # the child tries again, and says so
        folder = mkdtemp(prefix="framework-unit-")
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.close(replies)
        tempfile.tempdir = folder
        _run(unit, writer)
    os.close(writer)
    limit = unit.get("max_time")
    ends_at = None if limit is None else time.monotonic() + limit + KILL_AFTER
    return reader, _Child(request["number"], pid, folder, limit, ends_at)


def _run(unit: Mapping[str, Json], writer: int) -> None:
    """Run the unit, write its outcome, and end this process."""
    code = 1
    threading.Thread(target=_end_with_worker, daemon=True).start()
    try:
        from framework.fleet.workers.unit_run import run_unit

        found = run_unit(unit)
        with os.fdopen(writer, "wb") as stream:
            stream.write(json.dumps(found).encode())
        code = 0
    finally:
        os._exit(code)


def _end_with_worker() -> None:
    """End this process at once when the worker is gone; a kill at any moment is safe."""
    hang_up = select.poll()
    hang_up.register(STDIN, select.POLLHUP)  # of which nothing is read here
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in hang_up.poll()):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
