"""Against the simulator: every table equals its own data, row by row and type by type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.load.report import Report
from tests.support.run_verbs import (
    NOW,
    codes,
    everything,
    later,
    load,
    loaded,
    scheduling,
    statuses,
    tables,
)
from tests.support.simulator import TABLES, Record, Reply, Simulator, Token, last_part, small_world
from tests.support.simulator_truth import assert_tables_are

DEFAULT = TABLES[:6]
CELESTE = Token("plain", user="celeste-amari", role="user")


@pytest.fixture
def api() -> Iterator[Simulator]:
    with Simulator(small_world(), ["secret", CELESTE]) as simulator:
        yield simulator


def read(
    api: Simulator, folder: Path, *resources: str, token: str = "secret", **more: Any
) -> Report:
    config = {"base_url": api.base_url, "api_key": token, **more.pop("config", {})}
    return load(scheduling(), folder, *resources, config=config, **more)


def truth(api: Simulator, *names: str) -> dict[str, list[Record]]:
    return {name: api.table(name) for name in names or TABLES}


@pytest.mark.slow
def test_every_table_of_all_resources_equals_the_simulators_data_and_stays(
    api: Simulator, project: Path
) -> None:
    report = read(api, project, *TABLES)
    assert report.status == "ok"
    assert codes(report) == []
    assert loaded(report) == {name: len(rows) for name, rows in truth(api).items()}
    assert_tables_are(project, truth(api))
    before = everything(project, name="scheduling")

    again = read(api, project, *TABLES)
    assert (again.status, codes(again)) == ("ok", [])
    assert again.resources["scheduled_events"].rows < len(api.table("scheduled_events"))
    assert everything(project, name="scheduling") == before


@pytest.mark.slow
def test_what_happens_between_runs_is_in_the_tables_after_the_next(
    api: Simulator, project: Path
) -> None:
    read(api, project)
    world = api.world
    events = world.rows["scheduled_events"]
    recent = [e for e in events if str(NOW - timedelta(days=30)) < e["start_time"]]
    upcoming = [e for e in recent if e["start_time"] > str(NOW) and e["status"] == "active"]
    at = NOW + timedelta(hours=5)
    world.book(NOW + timedelta(days=500), invitees=3, at=at)
    world.book(NOW - timedelta(days=3), invitees=0, at=at)
    world.cancel(upcoming[0]["uri"], reason="Ill.", at=at)
    moved = world.reschedule(upcoming[1]["uri"], NOW + timedelta(days=45), at=at)
    world.reschedule(moved["uri"], NOW + timedelta(days=46), at=at)
    world.mark_no_show(world.invitees_of(upcoming[2]["uri"])[0]["uri"], at=at)
    # lists that grow and shrink, at the very edge of the lookback too
    edge = next(e for e in events if e["start_time"].startswith("2026-10-24T12:00:00"))
    guest = {"email": "late@example.com", "created_at": edge["created_at"]}
    guest["updated_at"] = edge["created_at"]
    world.edit(edge["uri"], name="Edited", event_guests=[guest, guest], at=at)
    world.edit(upcoming[3]["uri"], event_memberships=[], location=None, at=at)
    asked = next(
        who
        for event in recent
        for who in world.invitees_of(event["uri"])
        if len(who["questions_and_answers"]) == 2
    )
    world.edit(asked["uri"], questions_and_answers=asked["questions_and_answers"][1:], at=at)
    kind = world.rows["event_types"][1]
    world.edit(kind["uri"], name="Renamed", custom_questions=kind["custom_questions"][::-1], at=at)

    report = read(api, project, now=later(1))
    assert report.status == "ok"
    assert_tables_are(project, truth(api, *DEFAULT))

    # what the lookback no longer reaches is seen by a refresh only
    before = everything(project, name="scheduling")
    old = min(events, key=lambda event: event["start_time"])
    gone = max(events, key=lambda event: event["start_time"])
    world.edit(edge["uri"], name="Edited again", event_guests=[], at=at)
    world.edit(old["uri"], name="Changed long after", at=at)
    world.delete(gone["uri"])
    read(api, project, now=later(2))
    assert everything(project, name="scheduling") == before
    assert read(api, project, now=later(3), refresh=True).status == "ok"
    assert_tables_are(project, truth(api, *DEFAULT))


def test_a_token_without_admin_rights_loads_what_is_its_users(
    api: Simulator, project: Path
) -> None:
    report = read(api, project, token="plain", config={"scope": "user"})
    assert report.status == "partial"
    assert statuses(report)["groups"] == "skipped"
    me = api.table("api_user", user="celeste-amari")[0]
    events = [
        row
        for row in api.table("scheduled_events")
        if me["uri"] in [host["user"] for host in row["event_memberships"]]
    ]
    hosted = {row["uri"] for row in events}
    assert 0 < len(events) < 60
    assert_tables_are(
        project,
        {
            "api_user": [me],
            "event_types": [
                row
                for row in api.table("event_types")
                if (row["profile"] or {}).get("owner") == me["uri"]
            ],
            "organization_memberships": [
                row
                for row in api.table("organization_memberships")
                if row["user"]["uri"] == me["uri"]
            ],
            "scheduled_events": events,
            "event_invitees": [r for r in api.table("event_invitees") if r["event"] in hosted],
        },
    )


def test_servers_that_tell_the_next_page_by_address_only_are_read_whole(project: Path) -> None:
    with Simulator(small_world(), old_pagination=True) as api:
        report = read(api, project, "scheduled_events", "activity_log_entries")
        assert report.status == "ok"
        wanted = truth(api, "scheduled_events", "activity_log_entries")
    assert report.resources["scheduled_events"].requests == 2 + 1  # the user, for the organization
    assert_tables_are(project, wanted)


def test_scripted_failures_are_retried_and_leave_no_trace(api: Simulator, project: Path) -> None:
    api.fail("/users/me", [429, 500, 502])
    api.fail("/event_types", [503, 504, Reply(None)])
    api.fail("/scheduled_events", [Reply(200, b'{"collection": [', cut=True)], skip=1)
    invited = [row for row in api.table("scheduled_events") if row["invitees_counter"]["total"]]
    for row, status in zip(invited[3:], (500, 429, 502, 503, 504), strict=False):
        # one each, as a request that came alone might meet more of them than it has retries
        api.fail(f"*/{last_part(row['uri'])}/invitees", [status])
    report = read(api, project)
    assert report.status == "ok", [part.error for part in report.resources.values()]
    assert api.unused_failures() == []
    retries = {name: part.retries for name, part in report.resources.items() if part.retries}
    assert retries == {
        "api_user": 3, "event_types": 3, "scheduled_events": 1, "event_invitees": 5,
    }  # fmt: skip
    assert_tables_are(project, truth(api, *DEFAULT))


def test_a_default_run_loads_six_resources_with_no_request_too_many(
    api: Simulator, project: Path
) -> None:
    report = read(api, project)
    assert tuple(report.resources) == DEFAULT
    with tables(project, "scheduling") as found:
        assert {name for name in found.names() if "__" not in name} == set(DEFAULT)
    asked = [request.path for request in api.requests]
    invited = [row for row in api.table("scheduled_events") if row["invitees_counter"]["total"]]
    assert len([path for path in asked if path.endswith("/invitees")]) == len(invited)
    assert len(invited) < len(api.table("scheduled_events"))
    assert {path: asked.count(path) for path in asked if not path.endswith("/invitees")} == {
        "/users/me": 1,
        "/event_types": 1,
        "/groups": 1,
        "/organization_memberships": 1,
        "/scheduled_events": 2,
    }
    assert sum(part.requests for part in report.resources.values()) == len(asked)
