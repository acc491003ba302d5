"""Runs of one connector in processes of their own, which take turns at the destination."""

from __future__ import annotations

import hashlib
import json
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
from fasteners import InterProcessLock

from tests.support.processes import FORKS, LONGEST, ROOT
from tests.support.run_verbs import NOW

Json = Any


class FileTurns:
    """Turns between processes, by a lock file for each place; `held` is whether this one has it."""

    def __init__(self, folder: Path) -> None:
        self.held = False
        self.places: list[str] = []
        self._folder = folder

    @contextmanager
    def __call__(self, place: str) -> Iterator[None]:
        name = hashlib.sha256(place.encode()).hexdigest()[:8]
        with InterProcessLock(self._folder / f"{name}.turn"):
            assert not self.held, "a turn within a turn"
            self.held = True
            self.places.append(place)
            try:
                yield
            finally:
                self.held = False


@dataclass
class ParallelRun:
    """A run in a process; `report` and `exit_code` wait for its end."""

    process: Any
    out: Path

    def report(self) -> dict[str, Json]:
        """The run's report as plain data; an AssertionError with the text of what ended it."""
        assert self.exit_code() == 0
        result: dict[str, Json] = json.loads(self.out.read_text(encoding="utf-8"))
        assert "ended_by" not in result, result["ended_by"]
        return result

    def exit_code(self) -> int:
        """0, or a signal's number, negative."""
        self.process.join(LONGEST)
        assert self.process.exitcode is not None, "still running"
        return int(self.process.exitcode)


@contextmanager
def parallel_run(
    folder: Path, called: str, options: Mapping[str, Any], hook: str = ""
) -> Iterator[ParallelRun]:
    """A run of the project's connector `shop` with these RunOptions, gone at the end.

    `hook` is what happens to the process, by its name in `tests.support.processes`.
    """
    with pytest.MonkeyPatch.context() as patched:
        # the server imports what it preloads from here, and says nothing where it cannot
        patched.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
    out = folder / f"{called}.json"
    process = FORKS.Process(target=_main, args=(folder, out, dict(options), hook, dict(os.environ)))
    process.start()
    try:
        yield ParallelRun(process, out)
    finally:
        if process.is_alive():
            process.kill()
        process.join(LONGEST)
        process.close()


def _main(
    folder: Path, out: Path, options: dict[str, Any], hook: str, environment: dict[str, str]
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        result = _run(folder, options, hook)
    except BaseException:
        result = {"ended_by": traceback.format_exc()}
    out.write_text(json.dumps(result), encoding="utf-8")
    os._exit(0)


def _run(folder: Path, options: dict[str, Any], hook: str) -> dict[str, Json]:
    from framework.api import valid_connector
    from framework.definition.finder import find_connector
    from framework.ledger.ledger_writer import LedgerWriter
    from framework.load.run_options import RunOptions
    from framework.load.runner import run
    from framework.runtime.environment import Environment
    from tests.conftest import reload_providers
    from tests.support.processes import HOOKS

    reload_providers()
    turns = FileTurns(folder)
    guard_connections(turns)
    if hook:
        HOOKS[hook]()
    connector = valid_connector(find_connector("shop"))
    environment = Environment(now=NOW, destination_turn=turns)
    report = run(
        connector,
        RunOptions(folder=folder, **options),
        environment,
        record=LedgerWriter(connector.path),
    )
    return report.as_dict()


def guard_connections(turns: FileTurns, patch: Any = setattr) -> None:
    """Have DuckDB and PostgreSQL refuse connections and statements without the turn."""
    from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
    from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

    for client in (DuckDbSqlClient, Psycopg2SqlClient):
        for name in ("open_connection", "execute_query"):
            patch(client, name, _guarded(turns, getattr(client, name)))


def _guarded(turns: FileTurns, call: Any) -> Any:
    def guarded(*arguments: Any, **named: Any) -> Any:
        assert turns.held, "connects without its turn"
        return call(*arguments, **named)

    return guarded
