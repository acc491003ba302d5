"""What is special about Notion's API: queries and searches by POST, blocks inside blocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import notion_api as api
from tests.connectors import notion_data as data
from tests.connectors.recording import copy_project
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer

Json = Any

ROWS = ("data_sources", "data_source_pages", "page_properties")


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with vendor_server("notion") as running:
        yield running


def load(server: VendorServer, *resources: str, days: int = 0, file: str = "notion") -> Report:
    """Run the connector some days later, and forget what was asked before."""
    server.web.asked.clear()
    return run(
        valid_connector(find_connector(file)),
        RunOptions(resources=resources, config=server.settings),
        server.environment(NOW + timedelta(days=days)),
        lambda _: None,
    )


def queried(server: VendorServer) -> list[str]:
    """From which time on each query of a data source began."""
    return [
        one.json()["filter"]["last_edited_time"]["on_or_after"]
        for one in server.web.asked
        if one.path.endswith("/query") and "start_cursor" not in one.json()
    ]


def rows(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "notion.duckdb"), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_a_later_run_asks_each_data_source_for_edits_and_once_a_week_for_all(
    server: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(server, *ROWS)
    monkeypatch.setitem(data.ROWS, data.TASKS, data.ROWS[data.TASKS][1:])
    report = load(server, *ROWS, days=1)
    assert sorted(queried(server)) == ["2026-11-06T09:55:00Z", "2026-11-10T09:55:00Z"]
    assert report.resources["data_source_pages"].deleted == 0
    report = load(server, *ROWS, days=8)
    assert queried(server) == ["2016-01-01T00:00:00Z"] * 2
    assert report.resources["data_source_pages"].deleted == 1
    (gone,) = rows(
        project,
        "select title_text from notion_data.data_source_pages where _deleted_at is not null",
    )
    assert gone == ("Dig",)


@pytest.mark.usefixtures("project")
def test_a_query_that_ended_at_its_limit_is_no_whole_list(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_RESULTS", 2)
    part = load(server, "data_sources", "data_source_pages").resources["data_source_pages"]
    assert part.status == "failed"
    assert "10,000" in str(part.error)


def test_more_rows_than_a_query_gives_are_read_by_several(
    server: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_project("notion", project)
    file = project / "connectors" / "notion.yaml"
    file.write_text(file.read_text("utf-8").replace("records: 9900", "records: 2"), "utf-8")
    more = [data.task(90 + day, f"2026-11-{day}T10:00:00.000Z", "More", 0, 1) for day in (11, 12)]
    monkeypatch.setitem(data.ROWS, data.TASKS, data.ROWS[data.TASKS] + more)
    monkeypatch.setattr(api, "MOST_RESULTS", 3)
    monkeypatch.setattr(api, "PAGE", 1)
    report = load(server, "data_sources", "data_source_pages", file=str(file))
    assert report.resources["data_source_pages"].status == "ok"
    assert len(rows(project, "select id from notion_data.data_source_pages")) == 6


def test_values_are_there_by_property_and_as_text(server: VendorServer, project: Path) -> None:
    load(server, *ROWS)
    found = rows(
        project,
        "select p.name, p.text, p.number, p.has_more from notion_data.page_properties p "
        "join notion_data.data_source_pages r on p._data_source_pages_id = r.id "
        "where r.title_text = 'Dig' order by p.name",
    )
    assert found == [
        ("After", None, None, True),
        ("Hours", None, 2.5, None),
        ("State", "Done", None, None),
        ("Task", "Dig", None, None),
        ("Tools", "Spade, Rake", None, None),
    ]


def test_a_search_ends_at_what_an_earlier_run_has_seen(
    server: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(server, "pages", "blocks", "child_blocks", "grandchild_blocks")
    levels = [
        rows(project, f"select type, text, {page} from notion_data.{level} order by type")
        for level, page in (
            ("blocks", "_pages_id"),
            ("child_blocks", "page_id"),
            ("grandchild_blocks", "page_id"),
        )
    ]
    assert levels == [
        [
            ("child_page", "", data.HOME),
            ("heading_1", "Welcome", data.HOME),
            ("toggle", "Beds one", data.HOME),
        ],
        [("divider", "", data.HOME), ("to_do", "Weed", data.HOME)],
        [("paragraph", "With care", data.HOME)],
    ]
    load(server, "pages", "blocks", days=1)
    (water,) = (one["id"] for one in data.ROWS[data.TASKS] if "11-10" in one["last_edited_time"])
    assert server.web.paths() == ["/v1/search", f"/v1/blocks/{water}/children"]


@pytest.mark.parametrize(("resource", "status"), [("users", "skipped"), ("file_uploads", "failed")])
@pytest.mark.usefixtures("project")
def test_a_missing_capability_skips_what_is_optional(
    server: VendorServer, resource: str, status: str
) -> None:
    refusal = {"object": "error", "status": 403, "code": "restricted_resource", "message": "No"}
    server.web.on(f"/v1/{resource}", Answer(403, refusal))
    assert load(server, resource).resources[resource].status == status


@pytest.mark.usefixtures("project")
def test_blocks_that_the_api_does_not_give_are_left_out(server: VendorServer) -> None:
    message = "Block type ai_block is not supported via the API for your bot type."
    refusal = {"object": "error", "status": 400, "code": "validation_error", "message": message}
    server.web.on(f"/v1/blocks/{data.HOME}/children", Answer(400, refusal))
    report = load(server, "pages", "blocks")
    assert report.status == "ok"
