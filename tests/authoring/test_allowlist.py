"""What a declared schema lets stay at each place of a record."""

from __future__ import annotations

from typing import Any

import pytest

from framework.authoring.scrub.allowlist import Allowlist, Schemas, keeps_all, may_stay

SCHEMA = {
    "type": "object",
    "$defs": {
        "person": {"type": "object", "properties": {"role": {"enum": ["owner"]}}},
        "loop": {"properties": {"below": {"$ref": "#/$defs/loop"}, "at": {"format": "date"}}},
    },
    "properties": {
        "status": {"type": "string", "enum": ["active", "gone"]},
        "kind": {"const": "user"},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "day": {"format": "date"},
        "clock": {"format": "time"},
        "mail": {"type": "string", "format": "email"},
        "zone": {"type": "string", "x-keep": True},
        "person": {"anyOf": [{"$ref": "#/$defs/person"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"enum": ["red"]}},
        "pair": {"prefixItems": [{"enum": ["left"]}, {"enum": ["right"]}]},
        "loop": {"$ref": "#/$defs/loop"},
        "all": {"allOf": [{"type": "string"}, {"enum": ["x"]}]},
        "map": {"additionalProperties": {"format": "date"}},
        "odd": {"$ref": "https://example.com/other.json"},
        "false": False,
    },
    "patternProperties": {"^at_": {"format": "date"}},
}
STAYS = [
    (["status"], "active", True),
    (["status"], "paused", False),
    (["kind"], "user", True),
    (["kind"], "Sam", False),
    (["at"], "2026-01-02T03:04:05.678Z", True),
    (["at"], "Fri, 02 Jan 2026 03:04:05 GMT", True),
    (["at"], "ask Sam", False),
    (["day"], "2026-01-02", True),
    (["clock"], "10:30", True),
    (["mail"], "sam@example.com", False),
    (["person", "role"], "owner", True),
    (["person", "name"], "owner", False),
    (["tags", 0], "red", True),
    (["tags", 7], "blue", False),
    (["pair", 0], "left", True),
    (["pair", 1], "left", False),
    (["pair", 2], "left", False),
    (["loop", "below", "below", "at"], "2026-01-02", True),
    (["all"], "x", True),
    (["map", "anything"], "2026-01-02", True),
    (["at_last"], "2026-01-02", True),
    (["odd"], "x", False),
    (["false"], "x", False),
    (["unknown"], "active", False),
]


def place(path: list[Any]) -> Schemas:
    declared = Allowlist(SCHEMA)
    at = declared.root
    for step in path:
        at = declared.item(at, step) if isinstance(step, int) else declared.key(at, step)
    return at


@pytest.mark.parametrize(("path", "text", "stays"), STAYS)
def test_only_what_the_schema_says_stays(path: list[Any], text: str, stays: bool) -> None:
    assert may_stay(place(path), text) is stays


def test_what_is_marked_is_kept() -> None:
    assert keeps_all(place(["zone"]))
    assert not keeps_all(place(["mail"]))
