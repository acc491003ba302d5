"""Connectors with a fault that was planted, and connectors that are right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.prove.connector_proof import ConnectorProof, ProofOptions
from framework.prove.history.api_traits import Assumption
from framework.prove.prover import prove

FOLDER = Path(__file__).parent
PLANTED = sorted((FOLDER / "planted").glob("*.yaml"))
RIGHT = sorted((FOLDER / "right").glob("*.yaml"))
QUICK = {
    "cursor_compared_as_text",
    "end_exclusive",
    "lines_of_orders_that_move",
    "merge_with_a_lag",
    "no_lag_for_edits",
    "oldest_first",
    "page_drift_by_offset",
    "row_order_that_lies",
}
"""Connectors that are proved each time; the others are slow together."""


@dataclass(frozen=True)
class Planted:
    """What the comments of a file say: what is to be found, what is assumed."""

    code: str
    severity: str
    assumptions: list[Assumption]

    @classmethod
    def of(cls, file: Path) -> Planted:
        text = file.read_text(encoding="utf-8")
        code, severity = re.findall(r"# expect: (\S+) (\S+)", text)[0]
        stated = re.findall(r"# assume: (.*)", text)
        return cls(code, severity, [Assumption.parse(one) for one in stated])


def marked(files: list[Path]) -> list[Any]:
    return [
        pytest.param(file, id=file.stem, marks=() if file.stem in QUICK else pytest.mark.slow)
        for file in files
    ]


def proof_of(file: Path, **options: object) -> ConnectorProof:
    connector = valid_connector(find_connector(str(file)))
    return prove(connector, ProofOptions(confirms=False, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("file", marked(PLANTED))
def test_a_planted_fault_is_found_with_a_change_that_helps(file: Path) -> None:
    planted = Planted.of(file)
    proof = proof_of(file, assumptions=planted.assumptions, histories=12)
    found = [one for one in proof.broken if one.code == planted.code]
    assert [one.severity for one in found] == [planted.severity], proof.broken
    assert found[0].mend
    assert found[0].is_tried
    assert all(found[0].story)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "seed"),
    [pytest.param(file, 1 + n % 3, id=file.stem) for n, file in enumerate(PLANTED[::2])],
)
def test_a_planted_fault_is_found_with_another_seed(file: Path, seed: int) -> None:
    planted = Planted.of(file)
    proof = proof_of(file, assumptions=planted.assumptions, seed=seed)
    assert planted.code in [one.code for one in proof.broken]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("right/inserted_only", "edits"),
        ("right/tables_of_lists", "deletes"),
        ("planted/retired_by_a_range", "unchanged"),
    ],
)
def test_runs_into_duckdb_show_it_too(name: str, code: str) -> None:
    connector = valid_connector(find_connector(str(FOLDER / f"{name}.yaml")))
    proof = prove(connector, ProofOptions(histories=5))
    confirmed = {one.code: one.is_confirmed for one in proof.broken}
    assert confirmed[code] is True


@pytest.mark.parametrize("file", marked(RIGHT))
def test_a_connector_that_is_right_has_limits_only(file: Path) -> None:
    proof = proof_of(file, histories=12)
    assert proof.unproved == {}
    assert [one for one in proof.broken if one.severity == "fault"] == []


def test_ten_faults_are_planted() -> None:
    assert len([file for file in PLANTED if Planted.of(file).severity == "fault"]) >= 10
