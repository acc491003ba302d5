"""A small made-up workspace, as the Web API shows it."""

from __future__ import annotations

from typing import Any

Json = Any

TEAM = {
    "id": "T0EXAMPLE1",
    "name": "Example Garden",
    "url": "https://example-garden.slack.com/",
    "domain": "example-garden",
    "email_domain": "example.com",
    "icon": {"image_34": "https://files.example.com/icon_34.png", "image_default": True},
    "avatar_base_url": "https://files.example.com/",
    "is_verified": False,
}


def _user(number: int, name: str, **more: Json) -> Json:
    profile = {
        "title": "Gardener",
        "phone": "",
        "skype": "",
        "real_name": name,
        "real_name_normalized": name,
        "display_name": name.split()[0].lower(),
        "display_name_normalized": name.split()[0].lower(),
        "first_name": name.split()[0],
        "last_name": name.split()[-1],
        "email": f"person{number}@example.com",
        "status_text": "In the greenhouse" if number == 1 else "",
        "status_emoji": ":seedling:" if number == 1 else "",
        "status_expiration": 0,
        "avatar_hash": f"{number:012x}",
        "image_72": f"https://files.example.com/{number}_72.png",
        "image_512": f"https://files.example.com/{number}_512.png",
        "team": TEAM["id"],
    }
    return {
        "id": f"U0EXAMPLE{number}",
        "team_id": TEAM["id"],
        "name": f"person{number}",
        "deleted": False,
        "color": "9f69e7",
        "real_name": name,
        "tz": "Europe/Stockholm",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "locale": "en-US",
        "profile": profile,
        "is_admin": number == 1,
        "is_owner": number == 1,
        "is_primary_owner": number == 1,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
        "updated": 1767225600 + number,
        **more,
    }


USERS = [
    _user(1, "First Person"),
    _user(2, "Second Person"),
    _user(3, "Third Person", is_restricted=True, is_ultra_restricted=True),
    # A deactivated account has few fields.
    {
        "id": "U0EXAMPLE4",
        "team_id": TEAM["id"],
        "name": "person4",
        "deleted": True,
        "profile": {"real_name": "Fourth Person", "email": "person4@example.com"},
        "is_bot": False,
        "is_app_user": False,
        "updated": 1767312000,
    },
]


def _channel(number: int, name: str, **more: Json) -> Json:
    return {
        "id": f"C0EXAMPLE{number}",
        "name": name,
        "name_normalized": name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": False,
        "is_general": number == 1,
        "is_member": True,
        "is_shared": False,
        "is_ext_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "created": 1735689600 + number,
        "updated": 1767225600123 + number,
        "unlinked": 0,
        "creator": "U0EXAMPLE1",
        "context_team_id": TEAM["id"],
        "parent_conversation": None,
        "num_members": 2,
        "topic": {"value": f"About {name}", "creator": "U0EXAMPLE1", "last_set": 1735689700},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [TEAM["id"]],
        "properties": {"tabs": [{"id": "files", "label": "", "type": "files"}]},
        **more,
    }


CHANNELS = [
    _channel(1, "general"),
    _channel(2, "tomatoes", is_private=True),
    _channel(3, "not-joined", is_member=False),
    _channel(4, "last-season", is_archived=True, is_member=False, num_members=0),
]
MEMBERS = {
    "C0EXAMPLE1": ["U0EXAMPLE1", "U0EXAMPLE2", "U0EXAMPLE3"],
    "C0EXAMPLE2": ["U0EXAMPLE1", "U0EXAMPLE2"],
    "C0EXAMPLE3": ["U0EXAMPLE3"],
    "C0EXAMPLE4": [],
}


def message(ts: str, user: int, text: str, **more: Json) -> Json:
    """A message as a person writes it."""
    return {
        "type": "message",
        "user": f"U0EXAMPLE{user}",
        "ts": ts,
        "client_msg_id": f"00000000-0000-4000-8000-{ts.replace('.', '')[-12:]}",
        "text": text,
        "team": TEAM["id"],
        "blocks": [{"type": "rich_text", "block_id": "b1", "elements": []}],
        **more,
    }


THREAD = "1793880000.000300"  # 2026-11-05
REPLIES = [
    message("1793880060.000400", 2, "Water them", parent_user_id="U0EXAMPLE1"),
    message(
        "1793880120.000500",
        3,
        "And wait",
        parent_user_id="U0EXAMPLE1",
        reactions=[{"name": "+1", "users": ["U0EXAMPLE1"], "count": 1}],
    ),
    message("1793880180.000600", 1, "Thanks", parent_user_id="U0EXAMPLE1"),
]
for _reply in REPLIES:
    _reply["thread_ts"] = THREAD

