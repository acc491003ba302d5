"""`framework prove`: exit codes, text and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from framework.cli.main import main
from framework.definition.finder import shared_schema

pytestmark = pytest.mark.usefixtures("project")
FOLDER = Path(__file__).parents[1] / "prove"
RIGHT = str(FOLDER / "right" / "replaced.yaml")
FAULT = str(FOLDER / "planted" / "append_of_everything.yaml")
ASSUMED = str(FOLDER / "planted" / "row_order_that_is_trusted.yaml")


def test_a_connector_without_faults_has_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", RIGHT, "-q"]) == 0
    out, err = capsys.readouterr()
    assert "no faults" in out
    assert err == ""


def test_a_fault_has_exit_code_1_and_three_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", FAULT]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("fault orders: ")
    assert [line[:5] for line in lines[1:5]] == ["  1. ", "  2. ", "  3. ", "  fix"]
    assert "orders" in err


def test_an_assumption_fails_with_strict_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", ASSUMED, "-q", "--no-confirm", "--histories=8"]) == 0
    assert main(["prove", ASSUMED, "-q", "--no-confirm", "--histories=8", "--strict"]) == 1
    assert (
        main(["prove", ASSUMED, "-q", "--no-confirm", "--histories=8", "--assume", "order=desc"])
        == 0
    )
    assert "no assumptions" in capsys.readouterr().out.splitlines()[-1]


def test_json_is_as_its_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", FAULT, "-q", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    jsonschema.validate(data, shared_schema("proof"))
    assert [one["code"] for one in data["broken"]] == ["unchanged"]
    assert data["broken"][0]["is_confirmed"] is True


def test_a_statement_that_is_not_right_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["prove", RIGHT, "--assume", "start=open"]) == 2
    assert "start=inclusive|exclusive" in capsys.readouterr().err


def test_nothing_is_left_in_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", FAULT, "-q"]) == 1
    assert list(Path().iterdir()) == []
