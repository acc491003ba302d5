"""`validate --format sarif`: valid by the JSON Schema of SARIF, with the place of each finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from framework.cli.main import main
from framework.cli.sarif_view import render_sarif
from framework.findings import Finding
from tests.support.checks_page import cases, validate_case

SCHEMA = Draft4Validator(
    json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
)
FILE = """\
version: 1
name: shop
config: {unused: {type: string, default: "\u00e9"}}
client: {base_url: "https://api.example.com", paginator: single_page}
resources:
  - {name: orders, write_disposition: replace, colour: red}
"""


def log_of(text: str) -> Any:
    log = json.loads(text)
    SCHEMA.validate(log)
    (run,) = log["runs"]
    return run


def test_a_file_gives_a_valid_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "shop.yaml").write_text(FILE, encoding="utf-8")
    assert main(["validate", "--format", "sarif"]) == 1
    run = log_of(capsys.readouterr().out)
    shown = [
        (
            result["level"],
            result["ruleId"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            *result["locations"][0]["physicalLocation"]["region"].values(),
        )
        for result in run["results"]
    ]
    assert shown == [
        ("warning", "unused-config", "connectors/shop.yaml", 3, 10),
        ("error", "unknown-key", "connectors/shop.yaml", 6, 48),
    ]
    assert main(["validate", "--format", "sarif", "scheduling"]) == 0
    assert log_of(capsys.readouterr().out)["results"] == []


def test_every_code_has_its_rule_with_help() -> None:
    findings = [one for case in cases() for one in validate_case(case).findings]
    run = log_of(render_sarif(findings))
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [
        finding.code for finding in findings
    ]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)


def test_a_code_without_a_text_and_any_path(tmp_path: Path) -> None:
    paths = ["a b/100%.yaml", str(tmp_path / "x.yaml"), "../up.yaml"]
    findings = [Finding(path, 1, 1, "error", "not-documented", "found \u2028 x") for path in paths]
    run = log_of(render_sarif(findings))
    uris = [
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]
    ]
    assert uris == ["a%20b/100%25.yaml", (tmp_path / "x.yaml").as_uri(), "../up.yaml"]
    assert run["tool"]["driver"]["rules"] == [{"id": "not-documented"}]