MESSAGES = {
    "C0EXAMPLE1": [
        {
            "type": "message",
            "subtype": "channel_join",
            "user": "U0EXAMPLE2",
            "ts": "1767225700.000100",
            "text": "<@U0EXAMPLE2> has joined the channel",
        },
        message(
            "1793793600.000200",
            1,
            "The greenhouse is open",
            edited={"user": "U0EXAMPLE1", "ts": "1793793700.000000"},
            reactions=[
                {"name": "tada", "users": ["U0EXAMPLE2", "U0EXAMPLE3"], "count": 2},
                {"name": "seedling", "users": ["U0EXAMPLE3"], "count": 1},
            ],
        ),
        message(
            THREAD,
            1,
            "What do tomatoes need?",
            thread_ts=THREAD,
            reply_count=3,
            reply_users_count=3,
            latest_reply="1793880180.000600",
            reply_users=["U0EXAMPLE2", "U0EXAMPLE3", "U0EXAMPLE1"],
            is_locked=False,
            subscribed=True,
        ),
        {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": "B0EXAMPLE1",
            "username": "weather",
            "ts": "1793966400.000700",
            "text": "Frost tonight",
            "attachments": [{"id": 1, "fallback": "-2 degrees", "text": "-2 degrees"}],
        },
    ],
    "C0EXAMPLE2": [message("1793880000.000300", 2, "The same ts, in another channel")],
}
USERGROUPS = [
    {
        "id": "S0EXAMPLE1",
        "team_id": TEAM["id"],
        "is_usergroup": True,
        "is_subteam": True,
        "name": "Growers",
        "description": "Who grows",
        "handle": "growers",
        "is_external": False,
        "date_create": 1735689600,
        "date_update": 1767225600,
        "date_delete": 0,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": "U0EXAMPLE1",
        "updated_by": "U0EXAMPLE1",
        "deleted_by": None,
        "prefs": {"channels": ["C0EXAMPLE2"], "groups": []},
        "users": ["U0EXAMPLE1", "U0EXAMPLE2"],
        "user_count": 2,
        "channel_count": 1,
    }
]


def _file(number: int) -> Json:
    return {
        "id": f"F0EXAMPLE{number}",
        "created": 1767225600 + number * 86400,
        "timestamp": 1767225600 + number * 86400,
        "name": f"plan{number}.pdf",
        "title": f"Plan {number}",
        "mimetype": "application/pdf",
        "filetype": "pdf",
        "pretty_type": "PDF",
        "user": "U0EXAMPLE2",
        "user_team": TEAM["id"],
        "editable": False,
        "size": 1024 * number,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"https://files.example.com/F0EXAMPLE{number}/plan.pdf",
        "permalink": f"https://example-garden.slack.com/files/F0EXAMPLE{number}",
        "comments_count": 0,
        "channels": ["C0EXAMPLE1"],
        "groups": [],
        "ims": [],
    }


FILES = [_file(number) for number in (3, 2, 1)]
EMOJI = {"sprout": "https://files.example.com/sprout.png", "seed": "alias:sprout"}
PINS = {
    "C0EXAMPLE1": [
        {
            "type": "message",
            "created": 1793793800,
            "created_by": "U0EXAMPLE1",
            "channel": "C0EXAMPLE1",
            "message": MESSAGES["C0EXAMPLE1"][1],
        }
    ]
}
BOOKMARKS = {
    "C0EXAMPLE2": [
        {
            "id": "Bk0EXAMPLE1",
            "channel_id": "C0EXAMPLE2",
            "title": "Seed list",
            "link": "https://www.example.com/seeds",
            "emoji": ":seedling:",
            "icon_url": None,
            "type": "link",
            "entity_id": None,
            "date_created": 1767225600,
            "date_updated": 0,
            "rank": "i",
            "last_updated_by_user_id": "U0EXAMPLE1",
            "last_updated_by_team_id": TEAM["id"],
            "shortcut_id": None,
            "app_id": None,
        }
    ]
}
PROFILE_FIELDS = [
    {
        "id": "Xf0EXAMPLE1",
        "ordering": 0,
        "label": "Plot",
        "hint": "Which plot is yours",
        "type": "text",
        "possible_values": None,
        "options": None,
        "is_hidden": False,
        "section_id": "123ABC",
    }
]
BILLABLE = {"U0EXAMPLE1": {"billing_active": True}, "U0EXAMPLE3": {"billing_active": False}}
