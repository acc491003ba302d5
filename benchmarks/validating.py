"""Work f: `framework validate` of many files, copies of the bundled connector with its schemas."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.commands import KEPT
from benchmarks.process import watch
from benchmarks.runs import Result, Say
from benchmarks.venvs import cache_folder
from benchmarks.works import OURS

BUNDLED = "scheduling"


def measure_validate(
    sizes: tuple[int, ...], rounds: int, packages: Mapping[str, Path], say: Say
) -> list[Result]:
    """One result for each size and round; `load` holds the number of files."""
    results = []
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    runs = cache_folder() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=runs) as name:
        folder = Path(name)
        for size in sizes:
            _fill(folder / str(size), size, packages[OURS])
        for number in range(1, rounds + 1):
            for size, peer in product(sizes, packages):
                command = [sys.executable, "-m", "framework", "validate", "--connectors"]
                command.append(str(folder / str(size) / "connectors"))
                paths = environment | {"PYTHONPATH": str(packages[peer])}
                seen = watch(command, folder=folder, environment=paths)
                result = Result("f", peer, number, size, seen.seconds, seen.peak, seen.cpu, 0)
                if seen.code or f"{size} files" not in seen.output:
                    result.error = f"exit code {seen.code}: {seen.output[-500:]}"
                results.append(result)
                took = f"{seen.seconds:.2f} s  {seen.peak:.0f} MB"
                say(f"  round {number}  {size} files  {peer}  {took}")
    return results


def _fill(folder: Path, size: int, ours: Path) -> None:
    text = (ours / "connectors" / f"{BUNDLED}.yaml").read_text()
    (folder / "connectors").mkdir(parents=True)
    for number in range(size):
        name = f"{BUNDLED}_{number}"
        (folder / "connectors" / f"{name}.yaml").write_text(
            text.replace(f"name: {BUNDLED}\n", f"name: {name}\n", 1)
        )
        shutil.copytree(ours / "schemas" / BUNDLED, folder / "schemas" / name)
