"""Which watermark a run moves, and what it loads again: selection, refresh, limit, lost files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from framework.errors import UsageError
from tests.support.run_verbs import (
    codes,
    connector_of,
    everything,
    later,
    load,
    loaded,
    statuses,
    tables,
    values,
    warnings_of,
)
from tests.support.servers.web import Answer, Web
from tests.support.shop import Shop

START = "2020-01-01T00:00:00Z"
FIRST = "2026-11-23T12:00:00Z"


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


def test_a_parent_alone_keeps_its_watermark_for_the_child_and_says_so(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    report = load(connector, project, "orders")
    assert (report.status, codes(report)) == ("ok", [("orders", "watermark-stays")])
    assert "lines" in warnings_of(report, "orders")[0].message
    load(connector, project, "orders", "lines", now=later())
    assert shop.since() == START
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32]
    load(connector, project, "customers", "orders", now=later(48))
    assert shop.since() == "2026-11-24T12:00:00Z"
    load(connector, project, now=later(72))
    assert shop.since() == "2026-11-24T12:00:00Z"


def test_a_clock_that_was_set_back_hides_no_state(shop: Shop, project: Path) -> None:
    appended = {"write_disposition": "append"}
    body = shop.connector(customers=None, orders=appended, lines=None, notes=None)
    body["resources"][0]["endpoint"]["incremental"].pop("watermark")
    connector = connector_of(project, body)
    load(connector, project)
    with duckdb.connect(project / "shop.duckdb") as database:
        # as if the machine's clock had been a day ahead then
        for table, column in (("_dlt_loads", "load_id"), ("_dlt_pipeline_state", "_dlt_load_id")):
            ahead = f"cast(cast({column} as double) + 86400 as text)"
            database.execute(f"update shop_data.{table} set {column} = {ahead}")
    for number in (4, 5):
        shop.orders.append({"id": number, "at": f"2026-11-{20 + number}T10:00:00Z"})
        assert loaded(load(connector, project, now=later())) == {"orders": 1}
        assert loaded(load(connector, project, now=later(48))) == {"orders": 0}
    assert values(project, "orders") == [1, 2, 3, 4, 5]


def test_a_child_that_no_run_selects_by_itself_holds_nothing_back(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector(lines={"selected": False}, notes=None))
    assert codes(load(connector, project, "orders")) == []
    load(connector, project, "orders", now=later())
    assert shop.since() == FIRST


def test_a_child_alone_reads_its_parent_without_loading_or_moving_it(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    report = load(connector, project, "lines")
    assert loaded(report) == {"lines": 6}
    assert report.resources["lines"].requests == 1 + 3
    with tables(project) as found:
        assert found.names() == {"lines"}
    load(connector, project, now=later())
    assert shop.since() == START
    assert values(project, "orders") == [1, 2, 3]


def test_a_grandchild_alone_asks_for_every_list_once(shop: Shop, project: Path) -> None:
    report = load(connector_of(project, shop.connector()), project, "customers", "notes")
    assert loaded(report) == {"customers": 3, "notes": 12}
    paths = shop.web.paths()
    assert len(paths) == len(set(paths)) == 1 + 1 + 3 + 6


def test_refresh_drops_and_loads_only_what_is_selected(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    load(connector, project)
    shop.customers[:] = [{"id": 9, "title": "other columns"}]
    del shop.orders[0]
    del shop.lines[1]
    report = load(connector, project, "customers", refresh=True, now=later())
    assert loaded(report) == {"customers": 1}
    with tables(project) as found:
        assert set(found.columns("customers")) == {"id", "title"}
    assert values(project, "orders") == [1, 2, 3]

    report = load(connector, project, "orders", "lines", refresh=True, now=later())
    assert shop.since() == START
    assert values(project, "orders") == [2, 3]
    assert values(project, "lines") == [21, 22, 31, 32]
    assert values(project, "customers") == [9]
    load(connector, project, now=later(48))
    assert shop.since() == "2026-11-24T12:00:00Z"


def test_a_refresh_that_fails_leaves_the_old_rows_and_state(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    load(connector, project)
    before = everything(project)
    shop.answers.update({"/customers": Answer(500), "/orders/3/lines": Answer(500)})
    shop.orders[0]["changed"] = 1
    report = load(connector, project, refresh=True, now=later())
    assert statuses(report) == {"customers": "failed", "orders": "ok", "lines": "failed"}
    after = everything(project)
    assert after.pop("orders") != before.pop("orders")
    assert after == before
    shop.answers.clear()
    load(connector, project, now=later(48))
    assert shop.since() == START  # the lines of all orders are still to be loaded anew


def test_limit_is_so_many_records_and_the_children_of_those(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    report = load(connector, project, limit=2)
    assert loaded(report) == {"customers": 2, "orders": 2, "lines": 2}
    assert values(project, "orders") == [1, 2]
    assert values(project, "lines") == [11, 12]
    assert codes(report) == []
    assert not shop.asked("/orders/3/lines")
    load(connector, project, now=later(), limit=3)
    assert shop.since() == START
    # a whole run after it starts at the beginning
    report = load(connector, project, now=later())
    assert shop.since() == START
    assert loaded(report) == {"customers": 3, "orders": 3, "lines": 6}
    with pytest.raises(UsageError, match="unlimited run"):
        load(connector, project, limit=2)
    load(connector, project, limit=1, dataset="trial")
    assert values(project, "orders", dataset="trial") == [1]


def test_append_after_a_limit_is_refused_until_refreshed(shop: Shop, project: Path) -> None:
    append = {"write_disposition": "append"}
    connector = connector_of(
        project, shop.connector(customers=append, orders=None, lines=None, notes=None)
    )
    load(connector, project, limit=2)
    with pytest.raises(UsageError, match="customers"):
        load(connector, project)
    load(connector, project, refresh=True)
    assert values(project, "customers") == [1, 2, 3]
    load(connector, project)
    assert values(project, "customers") == [1, 1, 2, 2, 3, 3]


def test_a_limited_refresh_of_a_whole_dataset_is_made_whole_by_the_next_run(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector(lines=None, notes=None))
    load(connector, project)
    with pytest.raises(UsageError, match="unlimited run"):
        load(connector, project, "orders", refresh=True, limit=1)
    report = load(connector, project, refresh=True, limit=1, now=later())
    assert loaded(report) == {"customers": 1, "orders": 1}
    assert codes(report) == [("customers", "refresh-limited"), ("orders", "refresh-limited")]
    assert values(project, "orders") == [1]
    load(connector, project, now=later(48))
    assert shop.since() == START
    assert values(project, "orders") == [1, 2, 3]


def test_a_deleted_file_is_loaded_anew(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    load(connector, project)
    before = everything(project)
    (project / "shop.duckdb").unlink()
    report = load(connector, project, now=later())
    assert shop.since() == START
    assert (report.status, report.notes) == ("ok", [])
    assert everything(project) == before


def test_datasets_files_and_aliases_have_a_state_each(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector(customers=None, lines=None, notes=None))
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    load(connector, project, now=later(0))
    ways: list[tuple[Path, dict[str, str]]] = [
        (project, {"dataset": "other"}),
        (project, {"alias": "second"}),
        (elsewhere, {}),
    ]
    for number, (folder, options) in enumerate(ways, 1):
        load(connector, folder, now=later(number), **options)
        assert shop.since() == START, options
    for dataset in ("shop_data", "other", "second_data"):
        assert values(project, "orders", dataset=dataset) == [1, 2, 3]
    load(connector, project, now=later(24))
    assert shop.since() == FIRST


def test_the_watermark_stays_where_the_lag_puts_it(shop: Shop, project: Path) -> None:
    incremental = {
        "cursor_path": "at", "start_param": "since", "initial_value": START, "lag": "P2D",
    }  # fmt: skip
    by_cursor = {"endpoint": {"incremental": incremental}}
    connector = connector_of(
        project, shop.connector(customers=None, orders=by_cursor, lines=None, notes=None)
    )
    shop.orders[0]["at"] = "2026-12-30T00:00:00Z"  # the greatest cursor lies in the future
    load(connector, project)
    load(connector, project, now=later())
    assert shop.since() == "2026-12-28T00:00:00Z"
