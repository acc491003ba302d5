"""Ranges that are read again: what they would double or lose is refused before any request."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import UsageError
from tests.support.run_verbs import connector_of, later, load, loaded, tables, values
from tests.support.servers.web import Web
from tests.support.shop import Shop


@pytest.fixture
def shop(web: Web) -> Shop:
    return Shop(web)


@pytest.mark.parametrize("disposition", ["append", "replace"])
def test_what_would_double_or_lose_rows_is_refused(
    shop: Shop, project: Path, disposition: str
) -> None:
    connector = connector_of(
        project, shop.connector(lines={"write_disposition": disposition}, notes=None)
    )
    with pytest.raises(UsageError, match=f"lines {disposition}s"):
        load(connector, project, since="2026-01-01")
    assert shop.web.asked == []
    assert "orders" in loaded(load(connector, project, "customers", "orders", since="2026-01-01"))


def test_a_range_that_would_retire_all_other_rows_is_refused(shop: Shop, project: Path) -> None:
    scd2 = {"disposition": "merge", "strategy": "scd2"}
    connector = connector_of(project, shop.connector(lines={"write_disposition": scd2}, notes=None))
    with pytest.raises(UsageError, match=r"lines keeps versions of rows \(scd2\) and retires"):
        load(connector, project, since="2026-01-01")
    assert shop.web.asked == []


def test_a_range_of_versions_with_a_merge_key_retires_no_other_row(
    shop: Shop, project: Path
) -> None:
    scd2 = {
        "write_disposition": {"disposition": "merge", "strategy": "scd2"},
        "merge_key": "id",
    }
    connector = connector_of(project, shop.connector(lines=scd2, notes=None))
    load(connector, project)
    load(connector, project, since="2026-11-03", now=later())
    assert len(shop.asked("/orders/3/lines")) == 2
    assert len(shop.asked("/orders/1/lines")) == 1
    with tables(project) as found:
        assert [row["_dlt_valid_to"] for row in found.rows("lines")] == [None] * 6


def test_a_range_needs_an_incremental_and_no_refresh(shop: Shop, project: Path) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    with pytest.raises(UsageError, match="incremental"):
        load(connector, project, "customers", until="2026-01-01")
    with pytest.raises(UsageError, match="--refresh"):
        load(connector, project, since="2026-01-01", refresh=True)
    assert shop.web.asked == []


def test_a_range_moves_no_watermark_and_asks_for_the_children_of_all_it_finds(
    shop: Shop, project: Path
) -> None:
    connector = connector_of(project, shop.connector(notes=None))
    load(connector, project)
    before = shop.since()
    load(connector, project, since="2025-06-01", now=later())
    assert shop.since() == "2025-06-01T00:00:00Z"
    assert values(project, "lines") == [11, 12, 21, 22, 31, 32]
    load(connector, project, now=later(48))
    assert shop.since() == "2026-11-23T12:00:00Z"
    assert before == "2020-01-01T00:00:00Z"
