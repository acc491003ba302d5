"""The lock of a pipeline, whose file goes with the pipeline's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fasteners import InterProcessLock

from framework.load.pipeline import _try_lock, drop_pipeline

OTHER = """\
import sys
from fasteners import InterProcessLock
lock = InterProcessLock(sys.argv[1])
assert lock.acquire(blocking=False)
print("held", flush=True)
sys.stdin.readline()
if sys.argv[2] == "remove":
    import os
    os.unlink(sys.argv[1])
lock.release()
print("free", flush=True)
sys.stdin.readline()
"""


def other(file: Path, *, removes: bool) -> subprocess.Popen[str]:
    """Another process that holds the lock until it gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(file), "remove" if removes else "keep"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def tell(process: subprocess.Popen[str]) -> str:
    """Send a line, and return what the process says."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_who_waits_for_a_lock_whose_file_is_removed_has_that_of_the_new_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.lock"
    lock = InterProcessLock(file)
    with other(file, removes=True) as process:
        assert not _try_lock(lock, file)
        assert tell(process) == "free\n"
        assert not file.exists()
        assert _try_lock(lock, file)
        assert file.exists()
        tell(process)
    lock.release()


def test_a_pipeline_is_dropped_with_the_file_of_its_lock(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    drop_pipeline(tmp_path, "a")
    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_that_runs_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with other(tmp_path / "a.lock", removes=False) as process:
        drop_pipeline(tmp_path, "a")
        assert {path.name for path in tmp_path.iterdir()} == {"a", "a.lock"}
        tell(process)
        tell(process)
