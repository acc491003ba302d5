"""The benchmark's commands run, on next to nothing, with the framework alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def benchmarks(folder: Path, *words: str) -> str:
    """What `python -m benchmarks` prints, with its cache and results in the folder."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words, "--results", str(folder / "results.json")],
        cwd=ROOT,
        env={**os.environ, "BENCHMARKS_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_works_run_are_compared_and_reported(tmp_path: Path) -> None:
    words = ("--size", "tiny", "--rounds", "1", "--peers", "framework", "--work", "a,b,e1,f")
    told = benchmarks(tmp_path, *words)
    kept: dict[str, Any] = json.loads((tmp_path / "results.json").read_text())
    found = {(r["work"], r["load"]): r for r in kept["results"]}
    assert sorted(found) == [("a", 1), ("a", 2), ("b", 1), ("e1", 1), ("f", 2)]
    assert all(result["error"] is None for result in kept["results"])
    rows = {name: count for name, (count, _) in found["a", 1]["rows"].items()}
    assert rows == {
        "scheduled_events": 200,
        "event_memberships": 300,
        "event_guests": 199,
        "questions_and_answers": 300,
    }
    assert found["a", 2]["rows"] == found["a", 1]["rows"]
    assert (found["a", 1]["requests"], found["b", 1]["requests"]) == (2, 6)
    assert found["e1", 1]["before_load"] > 0
    # what is kept is reported again, without measuring
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n")
    again = benchmarks(tmp_path, "--report", "--page", str(page))
    assert told.splitlines()[1:] == again.splitlines()[1:]
    assert "### (a) 200 events by cursor" in told
    before, _, rest = page.read_text().partition("<!-- results -->\n\n")
    assert (before, rest) == ("Before\n", f"{again}\n<!-- end of results -->\nafter\n")
