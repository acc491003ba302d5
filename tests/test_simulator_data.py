"""The simulated accounts have the recorded shapes, and the connector's schemas fit both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.definition.schema.json_schema import Draft202012Validator, format_checker
from tests.support.simulator import NOW, TABLES, World, big_world, last_part, small_world

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas" / "scheduling"
RECORDED = ROOT.parent / "shared" / "api" / "recorded-responses"
OF_FILE = (
    ("event_type_available_times", None),
    ("event_type_", "event_types"),
    ("event_types_", "event_types"),
    ("activity_log_entries_", "activity_log_entries"),
    ("organization_invitation", "organization_invitations"),
    ("organization_membership", "organization_memberships"),
    ("routing_form_submission", "routing_form_submissions"),
    ("routing_form", "routing_forms"),
    ("scheduled_event_invitee", "event_invitees"),
    ("scheduled_event", "scheduled_events"),
    ("user_", "api_user"),
)


def schema_of(name: str) -> dict[str, Any]:
    found = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def faults(schema: dict[str, Any], record: dict[str, Any]) -> list[str]:
    check = Draft202012Validator(schema, format_checker=format_checker())
    return [f"{error.json_path}: {error.message}" for error in check.iter_errors(record)]


def without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: without_required(value)
            for key, value in schema.items()
            if not (key == "required" and isinstance(value, list))
        }
    return [without_required(one) for one in schema] if isinstance(schema, list) else schema


def undeclared(schema: dict[str, Any], record: Any, path: str = "") -> Iterator[str]:
    if isinstance(record, dict) and "properties" in schema:
        for key, value in record.items():
            if key in schema["properties"]:
                yield from undeclared(schema["properties"][key], value, f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(record, list) and "items" in schema:
        for one in record:
            yield from undeclared(schema["items"], one, f"{path}[]")


def recorded() -> list[tuple[str, str]]:
    found = []
    for path in sorted(RECORDED.glob("*.json")):
        name = next((name for start, name in OF_FILE if path.name.startswith(start)), None)
        if name is not None:
            found.append((path.name, name))
    return found


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.mark.parametrize("name", TABLES)
def test_every_record_fits_its_schema_and_has_no_further_field(world: World, name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    rows = world.table(name)
    assert rows
    for row in rows:
        assert faults(schema, row) == []
        assert list(undeclared(schema, row)) == []


@pytest.mark.parametrize("name", TABLES)
def test_every_property_is_described(name: str) -> None:
    def bare(schema: dict[str, Any], path: str) -> Iterator[str]:
        for key, one in schema.get("properties", {}).items():
            if "description" not in one:
                yield f"{path}.{key}"
            yield from bare(one, f"{path}.{key}")
        if "items" in schema:
            yield from bare(schema["items"], f"{path}[]")

    assert list(bare(schema_of(name), "")) == []


def test_there_is_a_schema_for_each_list_and_none_else() -> None:
    assert sorted(path.stem for path in SCHEMAS.glob("*.json")) == sorted(TABLES)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded responses are not here")
def test_recorded_responses_have_the_declared_types_in_what_they_have() -> None:
    seen = 0
    for file, name in recorded():
        schema = without_required(schema_of(name))
        body = json.loads((RECORDED / file).read_text(encoding="utf-8"))
        for record in [body["resource"]] if "resource" in body else body["collection"]:
            assert faults(schema, record) == [], file
            assert list(undeclared(schema, record)) == [], file
            seen += 1
    assert seen > 30


def test_a_missing_or_wrong_field_is_no_fit(world: World) -> None:
    schema = schema_of("scheduled_events")
    [event] = world.table("scheduled_events")[:1]
    assert faults(schema, event | {"start_time": "yesterday"})
    assert faults(schema, event | {"status": "postponed"})
    assert faults(schema, event | {"start_time": None})
    assert faults(schema, {key: value for key, value in event.items() if key != "uri"})


def test_the_small_world_is_the_same_every_time(world: World) -> None:
    assert world.rows == small_world().rows


def test_uris_are_unique_and_in_both_forms(world: World) -> None:
    for name in TABLES:
        uris = [row["uri"] for row in world.table(name) if "uri" in row]
        assert len(set(uris)) == len(uris)
    events = {len(last_part(row["uri"])) for row in world.table("scheduled_events")}
    invitees = {len(last_part(row["uri"])) for row in world.table("event_invitees")}
    assert events == invitees == {16, 36}


def test_the_small_world_holds_every_oddity(world: World) -> None:
    events, invitees = world.table("scheduled_events"), world.table("event_invitees")
    assert 100 < len(events) < 200
    assert {(event["location"] or {}).get("type") for event in events} == {
        "physical",
        "zoom",
        "google_conference",
        "microsoft_teams_conference",
        "webex_conference",
        "gotomeeting",
        "inbound_call",
        "outbound_call",
        "ask_invitee",
        "custom",
        None,
    }
    assert {event["status"] for event in events} == {"active", "canceled"}
    assert any("created_at" not in event.get("cancellation", {"created_at": 1}) for event in events)
    assert any(event["name"] is None for event in events)
    assert any(event["calendar_event"] is None for event in events)
    assert any("meeting_notes_html" not in event for event in events)
    assert any(event["event_guests"] for event in events)
    assert any(event["invitees_counter"]["total"] == 0 for event in events)
    assert any(event["start_time"] > f"{NOW:%Y-%m-%d}" for event in events)
    assert {type(who["payment"]["amount"]) for who in invitees if who["payment"]} == {str, float}
    assert any(who["no_show"] for who in invitees)
    confirmed = {
        who["reconfirmation"]["confirmed_at"] is None for who in invitees if who["reconfirmation"]
    }
    assert confirmed == {True, False}
    assert any(who["routing_form_submission"] for who in invitees)
    assert any(who["invitee_scheduled_by"] for who in invitees)
    assert {type(row["result"]["value"]) for row in world.table("routing_form_submissions")} == {
        str,
        dict,
    }
    partly = [
        e for e in events if 0 < e["invitees_counter"]["active"] < e["invitees_counter"]["total"]
    ]
    assert all(event["status"] == "active" for event in partly)
    assert partly


def test_a_reschedule_links_the_old_and_the_new_invitee(world: World) -> None:
    by_uri = {who["uri"]: who for who in world.table("event_invitees")}
    [new] = [who for who in by_uri.values() if who["old_invitee"]]
    old = by_uri[new["old_invitee"]]
    assert old["new_invitee"] == new["uri"]
    assert (old["status"], old["rescheduled"], new["status"]) == ("canceled", True, "active")
    assert old["email"] == new["email"]
    assert world.find(old["event"])["status"] == "canceled"
    assert world.find(new["event"])["status"] == "active"


def test_counters_are_those_of_the_invitees(world: World) -> None:
    for event in world.table("scheduled_events"):
        guests = [who for who in world.table("event_invitees") if who["event"] == event["uri"]]
        assert event["invitees_counter"]["total"] == len(guests)
        active = sum(who["status"] == "active" for who in guests)
        assert event["invitees_counter"]["active"] == active


def test_what_people_do_shows_in_the_tables(world: World) -> None:
    later = NOW + timedelta(days=1)
    before = len(world.table("scheduled_events"))
    booked = world.book(NOW + timedelta(days=40), invitees=2, at=later)
    moved = world.reschedule(booked["uri"], NOW + timedelta(days=50), at=later)
    world.cancel(moved["uri"], reason="No.", at=later)
    assert len(world.table("scheduled_events")) == before + 2
    assert [who["status"] for who in world.invitees_of(moved["uri"])] == ["canceled"] * 2
    kind = world.table("event_types")[0]["uri"]
    world.edit(kind, name="Renamed", at=later)
    assert world.find(kind)["name"] == "Renamed"
    assert world.find(kind)["updated_at"] == "2026-11-24T12:00:00.000000Z"
    for name in ("scheduled_events", "event_invitees", "event_types"):
        for row in world.table(name):
            assert faults(schema_of(name), row) == []
    guest = world.invitees_of(moved["uri"])[0]["uri"]
    world.delete(guest)
    assert world.find(moved["uri"])["invitees_counter"]["total"] == 1
    world.delete(booked["uri"])
    assert len(world.table("scheduled_events")) == before + 1
    assert all(who["event"] != booked["uri"] for who in world.table("event_invitees"))


def test_an_invitee_cancels_while_the_event_stays(world: World) -> None:
    event = world.book(NOW + timedelta(days=2), invitees=2)
    world.cancel_invitee(world.invitees_of(event["uri"])[0]["uri"], at=NOW + timedelta(hours=1))
    assert event["status"] == "active"
    assert event["updated_at"] == "2026-11-23T12:00:00.000000Z"
    assert event["invitees_counter"] == {"total": 2, "active": 1, "limit": 2}


def test_a_big_world_has_the_size_asked_for() -> None:
    world = big_world(250, invitees=2)
    assert len(world.table("scheduled_events")) == 250
    assert len({row["uri"] for row in world.table("event_invitees")}) == 500
    schema = schema_of("event_invitees")
    assert faults(schema, world.table("event_invitees")[-1]) == []
