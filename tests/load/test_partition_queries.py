"""Partitions from queries on a destination: what they give, what they refuse, recorded and not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from framework import source
from framework.authoring.cassettes.cassette import cassette_path, read_cassette
from framework.authoring.cassettes.recorder import record
from framework.authoring.cassettes.replayer import recorded_query
from framework.authoring.cassettes.snapshot import test_connector as replay_test
from framework.cli.main import main
from framework.definition.model import Connector
from framework.errors import CassetteError, DestinationError, FrameworkError, RecordError
from framework.events import ignore_event
from framework.load.partition_queries import query_of
from framework.load.run_options import RunOptions
from framework.runtime.environment import Environment, StopSignal
from tests.support.postgres import CREDENTIALS, address, execute
from tests.support.run_verbs import NOW, Heard, connector_of, load, loaded, statuses
from tests.support.servers.web import Web

Json = Any
QUERY = "SELECT DISTINCT mail FROM crm_data.customers ORDER BY mail"


def body(web: Web, query: str = QUERY, **client: Json) -> Json:
    return {
        "client": {"base_url": web.url, "paginator": "single_page", **client},
        "resources": [
            {
                "name": "orders",
                "primary_key": "id",
                "write_disposition": "merge",
                "partitions": [{"name": "customer", "query": query}],
                "endpoint": {
                    "path": "/customers/{partition.customer}/orders",
                    "params": {"mail": "{partition.customer}"},
                    "data_selector": "items",
                },
            }
        ],
    }


def fill(project: Path, *statements: str) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA crm_data")
        connection.execute("CREATE TABLE crm_data.customers (mail TEXT, born DATE)")
        connection.execute(
            "INSERT INTO crm_data.customers VALUES ('greta@film.example.org', '1905-09-18'), "
            "('ingrid@film.example.org', NULL), ('greta@film.example.org', NULL), (NULL, NULL)"
        )
        for statement in statements:
            connection.execute(statement)


def serve(web: Web) -> None:
    web.on(
        "/customers/{mail}/orders",
        lambda asked: {"items": [{"id": len(asked.parts["mail"]), "of": asked.param("mail")}]},
    )


def values(connector: Connector, sql: str, project: Path, **options: Json) -> Sequence[Json]:
    return query_of(connector, RunOptions(folder=project, **options))("orders.customer", sql)


def test_a_run_asks_once_for_each_value_of_another_connectors_table(
    web: Web, project: Path
) -> None:
    serve(web)
    fill(project)
    connector = connector_of(project, body(web))
    assert loaded(load(connector, project)) == {"orders": 2}
    assert loaded(load(connector, project)) == {"orders": 2}  # its own file exists, and tables
    asked = ["greta@film.example.org"] * 2 + ["ingrid@film.example.org"] * 2
    assert sorted(one.parts["mail"] for one in web.asked) == asked


def test_values_become_json(web: Web, project: Path) -> None:
    fill(project)
    connector = connector_of(project, body(web))
    for sql, expected in {
        "SELECT 7": [7],
        "SELECT 7.50": ["7.50"],
        "SELECT CAST(7 AS DECIMAL(38, 0))": [7],
        "SELECT true": [True],
        "SELECT born FROM crm_data.customers WHERE born IS NOT NULL": ["1905-09-18"],
        "SELECT TIMESTAMP '2026-01-02 03:04:05'": ["2026-01-02T03:04:05Z"],
        "SELECT CAST('00000000-0000-4000-8000-000000000001' AS UUID)": [
            "00000000-0000-4000-8000-000000000001"
        ],
        "SELECT NULL": [],
        "-- why\nWITH x AS (SELECT 1 AS a) SELECT a FROM x UNION SELECT 1": [1],
    }.items():
        assert values(connector, sql, project) == expected


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM crm_data.customers", "found DELETE in the query"),
        ("WITH x AS (SELECT 1) DELETE FROM crm_data.customers", "found DELETE"),
        ("SELECT 1; DROP TABLE crm_data.customers", "found SELECT and DROP"),
        ("SELECT mail INTO crm_data.more FROM crm_data.customers", "found INTO"),
        ("COPY crm_data.customers TO 'customers.csv'", "found COPY"),
        ("SELEC mail", "expected one SELECT"),
        ("SELECT * FROM crm_data.customers", "has 2 columns, expected one"),
        ("SELECT name FROM crm_data.customers", 'cannot query .*: .*column "name" not found'),
        ("SELECT id FROM crm_data.people", "people does not exist. Load the table first"),
        ("SELECT id FROM erp.people", "Load the table first; that of another connector is"),
        ("SELECT [1]", "found a value of type list"),
        ("SELECT * FROM read_csv('/etc/hostname')", "cannot query"),
        ("SELECT CAST(mail AS INT) FROM crm_data.customers", "Conversion Error"),
    ],
)
def test_what_is_not_a_list_of_values_is_refused(
    sql: str, said: str, web: Web, project: Path
) -> None:
    fill(project)
    with pytest.raises((RecordError, DestinationError), match=said) as caught:
        values(connector_of(project, body(web)), sql, project)
    assert str(caught.value).startswith("orders: partition customer: ")
    assert "greta" not in str(caught.value)
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM crm_data.customers").fetchone() == (4,)


def test_a_file_or_a_destination_that_has_no_tables(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connector_of(project, body(web))
    with pytest.raises(DestinationError, match=r"no such file\. Load the table first"):
        values(connector, QUERY, project)
    assert not (project / "shop.duckdb").exists()
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", (project / "lake").as_uri())
    with pytest.raises(RecordError, match="found the destination filesystem, which has no SQL"):
        values(connector, QUERY, project, destination="filesystem")


def test_a_query_that_fails_is_the_failure_of_its_resource(web: Web, project: Path) -> None:
    web.on("/plain", lambda _: {"items": [{"id": 1}]})
    both = body(web)
    both["resources"].append(
        {
            "name": "plain",
            "write_disposition": "replace",
            "endpoint": {"path": "/plain", "data_selector": "items"},
        }
    )
    report = load(connector_of(project, both), project)
    assert statuses(report) == {"orders": "failed", "plain": "ok"}
    assert "Load the table first" in str(report.resources["orders"].error)


def test_in_postgres_the_transaction_is_read_only(
    web: Web, project: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(web)
    execute(
        postgres,
        "DROP SCHEMA IF EXISTS crm_data CASCADE",
        "CREATE SCHEMA crm_data",
        "CREATE TABLE crm_data.customers (mail TEXT)",
        "INSERT INTO crm_data.customers VALUES ('greta@film.example.org')",
        "CREATE FUNCTION crm_data.emptied() RETURNS TEXT LANGUAGE SQL AS "
        "'DELETE FROM crm_data.customers RETURNING mail'",
    )
    monkeypatch.setenv(CREDENTIALS, address(postgres))
    connector = connector_of(project, body(web))
    into = {"destination": "postgres", "dataset": "queried"}
    for sql, said in {
        "WITH x AS (DELETE FROM crm_data.customers RETURNING mail) SELECT mail FROM x": "DELETE",
        "SELECT crm_data.emptied()": "read-only transaction",
        "SELECT id FROM crm_data.customers": 'column "id" does not exist',
        "SELECT id FROM crm_data.people": 'relation "crm_data.people" does not exist. Load',
    }.items():
        with pytest.raises((RecordError, DestinationError), match=said):
            values(connector, sql, project, **into)
    like = "SELECT mail FROM crm_data.customers WHERE mail LIKE 'greta%'"
    for sql in (QUERY, like):
        assert values(connector, sql, project, **into) == ["greta@film.example.org"]
    assert loaded(load(connector, project, **into)) == {"orders": 1}
    monkeypatch.chdir(project)
    assert main(["record", "shop", "-q", "--destination", "postgres", "--dataset", "queried"]) == 0
    queries = read_cassette(cassette_path(connector), "shop").queries
    assert queries == {"orders.customer": ["person1@example.com"]}


def test_a_source_reads_where_its_pipeline_loads_to(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(web)
    fill(project)
    connector_of(project, body(web))
    monkeypatch.chdir(project)
    destination = dlt.destinations.duckdb(str(project / "shop.duckdb"))
    pipeline = dlt.pipeline("own", destination=destination, dataset_name="mine")
    pipeline.run(source("shop"))
    with pipeline.sql_client() as client:
        assert client.execute_sql("SELECT count(*) FROM orders") == [(2,)]


@pytest.fixture
def recorded(web: Web, project: Path, monkeypatch: pytest.MonkeyPatch) -> Connector:
    serve(web)
    fill(project)
    monkeypatch.chdir(project)
    connector = connector_of(project, body(web))
    record(
        connector,
        resources=None,
        config={},
        alias=None,
        limit=None,
        environment=Environment(now=NOW, waits=False),
        on_event=ignore_event,
    )
    return connector


def test_a_recording_has_the_values_scrubbed_and_plays_without_the_destination(
    recorded: Connector, web: Web, project: Path
) -> None:
    text = cassette_path(recorded).read_text()
    assert "greta" not in text
    assert "ingrid" not in text
    queries = read_cassette(cassette_path(recorded), "shop").queries
    assert queries == {"orders.customer": ["person1@example.com", "person2@example.com"]}
    (project / "shop.duckdb").unlink()
    asked = len(web.asked)
    result = replay_test(recorded, update=True, stop=StopSignal())
    assert (result.problems, result.rows) == ((), 2)
    assert main(["run", "shop", "--replay", "-q"]) == 0
    assert len(web.asked) == asked
    with pytest.raises(CassetteError, match=r"no values for the query of orders\.other"):
        recorded_query(recorded)("orders.other", "")


def test_commands_know_the_values_or_say_that_they_do_not(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(web)
    fill(project)
    monkeypatch.chdir(project)
    connector = connector_of(project, body(web))
    assert main(["show", "shop"]) == 0
    assert QUERY in capsys.readouterr().out
    assert main(["preview", "shop", "orders", "--format", "json"]) == 0
    assert "greta@film.example.org" in capsys.readouterr().out
    assert main(["check", "shop"]) == 0
    assert main(["check", "shop", "--dataset", "elsewhere", "--deep"]) in (0, 1)
    capsys.readouterr()
    with pytest.raises(FrameworkError, match="a mock has those of the cassette: there is no"):
        recorded_query(connector)("orders.customer", QUERY)
    environment = replace(Environment(now=NOW, waits=False), query=recorded_query(connector))
    report = load(connector, project, environment=environment, on_event=Heard())
    assert "record" in str(report.resources["orders"].error)
