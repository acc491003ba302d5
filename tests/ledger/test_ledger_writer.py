"""The ledger of runs in DuckDB: what it holds, and that no run depends on it."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from framework import __version__
from framework.cli.main import main
from framework.errors import DestinationError
from framework.ledger.ledger_tables import LEDGER_TABLES, RESOURCES, RUNS
from tests.support.processes import command
from tests.support.recorded_runs import recorded
from tests.support.run_verbs import everything, write_connector
from tests.support.servers.web import Answer, Asked, Web, each
from tests.support.shop import Shop

CANARY = "canary-7f3a9c51e2+/="


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


def two(shop: Shop, **changes: Any) -> dict[str, Any]:
    """The connector's body with customers and orders."""
    return shop.connector(lines=None, notes=None, **changes)


def statuses(run: dict[str, Any]) -> dict[str, str]:
    return {part["resource"]: part["status"] for part in run["resources"]}


def tables_in(project: Path, dataset: str = "shop_data") -> set[str]:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ?", [dataset]
        ).fetchall()
    return {name for (name,) in found}


def test_a_run_has_one_row_and_one_for_each_resource(shop: Shop, project: Path) -> None:
    file = write_connector(project, two(shop))
    shop.web.on("/customers", each(Answer(503), {"items": shop.customers}))
    before = datetime.now(UTC)
    assert main(["run", "shop"]) == 0
    [run] = recorded(project)
    resources = run.pop("resources")
    assert before <= run.pop("started") <= run.pop("ended") <= datetime.now(UTC)
    assert run.pop("seconds") > 0
    assert len(run.pop("id")) == 32
    sizes = [len(json.dumps({"items": items})) for items in (shop.customers, shop.orders)]
    assert [part["bytes_read"] for part in resources] == sizes
    assert run == {
        "connector": "shop",
        "connector_hash": hashlib.sha256(file.read_bytes()).hexdigest(),
        "alias": None,
        "framework_version": __version__,
        "status": "ok",
        "resumes": None,
        "rows_loaded": 6,
        "requests": 3,
        "retries": 1,
        "waited": resources[0]["waited"],
        "bytes_read": sum(sizes),
        "warnings": "{}",
        "error": None,
    }
    counts = ("resource", "position", "status", "rows_loaded", "requests", "retries", "error")
    assert [tuple(part[name] for name in counts) for part in resources] == [
        ("customers", 0, "ok", 3, 2, 1, None),
        ("orders", 1, "ok", 3, 1, 0, None),
    ]


def test_a_failed_run_is_recorded_with_its_error_also_as_the_first(
    shop: Shop, project: Path
) -> None:
    write_connector(project, two(shop))
    shop.answers["/customers"] = shop.answers["/orders"] = Answer(400)
    assert main(["run", "shop"]) == 1
    [run] = recorded(project)
    assert (run["status"], statuses(run)) == ("failed", {"customers": "failed", "orders": "failed"})
    assert run["error"].startswith("customers: ")
    assert "returned 400" in run["error"]
    assert run["error"].endswith("(1 more resource failed)")
    assert tables_in(project) == set(LEDGER_TABLES)

    shop.answers.clear()
    assert main(["run", "shop"]) == 0
    assert [run["status"] for run in recorded(project)] == ["failed", "ok"]
    assert set(everything(project)) == {"customers", "orders"}


def test_a_partly_loaded_run_says_which_resource_failed(shop: Shop, project: Path) -> None:
    write_connector(project, shop.connector(notes=None))
    shop.answers["/orders/2/lines"] = Answer(400)
    assert main(["run", "shop"]) == 1
    [run] = recorded(project)
    assert statuses(run) == {"customers": "ok", "orders": "ok", "lines": "failed"}
    assert (run["status"], run["rows_loaded"]) == ("failed", 6)
    assert run["warnings"] == '{"watermark-stays": 1}'


