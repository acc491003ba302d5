"""One command run and watched from outside: wall time, peak memory, and when it said what.

Linux: memory is read from /proc, of the process and its children together.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 0.02
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Mark:
    """A line that the process wrote: seconds since its start, and its peak memory so far in MB."""

    seconds: float
    peak: float


@dataclass
class Watched:
    """What was seen. `peak` is in MB (10^6 bytes); `output` is the last part of what
    it wrote; `cpu` its processor time and its children's in seconds."""

    code: int
    seconds: float
    peak: float
    cpu: float
    marks: dict[str, Mark] = field(default_factory=dict)
    output: str = ""


class _Memory(threading.Thread):
    """Looks at a process and its children until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        while not self._ended.wait(EVERY):
            self.look()

    def look(self) -> float:
        """The highest memory so far, this moment included."""
        pids = _tree(self._pid)
        now = sum(_field(pid, "VmRSS:") for pid in pids)
        # the kernel's own high-water mark misses nothing between two looks
        self.peak = max(self.peak, now, max((_field(pid, "VmHWM:") for pid in pids), default=0.0))
        return self.peak

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


class _Killer(threading.Thread):
    """Kill a process and its children as soon as `when()` is true."""

    def __init__(self, pid: int, when: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._when = when
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(EVERY / 10):
            if self._when():
                with suppress(ProcessLookupError):
                    os.killpg(self._pid, signal.SIGKILL)
                return

    def stop(self) -> None:
        """Kill no more."""
        self._ended.set()
        self.join()


def watch(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float = 3600,
    kill_when: Callable[[], bool] | None = None,
) -> Watched:
    """Run the command to its end, or to its death; `marks` has each line's first appearance."""
    marks: dict[str, Mark] = {}
    lines: list[str] = []
    used = _used()
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=kill_when is not None,
    ) as process:
        memory = _Memory(process.pid)
        memory.start()
        killer = _Killer(process.pid, kill_when) if kill_when is not None else None
        if killer is not None:
            killer.start()
        late = threading.Timer(timeout, process.kill)
        late.daemon = True
        late.start()
        assert process.stdout is not None
        for line in process.stdout:
            text = line.rstrip()
            if len(marks) < 500:
                marks.setdefault(text, Mark(time.perf_counter() - began, memory.look()))
            lines.append(text)
            del lines[:-60]
        code = process.wait()
        seconds = time.perf_counter() - began
        late.cancel()
        if killer is not None:
            killer.stop()
        memory.stop()
    return Watched(code, seconds, memory.peak, _used() - used, marks, "\n".join(lines))


def _used() -> float:
    """Seconds of processor time of all children that have ended, and of theirs."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _tree(pid: int) -> list[int]:
    found, at = [pid], 0
    while at < len(found):
        # whatever is looked at may have ended meanwhile
        with suppress(OSError):
            for children in Path(f"/proc/{found[at]}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        at += 1
    return found


def _field(pid: int, name: str) -> float:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return 0.0
