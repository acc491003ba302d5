"""Definitions, references and renames; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.language_server.conftest import SHOP
from tests.support.editor import Editor

DEFINED = {
    "a resource": ("resource: orders", 12, "  - name: orders", 10),
    "a resource in a template": ("{resources.orders.id}", 12, "  - name: orders", 10),
    "a secret": ("{secrets.token}", 10, "  token: {desc", 2),
    "a config entry": ("{config.region}", 9, "  region: {type", 2),
}


@pytest.mark.parametrize("name", DEFINED)
def test_a_name_leads_to_its_definition(name: str, typing: Editor, shop: Path) -> None:
    word, inside, target, column = DEFINED[name]
    uri = typing.type(shop, SHOP)
    params = types.DefinitionParams(
        types.TextDocumentIdentifier(uri), typing.place(uri, word, inside)
    )
    found = typing.wait_for(typing.client.text_document_definition_async(params))
    assert isinstance(found, types.Location)
    assert found.range.start == typing.place(uri, target, column)


def test_a_schema_leads_to_its_file(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP)
    params = types.DefinitionParams(
        types.TextDocumentIdentifier(uri), typing.place(uri, "schema: orders", 9)
    )
    found = typing.wait_for(typing.client.text_document_definition_async(params))
    assert isinstance(found, types.Location)
    assert found.uri == (shop.parents[1] / "schemas/shop/orders.json").as_uri()


def test_references_are_all_mentions(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP)
    named, place = types.TextDocumentIdentifier(uri), typing.place(uri, "name: orders", 6)
    lines = []
    for with_definition in (True, False):
        context = types.ReferenceContext(with_definition)
        params = types.ReferenceParams(context, named, place)
        found = typing.wait_for(typing.client.text_document_references_async(params))
        lines.append([one.range.start.line for one in found or []])
    expected = [
        number
        for number, line in enumerate(SHOP.split("\n"))
        if any(text in line for text in ("name: orders", "resource: orders", "resources.orders"))
    ]
    assert lines == [expected, expected[1:]]


def rename(typing: Editor, uri: str, word: str, inside: int, new: str) -> str:
    place = typing.place(uri, word, inside)
    params = types.RenameParams(types.TextDocumentIdentifier(uri), place, new)
    edit = typing.wait_for(typing.client.text_document_rename_async(params))
    return typing.apply(uri, edit)


RENAMED = {
    "a resource": ("name: orders", 6, "purchases"),
    "a resource by a mention": ("resource: orders", 11, "purchases"),
    "a secret": ("{secrets.token}", 9, "api_key"),
    "a config entry": ("region: {type", 0, "area"),
}


@pytest.mark.parametrize("name", RENAMED)
def test_a_rename_changes_every_mention(name: str, typing: Editor, shop: Path) -> None:
    word, inside, new = RENAMED[name]
    uri = typing.type(shop, SHOP)
    before = len(typing.messages)
    text = rename(typing, uri, word, inside, new)
    expected = {
        "resource": SHOP.replace("name: orders", f"name: {new}")
        .replace("resource: orders", f"resource: {new}")
        .replace("resources.orders", f"resources.{new}"),
        "secret": SHOP.replace("secrets.token", f"secrets.{new}").replace(
            "  token: {desc", f"  {new}: {{desc"
        ),
        "config": SHOP.replace("config.region", f"config.{new}").replace(
            "  region: {type", f"  {new}: {{type"
        ),
    }
    assert text == expected[name.split()[1]]
    (told,) = typing.messages[before:]
    assert "in this file" in told
    typing.type(shop, text)
    assert typing.diagnostics(uri) == []


def test_expressions_keys_and_columns_are_renamed_too(typing: Editor, shop: Path) -> None:
    text = SHOP.replace(
        "    include_from_parent: [number]\n",
        "    include_from_parent: [number]\n    primary_key: [_orders_number, id]\n"
        "    processing_steps: [{set: {region: context().config.region}}]\n",
    ).replace("params: {region: ", 'params: {"{config.region}": ')
    uri = typing.type(shop, text)
    after = rename(typing, uri, "name: orders", 6, "purchases")
    assert "primary_key: [_purchases_number, id]" in after
    after = rename(typing, uri, "region: {type", 0, "area")
    assert "region: context().config.area" in after
    assert '{"{config.area}": "{config.area}"' in after


REFUSED = {
    "a name that is taken": (SHOP, "name: orders", 6, "lines", "already"),
    "a name of another form": (SHOP, "name: orders", 6, "My Orders", "expected a name"),
    "a path": (
        SHOP + "  - name: shops\n",
        "name: shops",
        6,
        "stores",
        "path of this resource",
    ),
    "nothing": (SHOP, "Orders and", 1, "x", "no name"),
    "what is not declared": (SHOP, "{config.region}", 9, "x", "has no config entry"),
    "a broken file": (SHOP + "x: [\n", "name: orders", 6, "x", "no name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rename_that_cannot_be_done_is_refused(name: str, typing: Editor, shop: Path) -> None:
    text, word, inside, new, reason = REFUSED[name]
    if name == "what is not declared":
        text = text.replace("  region: {", "  other: {")
    uri = typing.type(shop, text)
    with pytest.raises(JsonRpcException) as refusal:
        rename(typing, uri, word, inside, new)
    assert reason in refusal.value.message
    assert refusal.value.code == -32803


def test_a_mention_over_several_lines_is_not_renamed(typing: Editor, shop: Path) -> None:
    text = SHOP.replace(
        '"/orders/{resources.orders.id}/refunds"',
        '"/orders/{resources.orders.id}/refunds"\n      params: {a: "{resources.\\\n'
        '        orders.id}"}',
    )
    uri = typing.type(shop, text)
    assert typing.diagnostics(uri) == []
    line = text[: text.index("params: {a")].count("\n") + 1
    with pytest.raises(JsonRpcException, match=f"line {line} mentions orders in a form"):
        rename(typing, uri, "name: orders", 6, "purchases")


def test_the_outline_is_the_resources(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP)
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
    found = typing.wait_for(typing.client.text_document_document_symbol_async(params))
    names = []
    for one in found or []:
        assert isinstance(one, types.DocumentSymbol)
        assert one.range.start <= one.selection_range.start
        assert one.selection_range.end <= one.range.end
        names.append((one.name, one.detail))
    assert names == [
        ("orders", "/orders"),
        ("lines", "/orders/{order_id}/lines"),
        ("refunds", "/orders/{resources.orders.id}/refunds"),
    ]
