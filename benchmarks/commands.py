"""How each peer is started: its command, its environment and its database.

Everyone gets a folder and a clean environment of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.connector_files import BUNDLED, write_connectors
from benchmarks.venvs import python_of
from benchmarks.works import OURS, PREVIOUS, Work

HERE = Path(__file__).resolve().parent
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
CORES = os.cpu_count() or 1
CONNECTORS = "benchmark"
"""The folder of the connector files in the copy of the framework."""

QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1"}
"""Nobody's telemetry is part of the race."""

TUNED = {
    "EXTRACT__WORKERS": "20",
    "EXTRACT__MAX_PARALLEL_ITEMS": "40",
    "NORMALIZE__WORKERS": str(CORES),
    "LOAD__WORKERS": "20",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    # several files, or there is nothing to share between workers
    "SOURCES__DATA_WRITER__FILE_MAX_ITEMS": "10000",
}


@dataclass(frozen=True)
class Started:
    """What to run, and the DuckDB file that it will fill."""

    command: list[str]
    environment: dict[str, str]
    database: Path


def start(
    peer: str, work: Work, base_url: str, folder: Path, packages: Mapping[str, Path]
) -> Started:
    """Return how `peer` does `work` in `folder`; `packages` are copies of the framework."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {**QUIET, "PYTHONUNBUFFERED": "1", "DLT_DATA_DIR": str(folder / "dlt")}
    if peer in packages:
        files = packages[OURS] / CONNECTORS
        return _ours(work, base_url, folder, packages[peer], files, environment)
    database = folder / "benchmark.duckdb"
    scripts = HERE / "peers"
    after = [work.kind, base_url, str(database)]
    if peer == "floor":
        command = [str(python_of("floor")), str(scripts / "floor.py"), *after]
    elif peer == "pyairbyte":
        environment["AIRBYTE_PROJECT_DIR"] = str(folder)
        command = [str(python_of("airbyte")), str(scripts / "pyairbyte.py"), *after]
    else:
        tuned = peer == "dlt-tuned"
        environment |= TUNED if tuned else {}
        variant = "tuned" if tuned else "defaults"
        command = [str(python_of("dlt")), str(scripts / "dlt_source.py"), *after, variant]
    return Started(command, environment, database)


def schema_of(peer: str, work: Work, packages: Mapping[str, Path]) -> str:
    """Return the schema of the peer's tables in its DuckDB file."""
    if peer in packages:
        return f"{Path(work.connector).stem}_data"
    return "main" if peer == "floor" else "events_data"


def _ours(
    work: Work, base_url: str, folder: Path, ours: Path, files: Path, environment: dict[str, str]
) -> Started:
    connector = files / work.connector
    name = connector.stem
    environment |= {"PYTHONPATH": str(ours), f"SOURCES__{name.upper()}__API_KEY": "secret"}
    command = [sys.executable, "-m", "framework", "run", str(connector)]
    command += ["--resources", ",".join(work.resources), "--set", f"base_url={base_url}"]
    if name == BUNDLED:
        command += ["--set", "requests_per_minute=1000000"]  # the work is not the account's limit
    if work.commit_every and commits(ours):
        command += ["--commit-every", str(work.commit_every)]
    return Started(command, environment, folder / f"{name}.duckdb")


@cache
def commits(package: Path) -> bool:
    """Whether that version of the framework commits while it reads."""
    done = subprocess.run(
        [sys.executable, "-m", "framework", "run", "--help"],
        env=os.environ | {"PYTHONPATH": str(package)},
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    return "--commit-every" in done.stdout


def copied(folder: Path) -> Path:
    """The framework as it stands, copied and compiled as an installed package would be.

    Edits that are made while the benchmark runs do not reach it. Below it are the connector files
    that are measured.
    """
    root = HERE.parent
    target = folder / "ours"
    shutil.rmtree(target, ignore_errors=True)
    for name in ("framework", "connectors", "schemas"):
        shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    write_connectors(target / CONNECTORS)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], check=True)
    return target


def unpacked_wheel(wheel: Path, folder: Path) -> Path:
    """Return the folder with an earlier version, unpacked from its wheel and compiled."""
    target = folder / PREVIOUS
    shutil.rmtree(target, ignore_errors=True)
    shutil.unpack_archive(wheel, target, "zip")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], check=True)
    return target
