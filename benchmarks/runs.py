"""A work done by a tool in a process of its own; what it has loaded is held against the truth."""

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

from benchmarks.commands import Started, schema_of, start
from benchmarks.process import Watched, watch
from benchmarks.site.facts import Sums
from benchmarks.site.pages import made, truth_of
from benchmarks.venvs import cache_folder
from benchmarks.works import Work

STEPS = ("extract", "normalize", "load")
ROOT = Path(__file__).resolve().parent.parent
Say = Callable[[str], None]


@dataclass
class Result:
    """One process: `load` counts from 1 where a work is done again into the same file.

    `steps` has the seconds of the framework's own steps; `before_load` its peak memory in MB when
    it began to load; `rows` what it has loaded; `killed` that it was, as the work wants it."""

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
    rows: Sums = field(default_factory=dict)
    error: str | None = None
    killed: bool = False

    def as_dict(self) -> dict[str, object]:
        """The result as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Served:
    """A server of a work's site: its address, and what tools must load from it."""

    address: str
    truth: Sums

    def requests(self) -> int:
        """How many requests came since the last call."""
        return self._ask("/_requests")

    def hold(self, number: int) -> None:
        """Let request `number` from now on wait for ever, and those after it; 0 ends that."""
        self._ask(f"/_hold?{number}")

    def is_holding(self) -> bool:
        """Whether a request waits."""
        return bool(self._ask("/_held"))

    def _ask(self, path: str) -> int:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as response:
            return int(response.read())


@contextmanager
def served(work: Work) -> Iterator[Served]:
    """A server for the work, in a process of its own."""
    index = made(work.site, cache_folder() / "sites")
    command = [sys.executable, "-m", "benchmarks.site.server", str(index)]
    with subprocess.Popen(
        [*command, "--latency", str(work.latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        try:
            yield Served(process.stdout.readline().strip(), truth_of(index))
        finally:
            process.terminate()


@dataclass(frozen=True)
class Contest:
    """A work on its server, with the copies of the framework that take part."""

    work: Work
    server: Served
    packages: Mapping[str, Path]

    def results(self, peer: str, number: int) -> Iterator[Result]:
        """Do the work as often as it wants; nothing follows a result with an error."""
        runs = cache_folder() / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=runs) as name:
            folder = Path(name)
            kinds = self._killed if self.work.killed_at else self._loads
            for result in kinds(peer, number, folder):
                yield result
                if result.error:
                    return
                time.sleep(0.5)  # what the last process left to the kernel is written meanwhile

    def _loads(self, peer: str, number: int, folder: Path) -> Iterator[Result]:
        started = self._start(peer, folder)
        for load in range(1, self.work.loads + 1):
            if load == 1 or peer in self.work.again:
                yield self._once(started, peer, number, load, folder)

    def _killed(self, peer: str, number: int, folder: Path) -> Iterator[Result]:
        """An unbroken run, a run that is killed, and the run that follows it."""
        unbroken, broken = folder / "unbroken", folder / "broken"
        for load, place in ((1, unbroken), (2, broken), (3, broken)):
            place.mkdir(exist_ok=True)
            self.server.hold(self.work.killed_at if load == 2 else 0)
            yield self._once(self._start(peer, place), peer, number, load, place)

    def _start(self, peer: str, folder: Path) -> Started:
        return start(peer, self.work, self.server.address, folder, self.packages)

    def _once(self, started: Started, peer: str, number: int, load: int, folder: Path) -> Result:
        dies = bool(self.work.killed_at) and load == 2
        self.server.requests()
        if dies:
            self.server.hold(self.work.killed_at)
        seen = watch(
            started.command,
            folder=folder,
            environment=started.environment,
            kill_when=self.server.is_holding if dies else None,
        )
        requests = self.server.requests()
        result = Result(
            self.work.key, peer, number, load, seen.seconds, seen.peak, seen.cpu, requests
        )
        result.killed = dies
        if peer in self.packages:
            _add_steps(result, seen)
        if bool(seen.code) != dies:
            result.error = f"exit code {seen.code}: {seen.output[-1500:]}"
        elif not dies:
            self._verify(result, peer, started.database)
        return result

    def _verify(self, result: Result, peer: str, database: Path) -> None:
        """Read what was loaded; what differs from the truth is an error."""
        style = peer
        if peer.startswith("dlt") or peer in self.packages:
            style = "dlt" if self.work.kind == "inferred" else "dlt-json"
        words = [style, self.work.site.kind, schema_of(peer, self.work, self.packages)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.site.rows", *words, str(database)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            result.error = f"cannot read its tables: {done.stderr.strip().splitlines()[-3:]}"
            return
        result.rows = json.loads(done.stdout)
        for table, expected in self.server.truth.items():
            if result.rows[table] != expected and result.error is None:
                result.error = f"{table}: loaded {result.rows[table]}, the truth is {expected}"


def _add_steps(result: Result, seen: Watched) -> None:
    marks = [(step, seen.marks[step]) for step in STEPS if step in seen.marks]
    ends = [mark.seconds for _, mark in marks[1:]] + [seen.seconds]
    if marks:
        result.steps["start"] = marks[0][1].seconds
    for (step, mark), end in zip(marks, ends, strict=False):
        result.steps[step] = end - mark.seconds
    if "load" in seen.marks:
        result.before_load = seen.marks["load"].peak
