"""Values and names that PostgreSQL refuses: they arrive in another form, or fail their resource."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.postgres import CREDENTIALS, address, in_postgres
from tests.support.run_verbs import codes, connector_of, load, statuses
from tests.support.servers.web import Answer, Web

Json = Any
BODY = """
client: {{base_url: "{url}"}}
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint: {{data_selector: items, paginator: single_page}}
"""
TEXT = {"type": "string"}
SCHEMA = {
    "properties": {
        "id": {"type": "integer"},
        "note": TEXT,
        "tags": {"type": "array", "items": TEXT},
        "free": {"type": "object"},
    }
}


@pytest.fixture
def run(web: Web, project: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run resources over a list of records at their path; return report and tables."""
    monkeypatch.setenv(CREDENTIALS, address(postgres))

    def run(records: list[Json], *resources: Json) -> tuple[Any, Json]:
        web.on("/rows", {"items": records})
        web.on("/well", {"items": [{"id": 1}]})
        body: Json = yaml.safe_load(BODY.format(url=web.url))
        rows = [{"endpoint": {"path": "/rows"}, **resource} for resource in resources]
        connector = connector_of(project, {**body, "resources": [{"name": "well"}, *rows]})
        report = load(connector, project, destination="postgres", dataset="odd_values")
        return report, in_postgres(postgres, "odd_values")

    return run


def test_a_nul_is_removed_with_a_warning_on_every_path(run: Any) -> None:
    odd = {"id": 1, "note": "a\0b", "tags": ["x\0y"], "free": {"k\0": ["v\0w", "\\u0000"]}}
    report, found = run(
        [odd, {"id": 2, "note": "c"}],
        {"name": "declared", "schema": SCHEMA},
        {"name": "plain"},
        {"name": "as_json", "max_table_nesting": 0},
    )
    assert report.status == "ok"
    assert codes(report) == [(name, "nul-removed") for name in ("declared", "plain", "as_json")]
    for name in ("declared", "plain", "as_json"):
        assert sorted(row["note"] for row in found[name]) == ["ab", "c"]
    cleaned = {"k": ["vw", "\\u0000"]}
    assert [row["free"] for row in found["as_json"] if row["id"] == 1] == [cleaned]
    assert [row["free"] for row in found["declared"] if row["id"] == 1] == [cleaned]
    assert [row["value"] for row in found["declared__tags"]] == ["xy"]


@pytest.mark.parametrize("key", ["xmin", "CTID", "tableoid"])
def test_a_system_column_fails_its_resource_with_a_remedy(run: Any, key: str) -> None:
    records = [{"id": 1, "box": [{key: 1}]}, {"id": 2, "inside": {key: 2}}]
    columns = {"properties": {"id": {"type": "integer"}, key: {"type": "number"}}}
    report, found = run(
        records,
        {"name": "plain"},
        {"name": "declared", "schema": columns},
        {"name": "hinted", "columns": {key.lower(): {"data_type": "double"}}},
        {"name": "inner", "processing_steps": [{"remove": ["box"]}]},
    )
    failed = dict.fromkeys(("plain", "declared", "hinted"), "failed")
    assert statuses(report) == {"well": "ok", **failed, "inner": "ok"}
    for name in failed:
        assert "system column" in report.resources[name].error
        assert "rename" in report.resources[name].error
    assert [row["id"] for row in found["well"]] == [1]
    assert len(found["inner"]) == 2


def test_numbers_that_are_not_finite_load_as_in_duckdb(run: Any) -> None:
    records = [{"id": n, "v": v} for n, v in enumerate(["NaN", "+Inf", "-Infinity", "x", 1.5])]
    declared = {"properties": {"id": {"type": "integer"}, "v": {"type": "number"}}}
    report, found = run(
        records,
        {"name": "declared", "schema": declared},
        {"name": "hinted", "columns": {"v": {"data_type": "double"}}},
    )
    assert report.status == "ok"
    for name in ("declared", "hinted"):
        rows = {row["id"]: row for row in found[name]}
        assert math.isnan(rows[0]["v"])
        assert [rows[n]["v"] for n in (1, 2, 4)] == [math.inf, -math.inf, 1.5]
        assert rows[3]["v__v_text"] == "x"


def test_a_text_that_is_a_json_number_loads_into_a_json_column(run: Any) -> None:
    records = [{"id": n, "v": v} for n, v in enumerate(["12", "true", "x", {"a": 1}])]
    report, found = run(records, {"name": "free", "columns": {"v": {"data_type": "json"}}})
    assert report.status == "ok"
    rows = {row["id"]: row for row in found["free"]}
    assert [rows[n]["v"] for n in (0, 1, 3)] == [12, True, {"a": 1}]
    assert rows[2]["v__v_text"] == "x"


def test_values_past_a_length_or_a_precision_go_to_the_variant_column(run: Any) -> None:
    columns = {
        "t": {"data_type": "text", "precision": 5},
        "n": {"data_type": "bigint", "precision": 16},
        "d": {"data_type": "decimal", "precision": 5, "scale": 2},
    }
    records = [
        {"id": 1, "t": "short", "n": 32767, "d": 123.45},
        {"id": 2, "t": "2026-01-01T00:00:00Z", "n": 32768, "d": 1.234},
        {"id": 3, "t": None, "n": -32769, "d": "1000.00"},
    ]
    report, found = run(records, {"name": "bounded", "columns": columns})
    assert report.status == "ok"
    rows = {row["id"]: row for row in found["bounded"]}
    assert (rows[1]["t"], rows[1]["n"], float(rows[1]["d"])) == ("short", 32767, 123.45)
    assert rows[2]["t__v_text"] == "2026-01-01T00:00:00Z"
    assert [rows[n]["n__v_bigint"] for n in (2, 3)] == [32768, -32769]
    assert (rows[2]["d__v_double"], rows[3]["d__v_text"]) == (1.234, "1000.00")


def test_decimals_are_exact_to_the_digit(run: Any, web: Web) -> None:
    text = (
        '{"items": [{"id": 1, "amount": 12345678901234567.123456789, '
        '"big": 123456789012345678901234567890, "lines": [{"price": 9007199254740993.5}]}]}'
    )
    number = {"type": "number", "format": "decimal"}
    line = {"type": "object", "properties": {"price": number}}
    lines = {"type": "array", "items": line}
    properties = {"id": {"type": "integer"}, "amount": number, "big": number, "lines": lines}
    columns = {"big": {"data_type": "decimal", "precision": 38, "scale": 0}}
    web.on("/amounts", Answer(200, text.encode(), {"Content-Type": "application/json"}))
    endpoint = {"endpoint": {"path": "/amounts"}}
    cast = {"amount": {"decimal": "1,234.56"}}
    report, found = run(
        [],
        {"name": "exact", "schema": {"properties": properties}, **endpoint},
        {"name": "precise", "schema": {"properties": properties}, "columns": columns, **endpoint},
        {"name": "cast", "columns": columns, "processing_steps": [{"cast": cast}], **endpoint},
    )
    assert report.status == "ok"
    for name in ("exact", "precise", "cast"):
        assert found[name][0]["amount"] == Decimal("12345678901234567.123456789")
    for name in ("precise", "cast"):
        assert found[name][0]["big"] == Decimal("123456789012345678901234567890")
    assert found["exact"][0]["big__v_text"] == "123456789012345678901234567890"
    assert found["exact__lines"][0]["price"] == Decimal("9007199254740993.5")
