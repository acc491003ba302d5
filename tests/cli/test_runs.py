"""`framework runs`: the recorded runs, newest first, from every destination."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.cli.main import main
from framework.ledger.ledger_tables import LEDGER_TABLES, RESOURCES, RUNS
from tests.support.postgres import CREDENTIALS, address
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Web
from tests.support.shop import Shop

pytestmark = pytest.mark.usefixtures("project")
REPLACE = {"write_disposition": "replace"}


@pytest.fixture
def shop(project: Path) -> Iterator[Shop]:
    """A shop whose connector replaces customers and orders."""
    with Web() as web:
        shop = Shop(web)
        orders = {**REPLACE, "endpoint": {"incremental": None}}
        body = shop.connector(customers=REPLACE, orders=orders, lines=None, notes=None)
        del body["resources"][1]["endpoint"]["incremental"]
        write_connector(project, body)
        yield shop


@pytest.fixture
def runs(capsys: pytest.CaptureFixture[str]) -> Any:
    """Returns what `framework runs shop` prints."""

    def runs(*options: str) -> str:
        capsys.readouterr()
        assert main(["runs", "shop", *options]) == 0
        return capsys.readouterr().out

    return runs


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_runs_are_shown_newest_first_with_errors_and_warnings(
    shop: Shop, project: Path, runs: Any
) -> None:
    assert main(["run", "shop"]) == 0
    shop.orders.clear()
    shop.answers["/customers"] = Answer(400, {"message": "[bold]No[/] such thing"})
    assert main(["run", "shop"]) == 1
    head, failed, ok, error, warnings, place = words(runs())
    assert head == [
        "run", "started", "(UTC)", "status", "seconds", "rows", "requests", "retries", "warnings",
    ]  # fmt: skip
    assert failed[3:4] + failed[5:] == ["failed", "0", "2", "0", "1"]
    assert ok[3:4] + ok[5:] == ["ok", "6", "2", "0", "0"]
    assert error[:2] == [f"{failed[0]}:", "customers:"]
    assert error[-3:] == ["[bold]No[/]", "such", "thing"]
    assert warnings == [f"{failed[0]}:", "warnings:", "no-records", "1"]
    assert place == ["runs", "in", str(project / "shop.duckdb"), "(dataset", "shop_data)"]


def test_only_failed_runs_and_only_some(shop: Shop, runs: Any) -> None:
    assert "no failed run of shop is recorded" in runs("--failed")
    for status in (200, 400, 200, 400):
        shop.answers["/customers"] = Answer(status, {"items": []})
        assert main(["run", "shop"]) == (status != 200)
    as_json = ("--format", "json")
    found = json.loads(runs(*as_json))
    assert [run["status"] for run in found] == ["failed", "ok", "failed", "ok"]
    assert json.loads(runs(*as_json, "--limit", "3")) == found[:3]
    assert json.loads(runs(*as_json, "--failed")) == found[::2]
    assert json.loads(runs(*as_json, "--failed", "--limit", "1")) == found[:1]


def test_as_json_a_run_has_every_column_and_its_resources(shop: Shop, runs: Any) -> None:
    shop.customers.clear()
    assert main(["run", "shop", "--as", "europe"]) == 0
    assert json.loads(runs("--format", "json")) == []
    [run] = json.loads(runs("--format", "json", "--as", "europe"))
    assert list(run) == [*LEDGER_TABLES[RUNS], "resources"]
    assert (run["alias"], run["warnings"]) == ("europe", {"no-records": 1})
    assert run["started"].endswith("Z")
    for part in run["resources"]:
        assert [*part] == [column for column in LEDGER_TABLES[RESOURCES] if column != "run_id"]
    assert [part["warnings"] for part in run["resources"]] == [{"no-records": 1}, {}]
    assert "europe" in runs("--as", "europe")


def test_without_a_run_it_says_so_and_creates_nothing(shop: Shop, project: Path, runs: Any) -> None:
    assert runs().startswith(f"no run of shop is recorded in {project / 'shop.duckdb'} ")
    assert "framework run" in runs()
    assert not (project / "shop.duckdb").exists()
    assert main(["run", "shop"]) == 0
    assert "no run of shop" in runs("--dataset", "other")
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(f"DROP TABLE shop_data.{RUNS}")
    assert "no run of shop" in runs()


def test_a_ledger_with_other_columns_is_shown(shop: Shop, project: Path, runs: Any) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA shop_data")
        connection.execute(
            f"CREATE TABLE shop_data.{RUNS} AS SELECT 'one' AS id, 'shop' AS connector, "
            "TIMESTAMPTZ '2026-01-01 00:00:00Z' AS started, 1 AS a_later_column"
        )
        connection.execute(f"CREATE TABLE shop_data.{RESOURCES} (run_id VARCHAR, position BIGINT)")
    assert words(runs())[1] == ["one", "2026-01-01", "00:00:00", "0.0", "0", "0", "0", "0"]
    [run] = json.loads(runs("--format", "json"))
    assert (run["status"], run["warnings"], run["resources"]) == (None, {}, [])


def test_runs_of_another_connector_in_the_dataset_are_not_shown(
    shop: Shop, project: Path, runs: Any
) -> None:
    assert main(["run", "shop"]) == 0
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(f"UPDATE shop_data.{RUNS} SET connector = 'other'")
    assert "no run of shop" in runs()


def test_runs_in_postgres(
    shop: Shop, postgres: str, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    place = ("--destination", "postgres", "--dataset", "runs_of_the_command")
    assert "no run of shop" in runs(*place)
    assert main(["run", "shop", *place]) == 0
    [run] = json.loads(runs(*place, "--format", "json"))
    assert (run["status"], run["rows_loaded"], len(run["resources"])) == ("ok", 6, 2)


def test_runs_in_files_leave_the_state_and_the_tables_alone(
    shop: Shop, project: Path, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(project / "files"))
    place = ("--destination", "filesystem")
    assert "no run of shop" in runs(*place)
    shop.answers["/orders"] = Answer(400)
    shop.answers["/customers"] = Answer(400)
    assert main(["run", "shop", *place]) == 1
    shop.answers.clear()
    assert main(["run", "shop", *place]) == 0
    assert main(["run", "shop", *place, "--refresh"]) == 0
    found = json.loads(runs(*place, "--format", "json"))
    assert [(run["status"], run["rows_loaded"]) for run in found] == [
        ("ok", 6),
        ("ok", 6),
        ("failed", 0),
    ]
    assert [part["status"] for part in found[2]["resources"]] == ["failed", "failed"]
    folder = project / "files" / "shop_data"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "customers", "orders", *LEDGER_TABLES, "_dlt_loads", "_dlt_pipeline_state", "_dlt_version",
    }  # fmt: skip
    states = {path.name.split("__")[0] for path in (folder / "_dlt_pipeline_state").glob("*.jsonl")}
    assert len(states) == 1  # of the connector's pipeline alone
    assert not states & {"framework_ledger"}


def test_a_destination_that_cannot_be_read_is_one_message(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "shop.duckdb").write_text("no database" * 5000)
    assert main(["runs", "shop"]) == 1
    assert "cannot read the runs in " in capsys.readouterr().err
    assert main(["runs", "shp"]) == 2
    assert "did you mean shop?" in capsys.readouterr().err
