"""The processes of units on a worker: one warm process, which forks a child for each unit."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from typing import Any

from framework.fleet.workers.unit_outcome import Outcome, lost_outcome

Json = Any
WARM_PROCESS = "framework.fleet.workers.unit_fork"
ENDING = 0.2
"""Seconds in which the warm process ends by itself."""


class UnitProcesses:
    """The warm process of a worker, which starts with the first unit. Thread-safe.

    Several units run at once, each in a child of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._running: dict[int, Future[Outcome]] = {}
        self._numbers = count(1)

    def run(self, unit: Mapping[str, Json]) -> Outcome:
        """Do the unit, and return the outcome; it is `lost` if the process has ended meanwhile."""
        future: Future[Outcome] = Future()
        with self._lock:
            process = self._started()
            number = next(self._numbers)
            self._running[number] = future
            line = json.dumps({"number": number, "unit": unit}).encode() + b"\n"
            assert process.stdin is not None
            with suppress(OSError):  # it has ended: the thread that reads from it says so
                process.stdin.write(line)
                process.stdin.flush()
        return future.result()

    def kill(self) -> None:
        """End the process and its children at once. Its units are lost."""
        with self._lock:
            # the next unit must not be given to a process that is about to end
            process, self._process, self._running = self._process, None, {}
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()  # it ends its children, removes their files, and ends
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()  # its children notice that the pipe is closed

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", WARM_PROCESS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the coordinator's to pass on
            )
            arguments = (self._process, self._running)
            threading.Thread(target=self._read, args=arguments, daemon=True).start()
        return self._process

    def _read(self, process: subprocess.Popen[bytes], running: dict[int, Future[Outcome]]) -> None:
        """Hand the outcomes to those who wait, until the process ends."""
        assert process.stdout is not None
        for line in process.stdout:
            reply = json.loads(line)
            running.pop(reply["number"]).set_result(reply["outcome"])
        code = process.wait()
        process.stdout.close()
        with self._lock:
            if self._process is process:
                self._process, self._running = None, {}
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
        for future in running.values():
            future.set_result(lost_outcome(code))
