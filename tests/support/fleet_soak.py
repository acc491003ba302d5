"""A fleet of many accounts whose workers, coordinator and scheduler are killed at random moments.

`python -m tests.support.fleet_soak --accounts 1000 --worker-kills 50 --coordinator-kills 5
--scheduler-restarts 2` is the long soak; a test does a small one. Afterwards every table must be
equal to the account's data.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from tests.conftest import isolated
from tests.support.calendars import Calendars, by_state, calendars, kill

PATIENCE = 120.0
"""Seconds without any unit that ends, after which the soak counts as stuck."""


def free_port() -> int:
    """A port that nobody uses now, for a scheduler that is started again in the same place."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Cluster:
    """A Dask scheduler and its workers, each a process that can be killed and started again."""

    folder: Path
    workers: int
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.supervisor = threading.Thread(target=self.keep_alive, daemon=True)

    @property
    def address(self) -> str:
        """What `--on` takes."""
        return f"dask://127.0.0.1:{self.port}"

    def start(self, name: str, *more: str) -> None:
        """Start the scheduler or a worker, again if it has ended; `more` are its options."""
        tcp = f"tcp://127.0.0.1:{self.port}"
        if name == "scheduler":
            options = [
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--no-dashboard",
            ]
        else:
            options = ["worker", tcp, "--no-nanny", "--nthreads", "1", "--memory-limit", "0"]
            options += ["--host", "127.0.0.1", "--death-timeout", "60", *more]
        module = f"distributed.cli.dask_{options[0]}"
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *options[1:], "--no-dashboard"],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def names(self) -> list[str]:
        """The workers' names."""
        return [f"worker-{number}" for number in range(self.workers)]

    def keep_alive(self) -> None:
        """Start what has ended, as a supervisor does, until the cluster is closed."""
        while not self.closed.wait(0.2):
            for name, process in list(self.processes.items()):
                if process.poll() is not None:
                    self.start(name)

    def kill(self, name: str) -> None:
        """Kill a process of the cluster."""
        kill(self.processes[name].pid)

    def __enter__(self) -> Cluster:
        self.start("scheduler")
        for name in self.names():
            self.start(name)
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.supervisor.join()
        for process in self.processes.values():
            process.kill()
            process.wait()


@dataclass
class Soak:
    """What is killed how often, and what was seen."""

    worker_kills: int
    coordinator_kills: int
    scheduler_restarts: int
    random: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    lines: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def coordinator(on: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """`fleet run` as a process, with its JSON lines."""
    command = [sys.executable, "-m", "framework", "fleet", "run", "fleet.yaml", "--on", on]
    command += ["--log-format", "json", "--format", "json"]
    with (folder / "report.json").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield process, process.stderr
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def soak(fleet: Calendars, cluster: Cluster, plan: Soak) -> dict[str, Any]:
    """Run the fleet until it ends by itself, killing what the plan says; return its report."""
    folder = cluster.folder
    total = len(fleet.aliases)
    moments = _moments(plan, total)
    done = 0
    while True:
        with coordinator(cluster.address, folder) as (process, lines):
            watchdog = threading.Timer(PATIENCE, process.kill)
            watchdog.start()
            is_killed = False
            for text in lines:
                if not text.startswith("{"):
                    plan.counts[f"said: {text.strip()[:100]}"] += 1
                    continue
                line = json.loads(text)
                if line.get("event") != "unit" or "status" not in line:
                    continue
                if line["status"] == "done":
                    watchdog.cancel()
                    watchdog = threading.Timer(PATIENCE, process.kill)
                    watchdog.start()
                    done += 1
                elif line.get("error"):
                    plan.counts[_kind(line["error"])] += 1
                while moments and moments[0][0] <= done:
                    what = moments.pop(0)[1]
                    plan.counts[what] += 1
                    if what == "coordinator killed":
                        is_killed = True
                        process.kill()
                        break
                    if what == "worker killed":
                        cluster.kill(plan.random.choice(cluster.names()))
                    else:
                        cluster.kill("scheduler")
            watchdog.cancel()
            code = process.wait()
            if is_killed:
                continue
            assert code == 0, (code, dict(plan.counts))
            report: dict[str, Any] = json.loads((folder / "report.json").read_text())
            return report


def _kind(error: str) -> str:
    return "error: " + "".join(c for c in error if not c.isdigit())[:90]


def _moments(plan: Soak, total: int) -> list[tuple[int, str]]:
    """When what is killed, by the number of units that are done, in order."""
    kinds = {
        "worker killed": plan.worker_kills,
        "coordinator killed": plan.coordinator_kills,
        "scheduler restarted": plan.scheduler_restarts,
    }
    found = [
        (plan.random.randrange(max(total - 1, 1)), kind)
        for kind, times in kinds.items()
        for _ in range(times)
    ]
    return sorted(found)


def run_soak(
    accounts: int,
    workers: int,
    plan: Soak,
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    limited: bool = False,
) -> dict[str, Any]:
    """The whole soak in a folder; raise AssertionError if a table is not the truth."""
    with ExitStack() as stack:
        fleet = stack.enter_context(calendars(accounts, patch))
        if not limited:
            fleet.without_rate_limit()
        (folder / "cluster").mkdir()
        cluster = stack.enter_context(Cluster(folder / "cluster", workers))
        began = time.monotonic()
        report = soak(fleet, cluster, plan)
        report["all_seconds"] = round(time.monotonic() - began, 1)
        assert by_state(report) == {"done": accounts}, report
        fleet.assert_loaded()
    return report


def main() -> int:
    """The long soak, by hand."""
    parser = argparse.ArgumentParser(prog="tests.support.fleet_soak", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--worker-kills", type=int, default=50)
    parser.add_argument("--coordinator-kills", type=int, default=5)
    parser.add_argument("--scheduler-restarts", type=int, default=2)
    parser.add_argument("--limited", action="store_true", help="with the file's rate limit")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    given = parser.parse_args()
    plan = Soak(
        given.worker_kills,
        given.coordinator_kills,
        given.scheduler_restarts,
        random.Random(given.seed),
    )
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        isolated(Path(folder), patch)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        os.chdir(folder)
        try:
            report = run_soak(
                given.accounts, given.workers, plan, Path(folder), patch, limited=given.limited
            )
        finally:
            os.chdir(before)
    for what, count in sorted(plan.counts.items()):
        sys.stdout.write(f"{count:6} {what}\n")
    sys.stdout.write(f"seed {given.seed}: {json.dumps(report)}\nevery table equals its truth\n")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
