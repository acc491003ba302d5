"""Works done by their peers in interleaved rounds (A B C A B C), each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.commands import start
from benchmarks.process import Watched, watch
from benchmarks.sites import made
from benchmarks.venvs import cache_folder
from benchmarks.works import Work

STEPS = ("extract", "normalize", "load")
Say = Callable[[str], None]


@dataclass
class Result:
    """One process: `load` counts from 1 where a work is done again into the same file.

    `steps` has the seconds of the framework's own steps; `before_load` its peak memory in MB when
    it began to load; `rows` what it has loaded."""

    work: str
    peer: str
    round: int
    load: int
    seconds: float
    peak: float
    cpu: float
    requests: int
    steps: dict[str, float] = field(default_factory=dict)
    before_load: float | None = None
    rows: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return asdict(self)


@contextmanager
def served(work: Work) -> Iterator[str]:
    """The address of a server for the work."""
    index = made(work.site, cache_folder() / "sites")
    command = [sys.executable, "-m", "benchmarks.server", str(index)]
    with subprocess.Popen(
        [*command, "--latency", str(work.latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parent.parent,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def measure(
    work: Work,
    peers: tuple[str, ...],
    rounds: int,
    packages: Mapping[str, Path],
    say: Say,
    keep: Callable[[list[Result]], None],
) -> list[Result]:
    """All rounds of one work. A peer that fails is told of and left out from then on; `keep` is
    given all results of the work after each."""
    results: list[Result] = []
    failed: set[str] = set()
    with served(work) as address:
        for number in range(1, (work.rounds or rounds) + 1):
            # another order each round: whoever comes after a heavy neighbour takes turns
            turn = number % len(peers)
            for peer in (*peers[turn:], *peers[:turn]):
                if peer in failed or (number > 1 and peer in work.once):
                    continue
                for result in _loads(peer, work, number, address, packages):
                    results.append(result)
                    say(_told(result))
                    keep(results)
                    if result.error:
                        failed.add(peer)
                        break
    _compare(results)
    return results


def _loads(
    peer: str, work: Work, number: int, address: str, packages: Mapping[str, Path]
) -> Iterator[Result]:
    runs = cache_folder() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=runs) as name:
        folder = Path(name)
        started = start(peer, work, address, folder, packages)
        for load in range(1, work.loads + 1):
            if load > 1 and peer not in work.again:
                return
            _answered(address)
            seen = watch(started.command, folder=folder, environment=started.environment)
            result = Result(
                work.key, peer, number, load, seen.seconds, seen.peak, seen.cpu, _answered(address)
            )
            if seen.code:
                result.error = f"exit code {seen.code}: {seen.output[-1500:]}"
                yield result
                return
            if peer in packages:
                _add_steps(result, seen)
            result.rows = _rows(peer, work, started.database)
            yield result
            time.sleep(0.5)  # what the last process left to the kernel is written meanwhile


def _add_steps(result: Result, seen: Watched) -> None:
    marks = [(step, seen.marks[step]) for step in STEPS if step in seen.marks]
    ends = [mark.seconds for _, mark in marks[1:]] + [seen.seconds]
    if marks:
        result.steps["start"] = marks[0][1].seconds
    for (step, mark), end in zip(marks, ends, strict=False):
        result.steps[step] = end - mark.seconds
    if "load" in seen.marks:
        result.before_load = seen.marks["load"].peak


def _rows(peer: str, work: Work, database: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.rows", peer, work.kind, str(database)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parent.parent,
    )
    if done.returncode:
        return {"unreadable": done.stderr.strip().splitlines()[-1:]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _compare(results: list[Result]) -> None:
    """The rows of every process against those that most have: whoever differs has an error."""
    texts = [json.dumps(r.rows, sort_keys=True) for r in results if not r.error]
    if not texts:
        return
    usual = max(set(texts), key=texts.count)
    for result in results:
        if not result.error and json.dumps(result.rows, sort_keys=True) != usual:
            result.error = f"other rows: {result.rows}, expected {usual}"


def _answered(address: str) -> int:
    with urllib.request.urlopen(f"{address}/_requests", timeout=10) as answer:
        return int(answer.read())


def _told(result: Result) -> str:
    what = f"round {result.round}  {result.peer:<10} load {result.load}"
    if result.error:
        return f"  {what}  FAILED: {result.error}"
    steps = "  ".join(f"{step} {seconds:.2f}" for step, seconds in result.steps.items())
    return (
        f"  {what}  {result.seconds:7.2f} s  {result.peak:6.0f} MB  "
        f"{result.requests} requests  {steps}"
    )
