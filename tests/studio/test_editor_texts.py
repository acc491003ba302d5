"""What the editor shows: the language server's answers, at the browser's offsets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pygls.workspace import PositionCodec

from framework.authoring.scaffold.file_layout import canonical_text
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.language_server.completions import completions
from framework.language_server.hovers import hover
from framework.language_server.open_file import opened
from framework.language_server.recorded_responses import read_responses
from framework.studio.text_units import TextUnits
from tests.language_server.conftest import SHOP
from tests.support.studio_client import StudioClient, running_studio

WIDE = "# 𝕊hop 🛒\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "connectors").mkdir()
    (folder / "connectors" / "shop.yaml").write_text(
        SHOP.replace("    schema: orders\n", ""), "utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "connectors" / "shop.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def studio(folder: Path) -> Iterator[StudioClient]:
    with running_studio(folder) as one:
        yield one


def utf16(text: str, start: int, end: int) -> str:
    """The part of a text between two of the browser's offsets."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


@pytest.mark.parametrize("head", ["", WIDE])
def test_findings_are_those_of_validate(
    studio: StudioClient, folder: Path, text: str, head: str
) -> None:
    typed = head + text.replace("primary_key", "primary_kye")
    judged = studio.post("judge", name="shop", text=typed).json()
    path = folder / "connectors" / "other.yaml"
    path.write_text(typed.replace("name: shop", "name: other"), "utf-8")
    expected = validate(find_connector(str(path))).findings
    path.unlink()
    assert [(one["code"], one["line"], one["column"]) for one in judged["findings"]] == [
        (one.code, one.line, one.column) for one in expected
    ]
    finding = next(one for one in judged["findings"] if one["code"] == "unknown-key")
    assert finding["path"] == "connectors/shop.yaml"
    assert utf16(typed, finding["from"], finding["to"]) == "primary_kye"
    (fix,) = finding["fixes"]
    assert utf16(typed, fix["from"], fix["to"]) == "primary_kye"
    assert fix["insert"] == "primary_key"


def test_the_graph_has_parents_and_children(studio: StudioClient, text: str) -> None:
    graph = studio.post("judge", name="shop", text=text).json()["graph"]
    orders, lines, refunds = graph
    assert orders["children"] == ["lines", "refunds"]
    assert (lines["parents"], refunds["parents"]) == (["orders"], ["orders"])
    assert orders["incremental"].startswith("updated_at")
    assert lines["incremental"] is None
    assert text.splitlines()[lines["line"] - 1].strip() == "- name: lines"
    assert (orders["path"], orders["method"], orders["disposition"]) == ("/orders", "GET", "append")


def test_a_text_that_is_not_yaml_keeps_the_last_graph(studio: StudioClient, text: str) -> None:
    studio.post("judge", name="shop", text=text)
    judged = studio.post("judge", name="shop", text=text + "\n  - {").json()
    assert [one["severity"] for one in judged["findings"]] == ["error"]
    assert len(judged["graph"]) == 3


def test_what_is_set_is_told_and_not_how(studio: StudioClient, text: str) -> None:
    judged = studio.post("judge", name="shop", text=text).json()
    assert [(one["name"], one["is_set"]) for one in judged["secrets"]] == [("token", False)]
    assert [(one["name"], one["default"]) for one in judged["config"]] == [("region", "eu")]
    assert studio.post("secrets", connector="shop", name="token", value="t-98765432").json() == {}
    assert studio.post("secrets", connector="shop", name="region", value="us").json() == {}
    response = studio.post("judge", name="shop", text=text)
    judged = response.json()
    assert [one["is_set"] for one in judged["secrets"] + judged["config"]] == [True, True]
    assert "t-98765432" not in response.text


@pytest.mark.parametrize("head", ["", WIDE])
def test_completion_and_hover_are_the_language_servers(
    studio: StudioClient, folder: Path, text: str, head: str
) -> None:
    typed = head + text
    path = folder / "connectors" / "shop.yaml"
    file = opened(path, typed, 0, PositionCodec())
    recording = read_responses(file.location)
    place = typed.index("primary_key: id") + len("primary")
    units = TextUnits(typed).units(place)
    answer = studio.post("complete", name="shop", text=typed, offset=units).json()
    expected = sorted(completions(file, place, recording), key=lambda one: one.sort_text or "")
    assert [one["label"] for one in answer["items"]] == [one.label for one in expected]
    assert utf16(typed, answer["from"], units) == "primary"
    answer = studio.post("hover", name="shop", text=typed, offset=units).json()
    assert answer["markdown"] == hover(file, place, recording)
    assert answer["markdown"]


@pytest.mark.parametrize("head", ["", WIDE])
def test_a_rename_changes_every_mention(studio: StudioClient, text: str, head: str) -> None:
    typed = head + text
    offset = TextUnits(typed).units(typed.index("- name: orders") + 10)
    edits = studio.post("rename", name="shop", text=typed, offset=offset, to="sales").json()[
        "edits"
    ]
    for edit in sorted(edits, key=lambda one: -one["from"]):
        wide = typed.encode("utf-16-le")
        inserted = edit["insert"].encode("utf-16-le")
        typed = (wide[: 2 * edit["from"]] + inserted + wide[2 * edit["to"] :]).decode("utf-16-le")
    assert "name: sales" in typed
    assert "resources.sales.id" in typed
    assert "resource: sales" in typed
    refused = studio.post("rename", name="shop", text=typed, offset=offset, to="lines")
    assert refused.status_code == 400


def test_the_layout_is_that_of_fmt(studio: StudioClient, text: str) -> None:
    typed = text.replace("version: 1\n", "", 1) + "version:   1\n"
    laid = studio.post("format", name="shop", text=typed)
    assert laid.json()["text"] == canonical_text(typed, "shop.yaml")
    assert studio.post("format", name="shop", text="a: [").status_code == 400


def test_offsets_outside_of_the_text_are_its_ends(studio: StudioClient, text: str) -> None:
    for offset in (-5, 10**12, len(text) + 1):
        for name in ("complete", "hover"):
            assert studio.post(name, name="shop", text=text, offset=offset).status_code == 200
    assert studio.post("hover", name="shop", text=text, offset="1").status_code == 400


def test_units_count_as_a_browser_does() -> None:
    units = TextUnits("a𝕊b🛒")
    assert [units.units(at) for at in range(5)] == [0, 1, 3, 4, 6]
    assert [units.offset(at) for at in range(8)] == [0, 1, 1, 2, 3, 3, 4, 4]
