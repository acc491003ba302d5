"""Every test file is collected by the command that README and CI run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_file_is_collected() -> None:
    on_disk = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-n0", "-m", ""],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    collected = {line.rpartition(":")[0] for line in listing.stdout.splitlines() if ": " in line}
    assert collected == on_disk
