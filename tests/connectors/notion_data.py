"""A small made-up workspace, as version 2025-09-03 of the API shows it."""

from __future__ import annotations

from typing import Any

Json = Any


def uuid(number: int) -> str:
    """The id of the thing with this number."""
    return f"a1b2c3d4-e5f6-4a7b-8c9d-e0f1a2b3{number:04d}"


ADA, BOT = uuid(1), uuid(3)
DATABASE, TASKS, PEOPLE, HOME = uuid(20), uuid(21), uuid(22), uuid(40)


def text(*parts: str) -> list[Json]:
    """Texts as rich text."""
    return [
        {
            "type": "text",
            "text": {"content": part, "link": None},
            "annotations": {"bold": False, "italic": False, "code": False, "color": "default"},
            "plain_text": part,
            "href": None,
        }
        for part in parts
    ]


USERS = [
    {
        "object": "user",
        "id": ADA,
        "type": "person",
        "name": "First Person",
        "avatar_url": None,
        "person": {"email": "person1@example.com"},
    },
    {
        "object": "user",
        "id": uuid(2),
        "type": "person",
        "name": "Second Person",
        "avatar_url": "https://files.example.com/2.png",
        "person": {"email": "person2@example.com"},
    },
    {
        "object": "user",
        "id": BOT,
        "type": "bot",
        "name": "Loader",
        "avatar_url": None,
        "bot": {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_id": uuid(9),
            "workspace_name": "Example Garden",
            "workspace_limits": {"max_file_upload_size_in_bytes": 5242880},
        },
    },
]


def _edited(created: str, edited: str) -> Json:
    return {
        "created_time": created,
        "last_edited_time": edited,
        "created_by": {"object": "user", "id": ADA},
        "last_edited_by": {"object": "user", "id": ADA},
    }


def _source(number: int, name: str, day: int, properties: Json) -> Json:
    return {
        "object": "data_source",
        "id": uuid(number),
        **_edited("2026-01-05T09:00:00.000Z", f"2026-11-{day:02}T09:00:00.000Z"),
        "title": text(name),
        "description": [],
        "icon": {"type": "emoji", "emoji": "\N{SEEDLING}"},
        "cover": None,
        "parent": {"type": "database_id", "database_id": DATABASE},
        "database_parent": {"type": "page_id", "page_id": HOME},
        "is_inline": False,
        "url": f"https://www.notion.so/{number}",
        "public_url": None,
        "archived": False,
        "in_trash": False,
        "properties": properties,
    }


STATES = [
    {"id": "st1", "name": "To do", "color": "default"},
    {"id": "st2", "name": "Done", "color": "green"},
]
TOOLS = [
    {"id": "to1", "name": "Spade", "color": "brown"},
    {"id": "to2", "name": "Rake", "color": "gray"},
]
DATA_SOURCES = [
    _source(
        21,
        "Tasks",
        3,
        {
            "Task": {"id": "title", "name": "Task", "type": "title", "title": {}},
            "After": {
                "id": "mnop",
                "name": "After",
                "description": None,
                "type": "relation",
                "relation": {
                    "database_id": DATABASE,
                    "data_source_id": TASKS,
                    "type": "single_property",
                    "single_property": {},
                },
            },
            "State": {
                "id": "abcd",
                "name": "State",
                "type": "select",
                "description": "Whether it is done",
                "select": {"options": STATES},
            },
            "Hours": {
                "id": "efgh",
                "name": "Hours",
                "type": "number",
                "number": {"format": "number"},
            },
        },
    ),
    _source(
        22, "People", 4, {"Name": {"id": "title", "name": "Name", "type": "title", "title": {}}}
    ),
]
DATABASES = {
    DATABASE: {
        "object": "database",
        "id": DATABASE,
        "title": text("Garden", " plan"),
        "description": [],
        "parent": {"type": "page_id", "page_id": HOME},
        "is_inline": False,
        "in_trash": False,
        "is_locked": False,
        "created_time": "2026-01-05T09:00:00.000Z",
        "last_edited_time": "2026-11-04T09:00:00.000Z",
        "data_sources": [{"id": TASKS, "name": "Tasks"}, {"id": PEOPLE, "name": "People"}],
        "icon": None,
        "cover": None,
        "url": "https://www.notion.so/20",
        "public_url": None,
    }
}


