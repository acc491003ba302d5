"""What is special about the connector `sentry`: last pages, later runs, and refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.events import Event
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import sentry_api
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server

pytestmark = pytest.mark.usefixtures("project")
OF_ORGANIZATION = "/api/0/organizations/acme-example"


def load(server: VendorServer, *resources: str, days: int = 0, **config: Any) -> Report:
    server.web.asked.clear()
    options = RunOptions(resources=resources, config={**server.settings, **config})
    environment = server.environment(NOW + timedelta(days=days))
    events: list[Event] = []
    return run(valid_connector(find_connector("sentry")), options, environment, events.append)


def queries(server: VendorServer, path: str) -> list[dict[str, str]]:
    wanted = f"{OF_ORGANIZATION}/{path}/"
    return [dict(asked.query) for asked in server.web.asked if asked.path == wanted]


def test_the_next_page_is_always_linked_and_results_say_if_it_has_any() -> None:
    with vendor_server("sentry") as server:
        report = load(server, "issues")
        pages = queries(server, "issues")
        load(server, "issues", days=1)
        [again] = queries(server, "issues")
    assert [one.get("cursor") for one in pages] == [None, "0:1:0"]
    assert report.resources["issues"].rows == 3
    assert again["query"] == "lastSeen:>=2026-11-20T10:00:00Z"  # the last event, less the lag


def test_all_issues_are_read_once_a_week() -> None:
    with vendor_server("sentry") as server:
        since = []
        for days in (0, 8):
            load(server, "issues", days=days)
            since.append(queries(server, "issues")[0]["query"])
    assert since == [
        "lastSeen:>=2026-09-25T00:00:00Z",
        "lastSeen:>=2026-09-25T00:00:00Z",
    ]


def test_counts_are_a_row_a_day_and_begin_when_sentry_still_has_them() -> None:
    with vendor_server("sentry") as server:
        load(server, "event_counts", start_date="2020-01-01T00:00:00Z")
        windows = [(one["start"], one["end"]) for one in queries(server, "stats_v2")]
    assert windows[0] == ("2026-08-22T00:00:00Z", "2026-09-21T00:00:00Z")
    assert windows[-1][1] == "2026-11-20T00:00:00Z"
    with duckdb.connect("sentry.duckdb", read_only=True) as connection:
        rows = connection.sql(
            "select category, outcome, quantity from sentry_data.event_counts "
            "where day = '2026-11-03 00:00+00' order by outcome"
        ).fetchall()
    assert rows == [("error", "accepted", 103), ("error", "rate_limited", 3)]


def test_a_project_that_the_token_may_not_read_does_not_hide_the_others() -> None:
    refused = sentry_api.refused(403, "You do not have permission to perform this action.")
    with vendor_server("sentry") as server:
        server.web.on("/api/0/projects/acme-example/web/user-feedback/", refused)
        report = load(server, "user_feedback")
    assert report.status == "ok"
    assert report.resources["user_feedback"].rows == 2  # on an unresolved and on a resolved issue


def test_a_missing_scope_skips_and_an_unknown_organization_fails() -> None:
    refused = sentry_api.refused(403, "You do not have permission to perform this action.")
    with vendor_server("sentry") as server:
        server.web.on(f"{OF_ORGANIZATION}/members/", refused)
        skipped = load(server, "members").resources["members"]
        failed = load(server, "teams", organization="nobody-example")
    assert skipped.status == "skipped"
    assert "do not have permission" in str(skipped.error)
    assert failed.status == "failed"
    assert "base_url" in str(failed.resources["teams"].error)
