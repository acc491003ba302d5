"""The warm process of a worker: what it writes, and what it does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from framework.fleet.jobs.units import units_of
from framework.fleet.workers.unit_process import WARM_PROCESS, UnitProcesses
from tests.support.fleets import fleet_of
from tests.support.processes import ROOT
from tests.support.servers.web import Asked, Web


def test_a_unit_writes_nothing_on_the_screen_of_its_worker() -> None:
    """Python 3.12 and later warn of a fork in a process with threads."""
    with subprocess.Popen(
        [sys.executable, "-m", WARM_PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b'{"number": 7, "unit": {"unit": "lacks all else"}}\n')
        process.stdin.flush()
        reply = json.loads(process.stdout.readline())
        process.stdin.close()
        assert (reply["number"], reply["outcome"]["status"]) == (7, "failed")
        assert process.stderr.read() == b""


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("killed", ["unit", "worker"])
def test_a_unit_that_is_killed_leaves_no_temporary_files(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def hang(_: Asked) -> Any:
        has_begun.set()
        return {"items": [may_end.wait(60)]}

    web.on("/books", hang)
    text = (
        f"version: 1\nname: library\nclient: {{base_url: '{web.url}'}}\n"
        "resources: [{name: books, endpoint: {paginator: single_page, data_selector: items}}]\n"
    )
    fleet = fleet_of(
        "version: 1\njobs: [{connector: library}]\n", {"connectors/library.yaml": text}
    )
    (unit,) = units_of(fleet)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    processes = UnitProcesses()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(processes.run, {**unit.spec(), "attempt": 1})
        assert has_begun.wait(60)
        (folder,) = temporary.glob("framework-unit-*")
        assert list(folder.iterdir())
        if killed == "unit":
            (warm,) = children_of(os.getpid(), WARM_PROCESS)
            (child,) = children_of(warm)
            os.kill(child, signal.SIGKILL)
        else:
            processes.kill()
        found = running.result(60)
    may_end.set()
    assert found["status"] == "lost"
    assert list(temporary.glob("framework-unit-*")) == []
    processes.kill()


def children_of(pid: int, name: str = "") -> list[int]:
    """The processes whose parent is this one, with this text in their command."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid and name in (folder / "cmdline").read_text():
                found.append(int(folder.name))
    return found
