"""What is proposed: keys and values of the schema, names of the file, paths of the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language_server.conftest import SHOP
from tests.support.editor import Editor

SELECTOR, CURSOR = "data_selector: data", "cursor_path: paging.next"
SINCE, RESOLVE = '"{incremental.start_value}"', "resource: orders"
PROPOSED = {
    # a text of SHOP, what is typed in its place, and labels: the first, or one of all
    "keys of the top": ("config:\n", "|\nconfig:\n", "$schema:", True),
    "keys of the client": ("client:\n", "client:\n  |\n", "rate_limit:", False),
    "keys of a variant": ("type: cursor, ", "type: cursor, |", "cursor_body_path:", False),
    "values of an enum": ("type: bearer", "type: |", "oauth2_client_credentials", False),
    "values of a type": ("  primary_key: id\n", "  write_disposition: |\n", "append", True),
    "a whole secret": ('token: "{secrets.token}"', "token: |", '"{secrets.token}"', True),
    "roots": (SINCE, '"{|"', "incremental.", False),
    "secrets": ("{secrets.token}", "{secrets.|}", "token", True),
    "config": ("{config.region}", "{config.re|}", "region", True),
    "the incremental": (SINCE, '"{incremental.|"', "start_value", False),
    "resources": ("{resources.orders.id}", "{resources.|", "orders.", False),
    "recorded fields of a parent": (
        "{resources.orders.id}",
        "{resources.orders.|",
        "number",
        False,
    ),
    "declared fields of a parent": ("{resources.orders.id}", "{resources.orders.|", "note", False),
    "fields inside of it": ("{resources.orders.id}", "{resources.orders.cu|", "customer.id", False),
    "names of resources": (RESOLVE, "resource: |", "orders", True),
    "fields of the parent resolved": ("field: id", "field: nu|", "number", False),
    "fields to include": ("[number]", "[|]", "number", False),
    "lists of the response": (SELECTOR, "data_selector: |", "data", True),
    "paths of the response": (CURSOR, "cursor_path: pag|", "paging.next", False),
    "fields of the record": ("cursor_path: updated_at", "cursor_path: |", "updated_at", False),
    "keys of the record": ("schema: orders\n", "primary_key: |\n", "number", False),
    "columns of the record": ("schema: orders\n", "columns:\n      nu|\n", "number:", False),
    "columns in braces": ("schema: orders\n", "columns: {id: {}, |}\n", "number:", False),
    "a column's name": ("schema: orders\n", "columns: [{name: nu|}]\n", "number", False),
    "fields to rename": (
        "include_from_parent: [number]",
        "processing_steps: [{rename: {|}}]",
        "sku:",
        False,
    ),
    "what steps read": (
        "include_from_parent: [number]",
        "processing_steps: [{filter: pr|}]",
        "price",
        False,
    ),
    "parameters of a path": ("{order_id}", "{|}", "order_id", True),
}


@pytest.mark.parametrize("name", PROPOSED)
def test_what_fits_is_proposed(name: str, typing: Editor, shop: Path) -> None:
    old, new, label, is_first = PROPOSED[name]
    assert old in SHOP
    typing.type(shop, SHOP)
    labels = typing.labels(shop, SHOP.replace(old, new, 1))
    assert label in labels
    assert labels[0] == label or not is_first


def test_keys_that_are_there_are_not_proposed(typing: Editor, shop: Path) -> None:
    labels = typing.labels(shop, SHOP.replace("client:\n", "client:\n  |\n"))
    assert "auth:" not in labels
    assert "retry:" in labels


def test_a_resource_is_not_proposed_to_itself(typing: Editor, shop: Path) -> None:
    typing.type(shop, SHOP)
    assert typing.labels(shop, SHOP.replace(RESOLVE, "resource: |")) == ["orders", "refunds"]


def test_a_key_has_its_description_and_a_path_its_recorded_value(
    typing: Editor, shop: Path
) -> None:
    typing.type(shop, SHOP)
    (key,) = [
        one
        for one in typing.complete(shop, SHOP.replace("client:\n", "client:\n  ti|\n"))
        if one.label == "timeout:"
    ]
    assert key.documentation is not None
    typing.type(shop, SHOP)
    first = typing.complete(shop, SHOP.replace("cursor_path: updated_at", "cursor_path: up|"))
    (path,) = [one for one in first if one.label == "updated_at"]
    assert "2024-05-01" in str(path.documentation)


def test_what_is_inserted_replaces_what_is_typed(typing: Editor, shop: Path) -> None:
    text = SHOP.replace("{secrets.token}", "{secrets.to|}")
    (item,) = typing.complete(shop, text)
    uri = shop.as_uri()
    edit = item.text_edit
    assert edit is not None
    line = typing.texts[uri].split("\n")[edit.range.start.line]
    start, end = edit.range.start.character, edit.range.end.character
    assert (
        line[:start] + edit.new_text + line[end:]
        == '  auth: {type: bearer, token: "{secrets.token}"}'
    )


@pytest.mark.parametrize(
    ("old", "new", "label", "line"),
    [
        ("  base_url: https", "  ba|: https", "base_url:", "  base_url: https"),
        ("    data_selector: data\n", "    data_selector:|\n", "data", "    data_selector: data"),
        ("    data_selector: data\n", "    data_sel|\n", "data_selector:", "    data_selector: "),
    ],
    ids=["a colon is there", "no space is there", "a new key"],
)
def test_a_colon_and_a_space_are_written_once(
    old: str, new: str, label: str, line: str, typing: Editor, shop: Path
) -> None:
    typing.type(shop, SHOP)
    typing.type(shop, SHOP.replace(old, "") if old.endswith("\n") else SHOP)
    found = typing.complete(shop, SHOP.replace(old, new, 1))
    (item,) = [one for one in found if one.label == label]
    edit = item.text_edit
    assert edit is not None
    written = typing.texts[shop.as_uri()].split("\n")[edit.range.start.line]
    start, end = edit.range.start.character, edit.range.end.character
    assert (written[:start] + edit.new_text + written[end:]).startswith(line)


def test_a_broken_text_is_completed_from_the_last_good_one(typing: Editor, shop: Path) -> None:
    typing.type(shop, SHOP)
    broken = SHOP.replace("description: Orders and their lines.", "description: [Orders")
    assert typing.labels(shop, broken.replace(RESOLVE, "resource: |")) == ["orders", "refunds"]


def test_a_text_that_was_never_good_has_the_keys_of_the_schema(typing: Editor, shop: Path) -> None:
    other = shop.with_name("fresh.yaml")
    assert "client:" in typing.labels(other, "version: [\n|")
    assert typing.labels(other, "x: '{secrets.|") == []
    typing.close(other.as_uri())


def test_a_comment_gets_nothing(typing: Editor, shop: Path) -> None:
    assert typing.labels(shop, SHOP.replace("client:\n", "client:\n  # |\n")) == []


def test_a_broken_recording_is_told_once(typing: Editor, shop: Path) -> None:
    other = shop.with_name("broken.yaml")
    cassette = shop.parents[1] / "cassettes" / "broken.yaml"
    cassette.write_text("interactions: []\n", encoding="utf-8")
    text = SHOP.replace("name: shop", "name: broken")
    for _ in range(2):
        typing.type(other, text)
        assert typing.labels(other, text.replace(SELECTOR, "data_selector: |")) == []
    told = [one for one in typing.messages if "broken.yaml is cut off" in one]
    assert len(told) == 1
    cassette.unlink()
    typing.close(other.as_uri())
