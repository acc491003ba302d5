"""What is special about Jira: searches by milliseconds, bulk requests, fields of the site's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import jira_data as site
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with vendor_server("jira") as running:
        yield running


def load(server: VendorServer, *resources: str, hours: int = 0, **config: Any) -> Report:
    """Run some resources, some hours after the first run."""
    options = RunOptions(resources=resources, config={**server.settings, **config})
    environment = server.environment(NOW + timedelta(hours=hours))
    return run(valid_connector(find_connector("jira")), options, environment, lambda _: None)


def rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("jira.duckdb", read_only=True) as database:
        return database.execute(query).fetchall()


@pytest.mark.usefixtures("project")
def test_the_next_run_searches_from_ten_minutes_before_the_last_update(
    server: VendorServer,
) -> None:
    resources = ("issues", "issue_comments", "issue_changelogs", "updated_worklogs", "worklogs")
    load(server, *resources)
    del server.web.asked[:]
    assert load(server, *resources, hours=1).status == "ok"
    asked = {one.path: one for one in server.web.asked}
    since = site.stamp("2026-11-10T08:50:00")
    jql = unquote_plus(asked["/rest/api/3/search/jql"].param("jql") or "")
    assert jql == f"(project is not EMPTY) AND updated >= {since} ORDER BY updated ASC"
    since = site.stamp("2026-11-09T10:55:00")
    assert asked["/rest/api/3/worklog/updated"].param("since") == str(since)
    assert asked["/rest/api/3/worklog/list"].json() == {"ids": [10603]}
    # Only what the search found is read again.
    assert asked["/rest/api/3/changelog/bulkfetch"].json()["issueIdsOrKeys"] == ["10012"]
    assert "/rest/api/3/issue/10011/comment" not in asked


@pytest.mark.usefixtures("project")
def test_histories_and_worklogs_are_read_in_bulk(server: VendorServer) -> None:
    load(server, "issue_changelogs", "worklogs")
    bodies = [one.json() for one in server.web.asked if one.method == "POST"]
    assert [one["issueIdsOrKeys"] for one in bodies if "issueIdsOrKeys" in one] == [
        ["10010", "10011", "10012"],
    ] * 3  # pages, two of which have changes of one issue
    assert [one["ids"] for one in bodies if "ids" in one] == [[10601, 10602, 10603]]
    found = rows("SELECT id, issue_id, created FROM jira_data.issue_changelogs ORDER BY id")
    assert [one[:2] for one in found] == [
        ("10501", "10011"),
        ("10502", "10011"),
        ("10503", "10012"),
    ]
    assert found[0][2].timestamp() * 1000 == site.stamp("2026-11-01T08:00:00")


@pytest.mark.usefixtures("project")
def test_fields_of_the_site_have_columns_of_their_types(server: VendorServer) -> None:
    load(server, "issues", jql="project = SHOP")
    (found,) = rows(
        "SELECT customfield_10016, customfield_10020, customfield_10031, customfield_10032,"
        " epoch_ms(customfield_10033), comment_count FROM jira_data.issues WHERE key = 'SHOP-11'"
    )
    points, sprints, steps, customer, reviewed, comments = found
    assert (points, customer, comments) == (3.0, "Northwind", 2)
    assert '"name":"Shop 1"' in sprints
    assert "Pay with a card." in steps
    assert reviewed == site.stamp("2026-11-03T12:00:00")
    assert rows("SELECT count(*) FROM jira_data.issues") == [(2,)]


@pytest.mark.usefixtures("project")
def test_a_wrong_token_is_seen_where_the_public_may_read(server: VendorServer) -> None:
    public = Answer(200, [], {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    server.web.on("/rest/api/3/field", public)
    report = load(server, "fields")
    assert "SOURCES__JIRA__API_TOKEN" in (report.resources["fields"].error or "")


@pytest.mark.usefixtures("project")
def test_boards_without_sprints_have_none_and_refused_lists_are_skipped(
    server: VendorServer,
) -> None:
    message = {"errorMessages": ["You are not authorized to view these users."]}
    server.web.on("/rest/api/3/users/search", Answer(403, message))
    report = load(server, "boards", "sprints", "users")
    assert report.resources["sprints"].status == "ok"
    assert report.resources["users"].status == "skipped"
    assert rows("SELECT id, origin_board_id FROM jira_data.sprints ORDER BY id") == [
        (37, 1),
        (38, 1),
    ]
    asked = sorted(path for path in server.web.paths() if path.endswith("/sprint"))
    assert asked == [f"/rest/agile/1.0/board/{number}/sprint" for number in (1, 2, 4)]


@pytest.mark.usefixtures("project")
def test_a_scope_that_the_token_lacks_skips_only_what_needs_it(server: VendorServer) -> None:
    refused = {"code": 401, "message": "Unauthorized; scope does not match"}
    server.web.on("/rest/agile/1.0/board", Answer(401, refused))
    report = load(server, "boards", "sprints", "projects")
    assert report.resources["boards"].status == "skipped"
    assert report.resources["projects"].status == "ok"
    assert report.status != "failed"


@pytest.mark.usefixtures("project")
def test_a_board_without_sprints_may_say_it_in_other_words(server: VendorServer) -> None:
    message = {"errorMessages": ["The board doesn't support sprints."]}
    server.web.on("/rest/agile/1.0/board/{board}/sprint", Answer(400, message))
    assert load(server, "boards", "sprints").resources["sprints"].status == "ok"
