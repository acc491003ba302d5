"""Every code of a finding about a fleet: documented, and found where the mistake is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from framework.fleet.jobs import accounts, fleet_file, fleet_rules
from tests.support.docs_blocks import ROOT, read
from tests.support.fleets import fleet_result, places, write_files

CASES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
}
ELSEWHERE = {"not-text", "too-many-accounts", "too-many-units", "too-many-windows"}
"""Codes whose examples are too large, or no text: tests of their own show them."""
_CODE = re.compile(r'"([a-z]+(?:-[a-z]+)+)"')
_ROW = re.compile(r"^\| `([a-z]+(?:-[a-z]+)+)` \|", re.MULTILINE)


def codes_of_the_source() -> set[str]:
    """Every kebab-case text in the modules that judge, and every code of the JSON Schema."""
    found = set()
    for module in (accounts, fleet_file, fleet_rules):
        found |= set(_CODE.findall(Path(module.__file__).read_text(encoding="utf-8")))
    schema = (ROOT / "schemas" / "fleet.schema.json").read_text(encoding="utf-8")
    found |= set(re.findall(r'"x-code": "([a-z-]+)"', schema))
    return {code for code in found if not code.startswith("x-")}


@pytest.mark.parametrize("code", CASES)
def test_one_mistake_is_one_finding_at_its_place(code: str) -> None:
    case = CASES[code]
    assert places(fleet_result(case["fleet"], case.get("files"))) == [f"{case['at']} {code}"]


def test_every_code_has_a_case_and_a_row_in_the_docs() -> None:
    assert codes_of_the_source() == set(CASES) | ELSEWHERE
    assert set(_ROW.findall(read("docs/scale.md"))) == set(CASES) | ELSEWHERE


def test_all_mistakes_are_found_at_once_and_those_of_a_connector_once() -> None:
    result = fleet_result(
        """\
        version: 2
        jobs:
          - {connector: ./broken.yaml, acounts: {file: a.csv}}
          - {connector: broken.yaml, name: again, attempts: 0}
          - {connector: shop, resources: [ordrs], max_time: 5}
        """,
        {"broken.yaml": "version: 1\nname: broken\nclient: {}\n"},
    )
    assert places(result) == [
        "fleet.yaml:1:18 not-one-of",
        "fleet.yaml:3:40 unknown-key",
        "fleet.yaml:4:61 wrong-value",
        "fleet.yaml:5:43 unknown-resource",
        "fleet.yaml:5:61 wrong-type",
        "./broken.yaml:1:1 missing-key",
        "./broken.yaml:3:1 missing-key",
    ]
    assert result.fleet is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("- a\n", "not-a-mapping"),
        ("version: 1\njobs: []\n", "wrong-value"),
        ("version: 1\njobs: [1]\n", "wrong-type"),
        ("version: 1\njobs: [{}]\n", "missing-key"),
        ("version: 1\njobs: [{connector: shop, accounts: accounts.csv}]\n", "wrong-type"),
        ("version: 1\njobs: [{connector: shop, accounts: {file: a.xls}}]\n", "wrong-value"),
        ("version: 1\njobs: [{connector: shop, accounts: []}]\n", "wrong-value"),
        ("version: 1\njobs: [{connector: shop, dataset: {alias}}]\n", "wrong-type"),
        ("version: 1\njobs: [{connector: shop, dataset: 'x_{account}'}]\n", "wrong-name"),
        ("version: 1\njobs: [{connector: shop, backfill: {since: 2023-01-01}}]\n", "missing-key"),
        ("version: [", "yaml-syntax"),
    ],
)
def test_a_file_of_another_shape_is_a_finding(text: str, code: str) -> None:
    result = fleet_result(text)
    assert {one.code for one in result.findings} == {code}
    assert result.fleet is None


def test_a_missing_fleet_file_is_a_finding() -> None:
    write_files()
    result = fleet_file.read_fleet(Path("none.yaml"))
    assert places(result) == ["none.yaml:1:1 unreadable-file"]
