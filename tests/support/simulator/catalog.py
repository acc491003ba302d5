"""The event types of the simulated account: one of every kind that was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.support.simulator.identity import Record, uri_for
from tests.support.simulator.records import event_type, question

_PLACES = [
    {"kind": "physical", "location": "1 Harbour Street", "additional_info": "Ring twice."},
    {"kind": "zoom_conference"},
    {"kind": "google_conference"},
    {"kind": "microsoft_teams_conference"},
    {"kind": "webex_conference"},
    {"kind": "gotomeeting_conference"},
    {"kind": "inbound_call", "phone_number": "+1 202 555 0104", "additional_info": "Front desk."},
    {"kind": "outbound_call"},
    {"kind": "ask_invitee"},
    {"kind": "custom", "location": "Wherever you like"},
]


def event_types(users: Sequence[Record], made: datetime) -> list[Record]:
    """Ten event types, active and inactive, solo and group, with and without a profile."""
    by_user = [{"type": "User", "name": user["name"], "owner": user["uri"]} for user in users]
    team = {"type": "Team", "name": "Front Desk Team", "owner": uri_for("teams", 1)}
    choices = ["Setup", "Billing", "Something else"]
    asked = [
        question(0, "What is it about?", "text"),
        question(1, "Company", "string"),
        question(2, "Topics", "multi_select", choices),
        question(3, "How did you hear of us?", "single_select", ["A friend", "An advert"]),
        question(4, "Phone", "phone_number"),
        question(5, "No longer asked", "text"),
    ]
    return [
        event_type(1, "30 Minute Meeting", made, profile=by_user[0], locations=_PLACES[:1]),
        event_type(
            2,
            "15 Minute Call",
            made + timedelta(days=1),
            profile=by_user[1],
            duration=15,
            locale="es",
            custom_questions=asked,
            description_html="<p>A short call: <b>¿qué tal?</b></p>",
            description_plain="A short call: ¿qué tal?",
            internal_note="Ask for the order number.",
        ),
        event_type(
            3,
            "Consultation",
            made + timedelta(days=2),
            profile=by_user[2],
            duration=60,
            duration_options=[30, 60, 90],
            is_paid=True,
            locations=_PLACES,
        ),
        event_type(
            4,
            "Team Intro",
            made + timedelta(days=3),
            profile=team,
            pooling_type="round_robin",
            admin_managed=True,
        ),
        event_type(
            5,
            "Onboarding",
            made + timedelta(days=4),
            profile=team,
            pooling_type="collective",
            duration=45,
            custom_questions=asked[:1],
        ),
        event_type(
            6,
            "Open House",
            made + timedelta(days=5),
            profile=by_user[3],
            kind="group",
            duration=90,
            locale="de",
            locations=[],
        ),
        event_type(
            7, "Anywhere", made + timedelta(days=6), slug=None, secret=True,
            pooling_type="multi_pool",
        ),
        event_type(8, None, made + timedelta(days=7), profile=by_user[4], active=False),
        event_type(
            9, "Retired Meeting", made + timedelta(days=8), profile=by_user[5], active=False,
            locale="pt",
        ),
        event_type(
            10, "Just Once", made + timedelta(days=9), profile=by_user[0], type="AdhocEventType",
            booking_method="poll", secret=True,
        ),
    ]  # fmt: skip
