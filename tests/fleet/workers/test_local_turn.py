"""Units without a coordinator, of one dataset, at the same time: `fleet run-unit` of schedulers."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from framework.cli.main import main
from tests.support.calendars import rows_of
from tests.support.fleets import write_files
from tests.support.postgres import CREDENTIALS, address, in_postgres
from tests.support.processes import LONGEST, Started, command
from tests.support.servers.web import Asked, Web

CONNECTOR = """\
version: 1
name: library
client: {base_url: "%s", paginator: single_page}
resources:
  - name: books
    primary_key: id
    write_disposition: merge
    endpoint:
      data_selector: items
      incremental: {cursor_path: at, start_param: from, end_param: to, initial_value: "2026-01-01"}
"""
FLEET = """\
version: 1
jobs:
  - connector: library
    destination: %s
    dataset: one_place
    backfill: {since: 2026-01-01, until: 2026-01-05, step: P1D}
"""
WINDOWS = 4
ROWS = 300


def books(day: str) -> list[dict[str, Any]]:
    """The rows of a window."""
    return [{"id": f"{day}/{number}", "at": f"{day}T01:00:00Z"} for number in range(ROWS)]


@contextmanager
def units(folder: Path, patch: pytest.MonkeyPatch, *numbers: int) -> Iterator[list[Started]]:
    """Units of the fleet file in processes of their own, each as on a machine of its own."""
    with ExitStack() as stack:
        processes = []
        for number in numbers:
            patch.setenv("DLT_DATA_DIR", str(folder / f"machine_{number}"))
            arguments = ("fleet", "run-unit", "fleet.yaml", "--index", str(number))
            started = command(folder, *arguments, called=f"unit_{number}")
            processes.append(stack.enter_context(started))
        yield processes


def write(web: Web, destination: str) -> None:
    """Write the fleet and its connector."""
    files = {"connectors/library.yaml": CONNECTOR % web.url, "fleet.yaml": FLEET % destination}
    write_files(files)


def all_read_before_one_loads(web: Web) -> None:
    """Answer no window before all of them are asked for."""
    barrier = threading.Barrier(WINDOWS, timeout=LONGEST)

    def answer(asked: Asked) -> dict[str, Any]:
        barrier.wait()
        return {"items": books(str(asked.param("from"))[:10])}

    web.on("/books", answer)


def wanted() -> list[str]:
    return sorted(row["id"] for day in range(1, 5) for row in books(f"2026-01-0{day}"))


@pytest.mark.slow
def test_windows_on_several_machines_lose_no_row_of_each_other_in_postgresql(
    project: Path, web: Web, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    write(web, "postgres")
    all_read_before_one_loads(web)
    with units(project, monkeypatch, *range(WINDOWS)) as processes:
        assert [process.ended()[0] for process in processes] == [0] * WINDOWS
    assert sorted(row["id"] for row in in_postgres(postgres, "one_place")["books"]) == wanted()


@pytest.mark.slow
def test_windows_on_one_machine_load_into_a_duckdb_file_in_turn_and_read_at_once(
    project: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(web, "duckdb")
    all_read_before_one_loads(web)
    with ExitStack() as stack:
        monkeypatch.setenv("DLT_DATA_DIR", str(project / "machine"))
        arguments = [("fleet", "run-unit", "fleet.yaml", "--index", str(n)) for n in range(WINDOWS)]
        processes = [
            stack.enter_context(command(project, *one, called=f"unit_{one[-1]}"))
            for one in arguments
        ]
        assert [process.ended()[0] for process in processes] == [0] * WINDOWS
    assert [key for (key,) in rows_of("library.duckdb", "one_place", "books", "id")] == wanted()


def test_a_unit_waits_for_the_lock_of_its_dataset(
    project: Path, web: Web, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    write(web, "postgres")
    web.on("/books", lambda asked: {"items": books(str(asked.param("from"))[:10])})
    key = int.from_bytes(hashlib.sha256(b"postgres/one_place").digest()[:8], signed=True)
    with closing(psycopg2.connect(host=postgres, user="postgres", dbname="postgres")) as other:
        other.autocommit = True
        cursor = other.cursor()
        cursor.execute("select pg_advisory_lock(%s)", [key])
        with units(project, monkeypatch, 0) as (process,):
            ends = time.monotonic() + LONGEST
            asks = "select count(*) from pg_stat_activity where query like '%pg_try_advisory_lock%'"
            cursor.execute(f"{asks} and pid <> pg_backend_pid()")
            while cursor.fetchall() == [(0,)]:
                assert time.monotonic() < ends, "the unit does not ask for the lock"
                time.sleep(0.05)
                cursor.execute(f"{asks} and pid <> pg_backend_pid()")
            assert web.asked == []
            cursor.execute("select pg_advisory_unlock(%s)", [key])
            assert process.ended()[0] == 0
    assert len(web.asked) == 1


@pytest.mark.usefixtures("project")
def test_units_of_one_dataset_are_refused_where_there_are_no_turns(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    write(web, "snowflake")
    assert main(["fleet", "run-unit", "fleet.yaml", "--index", "0"]) == 2
    message = capsys.readouterr().err
    assert "loads into the dataset one_place, as other units of fleet.yaml do" in message
    assert "with --alone" in message
    assert main(["fleet", "run-unit", "fleet.yaml", "--index", "0", "--alone"]) == 1
    assert "cannot open snowflake (dataset one_place)" in capsys.readouterr().err
