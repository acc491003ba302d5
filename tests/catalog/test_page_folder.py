"""Pages in a folder: kept proofs, secrets, the index, pages of connectors that are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.catalog.connector_page import mark_of
from framework.catalog.page_folder import connector_page, index_page, strange_pages
from framework.catalog.proof_block import BEGIN, END, block, block_of
from framework.errors import FrameworkError
from framework.runtime.environment import StopSignal
from tests.catalog.markdown_pages import headings, tables
from tests.support.mocks import API
from tests.support.run_verbs import connector_of

pytestmark = pytest.mark.usefixtures("project")
DOCS = Path("docs")
BODY: dict[str, Any] = {
    "description": "Things. And more.",
    "secrets": {"token": {"description": "A token."}},
    "client": {
        "base_url": API,
        "auth": {"type": "bearer", "token": "{secrets.token}"},
        "paginator": "single_page",
    },
    "resources": [{"name": "things", "write_disposition": "replace"}],
}


def test_a_page_without_a_proof_keeps_that_of_the_page_before(project: Path) -> None:
    connector = connector_of(project, BODY)
    first = connector_page(connector, DOCS, StopSignal(), proves=False)
    assert not first.is_same
    first.write()
    assert connector_page(connector, DOCS, StopSignal(), proves=False).is_same
    found = ["- **limit**, `things`: found before"]
    text = first.text.replace("Not tried: `framework prove shop` tells.", found[0])
    first.path.write_text(text, "utf-8")
    again = connector_page(connector, DOCS, StopSignal(), proves=False)
    assert again.is_same
    assert block_of(again.text) == found
    assert not connector_page(connector, DOCS, StopSignal(), proves=True).is_same


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (block(["a", "", "b"]), ["a", "", "b"]),
        ([BEGIN, "a", END], ["a"]),
        (["a"], None),
        ([BEGIN, END, BEGIN, END], None),
        ([f"`{BEGIN}`", f"x {END}"], None),
    ],
)
def test_the_block_is_found_by_its_lines(lines: list[str], expected: list[str] | None) -> None:
    assert block_of("\n".join(lines)) == expected


def test_a_secret_that_is_set_never_gets_on_a_page(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {**BODY, "description": "Use tok-12345678 to try it."}
    connector = connector_of(project, body)
    page = connector_page(connector, DOCS, StopSignal(), proves=False)
    assert "tok-12345678" in page.text
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "tok-12345678")
    with pytest.raises(FrameworkError, match="would be on its page"):
        connector_page(connector, DOCS, StopSignal(), proves=False)
    monkeypatch.delenv("SOURCES__SHOP__TOKEN")
    (project / ".dlt").mkdir(exist_ok=True)
    (project / ".dlt" / "secrets.toml").write_text("[sources.shop]\ntoken = 'tok-12345678'\n")
    with pytest.raises(FrameworkError, match="would be on its page"):
        connector_page(connector, DOCS, StopSignal(), proves=False)


def test_a_secret_with_a_name_of_its_own_never_gets_on_a_page(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"token": {"description": "A token.", "key": "SHOP_TOKEN"}}
    body = {**BODY, "description": "Use tok-12345678 to try it.", "secrets": secrets}
    connector = connector_of(project, body)
    monkeypatch.setenv("SHOP_TOKEN", "tok-12345678")
    with pytest.raises(FrameworkError, match="would be on its page"):
        connector_page(connector, DOCS, StopSignal(), proves=False)


def test_settings_of_this_machine_make_no_other_page(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"region": {"type": "string", "default": "eu"}}
    client = {**BODY["client"], "headers": {"X-Region": "{config.region}"}}
    connector = connector_of(project, {**BODY, "config": config, "client": client})
    page = connector_page(connector, DOCS, StopSignal(), proves=True)
    monkeypatch.setenv("SOURCES__SHOP__REGION", "mars")
    assert connector_page(connector, DOCS, StopSignal(), proves=True).text == page.text


def test_the_index_groups_by_category(project: Path) -> None:
    connectors = [
        connector_of(project, {**BODY, **more}, name)
        for name, more in (
            ("a", {}),
            ("b", {"category": "Work"}),
            ("c", {"category": "Sales"}),
            ("d", {"category": "Sales"}),
        )
    ]
    page = index_page(connectors, DOCS).text
    assert headings(page) == ["Connectors", "Sales", "Work", "Other"]
    assert tables(page)[0][1:] == [["c", "1 resource", "Things."], ["d", "1 resource", "Things."]]
    assert "[c](c.md)" in page


def test_pages_of_connectors_that_are_gone_are_found(project: Path) -> None:
    DOCS.mkdir()
    for name in ("gone", "shop"):
        (DOCS / f"{name}.md").write_text(f"# {name}\n\n{mark_of(name)}\n")
    (DOCS / "mine.md").write_text("# written by hand\n")
    assert list(strange_pages(["shop"], DOCS)) == [DOCS / "gone.md"]
