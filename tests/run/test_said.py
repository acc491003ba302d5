"""What a run says of what did not come, once for each cause, and what it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.run.running import codes, connector_of, later, load
from tests.run.shop import Shop
from tests.servers.web import Web


def list_of(web: Web, **resource: Any) -> dict[str, Any]:
    """A connector with one resource, `things`."""
    endpoint = {"path": "/things", "paginator": "single_page", **resource.pop("endpoint", {})}
    things = {"name": "things", "write_disposition": "append", "endpoint": endpoint, **resource}
    return {"client": {"base_url": web.url}, "resources": [things]}


def test_records_for_which_nothing_is_asked_are_counted(web: Web, project: Path) -> None:
    shop = Shop(web)
    body = shop.connector(lines={"when": "id > `1`"}, notes={"when": "id > `1000`"})
    report = load(connector_of(project, body), project)
    assert report.resources["lines"].not_asked == {"when": 1}
    assert report.resources["notes"].not_asked == {"when": 4}


def test_parents_that_did_not_change_are_counted(web: Web, project: Path) -> None:
    shop = Shop(web)
    orders = {"endpoint": {"incremental": None}}
    body = shop.connector(orders=orders, lines={"only_changed": "at"}, notes=None)
    connector = connector_of(project, body)
    assert load(connector, project).resources["lines"].not_asked == {}
    shop.orders[0]["at"] = "2026-11-20T10:00:00Z"
    report = load(connector, project, now=later())
    assert report.resources["lines"].not_asked == {"only_changed": 2}


def test_a_misspelt_selector_is_one_warning_and_no_place_where_data_would_be(
    web: Web, project: Path
) -> None:
    web.on("/things", {"items": [{"id": 1}], "total": 1})
    paginator = {"type": "offset", "limit": 10, "total_path": "total"}
    endpoint = {"data_selector": "itms", "paginator": paginator}
    connector = connector_of(project, list_of(web, endpoint=endpoint))
    report = load(connector, project)
    assert codes(report) == [("things", "selector-no-match")]
    assert (report.where, report.query) == (None, None)


def test_where_older_rows_are_is_said_as_such(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1}])
    connector = connector_of(project, list_of(web))
    first = load(connector, project)
    assert first.where is not None
    web.on("/things", [])
    assert load(connector, project).where == f"{first.where}, as before: this run loaded no row"
