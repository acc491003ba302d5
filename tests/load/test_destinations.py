"""Destinations: PostgreSQL for real, files, and every way in which one cannot be written."""

from __future__ import annotations

import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.errors import DestinationError, UsageError
from framework.load.report import Report
from tests.support.expected_scheduling import loaded_trees, sorted_trees, tree_of
from tests.support.postgres import CREDENTIALS, address, in_postgres
from tests.support.processes import FORKS
from tests.support.run_verbs import connector_of, later, load, loaded, plain, scheduling, values
from tests.support.servers.raw import refusing
from tests.support.servers.web import Web
from tests.support.shop import Shop
from tests.support.simulator import NOW, TABLES, Simulator, small_world
from tests.support.simulator_truth import is_of, schema_of

REPLACE = {"write_disposition": "replace"}


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


def simple(shop: Shop, folder: Path) -> Any:
    return connector_of(folder, shop.connector(customers=None, lines=None, notes=None))


def test_postgres_holds_the_simulators_data_and_a_second_run_changes_nothing(
    postgres: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, address(postgres))

    def read(api: Simulator) -> Report:
        config = {"base_url": api.base_url, "api_key": "secret"}
        return load(
            scheduling(), project, config=config, destination="postgres", dataset="calendar"
        )

    with Simulator(small_world()) as api:
        report = read(api)
        assert (report.status, report.destination) == ("ok", "postgres")
        assert report.query == "select * from calendar.event_invitees limit 10"
        wanted = {name: api.table(name) for name in TABLES[:6]}
        before = in_postgres(postgres, "calendar")
        for name, records in wanted.items():
            own = {table: rows for table, rows in before.items() if is_of(table, name)}
            schema = schema_of(name)
            got = sorted_trees(loaded_trees(own, name))
            assert got == sorted_trees(tree_of(record, schema) for record in records), name
        assert read(api).status == "ok"
        after = in_postgres(postgres, "calendar")
        assert {name: sorted(map(str, plain(rows))) for name, rows in after.items()} == {
            name: sorted(map(str, plain(rows))) for name, rows in before.items()
        }
        events = [request.query for request in api.asked("/scheduled_events")]
        assert events[-1]["min_start_time"] == f"{NOW - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"


def test_a_postgres_that_refuses_the_login_is_one_message_without_the_password(
    postgres: str, shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIALS, address(postgres, user="stranger"))
    with pytest.raises(DestinationError, match=r'"stranger" does not exist') as caught:
        load(simple(shop, project), project, destination="postgres")
    assert "not-to-be-shown" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert shop.web.asked == []


