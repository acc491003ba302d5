"""Every shape that a scheduled event's `location` takes; which keys there are depends on `type`."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.simulator.identity import Record


def _physical(number: int) -> Record:
    return {
        "type": "physical",
        "location": f"{number} Harbour Street, Room 4",
        "additional_info": "Ring twice, then take the stairs.",
    }


def _zoom(number: int) -> Record:
    return {
        "type": "zoom",
        "status": "pushed",
        "join_url": f"https://zoom.example.com/j/{90000000000 + number}?pwd=made-up",
        "data": {
            "id": 90000000000 + number,
            "settings": {
                "global_dial_in_numbers": [
                    {"number": "+1 202 555 0100", "country": "US", "type": "toll"},
                    {"number": "+44 20 7946 0000", "country": "GB", "type": "toll"},
                ]
            },
            "password": f"pw{number:04d}",
            "extra": None,
        },
    }


def _google(number: int) -> Record:
    return {
        "type": "google_conference",
        "status": "pushed",
        "join_url": f"https://calendly.com/events/{number}/google_meet",
    }


def _google_in_the_making(_: int) -> Record:
    return {"type": "google_conference", "status": "processing", "join_url": None}


def _teams(number: int) -> Record:
    return {
        "type": "microsoft_teams_conference",
        "status": "pushed",
        "join_url": f"https://calendly.com/events/{number}/microsoft_teams",
        "data": {
            "id": f"19:meeting_{number}@thread.v2",
            "audioConferencing": {
                "conferenceId": str(100000000 + number),
                "dialinUrl": f"https://dialin.example.com/{number}",
                "tollNumber": "+1 202 555 0101",
            },
        },
    }


def _webex(number: int) -> Record:
    return {
        "type": "webex_conference",
        "status": "initiated",
        "join_url": f"https://webex.example.com/meet/{number}",
        "data": {
            "id": f"{number:032x}",
            "telephony": {
                "callInNumbers": [{"label": "US Toll", "callInNumber": "+1-202-555-0102"}]
            },
            "password": f"wx{number:04d}",
        },
    }


def _gotomeeting(number: int) -> Record:
    return {
        "type": "gotomeeting",
        "status": "failed",
        "join_url": f"https://gotomeeting.example.com/join/{number}",
        "data": {
            "uniqueMeetingId": 500000000 + number,
            "conferenceCallInfo": "+1 202 555 0103",
        },
    }


def _inbound_call(_: int) -> Record:
    return {
        "type": "inbound_call",
        "location": "+1 202 555 0104",
        "additional_info": "Ask for the front desk — extension 12.",
    }


def _outbound_call(number: int) -> Record:
    return {"type": "outbound_call", "location": f"+1 202 555 {1000 + number % 9000:04d}"}


def _ask_invitee(number: int) -> Record:
    return {"type": "ask_invitee", "location": f"Café №{number}, by the window"}


def _custom(_: int) -> Record:
    return {"type": "custom", "location": 'Somewhere "nice",\nto be agreed {by} 100% 🙂'}


def _custom_unsaid(_: int) -> Record:
    return {"type": "custom", "location": None}


def _nowhere(_: int) -> None:
    return None


_SHAPES: tuple[Callable[[int], Record | None], ...] = (
    _physical, _zoom, _google, _google_in_the_making, _teams, _webex, _gotomeeting, _inbound_call,
    _outbound_call, _ask_invitee, _custom, _custom_unsaid, _nowhere,
)  # fmt: skip


def place_for(number: int) -> Record | None:
    """The location of event `number`: all shapes in turn, none at all among them."""
    return _SHAPES[number % len(_SHAPES)](number)
