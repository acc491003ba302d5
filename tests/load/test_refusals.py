"""What dlt or the destination refuses fails its own resource; all others are loaded in the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.run_verbs import codes, connector_of, later, load, statuses, tables, values
from tests.support.servers.web import Web
from tests.support.shop import Shop

Change = dict[str, Any]
TABLE = (
    "create or replace table shop_data.{name} (id bigint check (id < 100), name varchar, "
    '"at" timestamptz, _dlt_load_id varchar not null, _dlt_id varchar not null unique)'
)


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


def by_a_check(shop: Shop, project: Path, name: str) -> Change:
    """The destination refuses rows while it loads them."""
    with duckdb.connect(project / "shop.duckdb") as database:
        database.execute(TABLE.format(name=name))
    records: Any = getattr(shop, name)
    records.append({**records[-1], "id": 100, "at": "2026-11-29T10:00:00Z"})
    return {}


def by_a_view(shop: Shop, project: Path, name: str) -> Change:
    """The destination has something else in place of the table."""
    with duckdb.connect(project / "shop.duckdb") as database:
        database.execute(f"drop table shop_data.{name}")
        database.execute(f"create view shop_data.{name} as select 1 as id")
    getattr(shop, name)[0]["more"] = 1
    return {}


def by_a_column(shop: Shop, project: Path, name: str) -> Change:
    """The destination refuses to create a column."""
    return {"columns": {"amount": {"data_type": "decimal", "precision": 50, "scale": 2}}}


def by_a_null(shop: Shop, project: Path, name: str) -> Change:
    """dlt refuses a record while it normalizes."""
    getattr(shop, name)[1]["name"] = None
    return {"columns": {"name": {"data_type": "text", "nullable": False}}}


REFUSALS = [by_a_check, by_a_view, by_a_column, by_a_null]


@pytest.mark.parametrize("refuse", REFUSALS)
def test_one_refused_resource_leaves_the_others_loaded_once(
    shop: Shop, project: Path, refuse: Callable[[Shop, Path, str], Change]
) -> None:
    appended = {"write_disposition": "append"}
    load(connector_of(project, shop.connector(lines=appended)), project)
    change = refuse(shop, project, "customers")
    connector = connector_of(project, shop.connector(lines=appended, customers=change))
    shop.orders.append({"id": 4, "at": "2026-11-29T10:00:00Z"})
    shop.lines[4] = [{"id": 41}]
    shop.notes[41] = [{"id": 411}]
    report = load(connector, project, now=later(24 * 7))
    assert report.exit_code == 1
    assert statuses(report) == {
        "customers": "failed", "orders": "ok", "lines": "ok", "notes": "ok",
    }  # fmt: skip
    error = report.resources["customers"].error or ""
    assert error.startswith("customers: ")
    if refuse is by_a_null:
        assert "column `name`" in error
        assert "The first such record is id=2." in error
    assert values(project, "orders") == [1, 2, 3, 4]
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32, 41]
    with tables(project) as found:
        found_loads = found.sql("select status, count(*) from shop_data._dlt_loads group by 1")
    assert found_loads == [(0, 2)]
    # the watermark of the others moved, and nothing is left over
    report = load(connector_of(project, shop.connector(lines=appended)), project, now=later(24 * 8))
    assert report.notes == []
    assert shop.since() == "2026-11-30T12:00:00Z"
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32, 41]


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_refused_parent_keeps_its_watermark_and_its_children_are_skipped(
    shop: Shop, project: Path, refuse: Callable[[Shop, Path, str], Change]
) -> None:
    body = shop.connector(lines={"write_disposition": "append"}, notes=None)
    load(connector_of(project, body), project)
    change = refuse(shop, project, "orders")
    shop.orders.append({"id": 4, "at": "2026-11-29T10:00:00Z", "name": None})
    shop.lines[4], shop.lines[100] = [{"id": 41}], []
    body["resources"][1].update(change)
    report = load(connector_of(project, body), project, now=later(24 * 7))
    assert statuses(report) == {"customers": "ok", "orders": "failed", "lines": "skipped"}
    assert report.resources["lines"].error == "not loaded: orders failed"
    assert ("orders", "watermark-stays") in codes(report)
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32]


@pytest.mark.parametrize("refuse", [by_a_column, by_a_null])
def test_a_refused_refresh_begins_again_in_the_next_run(
    shop: Shop, project: Path, refuse: Callable[[Shop, Path, str], Change]
) -> None:
    body = shop.connector(customers=None, lines=None, notes=None)
    load(connector_of(project, body), project)
    load(connector_of(project, body), project, now=later(24))
    change = refuse(shop, project, "orders")
    refused = {**body, "resources": [{**body["resources"][0], **change}]}
    report = load(connector_of(project, refused), project, now=later(48), refresh=True)
    assert statuses(report) == {"orders": "failed"}
    load(connector_of(project, body), project, now=later(72))
    assert values(project, "orders") == [1, 2, 3]


def test_several_refused_resources_fail_in_one_run(shop: Shop, project: Path) -> None:
    changes = {name: by_a_null(shop, project, name) for name in ("customers", "orders")}
    changes["customers"] |= by_a_column(shop, project, "customers")
    body = shop.connector(**changes, lines=None, notes=None)
    fine = {"name": "fine", "endpoint": {"path": "/fine"}}
    shop.web.on("/fine", {"items": [{"id": 1}]})
    report = load(connector_of(project, {**body, "resources": [*body["resources"], fine]}), project)
    assert statuses(report) == {"customers": "failed", "orders": "failed", "fine": "ok"}
    assert values(project, "fine") == [1]
