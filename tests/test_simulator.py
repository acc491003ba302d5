"""The simulator refuses what the real API refuses, over real HTTP."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.support.simulator import (
    API,
    HERE,
    NOW,
    SCOPES,
    Reply,
    Simulator,
    Token,
    World,
    last_part,
    small_world,
)

ROOT = Path(__file__).parents[1]
LONGEST = 60.0
"""Seconds after which an answer that should have come is an error."""
ORGANIZATION = small_world().organization
USERS = [user["uri"] for user in small_world().users]
LISTS = (
    "event_types",
    "groups",
    "organization_memberships",
    "scheduled_events",
    "group_relationships",
    "routing_forms",
    "activity_log_entries",
    "outgoing_communications",
)
ONLY_CELESTE = Token("plain", user="celeste-amari", role="user")


@dataclass
class Answer:
    status: int
    body: Any
    headers: Message


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def ask(
    api: Simulator, path: str, token: str | None = "secret", method: str = "GET", **params: Any
) -> Answer:
    url = f"{api.base_url}{path}" + (f"?{urlencode(params)}" if params else "")
    request = urllib.request.Request(url, method=method)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=LONGEST) as response:
            return Answer(response.status, json.loads(response.read()), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
        return Answer(error.code, json.loads(text) if text[:1] == b"{" else text, error.headers)


def read_all(api: Simulator, path: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        answer = ask(api, path, **params, **token)
        assert answer.status == 200, answer.body
        rows += answer.body["collection"]
        onward = answer.body["pagination"]["next_page_token"]
        if onward is None:
            return rows
        token = {"page_token": onward}


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
def api(world: World) -> Iterator[Simulator]:
    with Simulator(world) as simulator:
        yield simulator


def test_me_is_the_tokens_user(world: World) -> None:
    with Simulator(world, [Token("secret"), ONLY_CELESTE]) as api:
        assert ask(api, "/users/me").body == {"resource": world.table("api_user")[0]}
        me = ask(api, "/users/me", "plain").body["resource"]
        assert me == world.table("api_user", user="celeste-amari")[0]


@pytest.mark.parametrize("name", LISTS)
def test_all_pages_of_a_list_are_its_table(api: Simulator, world: World, name: str) -> None:
    rows = read_all(api, f"/{name}", organization=ORGANIZATION, count=100)
    if name == "activity_log_entries":
        rows = rows[::-1]
    assert rows == world.table(name)


@pytest.mark.parametrize("count", [1, 7, 100])
def test_page_size_changes_nothing_but_the_number_of_pages(
    api: Simulator, world: World, count: int
) -> None:
    rows = read_all(api, "/event_types", organization=ORGANIZATION, count=count)
    assert rows == world.table("event_types")
    assert len(api.asked("/event_types")) == -(-len(rows) // count)


def test_children_together_are_their_table(api: Simulator, world: World) -> None:
    found = []
    for event in world.table("scheduled_events"):
        found += read_all(api, f"/scheduled_events/{last_part(event['uri'])}/invitees")
    assert sorted(row["uri"] for row in found) == sorted(
        row["uri"] for row in world.table("event_invitees")
    )
    submissions = []
    for form in world.table("routing_forms"):
        submissions += read_all(api, "/routing_form_submissions", form=form["uri"])
    assert submissions == world.table("routing_form_submissions")
    invitations = f"/organizations/{last_part(ORGANIZATION)}/invitations"
    assert read_all(api, invitations) == world.table("organization_invitations")


def test_availability_has_no_pages(api: Simulator, world: World) -> None:
    answer = ask(api, "/user_availability_schedules", user=USERS[0])
    assert answer.body == {"collection": world.table("user_availability_schedules")}
    assert ask(api, "/user_availability_schedules", user=USERS[0], count=100).status == 400


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/scheduled_events", {}, "user"),
        ("/event_types", {}, "organization"),
        ("/organization_memberships", {}, "organization"),
        ("/groups", {}, "organization"),
        ("/routing_form_submissions", {}, "form"),
        ("/user_availability_schedules", {}, "user"),
        ("/groups", {"organization": ""}, "organization"),
        ("/groups", {"organization": last_part(ORGANIZATION)}, "organization"),
        ("/groups", {"organization": USERS[0]}, "organization"),
        ("/groups", {"organization": ORGANIZATION, "count": 0}, "count"),
        ("/groups", {"organization": ORGANIZATION, "count": 101}, "count"),
        ("/groups", {"organization": ORGANIZATION, "count": "ten"}, "count"),
        ("/groups", {"organization": ORGANIZATION, "sort": "name:asc"}, "sort"),
        ("/groups", {"organization": ORGANIZATION, "page_token": "x"}, "page_token"),
        ("/activity_log_entries", {"organization": ORGANIZATION, "count": 1001}, "count"),
        ("/event_types", {"organization": ORGANIZATION, "active": "True"}, "active"),
        ("/scheduled_events", {"organization": ORGANIZATION, "status": "None"}, "status"),
        ("/scheduled_events", {"organization": ORGANIZATION, "sort": "end_time:asc"}, "sort"),
        ("/scheduled_events", {"organization": ORGANIZATION, "updated_at": "x"}, "updated_at"),
        ("/scheduled_events", {"organization": ORGANIZATION, "invitee_email": "x"}, None),
        (
            "/scheduled_events",
            {"organization": ORGANIZATION, "min_start_time": "2026-11-23"},
            "min_start_time",
        ),
        (
            "/scheduled_events",
            {"organization": ORGANIZATION, "min_start_time": "2026-11-23T00:00:00+02:00"},
            "min_start_time",
        ),
        ("/users/me", {"count": 100}, "count"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(
    api: Simulator, path: str, params: dict[str, Any], parameter: str | None
) -> None:
    answer = ask(api, path, **params)
    assert answer.status == 400
    assert {"title", "message", "details"} == answer.body.keys()
    named = [detail["parameter"] for detail in answer.body["details"]]
    assert named == [parameter or "invitee_email"]


def test_a_repeated_parameter_is_a_400(api: Simulator) -> None:
    answer = ask(api, f"/groups?count=1&count=2&organization={quote(ORGANIZATION, safe='')}")
    assert answer.status == 400


def test_activity_log_takes_larger_pages(api: Simulator, world: World) -> None:
    answer = ask(api, "/activity_log_entries", organization=ORGANIZATION, count=1000).body
    assert len(answer["collection"]) == answer["total_count"] == 120
    assert answer["exceeds_max_total_count"] is False
    newest = world.table("activity_log_entries")[-1]["occurred_at"]
    assert answer["last_event_time"] == newest[:19] + "Z"


@pytest.mark.parametrize("auth", [None, "wrong", "", "secret x"])
def test_an_unknown_token_is_a_401(api: Simulator, auth: str | None) -> None:
    answer = ask(api, "/users/me", auth)
    assert (answer.status, answer.body["title"]) == (401, "Unauthenticated")


def test_a_missing_scope_is_named(world: World) -> None:
    few = SCOPES - {"groups:read"}
    with Simulator(world, [Token("secret", scopes=few)]) as api:
        answer = ask(api, "/groups", organization=ORGANIZATION)
        assert ask(api, "/users/me").status == 200
    assert answer.status == 403
    assert answer.body["title"] == "Insufficient scope"
    assert answer.body["required_scopes"] == ["groups:read"]


@pytest.mark.parametrize(
    ("plan", "refused"),
    [
        (
            "standard",
            {
                "groups",
                "group_relationships",
                "routing_forms",
                "activity_log_entries",
                "outgoing_communications",
            },
        ),
        ("teams", {"activity_log_entries", "outgoing_communications"}),
        ("enterprise", set()),
    ],
)
def test_plans_gate_some_lists(world: World, plan: str, refused: set[str]) -> None:
    with Simulator(world, [Token("secret", plan=plan)]) as api:
        answers = {name: ask(api, f"/{name}", organization=ORGANIZATION) for name in LISTS}
    assert {name for name, answer in answers.items() if answer.status == 403} == refused
    for name in refused:
        assert answers[name].body["title"] == "Permission Denied"


def test_only_leaders_read_the_organization(world: World) -> None:
    celeste = world.user("celeste-amari")["uri"]
    with Simulator(world, [ONLY_CELESTE, Token("admin", role="admin")]) as api:
        for name in ("scheduled_events", "event_types", "organization_memberships"):
            assert ask(api, f"/{name}", "plain", organization=ORGANIZATION).status == 403
            assert ask(api, f"/{name}", "plain", user=USERS[0]).status == 403
            assert ask(api, f"/{name}", "admin", organization=ORGANIZATION).status == 200
        events = ask(api, "/scheduled_events", "plain", user=celeste, count=100).body
        theirs = [
            event
            for event in world.table("scheduled_events")
            if celeste in [member["user"] for member in event["event_memberships"]]
        ]
        assert events["collection"] == theirs
        [member] = ask(api, "/organization_memberships", "plain", user=celeste).body["collection"]
        assert member["user"]["uri"] == celeste
        [kind] = ask(api, "/event_types", "plain", user=celeste).body["collection"]
        assert kind["profile"]["owner"] == celeste
        foreign = next(event for event in world.table("scheduled_events") if event not in theirs)
        path = f"/scheduled_events/{last_part(foreign['uri'])}/invitees"
        assert ask(api, path, "plain").status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/users/me/",
        "/scheduled_events/AAAAAAAAAAAAAAAA/invitees",
        "/scheduled_events/not-an-id/invitees",
        "/scheduled_events/None/invitees",
        "/organizations/AAAAAAAAAAAAAAAA/invitations",
        "/groups/AAAAAAAAAAAAAAAA",
    ],
)
def test_an_unknown_path_or_id_is_a_404(api: Simulator, path: str) -> None:
    answer = ask(api, path)
    assert answer.status == 404
    assert answer.body == {
        "title": "Resource Not Found",
        "message": "The server could not find the requested resource.",
    }


def test_anything_but_get_is_a_404(api: Simulator) -> None:
    assert ask(api, "/users/me", method="DELETE").status == 404


def test_single_things_are_found_by_both_forms_of_id(api: Simulator, world: World) -> None:
    lengths = set()
    for event in world.table("scheduled_events")[:2]:
        bare = last_part(event["uri"])
        lengths.add(len(bare))
        assert ask(api, f"/scheduled_events/{bare}").body == {"resource": event}
    assert lengths == {16, 36}


def test_times_filter_inclusively(api: Simulator, world: World) -> None:
    edge = NOW - timedelta(days=30)
    starts = [event["start_time"] for event in world.table("scheduled_events")]
    for text in (
        "2026-10-24T12:00:00Z",
        "2026-10-24T12:00:00.000000Z",
        "2026-10-24T12:00:00+00:00",
    ):
        rows = read_all(api, "/scheduled_events", organization=ORGANIZATION, min_start_time=text)
        found = [event["start_time"] for event in rows]
        assert found == [start for start in starts if start >= f"{edge:%Y-%m-%dT%H:%M:%S}.000000Z"]
        assert "2026-10-24T12:00:00.000000Z" in found


def test_other_filters_select(api: Simulator, world: World) -> None:
    def asked(path: str, **params: Any) -> list[dict[str, Any]]:
        return read_all(api, path, count=100, **params)

    events = world.table("scheduled_events")
    gone = asked("/scheduled_events", organization=ORGANIZATION, status="canceled")
    assert gone == [event for event in events if event["status"] == "canceled"]
    who = world.table("event_invitees")[5]
    [event] = asked("/scheduled_events", organization=ORGANIZATION, invitee_email=who["email"])
    assert event["uri"] == who["event"]
    backward = asked("/scheduled_events", organization=ORGANIZATION, sort="start_time:desc")
    assert backward == events[::-1]
    group = world.table("groups")[0]["uri"]
    members = set(USERS[:3])
    assert asked("/scheduled_events", group=group) == [
        event
        for event in events
        if members & {member["user"] for member in event["event_memberships"]}
    ]
    inactive = asked("/event_types", organization=ORGANIZATION, active="false")
    assert {row["active"] for row in inactive} == {False}


def test_tokens_lead_through_pages_and_links_do_too(api: Simulator) -> None:
    first = ask(api, "/groups", organization=ORGANIZATION, count=1).body["pagination"]
    assert first["count"] == 1
    assert first["previous_page"] is first["previous_page_token"] is None
    link = urlsplit(first["next_page"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{API}/groups"
    query = parse_qs(link.query)
    assert query["page_token"] == [first["next_page_token"]]
    assert query["organization"] == [ORGANIZATION]
    second = ask(api, f"/groups?{link.query}").body["pagination"]
    assert second["next_page"] is second["next_page_token"] is None
    back = {"organization": ORGANIZATION, "count": 1, "page_token": second["previous_page_token"]}
    assert ask(api, "/groups", **back).body["pagination"] == first


def test_old_servers_give_the_link_only(world: World) -> None:
    with Simulator(world, old_pagination=True) as api:
        answer = ask(api, "/groups", organization=ORGANIZATION, count=1).body
        assert answer["pagination"].keys() == {"count", "next_page"}
        last = ask(api, f"/groups?{urlsplit(answer['pagination']['next_page']).query}").body
        assert last["pagination"] == {"count": 1, "next_page": None}


def page_token(api: Simulator) -> dict[str, Any]:
    answer = ask(api, "/groups", organization=ORGANIZATION, count=1).body
    return {
        "organization": ORGANIZATION,
        "count": 1,
        "page_token": answer["pagination"]["next_page_token"],
    }


def test_a_page_token_grows_stale_with_many_requests(world: World) -> None:
    with Simulator(world, page_token_requests=3) as api:
        onward = page_token(api)
        for _ in range(2):
            ask(api, "/groups/AAAAAAAAAAAAAAAA")
        for _ in range(10):
            ask(api, "/users/me")  # another list's business
        assert ask(api, "/groups", **onward).status == 200
        onward = page_token(api)
        for _ in range(3):
            ask(api, "/groups/AAAAAAAAAAAAAAAA")
        answer = ask(api, "/groups", **onward)
    assert answer.status == 400
    assert answer.body["details"] == [{"parameter": "page_token", "message": "is invalid"}]


def test_a_page_token_grows_stale_with_time_or_on_demand(world: World) -> None:
    clock = Clock()
    with Simulator(world, page_token_seconds=30, clock=clock) as api:
        onward = page_token(api)
        clock.now = 29
        assert ask(api, "/groups", **onward).status == 200
        clock.now = 31
        assert ask(api, "/groups", **onward).status == 400
        onward = page_token(api)
        api.expire_page_tokens()
        assert ask(api, "/groups", **onward).status == 400


def test_a_page_token_belongs_to_its_query(api: Simulator) -> None:
    onward = page_token(api)
    assert ask(api, "/routing_forms", **onward).status == 400


def test_the_rate_limit_is_told_by_headers_only(world: World) -> None:
    clock = Clock()
    with Simulator(world, rate_limit=2, rate_window=60, clock=clock) as api:
        left = []
        for clock.now in (0.0, 10.5, 20.0):
            answer = ask(api, "/users/me")
            left.append((answer.status, answer.headers["X-RateLimit-Remaining"]))
        assert left == [(200, "1"), (200, "0"), (429, "0")]
        assert answer.headers["X-RateLimit-Limit"] == "2"
        assert answer.headers["X-RateLimit-Reset"] == "40"
        assert answer.headers["Retry-After"] is None
        clock.now = 60.0
        assert ask(api, "/users/me").status == 200


def test_the_rate_limit_is_per_user(world: World) -> None:
    tokens = [Token("secret"), Token("other"), ONLY_CELESTE]
    with Simulator(world, tokens, rate_limit=1) as api:
        statuses = [ask(api, "/users/me", token.value).status for token in tokens]
    assert statuses == [200, 429, 200]


def test_failures_come_once_each_and_in_order(api: Simulator) -> None:
    api.fail("/users/*", [500, 429, Reply(200, b"<html>", {"Content-Type": "text/html"})], skip=1)
    assert [ask(api, "/users/me").status for _ in range(3)] == [200, 500, 429]
    assert api.unused_failures() == ["/users/*"]
    with pytest.raises(json.JSONDecodeError):
        ask(api, "/users/me")
    assert ask(api, "/users/me").status == 200
    assert api.unused_failures() == []
    assert [one.status for one in api.requests] == [200, 500, 429, 200, 200]


def test_connections_are_cut_where_a_test_says_so(api: Simulator) -> None:
    api.fail("/users/me", [Reply(None), Reply(200, b'{"resource": {}}', cut=True)])
    with pytest.raises((http.client.RemoteDisconnected, urllib.error.URLError)):
        ask(api, "/users/me")
    with pytest.raises(http.client.IncompleteRead):
        ask(api, "/users/me")
    assert [one.status for one in api.requests] == [0, 200]


def test_the_log_says_what_was_asked(api: Simulator) -> None:
    ask(api, "/groups", organization=ORGANIZATION, count=5)
    [request] = api.asked("/groups")
    assert (request.method, request.status) == ("GET", 200)
    assert request.query == {"organization": ORGANIZATION, "count": "5"}
    assert request.auth == "Bearer secret"
    api.clear()
    assert api.requests == []


def test_connections_are_kept_alive(api: Simulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(api.base_url).netloc, timeout=LONGEST)
    headers = {"Authorization": "Bearer secret"}
    sockets = set()
    for path in ("/users/me", "/nothing", "/users/me"):
        connection.request("GET", path, headers=headers)
        connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert None not in sockets


def test_many_are_served_at_once(world: World) -> None:
    together = threading.Barrier(8)

    def clock() -> float:
        """Asked in each request: none goes on before all are there."""
        together.wait(LONGEST)
        return 0.0

    with Simulator(world, clock=clock) as api:
        threads = [threading.Thread(target=ask, args=(api, "/users/me")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(api.requests) == api.most_at_once == 8


@pytest.mark.parametrize("public_url", ["https://scheduling.example.com", HERE])
def test_uris_can_stand_under_another_address(world: World, public_url: str) -> None:
    with Simulator(world, public_url=public_url) as api:
        organization = ask(api, "/users/me").body["resource"]["current_organization"]
        assert organization == ORGANIZATION.replace(API, api.public_url)
        assert ask(api, "/groups", organization=ORGANIZATION).status == 400
        answer = ask(api, "/groups", organization=organization, count=1).body
        assert answer["pagination"]["next_page"].startswith(f"{api.public_url}/groups?")
        assert read_all(api, "/groups", organization=organization) == api.table("groups")


def test_it_runs_by_hand_until_terminated() -> None:
    command = [sys.executable, "-m", "tests.support.simulator", "--token", "by-hand"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        request = urllib.request.Request(
            f"{base_url}/users/me", headers={"Authorization": "Bearer by-hand"}
        )
        with urllib.request.urlopen(request, timeout=LONGEST) as response:
            assert response.status == 200
        process.terminate()
        assert process.wait(LONGEST) == 0
