"""The warm process of a worker: what it writes, and what it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from framework.fleet.workers.unit_process import WARM_PROCESS
from tests.support.processes import ROOT


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
