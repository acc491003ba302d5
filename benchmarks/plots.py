"""`python -m benchmarks.plots`: the plots of docs/performance.md and docs/scale.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import RESULTS
from benchmarks.fleet import RESULTS as FLEET_RESULTS
from benchmarks.venvs import python_of

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Draw in an environment that has matplotlib, made where it is not there."""
    parser = argparse.ArgumentParser(prog="benchmarks.plots", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "plots")
    given = parser.parse_args()
    drawing = Path(__file__).resolve().parent / "drawing.py"
    files = [str(given.results), str(FLEET_RESULTS), str(given.folder)]
    command = [str(python_of("plots")), str(drawing), *files]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