def page(number: int, edited: str, parent: Json, properties: Json) -> Json:
    """A page as lists have it."""
    return {
        "object": "page",
        "id": uuid(number),
        **_edited("2026-02-01T08:00:00.000Z", edited),
        "cover": None,
        "icon": None,
        "parent": parent,
        "archived": False,
        "in_trash": False,
        "is_locked": False,
        "properties": properties,
        "url": f"https://www.notion.so/{number}",
        "public_url": None,
    }


def task(number: int, edited: str, name: str, state: int | None, hours: float | None) -> Json:
    """A row of the data source Tasks."""
    properties = {
        "Task": {"id": "title", "type": "title", "title": text(name)},
        "State": {
            "id": "abcd",
            "type": "select",
            "select": None if state is None else STATES[state],
        },
        "Hours": {"id": "efgh", "type": "number", "number": hours},
        "Tools": {"id": "ijkl", "type": "multi_select", "multi_select": TOOLS if hours else []},
        # A relation has at most 25 pages here; has_more stands beside them.
        "After": {"id": "mnop", "type": "relation", "relation": [], "has_more": hours is not None},
    }
    parent = {"type": "data_source_id", "data_source_id": TASKS, "database_id": DATABASE}
    return page(number, edited, parent, properties)


ROWS = {
    TASKS: [
        task(31, "2026-11-02T10:00:00.000Z", "Dig", 1, 2.5),
        task(32, "2026-11-05T10:00:00.000Z", "Sow", 0, None),
        task(33, "2026-11-10T10:00:00.000Z", "Water", None, 1),
    ],
    PEOPLE: [
        page(
            34,
            "2026-11-06T10:00:00.000Z",
            {"type": "data_source_id", "data_source_id": PEOPLE, "database_id": DATABASE},
            {"Name": {"id": "title", "type": "title", "title": text("Neighbour")}},
        )
    ],
}
OTHER_PAGES = [
    page(
        40,
        "2026-11-08T10:00:00.000Z",
        {"type": "workspace", "workspace": True},
        {"title": {"id": "title", "type": "title", "title": text("Home")}},
    )
]


def _block(number: int, parent: Json, kind: str, content: Json, inside: bool = False) -> Json:
    return {
        "object": "block",
        "id": uuid(number),
        "parent": parent,
        **_edited("2026-02-01T08:00:00.000Z", "2026-11-08T10:00:00.000Z"),
        "has_children": inside,
        "archived": False,
        "in_trash": False,
        "type": kind,
        kind: content,
    }


def _paragraph(*parts: str) -> Json:
    return {"rich_text": text(*parts), "color": "default"}


BLOCKS = {
    HOME: [
        _block(51, {"type": "page_id", "page_id": HOME}, "heading_1", _paragraph("Welcome")),
        _block(
            52, {"type": "page_id", "page_id": HOME}, "toggle", _paragraph("Beds", " one"), True
        ),
        # Its content is a page of its own.
        _block(31, {"type": "page_id", "page_id": HOME}, "child_page", {"title": "Dig"}, True),
    ],
    uuid(52): [
        _block(53, {"type": "block_id", "block_id": uuid(52)}, "divider", {}),
        _block(
            54,
            {"type": "block_id", "block_id": uuid(52)},
            "to_do",
            {**_paragraph("Weed"), "checked": True},
            True,
        ),
    ],
    uuid(54): [
        _block(55, {"type": "block_id", "block_id": uuid(54)}, "paragraph", _paragraph("With care"))
    ],
}
COMMENTS = {
    HOME: [
        {
            "object": "comment",
            "id": uuid(61),
            "parent": {"type": "page_id", "page_id": HOME},
            "discussion_id": uuid(62),
            "created_time": "2026-11-07T10:00:00.000Z",
            "last_edited_time": "2026-11-07T10:00:00.000Z",
            "created_by": {"object": "user", "id": uuid(2)},
            "rich_text": text("Is this ", "up to date?"),
        }
    ]
}
TEMPLATES = {TASKS: [{"id": uuid(71), "name": "Weekly task", "is_default": True}]}
FILE_UPLOADS = [
    {
        "object": "file_upload",
        "id": uuid(81),
        "created_time": "2026-10-01T10:00:00.000Z",
        "created_by": {"id": BOT, "type": "bot"},
        "last_edited_time": "2026-10-01T10:01:00.000Z",
        "in_trash": False,
        "expiry_time": None,
        "status": "uploaded",
        "filename": "map.png",
        "content_type": "image/png",
        "content_length": 20480,
    }
]
