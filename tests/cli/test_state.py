"""`framework state`: show and reset the destination's watermarks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from tests.support.run_verbs import connector_of, everything, later, load, values
from tests.support.servers.web import Web
from tests.support.shop import Shop

START = "2020-01-01T00:00:00Z"
FIRST = "2026-11-23T12:00:00Z"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Web() as web:
        yield Shop(web)


@pytest.fixture
def loaded(shop: Shop, project: Path) -> Any:
    connector = connector_of(project, shop.connector(notes=None))
    load(connector, project)
    return connector


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_show_has_a_line_for_each_resource_and_names_the_place(
    loaded: Any, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert main(["state", "show", "shop"]) == 0
    lines = words(capsys.readouterr().out)
    assert lines == [
        ["resource", "loaded", "cursor", "watermark"],
        ["customers", "full"],
        ["orders", "full", "at", FIRST],
        ["lines", "full"],
        ["state", "of", str(project / "shop.duckdb"), "(dataset", "shop_data)"],
    ]
    assert main(["state", "show", "shop", "orders"]) == 0
    assert words(capsys.readouterr().out)[1:-1] == [["orders", "full", "at", FIRST]]


def test_show_as_json_is_the_whole_state(
    loaded: Any, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["state", "show", "shop", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["customers", "orders", "lines"]
    assert shown["orders"]["loaded"] == "full"
    assert shown["orders"]["state"]["incremental"]["at"]["last_value"] == FIRST


def test_show_without_a_load_says_so_and_creates_no_file(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connector_of(project, shop.connector(notes=None))
    assert main(["state", "show", "shop", "--dataset", "other"]) == 0
    assert words(capsys.readouterr().out)[1:4] == [
        ["customers", "no"], ["orders", "no"], ["lines", "no"],
    ]  # fmt: skip
    assert main(["state", "reset", "shop", "--yes"]) == 0
    assert capsys.readouterr().out.startswith("nothing to reset in ")
    assert not (project / "shop.duckdb").exists()


def test_each_dataset_and_alias_has_a_state_of_its_own(
    loaded: Any, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(loaded, project, now=later(), dataset="other")
    for options, watermark in (
        ([], FIRST),
        (["--dataset", "other"], "2026-11-24T12:00:00Z"),
        (["--as", "europe"], None),
    ):
        assert main(["state", "show", "shop", "orders", *options]) == 0
        line = words(capsys.readouterr().out)[1]
        assert line[-1] == (watermark or "no")


def test_after_a_reset_the_next_run_begins_again_and_loses_no_row(
    loaded: Any, shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.orders.pop(0)
    before = everything(project)
    assert main(["state", "reset", "shop", "orders", "--yes"]) == 0
    assert "orders" in capsys.readouterr().out
    assert everything(project) == before
    assert main(["state", "show", "shop", "orders"]) == 0
    assert words(capsys.readouterr().out)[1] == ["orders", "full"]
    load(loaded, project, now=later())
    assert shop.since() == START
    assert values(project, "orders") == [1, 2, 3]
    load(loaded, project, now=later(48))
    assert shop.since() == "2026-11-24T12:00:00Z"


def test_a_reset_asks_and_without_a_terminal_needs_yes(
    loaded: Any, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["state", "reset", "shop", "orders"]) == 2
    assert "--yes" in capsys.readouterr().err
    for answer, code in (("n\n", 130), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert main(["state", "reset", "shop", "orders"]) == code
        assert main(["state", "show", "shop", "orders"]) == 0
        assert (FIRST in capsys.readouterr().out) == (code != 0)


def test_an_unknown_resource_fails_before_the_question(
    loaded: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for stdin in (None, Terminal("y\n")):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", stdin)
        assert main(["state", "reset", "shop", "order"]) == 2
        said = capsys.readouterr().err
        assert "no resource 'order'; did you mean orders?" in said
        assert "--yes" not in said


def test_a_reset_that_would_append_every_row_again_is_refused(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append = {"write_disposition": "append"}
    connector = connector_of(
        project, shop.connector(customers=None, orders=append, lines=None, notes=None)
    )
    load(connector, project)
    assert main(["state", "reset", "shop", "--yes"]) == 2
    assert "run shop --refresh --resources orders" in capsys.readouterr().err
    load(connector, project, now=later())
    assert values(project, "orders") == [1, 2, 3]


@pytest.mark.parametrize("verb", [["show"], ["reset", "--yes"]])
def test_an_unknown_resource_or_connector_has_a_suggestion(
    loaded: Any, project: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    assert main(["state", *verb, "shop", "order"]) == 2
    assert "did you mean orders?" in capsys.readouterr().err
    assert main(["state", *verb, "shp"]) == 2
    assert "shop" in capsys.readouterr().err
    (project / "shop.duckdb").write_text("no database")
    assert main(["state", *verb, "shop"]) == 1
    assert "cannot open" in capsys.readouterr().err


class Terminal:
    """Standard input of a terminal at which someone types this."""

    def __init__(self, typed: str) -> None:
        self._typed = typed

    def isatty(self) -> bool:
        return True

    def readline(self, _: int = -1) -> str:
        typed, self._typed = self._typed, ""
        return typed