def test_what_ended_a_run_before_it_began_is_recorded_if_there_is_a_ledger(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"secrets": {"token": {}}, **two(shop)}
    body["client"]["headers"] = {"X-Token": "{secrets.token}"}
    write_connector(project, body)
    assert main(["run", "shop"]) == 1
    assert not (project / "shop.duckdb").exists()
    with monkeypatch.context() as patched:
        patched.setenv("SOURCES__TOKEN", "a-token-of-this-test")
        assert main(["run", "shop"]) == 0
    assert main(["run", "shop"]) == 1
    assert main(["run", "shop", "--set", "unknown=1"]) == 2
    _, run = recorded(project)
    assert (run["status"], statuses(run)) == (
        "failed", {"customers": "not_loaded", "orders": "not_loaded"},
    )  # fmt: skip
    assert "token" in run["error"]


def test_a_destination_that_does_not_open_is_recorded_if_there_is_a_ledger(
    shop: Shop,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise DestinationError("what an interrupted run left cannot be loaded")

    write_connector(project, two(shop))
    with duckdb.connect(str(project / "shop.duckdb")):
        pass
    with monkeypatch.context() as patched:
        patched.setattr("framework.load.runner.open_pipeline", refuse)
        assert main(["run", "shop"]) == 1
        assert tables_in(project) == set()
        patched.undo()
        assert main(["run", "shop"]) == 0
        patched.setattr("framework.load.runner.open_pipeline", refuse)
        assert main(["run", "shop"]) == 1
    assert "ledger-not-written" not in capsys.readouterr().err
    _, run = recorded(project)
    assert run["error"] == "what an interrupted run left cannot be loaded"


def test_a_run_that_takes_too_long_is_recorded(shop: Shop, project: Path) -> None:
    write_connector(project, two(shop))
    shop.answers["/orders"] = Answer(429, {}, {"Retry-After": "200"})
    assert main(["run", "shop", "--max-time", "PT0.5S"]) == 1
    [run] = recorded(project)
    assert run["status"] == "interrupted"
    assert "--max-time" in run["error"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_is_recorded(shop: Shop, project: Path, number: signal.Signals) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(_: Asked) -> Any:
        asked.set()
        go_on.wait(60)
        return {"items": []}

    write_connector(project, two(shop))
    shop.web.on("/orders", slow)
    with command(project, "run", "shop", has_time=True) as run:
        assert asked.wait(60)
        run.signal(number)
        code, _, said = run.ended()
    go_on.set()
    assert code == 128 + number
    assert "ledger" not in said
    [found] = recorded(project)
    assert found["status"] == "interrupted"
    assert "Nothing of this run is loaded" in found["error"]
    assert set(statuses(found).values()) == {"not_loaded"}


@pytest.mark.parametrize("step", ["loading", "extracting", "normalizing"])
def test_an_interrupt_inside_dlt_is_recorded(shop: Shop, project: Path, step: str) -> None:
    write_connector(project, two(shop))
    with command(project, "run", "shop", hook=f"interrupt while {step}", has_time=True) as run:
        assert run.ended()[0] == 130
    [found] = recorded(project)
    assert found["status"] == "interrupted"
    assert main(["run", "shop"]) == 0
    assert [one["status"] for one in recorded(project)] == ["interrupted", "ok"]


def test_rows_that_the_destination_refuses_are_a_recorded_failure(
    shop: Shop, project: Path
) -> None:
    append = {"write_disposition": "append"}
    write_connector(project, two(shop, customers=append, orders=append))
    with command(project, "run", "shop", hook="refuse every row") as run:
        assert run.ended()[0] == 1
    [found] = recorded(project)
    assert (found["status"], found["rows_loaded"]) == ("failed", 0)


def test_an_account_is_recorded_with_its_alias_in_its_own_dataset(
    shop: Shop, project: Path
) -> None:
    write_connector(project, two(shop))
    assert main(["run", "shop", "--as", "europe"]) == 0
    assert main(["run", "shop"]) == 0
    assert [run["alias"] for run in recorded(project, dataset="europe_data")] == ["europe"]
    assert [run["alias"] for run in recorded(project)] == [None]


def test_a_refresh_keeps_the_ledger(shop: Shop, project: Path) -> None:
    write_connector(project, two(shop))
    for options in ([], ["--refresh"], ["--refresh", "--resources", "orders"]):
        assert main(["run", "shop", *options]) == 0
    assert [len(run["resources"]) for run in recorded(project)] == [2, 2, 1]


def test_no_spelling_of_a_secret_and_no_odd_character_is_stored(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"secrets": {"token": {}}, **shop.connector(orders=None, lines=None, notes=None)}
    body["client"]["headers"] = {"X-Token": "{secrets.token}"}
    write_connector(project, body)
    monkeypatch.setenv("SOURCES__TOKEN", CANARY)
    forms = (CANARY, quote(CANARY, safe=""), b64encode(CANARY.encode()).decode())
    told = f"tokens {' or '.join(forms)}, {CANARY[:9]}\0{CANARY[9:]} \ud800 are wrong"
    shop.answers["/customers"] = Answer(400, {"message": told})
    assert main(["run", "shop"]) == 1
    [run] = recorded(project)
    assert "tokens *** or *** or ***" in run["error"]
    assert run["error"] == run["resources"][0]["error"]
    content = b"".join(path.read_bytes() for path in project.glob("shop.duckdb*"))
    for form in (*forms, CANARY[9:]):
        assert form.encode() not in content


def test_an_older_ledger_gets_the_columns_that_it_lacks(shop: Shop, project: Path) -> None:
    write_connector(project, two(shop))
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA shop_data")
        connection.execute(f"CREATE TABLE shop_data.{RUNS} (id VARCHAR, started TIMESTAMPTZ)")
        connection.execute(f"INSERT INTO shop_data.{RUNS} VALUES ('old', '2026-01-01 00:00:00Z')")
    assert main(["run", "shop"]) == 0
    old, new = recorded(project)
    assert (old["id"], old["status"], old["resources"]) == ("old", None, [])
    assert (new["status"], new["rows_loaded"], len(new["resources"])) == ("ok", 6, 2)


def test_a_newer_ledger_with_more_columns_is_written(shop: Shop, project: Path) -> None:
    write_connector(project, two(shop))
    assert main(["run", "shop"]) == 0
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(f"ALTER TABLE shop_data.{RESOURCES} ADD COLUMN later VARCHAR")
    assert main(["run", "shop"]) == 0
    assert len(recorded(project)) == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_table_that_cannot_be_written_is_one_warning_and_changes_nothing_else(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    write_connector(project, two(shop))
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA shop_data")
        connection.execute(f"CREATE VIEW shop_data.{RUNS} AS SELECT 1 AS id")
    assert main(["run", "shop", "--format", form]) == 0
    out, said = capsys.readouterr()
    assert said.count("[ledger-not-written]") == 1
    assert "warning: the run is not recorded: " in said
    if form == "json":
        assert [one["code"] for one in json.loads(out)["warnings"]] == ["ledger-not-written"]
    assert {name: len(rows) for name, rows in everything(project).items()} == {
        "customers": 3, "orders": 3,
    }  # fmt: skip
    shop.answers["/customers"] = Answer(400)
    assert main(["run", "shop"]) == 1


def test_a_bug_of_the_ledger_itself_ends_no_run(
    shop: Shop,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(CANARY)

    write_connector(project, two(shop))
    monkeypatch.setattr("framework.ledger.ledger_writer.ledger_rows", broken)
    assert main(["run", "shop"]) == 0
    out, said = capsys.readouterr()
    assert "[ledger-not-written]" in said
    assert "shop: ok" in out


def test_of_two_runs_at_once_each_has_a_row(shop: Shop, project: Path) -> None:
    write_connector(project, two(shop))
    asked, go_on = threading.Event(), threading.Event()

    def slow(asked_for: Asked) -> Any:
        asked.set()
        go_on.wait(60)
        return shop._answer(asked_for)

    shop.web.on("/orders", slow)
    with command(project, "run", "shop") as first:
        assert asked.wait(60)
        with command(project, "run", "shop", called="second") as second:
            second.wait_for("waiting for another run")
            go_on.set()
            assert (first.ended()[0], second.ended()[0]) == (0, 0)
    assert [run["status"] for run in recorded(project)] == ["ok", "ok"]


def test_a_replay_has_a_ledger_and_a_test_of_the_cassette_has_none(project: Path) -> None:
    assert main(["run", "scheduling", "--replay", "-q"]) == 0
    [run] = recorded(project, "scheduling_replay", "scheduling_data")
    assert (run["connector"], run["status"]) == ("scheduling", "ok")
    (project / "scheduling_replay.duckdb").unlink()
    assert main(["test", "scheduling"]) == 0
