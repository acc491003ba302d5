"""The ledger in PostgreSQL, with the rights that a careful administrator grants."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from framework.cli.main import main
from framework.ledger import ledger_writer
from framework.ledger.ledger_tables import LEDGER_TABLES, RESOURCES, RUNS
from framework.load.destinations.target import target_of
from framework.load.pipeline import build_pipeline
from framework.load.run_options import RunOptions
from tests.support.postgres import CREDENTIALS, address, execute, in_postgres
from tests.support.recorded_runs import recorded_in_postgres
from tests.support.run_verbs import connector_of, write_connector
from tests.support.servers.web import Answer, Web
from tests.support.shop import Shop

APPEND = {"write_disposition": "append"}


@pytest.fixture
def shop(web: Web, project: Path) -> Shop:
    """A shop whose connector appends customers and orders."""
    shop = Shop(web)
    write_connector(
        project, shop.connector(customers=APPEND, orders=APPEND, lines=None, notes=None)
    )
    return shop


@pytest.fixture
def server(postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    return postgres


@pytest.fixture
def dataset() -> str:
    return f"runs_{uuid4().hex[:8]}"


@pytest.fixture
def run(dataset: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the connector into the dataset; returns the exit code and what stderr says."""

    def run(*options: str) -> tuple[int, str]:
        place = ("--destination", "postgres", "--dataset", dataset)
        code = main(["run", "shop", *place, *options])
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def loader(server: str, dataset: str) -> Iterator[str]:
    """The name of a role that no table belongs to."""
    role = f"loader_{uuid4().hex[:8]}"
    execute(server, f"CREATE ROLE {role} LOGIN")
    yield role
    execute(server, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def test_runs_are_recorded_with_times_of_a_time_zone(
    shop: Shop, server: str, dataset: str, run: Any
) -> None:
    before = datetime.now(UTC)
    shop.answers["/customers"] = Answer(400, {"message": "No \0 such thing"})
    assert run()[0] == 1
    shop.answers.clear()
    assert run("--refresh")[0] == 0
    first, second = recorded_in_postgres(server, dataset)
    assert (first["status"], second["status"]) == ("failed", "ok")
    assert before <= first["started"] <= first["ended"] <= second["started"]
    assert "returned 400" in first["error"]
    assert [part["rows_loaded"] for part in second["resources"]] == [3, 3]
    assert set(in_postgres(server, dataset)) == {"customers", "orders"}


def test_a_role_that_may_create_nothing_is_warned_once_and_loads(
    shop: Shop,
    server: str,
    dataset: str,
    run: Any,
    loader: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run()[0] == 0
    execute(
        server,
        f"DROP TABLE {dataset}.{RUNS}, {dataset}.{RESOURCES}",
        f"GRANT USAGE ON SCHEMA {dataset} TO {loader}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA {dataset} TO {loader}",
    )
    monkeypatch.setenv(CREDENTIALS, address(server, user=loader))
    code, said = run()
    assert code == 0
    assert said.count("[ledger-not-written]") == 1
    assert f"permission denied for schema {dataset}" in said
    assert "not-to-be-shown" not in said
    assert len(in_postgres(server, dataset)["customers"]) == 6


@pytest.mark.parametrize("right", ["SELECT", "nothing"])
def test_tables_that_the_role_may_not_write_are_one_warning(
    shop: Shop,
    server: str,
    dataset: str,
    run: Any,
    loader: str,
    right: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run()[0] == 0
    ledger = ", ".join(f"{dataset}.{table}" for table in LEDGER_TABLES)
    rights = [f"GRANT SELECT ON {ledger} TO {loader}"] if right == "SELECT" else []
    execute(
        server,
        f"GRANT USAGE, CREATE ON SCHEMA {dataset} TO {loader}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA {dataset} TO {loader}",
        f"REVOKE ALL ON {ledger} FROM {loader}",
        *rights,
    )
    monkeypatch.setenv(CREDENTIALS, address(server, user=loader))
    code, said = run()
    assert code == 0
    assert said.count("[ledger-not-written]") == 1
    assert f"permission denied for table {RUNS}" in said
    assert len(recorded_in_postgres(server, dataset)) == 1
    shop.answers["/orders"] = Answer(400)
    assert run()[0] == 1

    execute(server, f"GRANT INSERT ON {ledger} TO {loader}")
    code, said = run()
    assert code == 1
    assert "ledger-not-written" not in said
    assert [one["status"] for one in recorded_in_postgres(server, dataset)] == ["ok", "failed"]


def test_runs_that_create_the_tables_at_once_are_both_recorded(
    shop: Shop, server: str, dataset: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find no tables before one of them creates some."""
    connector = connector_of(project, shop.connector())
    both, missing = Barrier(2), ledger_writer._missing

    def missing_to_both(sql: Any) -> list[str]:
        found = missing(sql)
        both.wait(60)
        return found

    monkeypatch.setattr(ledger_writer, "_missing", missing_to_both)
    execute(server, f"CREATE SCHEMA {dataset}")
    target = target_of(connector, RunOptions(destination="postgres", dataset=dataset))

    def insert(name: str) -> None:
        with build_pipeline(target, project / name).destination_client() as client:
            row = dict.fromkeys(LEDGER_TABLES[RUNS])
            rows = {RUNS: [{**row, "id": name, "started": datetime.now(UTC)}], RESOURCES: []}
            ledger_writer._insert_or_create(client.sql_client, rows)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(insert, ("one", "other")))
    assert {run["id"] for run in recorded_in_postgres(server, dataset)} == {"one", "other"}