def test_a_postgres_that_is_not_there_or_does_not_answer_is_one_message(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg2")
    connector = simple(shop, project)
    url = "postgresql://me:not-to-be-shown@127.0.0.1:{}/x?connect_timeout=2"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(CREDENTIALS, url.format(silent.getsockname()[1]))
        with pytest.raises(DestinationError, match=r"cannot open postgres.*timeout") as caught:
            load(connector, project, destination="postgres")
    assert "not-to-be-shown" not in str(caught.value)
    with refusing() as port:
        monkeypatch.setenv(CREDENTIALS, url.format(port))
        with pytest.raises(
            DestinationError, match=f"port {port} failed: Connection refused. Is the"
        ):
            load(connector, project, destination="postgres")
    assert shop.web.asked == []


def test_files_are_parquet_and_append_and_replace(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet

    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(project / "files"))
    append = {"write_disposition": "append"}
    connector = connector_of(
        project, shop.connector(customers=REPLACE, orders=append, lines=None, notes=None)
    )
    report = load(connector, project, destination="filesystem")
    assert (report.status, loaded(report)) == ("ok", {"customers": 3, "orders": 3})
    shop.customers[:] = [{"id": 9, "name": "Only one"}]
    shop.orders[:] = [{"id": 4, "at": "2026-11-24T00:00:00Z"}]
    report = load(connector, project, destination="filesystem", now=later())
    assert shop.since() == "2026-11-23T12:00:00Z"

    def ids(table: str) -> list[int]:
        files = (project / "files" / "shop_data" / table).glob("*.parquet")
        read = [parquet.read_table(file)["id"].to_pylist() for file in files]
        return sorted(value for values in read for value in values)

    assert ids("customers") == [9]
    assert ids("orders") == [1, 2, 3, 4]


def test_files_cannot_merge_and_the_message_says_why(shop: Shop, project: Path) -> None:
    with pytest.raises(DestinationError, match=r"cannot merge: .*customers, orders would hold"):
        load(
            connector_of(project, shop.connector(lines=None, notes=None)),
            project,
            destination="filesystem",
        )
    assert shop.web.asked == []


def _hold(file: str, ready: Any) -> None:
    import duckdb

    with duckdb.connect(file):
        ready.send("held")
        ready.recv()


def test_a_duckdb_file_in_use_is_named_with_who_has_it(shop: Shop, project: Path) -> None:
    connector = simple(shop, project)
    here, there = FORKS.Pipe()
    holder = FORKS.Process(target=_hold, args=(str(project / "shop.duckdb"), there))
    holder.start()
    try:
        assert here.recv() == "held"
        with pytest.raises(DestinationError, match=f"is in use by .*process {holder.pid}"):
            load(connector, project)
        assert shop.web.asked == []
    finally:
        here.send("enough")
        holder.join(30)
        holder.close()
        here.close()
        there.close()
    assert load(connector, project).status == "ok"


def test_a_folder_that_cannot_be_written_is_one_message(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = simple(shop, project)
    (project / "file").write_text("")
    with pytest.raises(DestinationError, match=r"cannot open .*file/shop\.duckdb"):
        load(connector, project / "file")
    monkeypatch.setenv("DLT_DATA_DIR", str(project / "file" / "dlt"))
    with pytest.raises(DestinationError, match="DLT_DATA_DIR"):
        load(connector, project)
    assert shop.web.asked == []


def test_a_file_that_is_no_database_stays_as_it_is(shop: Shop, project: Path) -> None:
    file = project / "shop.duckdb"
    file.write_bytes(b"something else" * 1000)
    with pytest.raises(DestinationError, match="not a valid DuckDB database"):
        load(simple(shop, project), project)
    assert file.read_bytes() == b"something else" * 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "shop"}, "catalog after the file"),
        ({"dataset": "9 lives"}, "letters, digits and _"),
        ({"alias": "Second One"}, "lower-case letters"),
        ({"destination": "duckdbb"}, "no such destination"),
    ],
    ids=["dataset like the file", "no name for a dataset", "no name", "unknown destination"],
)
def test_names_that_cannot_be_are_a_wrong_command_line(
    shop: Shop, project: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(simple(shop, project), project, **options)
    assert shop.web.asked == []


def test_a_destination_without_its_package_or_settings_says_what_is_missing(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = simple(shop, project)
    with pytest.raises(DestinationError, match="configuration lacks credentials"):
        load(connector, project, destination="snowflake")
    monkeypatch.setenv(CREDENTIALS, "postgresql://me@/x")
    with pytest.raises(DestinationError, match="credentials lack host and password"):
        load(connector, project, destination="postgres")
    monkeypatch.setenv(CREDENTIALS, "postgresql://me:x@localhost:54x2/x")
    with pytest.raises(DestinationError, match="a port that is not a number up to 65535"):
        load(connector, project, destination="postgres")
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(project / "lake"))
    for name, package in (("delta", "deltalake"), ("iceberg", "pyiceberg")):
        monkeypatch.setitem(sys.modules, package, None)
        body = shop.connector(customers=None, lines=None, notes=None)
        body["resources"][0]["table_format"] = name
        with pytest.raises(DestinationError, match=rf"pip install 'dlt\[{package}\]'"):
            load(connector_of(project, body), project, destination="filesystem")
    assert shop.web.asked == []
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    for name in [name for name in sys.modules if name.startswith("dlt.destinations.impl.post")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv(CREDENTIALS, "postgresql://me:x@127.0.0.1:9/x")
    with pytest.raises(DestinationError, match="package psycopg2 is not installed"):
        load(connector, project, destination="postgres")


def test_the_query_to_try_names_a_table_that_exists(shop: Shop, project: Path) -> None:
    body = shop.connector(orders=None, lines=None, notes=None)
    part = {"name": "kind", "values": ["Old Ones", "new"]}
    body["resources"][0] |= {"partitions": [part], "table_name": "customers_{partition.kind}"}
    report = load(connector_of(project, body), project)
    assert report.status == "ok"
    assert "from shop_data.customers_old_ones limit" in str(report.query)
    assert values(project, "customers_old_ones") == [1, 2, 3]


def test_duckdb_goes_where_dlts_own_configuration_says(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(project / "mine.duckdb"))
    report = load(simple(shop, project), project)
    assert report.status == "ok"
    assert not (project / "shop.duckdb").exists()
    assert values(project, "orders", name="mine", dataset="shop_data") == [1, 2, 3]
