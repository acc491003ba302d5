"""The small world's lists that a run leaves out unless asked: invitations, relationships, forms,
schedules, log and messages."""

from __future__ import annotations

from datetime import timedelta

from tests.support.simulator import records
from tests.support.simulator.identity import SITE, Record, short_stamp, stamp, uri_for, uuid_for
from tests.support.simulator.world import World

ENTRIES = 120
"""Activity log entries: two pages of 100."""


def add_extras(world: World) -> None:
    """Fill the seven lists that are not selected by default."""
    _invitations(world)
    _relationships(world)
    _forms(world)
    _schedules(world)
    _log(world)
    _messages(world)


def _invitations(world: World) -> None:
    states = ("pending", "accepted", "declined", "pending", "accepted")
    for number, status in enumerate(states):
        made = world.now - timedelta(days=200 - 10 * number)
        taker = world.users[number]["uri"] if status == "accepted" else None
        world.rows["organization_invitations"].append(
            records.invitation(
                number, world.organization, f"newcomer{number}@example.com", status, made, taker
            )
        )


def _relationships(world: World) -> None:
    members = world.rows["organization_memberships"]
    invited = world.rows["organization_invitations"]
    made = world.now - timedelta(days=150)
    rows = world.rows["group_relationships"]
    for group in world.rows["groups"]:
        for owner in (*members[:3], *invited[:2]):
            number = len(rows)
            role = "member" if number % 3 else "admin"
            rows.append(records.group_relationship(number, group, owner, role, made))


def _forms(world: World) -> None:
    made = world.now - timedelta(days=90)
    choices = ["A meeting", "A message", "A page"]
    results: tuple[Record, ...] = (
        {"type": "event_type", "value": world.rows["event_types"][0]["uri"]},
        {
            "type": "custom_message",
            "value": {"headline": "Thank you", "body": "<p>We’ll be in touch.</p>"},
        },
        {"type": "external_url", "value": "https://example.com/next"},
    )
    some = world.invitees_of(world.rows["scheduled_events"][28]["uri"])[0]
    for form in range(2):
        ask, choose = uuid_for("questions", 2 * form), uuid_for("questions", 2 * form + 1)
        row: Record = {
            "uri": uri_for("routing_forms", form),
            "organization": world.organization,
            "name": ("Where to?", "Support 🛟")[form],
            "status": ("published", "draft")[form],
            "questions": [
                _question(ask, "Your name", "name", None if form else []),
                _question(choose, "What do you want?", "radios", choices),
            ],
            "created_at": stamp(made),
            "updated_at": stamp(made + timedelta(days=form)),
        }
        world.rows["routing_forms"].append(row)
        for number in range(3 * form, 3 * form + 3):
            booked = number == 0
            sent = stamp(made + timedelta(days=2, minutes=number))
            submission: Record = {
                "uri": uri_for("routing_form_submissions", number),
                "routing_form": row["uri"],
                "questions_and_answers": [
                    {"question_uuid": ask, "question": "Your name", "answer": some["name"]},
                    {
                        "question_uuid": choose,
                        "question": "What do you want?",
                        "answer": choices[number % 3],
                    },
                ],
                "tracking": some["tracking"],
                "result": results[number % 3],
                "submitter": some["uri"] if booked else None,
                "submitter_type": "Invitee" if booked else None,
                "created_at": sent,
                "updated_at": sent,
            }
            if booked:
                some["routing_form_submission"] = submission["uri"]
            world.rows["routing_form_submissions"].append(submission)


def _question(uuid: str, name: str, kind: str, choices: list[str] | None) -> Record:
    return {
        "uuid": uuid, "name": name, "type": kind, "required": True, "answer_choices": choices,
    }  # fmt: skip


def _schedules(world: World) -> None:
    week = ("monday", "tuesday", "wednesday", "thursday", "friday")
    hours = [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:30"}]
    for number, user in enumerate((*world.users, world.users[0])):
        first = number < len(world.users)
        rules: list[Record] = [
            {"type": "wday", "wday": day, "intervals": hours if first else []} for day in week
        ]
        rules.append({"type": "date", "date": "2026-12-24", "intervals": hours[:1]})
        world.rows["user_availability_schedules"].append(
            {
                "uri": uri_for("user_availability_schedules", number),
                "default": first,
                "name": "Working Hours" if first else "Evenings off",
                "user": user["uri"],
                "timezone": user["timezone"],
                "rules": rules,
            }
        )


def _log(world: World) -> None:
    group = world.rows["groups"][0]
    for number in range(ENTRIES):
        user = world.users[number % 3]
        by_system = number % 10 == 9
        namespace, action = (
            ("Compliance", "Data_Deletion_Completed")
            if by_system
            else (("API", "Token_Created"), ("User", "Add"), ("Group", "Update"))[number % 3]
        )
        actor: Record = {
            "uri": user["uri"],
            "type": "User",
            "organization": {"uri": world.organization, "role": "owner"},
            "display_name": user["name"],
            "alternative_identifier": user["email"],
        }
        if number % 4 == 0:
            actor["group"] = {"uri": group["uri"], "name": group["name"], "role": "member"}
        details: Record = {"name": f"token {number}"}
        if by_system:
            actor = {"type": "System", "display_name": "System"}
            details = {
                "type": "Invitee list",
                "id": uuid_for("deletions", 1),
                "emails": ["gone@example.com"],
                "count": number,
            }
        when = world.now - timedelta(days=60) + timedelta(hours=12 * number, milliseconds=number)
        world.rows["activity_log_entries"].append(
            {
                "uri": uri_for("activity_log_entries", number),
                "occurred_at": short_stamp(when),
                "actor": actor,
                "details": details,
                "organization": world.organization,
                "namespace": namespace,
                "action": action,
                "fully_qualified_name": f"{namespace}.{action}",
            }
        )
    del world.rows["activity_log_entries"][0]["actor"]


def _messages(world: World) -> None:
    for number in range(5):
        event = world.rows["scheduled_events"][40 + number]
        made = world.now - timedelta(days=8, hours=number)
        by_text = number % 2 == 0
        sender = world.user(event["event_memberships"][0]["user"])
        world.rows["outgoing_communications"].append(
            {
                "type": "sms" if by_text else "email",
                "to": "+1 202 555 0106" if by_text else "invitee0160@example.com",
                "from": "+1 202 555 0107" if by_text else sender["email"],
                "subject": "" if by_text else "See you soon",
                "body": "Your meeting is coming up.",
                "sender_uri": sender["uri"],
                "sender_email": sender["email"],
                "event_type_uri": event["event_type"],
                "event_uri": None if number == 4 else event["uri"],
                "scheduling_url": f"{SITE}/example/meeting",
                "sent_at": None if number == 3 else stamp(made + timedelta(seconds=2)),
                "created_at": stamp(made),
            }
        )
