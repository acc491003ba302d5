"""What is shown on hover, and the quick fixes of findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from tests.language_server.conftest import SHOP
from tests.support.editor import Editor

SHOWN = {
    "a key": ("data_selector", 2, "Where the records are"),
    "a selector": ("data_selector: data", 16, "Recorded, a list of 2"),
    "a path of the response": (
        "{type: cursor, cursor_param: after, cursor_path: p",
        49,
        "Recorded",
    ),
    "a cursor": ("cursor_path: updated_at", 14, "2024-05-01T00:00:00Z"),
    "a field of a parent": ("{resources.orders.id}", 19, "Recorded, an integer: `7`"),
    "a field resolved": ("field: id", 7, "Recorded, an integer: `7`"),
    "a resource": ("resource: orders", 12, "**resource orders**: `/orders`"),
    "a secret": ("{secrets.token}", 10, "An API token, from Settings."),
    "a config entry": ("{config.region}", 9, "Where the shop is. Default: `eu`."),
    "a value": ("type: bearer", 7, "One of:"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_hover_shows_what_is_known(name: str, typing: Editor, shop: Path) -> None:
    word, inside, shown = SHOWN[name]
    uri = typing.type(shop, SHOP)
    assert shown in (typing.hover(uri, word, inside) or "")


def test_hover_on_nothing_shows_nothing(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP + "\n# a comment\n")
    assert typing.hover(uri, "# a comment", 3) is None
    assert typing.hover(typing.type(shop, SHOP + "x: [\n"), "data_selector") is None


FIXES = {
    "a key": ("auth: {type", "auht: {type"),
    "a value": ("type: cursor", "type: cursr"),
    "a secret": ("{secrets.token}", "{secrets.tokn}"),
    "a resource": ("resource: orders", "resource: ordres"),
    "a function": (
        "    include_from_parent: [number]\n",
        "    processing_steps: [{set: {day: \"format__time(at, '%d')\"}}]\n",
    ),
    "a placeholder without quotes": ('"{config.region}"', "{config.region}"),
    "a word for true": ("path: /orders\n", "path: /orders\n      conditional: yes\n"),
    "a word of another kind": (
        "  primary_key: id\n",
        "  primary_key: id\n  write_disposition: upsert\n",
    ),
    "a key to add": (
        "    include_from_parent: [number]\n",
        "    primary_key: [_orders_id, id]\n",
    ),
    "a number in quotes": (
        "data_selector: data\n",
        "data_selector: data\n    max_in_flight: '5'\n",
    ),
}
FIXED = {
    "a function": ("format__time", "format_time"),
    "a word for true": ("conditional: yes", "conditional: true"),
    "a word of another kind": ("upsert", "merge"),
    "a key to add": (
        "  - name: lines\n",
        "  - name: lines\n    include_from_parent: [id]\n",
    ),
    "a number in quotes": ("'5'", "5"),
}


@pytest.mark.parametrize("name", FIXES)
def test_a_quick_fix_is_what_the_finding_says(name: str, typing: Editor, shop: Path) -> None:
    old, new = FIXES[name]
    text = SHOP.replace(old, new, 1)
    expected = SHOP if name not in FIXED else text.replace(*FIXED[name])
    uri = typing.type(shop, text)
    (finding,) = [one for one in typing.diagnostics(uri) if one.severity == 1]
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri), finding.range, types.CodeActionContext([finding])
    )
    (action,) = typing.wait_for(typing.client.text_document_code_action_async(params)) or []
    assert isinstance(action, types.CodeAction)
    assert list(action.diagnostics or ()) == [finding]
    assert typing.apply(uri, action.edit) == expected


def test_a_finding_without_a_remedy_has_no_fix(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP.replace("type: bearer", "type: qqqq"))
    (finding,) = typing.diagnostics(uri)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri), finding.range, types.CodeActionContext([finding])
    )
    assert not typing.wait_for(typing.client.text_document_code_action_async(params))


def test_the_recording_proves_a_selector_wrong_and_fixes_it(
    typing: Editor, shop: Path, project: Path
) -> None:
    text = SHOP.replace(
        "      path: /orders\n", "      path: /orders\n      data_selector: items\n"
    )
    shop.write_text(text, encoding="utf-8")
    try:
        uri = typing.type(shop, text)
        assert typing.diagnostics(uri) == []
        before = set(project.rglob("*"))
        named = types.TextDocumentIdentifier(uri)
        place = typing.place(uri, "name: orders", 6)
        whole = types.Range(place, place)
        (check,) = actions(typing, named, whole)
        assert check.title == "Check the file against its recording"
        command = types.ExecuteCommandParams("framework.checkRecording", [uri])
        typing.wait_for(typing.client.workspace_execute_command_async(command))
        found = typing.next_diagnostics(uri)
        assert [one.code for one in found] == ["selector-no-match"]
        assert "replayed: lines and refunds" in typing.messages[-1]
        fix, _ = actions(typing, named, whole)
        assert set(project.rglob("*")) == before
        assert isinstance(fix, types.CodeAction)
        assert "data_selector: data\n" in typing.apply(uri, fix.edit)
    finally:
        shop.write_text(SHOP, encoding="utf-8")


def test_a_file_that_is_not_saved_is_not_checked(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP + "# more\n")
    command = types.ExecuteCommandParams("framework.checkRecording", [uri])
    typing.wait_for(typing.client.workspace_execute_command_async(command))
    typing.diagnostics(uri)
    assert "save it" in typing.messages[-1]


def actions(
    typing: Editor, named: types.TextDocumentIdentifier, place: types.Range
) -> list[types.Command | types.CodeAction]:
    params = types.CodeActionParams(named, place, types.CodeActionContext([]))
    found = typing.wait_for(typing.client.text_document_code_action_async(params))
    return list(found or [])
