"""What is special about Slack's API: refusals with status 200, changes that no list tells of."""

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
from tests.connectors import slack_data as data
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Asked

Json = Any

TALK = ("channels", "messages", "thread_replies", "message_reactions", "reply_reactions")


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with vendor_server("slack") as running:
        yield running


def load(server: VendorServer, *resources: str, days: int = 0, **config: Json) -> Report:
    """Run the connector some days later, and forget what was asked before."""
    server.web.asked.clear()
    return run(
        valid_connector(find_connector("slack")),
        RunOptions(resources=resources, config={**server.settings, **config}),
        server.environment(NOW + timedelta(days=days)),
        lambda _: None,
    )


def asked(server: VendorServer, method: str, param: str) -> list[str | None]:
    """A parameter's value in each first page that was requested of a method."""
    return [
        one.param(param)
        for one in server.web.asked
        if one.path == f"/api/{method}" and one.param("cursor") is None
    ]


def rows(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "slack.duckdb"), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_a_later_run_reads_30_days_of_each_channel_again(
    server: VendorServer, project: Path
) -> None:
    load(server, *TALK)
    assert asked(server, "conversations.history", "channel") == ["C0EXAMPLE1", "C0EXAMPLE2"]
    assert asked(server, "conversations.replies", "ts") == [data.THREAD]
    load(server, *TALK, days=1)
    last = {"C0EXAMPLE1": 1793966400, "C0EXAMPLE2": 1793880000}
    assert asked(server, "conversations.history", "oldest") == [
        str(seconds - 30 * 86400) for seconds in last.values()
    ]
    assert asked(server, "conversations.replies", "ts") == []
    replies = rows(project, "select channel_id, ts, thread_ts from slack_data.thread_replies")
    assert sorted(replies) == [("C0EXAMPLE1", one["ts"], data.THREAD) for one in data.REPLIES]


def test_an_edit_a_reply_and_a_reaction_that_was_taken_back_are_seen(
    server: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(server, *TALK)
    talk = list(data.MESSAGES["C0EXAMPLE1"])
    talk[1] = {**talk[1], "text": "It is shut", "reactions": talk[1]["reactions"][:1]}
    talk[2] = {**talk[2], "reply_count": 4, "latest_reply": "1793966500.000900"}
    monkeypatch.setitem(data.MESSAGES, "C0EXAMPLE1", talk)
    report = load(server, *TALK, days=1)
    assert asked(server, "conversations.replies", "ts") == [data.THREAD]
    edited = rows(project, "select text from slack_data.messages where ts = '1793793600.000200'")
    assert edited == [("It is shut",)]
    assert report.resources["message_reactions"].deleted == 1
    names = rows(project, "select distinct name from slack_data.message_reactions")
    assert names == [("tada",)]


def test_a_channel_that_the_bot_may_not_read_has_no_messages(
    server: VendorServer, project: Path
) -> None:
    report = load(server, "channels", "messages", read_channels="all")
    assert len(asked(server, "conversations.history", "channel")) == 4
    assert (report.resources["messages"].status, report.resources["messages"].rows) == ("ok", 5)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        ({"error": "missing_scope", "needed": "users:read"}, "failed", "the scope users:read"),
        ({"error": "token_revoked"}, "failed", "SOURCES__SLACK__TOKEN"),
        ({"error": "something_new"}, "failed", "something_new"),
        ({"error": "plan_upgrade_required"}, "skipped", "plan"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_refusal_with_status_200_is_seen(
    server: VendorServer, error: Json, status: str, says: str
) -> None:
    server.web.on("/api/users.list", {"ok": False, **error})
    part = load(server, "users").resources["users"]
    assert part.status == status
    assert says in str(part.error or part)


@pytest.mark.usefixtures("project")
def test_more_files_than_slack_has_pages_for_are_read_in_shorter_windows(
    server: VendorServer,
) -> None:
    windows: list[tuple[int, int]] = []

    def files(asked: Asked) -> Json:
        since, until = int(asked.param("ts_from") or 0), int(asked.param("ts_to") or 0)
        windows.append((since, until))
        body = {"ok": True, "files": [], "paging": {"page": 1, "pages": 0}}
        if until - since > 60 * 86_400:
            return {**body, "response_metadata": {"warnings": ["max_page_limit"]}}
        return body

    server.web.on("/api/files.list", files)
    report = load(server, "files", start_date="2026-09-01T00:00:00Z")
    assert report.status == "ok"
    whole, first, second = windows
    assert (first[0], second[1]) == whole
