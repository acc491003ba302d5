"""A warm process on a worker, which does one unit at a time, each in a child of its own.

`python -m framework.fleet.unit_process` imports what a run needs, once. For each line on its
standard input, a JSON object, it forks a child that runs the unit, and writes the outcome as a line
on its standard output. When its input ends, it ends the child, and itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from framework.fleet.unit_outcome import Outcome, here, outcome

Json = Any
KILL_AFTER = 10.0
"""Seconds after `max_time` at which a child that does not end itself is killed."""


class UnitProcess:
    """The warm process of one thread of a worker. It starts with its first unit."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self, unit: Mapping[str, Json]) -> Outcome:
        """Do the unit, and return the outcome; `lost` if the process ended meanwhile."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(unit).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            self.kill()
            return _lost(process.wait())
        found: Outcome = json.loads(line)
        return found

    def kill(self) -> None:
        """End the process and its child at once."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()  # its child notices that the pipe is closed
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    if stream is not None:
                        stream.close()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "framework.fleet.unit_process"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is the coordinator's to pass on
                )
            return self._process


def _lost(code: int) -> Outcome:
    """Return the outcome of a unit whose process has ended by itself, with this exit code."""
    cause = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    if code == -signal.SIGKILL:
        cause += ", perhaps because memory ran out"
    return outcome("lost", f"its process on {here()} has ended ({cause})", code)


def prepare() -> None:
    """Import what a unit needs, in the order that makes dlt start fast."""
    from framework.load.dlt_defaults import set_defaults
    from framework.runtime.deferred_imports import defer_imports

    set_defaults()
    defer_imports()
    import framework.fleet.unit_run  # noqa: F401


def main() -> int:
    """Serve units until standard input ends."""
    prepare()
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what libraries print is no reply
    while line := requests.readline():
        found = _in_child(json.loads(line), requests)
        if found is None:
            break
        replies.write(json.dumps(found).encode() + b"\n")
        replies.flush()
    return 0


def _in_child(unit: Mapping[str, Json], requests: IO[bytes]) -> Outcome | None:
    """Run the unit in a child and return its outcome, None if standard input has ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(unit, writer)
    os.close(writer)
    limit = unit.get("max_time")
    end = None if limit is None else time.monotonic() + limit + KILL_AFTER
    parts = []
    try:
        while True:
            wait = None if end is None else max(0.0, end - time.monotonic())
            ready, _, _ = select.select([reader, requests.fileno()], [], [], wait)
            if not ready:
                os.kill(child, signal.SIGKILL)
                error = f"it did not end within max_time ({limit:g} s), and was killed"
                return outcome("failed", error, -signal.SIGKILL, retry=True)
            if reader in ready:
                part = os.read(reader, 1 << 16)
                if not part:
                    break
                parts.append(part)
            elif not requests.peek(1):  # type: ignore[attr-defined]
                os.kill(child, signal.SIGKILL)
                return None
    finally:
        os.close(reader)
        _, status = os.waitpid(child, 0)
    if parts:
        with suppress(ValueError):
            found: Outcome = json.loads(b"".join(parts))
            return found
    return _lost(os.waitstatus_to_exitcode(status))


def _child(unit: Mapping[str, Json], writer: int) -> None:
    """Run the unit, write its outcome, and end this process."""
    code = 1
    threading.Thread(target=_end_with_worker, daemon=True).start()
    try:
        from framework.fleet.unit_run import run_unit

        found = run_unit(unit)
        with os.fdopen(writer, "wb") as stream:
            stream.write(json.dumps(found).encode())
        code = 0
    finally:
        os._exit(code)


def _end_with_worker() -> None:
    """End this process at once when the worker is gone; a kill at any moment is safe."""
    hang_up = select.poll()
    hang_up.register(0, select.POLLHUP)  # standard input, of which nothing is read here
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in hang_up.poll()):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
