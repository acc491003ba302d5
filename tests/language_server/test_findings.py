"""Findings while typing: those of `validate`, of the latest text, for connector files only."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from framework.definition.finder import find_connector
from framework.definition.validation import validate
from tests.language_server.conftest import SHOP
from tests.support.editor import Editor, editor

MISTAKES = {
    "a key": ("auth: {type", "auht: {type"),
    "a value": ("type: cursor", "type: cursr"),
    "a secret": ("{secrets.token}", "{secrets.tokn}"),
    "a resource": ("resource: orders", "resource: order"),
    "a field": ("updated_at", "{config.region"),
    "the YAML": ("path: /orders\n", "path: [/orders\n"),
    "a tab": ("  - name: lines", "\t- name: lines"),
    "nothing": ("Orders and", "Orders with"),
    "all of it": (SHOP, ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_findings_are_those_of_validate(
    mistake: str, typing: Editor, shop: Path, tmp_path: Path
) -> None:
    text = SHOP.replace(*MISTAKES[mistake])
    uri = typing.type(shop, text)
    found = [
        (one.range.start.line + 1, one.range.start.character + 1, one.code, one.message)
        for one in typing.diagnostics(uri)
    ]
    copy = tmp_path / "connectors" / "shop.yaml"
    copy.parent.mkdir()
    copy.write_text(text, encoding="utf-8")
    (tmp_path / "schemas").symlink_to(shop.parents[1] / "schemas")
    expected = validate(find_connector(str(copy))).findings
    assert found == [(one.line, one.column, one.code, one.message) for one in expected]
    assert bool(found) == (mistake != "nothing")


def test_of_many_texts_the_latest_is_judged(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP)
    typing.diagnostics(uri)
    before = len(typing.order)
    for number in range(30):
        typing.type(shop, SHOP + "#" * number)
    typing.type(shop, SHOP.replace("type: bearer", "type: baerer"))
    assert [one.code for one in typing.diagnostics(uri)] == ["not-one-of"]
    versions = [version or 0 for name, version in typing.order[before:] if name == uri]
    assert versions == sorted(versions)


def test_severity_source_and_place_are_the_findings(typing: Editor, shop: Path) -> None:
    uri = typing.type(shop, SHOP.replace("secrets:\n", "secrets:\n  other: {description: x}\n"))
    (found,) = typing.diagnostics(uri)
    assert (found.code, found.severity, found.source) == ("unused-secret", 2, "framework")
    line = typing.texts[uri].split("\n")[found.range.start.line]
    assert line[found.range.start.character : found.range.end.character] == "other"


def test_a_finding_behind_characters_of_two_units_is_in_its_place(
    typing: Editor, shop: Path
) -> None:
    text = SHOP.replace("token: {description: ", "token: {'😀😀': 1, description: ")
    uri = typing.type(shop, text)
    (found,) = typing.diagnostics(uri)
    start, end = found.range.start, found.range.end
    written = typing.texts[uri].split("\n")[start.line].encode("utf-16-le")
    assert written[start.character * 2 : end.character * 2].decode("utf-16-le") == "'😀😀'"


def test_other_files_are_left_alone(typing: Editor, shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "compose.yaml"
    uri = typing.type(other, "version: 1\nservices: {a: [}\n")
    typing.diagnostics(typing.type(shop, SHOP))
    assert uri not in [name for name, _ in typing.order]
    assert typing.labels(other, "version: 1\n|") == []


def test_a_connector_outside_of_the_folder_is_known_by_its_schema_or_its_keys(
    typing: Editor, tmp_path: Path
) -> None:
    line = "# yaml-language-server: $schema=../connector.schema.json\n"
    marked = typing.type(tmp_path / "a.yaml", f"{line}version: 1\nname: a\n")
    assert "missing-key" in [one.code for one in typing.diagnostics(marked)]
    keyed = typing.type(tmp_path / "shop.yaml", SHOP)
    assert [one.code for one in typing.diagnostics(keyed)] == ["schema-missing"]


def test_a_closed_file_has_no_findings(typing: Editor, shop: Path) -> None:
    other = shop.with_name("other.yaml")
    uri = typing.type(other, "version: 2\n")
    assert typing.diagnostics(uri)
    typing.close(uri)
    assert typing.diagnostics(uri) == []


def test_a_secret_in_the_file_or_the_environment_is_in_no_message(
    project: Path, shop: Path
) -> None:
    secret = "sk_live_51Habcdefghijklmnop"
    with editor(project, SHOP_TOKEN=secret) as one:
        text = SHOP.replace('"{secrets.token}"', secret).replace("type: cursor", f"type: {secret}")
        found = one.diagnostics(one.type(shop, text))
        assert {"not-one-of", "literal-secret"} <= {str(finding.code) for finding in found}
        assert secret not in str(found)
        uri = one.type(shop, SHOP.replace("default: eu", f"default: {secret}"))
        assert secret not in (one.hover(uri, "config.region", 8) or secret)


def test_what_sets_a_secret_of_the_connector_is_in_no_message(tmp_path: Path) -> None:
    of_file, of_environment = "file/pw+zz==Q", 'en/v+sec ret=="q'
    settings = tmp_path / ".dlt" / "secrets.toml"
    settings.parent.mkdir()
    settings.write_text(f"[sources.shop]\nlogin = '{of_file}'\n", encoding="utf-8")
    path = tmp_path / "connectors" / "shop.yaml"
    with editor(tmp_path, SOURCES__SHOP__PIN=of_environment) as one:
        for secret in (of_file, quote(of_file, safe=""), of_environment):
            text = SHOP.replace("secrets:\n", "secrets:\n  pin: {}\n  login: {}\n")
            found = one.diagnostics(one.type(path, text.replace("cursor,", f"'{secret}',", 1)))
            assert "***" in str([finding.message for finding in found])
            assert secret not in str([finding.message for finding in found])


def test_a_finding_in_a_query_file_is_published_for_that_file(
    typing: Editor, project: Path, shop: Path
) -> None:
    query = project / "queries/shop/orders.graphql"
    query.parent.mkdir(parents=True, exist_ok=True)
    query.write_text("query {\n  orders { id ]\n}\n", encoding="utf-8")
    text = SHOP.replace("path: /orders\n", "path: /graphql\n      graphql: {query: orders}\n")
    uri = typing.type(shop, text)
    typing.diagnostics(uri)
    published = typing.published(query.as_uri())
    assert [(one.code, one.range.start.line) for one in published] == [("graphql-query", 1)]
    typing.diagnostics(typing.type(shop, SHOP))
    assert typing.published(query.as_uri()) == []


def test_nothing_is_written(typing: Editor, project: Path, shop: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    typing.diagnostics(typing.type(shop, SHOP.replace("name: lines", "name: items")))
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


def test_a_changed_schema_file_is_read_again(typing: Editor, project: Path, shop: Path) -> None:
    text = SHOP
    uri = typing.type(shop, text)
    assert [one.code for one in typing.diagnostics(uri)] == []
    file = project / "schemas/shop/orders.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("updated_at", "changed_at"), encoding="utf-8")
    try:
        assert [one.code for one in typing.diagnostics(typing.type(shop, text + "#"))]
    finally:
        file.write_text(whole, encoding="utf-8")
