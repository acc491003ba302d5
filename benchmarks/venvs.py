"""A virtual environment for each kind of peer, made once in the cache folder.

What each has installed is pinned to the versions of the interpreter that runs the benchmark, where
both use the same package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

SHARED = ("dlt", "duckdb", "pyarrow", "orjson", "urllib3", "requests")

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "dlt": ("dlt[duckdb,parquet]", "pyarrow", "requests"),
    "floor": ("urllib3", "orjson", "duckdb"),
    # chooses its own duckdb and pyarrow
    "airbyte": ("airbyte", "pyyaml"),
    "airbyte-cdk": ("airbyte-cdk", "pyyaml", "freezegun"),
    "plots": ("matplotlib",),
}


class CannotInstall(Exception):
    """A virtual environment that could not be made; the message is pip's last words."""


def cache_folder() -> Path:
    """Where environments, sites and runs are kept: BENCHMARKS_CACHE, or below ~/.cache."""
    chosen = os.environ.get("BENCHMARKS_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "connector-benchmarks"


def python_of(kind: str) -> Path:
    """The interpreter of that kind's environment, made where it is not there or is out of date."""
    folder = cache_folder() / "venvs" / kind
    python = folder / "bin" / "python"
    wanted = "\n".join(_pinned(kind))
    note = folder / "requirements.txt"
    if note.exists() and note.read_text() == wanted and python.exists():
        return python
    sys.stderr.write(f"making the environment {kind}: {', '.join(wanted.split())}\n")
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", *wanted.split()])
    note.write_text(wanted)
    return python


def versions_of(kind: str) -> dict[str, str]:
    """The versions that matter in that kind's environment."""
    code = (
        "import importlib.metadata as m, json\n"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    found = json.loads(_run([str(python_of(kind)), "-c", code]))
    wanted = ("dlt", "duckdb", "pyarrow", "airbyte", "airbyte-cdk", "orjson", "urllib3")
    return {name: found[name] for name in wanted if name in found}


def _pinned(kind: str) -> list[str]:
    if kind.startswith("airbyte"):
        return list(REQUIREMENTS[kind])
    wanted = REQUIREMENTS[kind] + (("duckdb",) if kind == "dlt" else ())
    names = [requirement.partition("[")[0] for requirement in wanted]
    return [
        f"{requirement}=={version(name)}" if name in SHARED else requirement
        for requirement, name in zip(wanted, names, strict=True)
    ]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise CannotInstall(f"{' '.join(command[1:6])} ...:\n{last}")
    return done.stdout
