"""Fields of records: what tells them apart, and what an edit changes."""

from __future__ import annotations

from typing import Any

import pytest

from framework.definition.model import Endpoint, Incremental, Resource
from framework.prove.history.record_fields import RecordFields

RAW = {
    "id": "7b1c0d8e-0000-4000-8000-000000000001",
    "status": "open",
    "title": "A book",
    "customer_id": 5,
    "updated_at": "2026-01-31T10:00:00Z",
}


def fields(raw: dict[str, Any] = RAW, key: Any = "id", cursor: str | None = None) -> RecordFields:
    spec = None if cursor is None else Incremental(cursor, {})
    resource = Resource("orders", Endpoint("/", incremental=spec), hints={"primary_key": key})
    return RecordFields.of(resource, raw, raw)


def test_a_new_record_differs_in_its_identity_only() -> None:
    made = fields().new(RAW, 3)
    assert made["id"] == "7b1c0d8e-0000-4000-8000-000007000004"
    assert {**made, "id": RAW["id"]} == RAW


def test_an_edit_changes_a_text_each_time() -> None:
    found = fields()
    once = found.edited(RAW, 1)
    assert once["status"] == "open (edit 1)"
    assert found.edited(once, 2)["status"] == "open (edit 2)"


@pytest.mark.parametrize("key", ["title", "status", "customer_id", ["status", "title"]])
def test_a_key_that_cannot_tell_records_apart_is_not_made_unique(key: Any) -> None:
    found = fields(key=key)
    assert found.identity == (("id",),)
    assert found.natural_key == "id"


def test_a_key_of_another_kind_is_trusted() -> None:
    raw = {"code": "a", "text": "b"}
    assert fields(raw, "code").identity == (("code",),)


def test_the_rest_of_a_key_with_an_id_is_what_an_edit_changes() -> None:
    assert fields(key=["id", "status"]).text == ("status",)


def test_a_cursor_that_is_the_key_is_told() -> None:
    raw = {"day": "2026-01-31", "clicks": 3}
    found = fields(raw, "day", "day")
    assert found.has_key_of_cursor
    assert found.text == ("clicks",)


def test_another_field_of_changes_is_named() -> None:
    raw = {**RAW, "created_at": "2026-01-30T10:00:00Z"}
    assert fields(raw, cursor="created_at").updated == "updated_at"
