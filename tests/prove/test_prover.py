"""Proofs of whole connectors: recordings, children, real runs, and what cannot be tried."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from framework.errors import UsageError
from framework.prove.connector_proof import ConnectorProof, ProofOptions
from framework.prove.history.api_traits import Assumption
from framework.prove.prover import prove
from tests.support.mocks import API
from tests.support.run_verbs import connector_of, scheduling

CURSOR = {"cursor_path": "updated_at", "initial_value": "2025-09-01T00:00:00Z", "lag": "PT1H"}
LIMITS = ("deletes", "older-edits")
FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "note": {"type": "string"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}


def family(cursor: dict[str, Any], **child: Any) -> dict[str, Any]:
    """Orders with lines."""
    common = {"primary_key": "id", "write_disposition": "merge", "schema": FIELDS}
    page = {"data_selector": "items", "paginator": {"type": "json_link", "next_url_path": "next"}}
    params = {"since": "{incremental.start_value}"}
    orders = {"path": "/orders", **page, "params": params, "incremental": cursor}
    lines = {"path": "/orders/{resources.orders.id}/lines", **page}
    return {
        "client": {"base_url": API},
        "resources": [
            {"name": "orders", **common, "endpoint": orders},
            {"name": "lines", **common, "endpoint": lines, **child},
        ],
    }


def codes(proof: ConnectorProof) -> set[tuple[str, str, str]]:
    return {(one.resource, one.code, one.severity) for one in proof.broken}


@pytest.mark.slow
def test_the_bundled_connector_has_its_documented_limits_and_nothing_else() -> None:
    proof = prove(scheduling(), ProofOptions(histories=6))
    assert proof.unproved == {}
    assert {(code, severity) for _, code, severity in codes(proof)} == {
        ("deletes", "limit"),
        ("older-edits", "limit"),
    }
    older = {one.resource for one in proof.broken if one.code == "older-edits"}
    assert older == {"scheduled_events", "event_invitees"}
    assert {one.is_confirmed for one in proof.broken} == {True, None}


def test_children_are_read_again_with_a_parent_whose_cursor_moves(tmp_path: Path) -> None:
    options = ProofOptions(resources=("lines",), confirms=False)
    proof = prove(connector_of(tmp_path, family(CURSOR)), options)
    assert codes(proof) == {("lines", "deletes", "limit")}


def test_children_of_a_parent_that_is_not_read_again_are_lost(tmp_path: Path) -> None:
    cursor = {"cursor_path": "updated_at", "initial_value": "2025-09-01T00:00:00Z"}
    connector = connector_of(tmp_path, family(cursor))
    assumed = [Assumption.parse("orders.edits=keeps")]
    proof = prove(
        connector, ProofOptions(resources=("lines",), assumptions=assumed, confirms=False)
    )
    (fault,) = proof.of("fault")
    assert fault.resource == "lines"
    assert fault.mend is not None
    assert fault.mend == "orders: remove the incremental and its parameters"


def test_lines_of_an_order_that_a_lag_does_not_reach_are_a_limit(tmp_path: Path) -> None:
    connector = connector_of(tmp_path, family({**CURSOR, "lag": "PT1S"}))
    assumed = [Assumption.parse("orders.edits=keeps")]
    options = ProofOptions(assumptions=assumed, confirms=False, histories=8)
    proof = prove(connector, options)
    limits = {(name, code, "limit") for name in ("orders", "lines") for code in LIMITS}
    assert codes(proof) == limits
    (told,) = [one for one in proof.broken if (one.resource, one.code) == ("lines", "older-edits")]
    assert "a newer one" in told.story[0]


def test_a_cursor_far_above_that_stays_loses_lines(tmp_path: Path) -> None:
    body = family({**CURSOR, "lag": "PT1S"})
    orders, lines = body["resources"]
    shops = copy.deepcopy(orders) | {"name": "shops"}
    shops["endpoint"]["path"] = "/shops"
    orders["endpoint"]["path"] = "/shops/{resources.shops.id}/orders"
    lines["endpoint"]["path"] = "/shops/{resources.shops.id}/orders/{resources.orders.note}/lines"
    del shops["endpoint"]["incremental"]["lag"]
    body["resources"] = [shops, orders, lines]
    assumed = [Assumption.parse("shops.edits=keeps")]
    options = ProofOptions(("lines",), assumptions=assumed, confirms=False, histories=8)
    proof = prove(connector_of(tmp_path, body), options)
    assert proof.unproved == {}
    (fault,) = proof.of("fault")
    assert fault.mend == "shops: remove the incremental and its parameters"


def test_parents_whose_other_records_have_the_same_list_are_told(tmp_path: Path) -> None:
    body = family({**CURSOR, "cursor_path": "created_at"})
    orders, lines = body["resources"]
    orders["processing_steps"] = [{"set": {"slug": "join('-', [note, 'x'])"}}]
    lines["endpoint"]["path"] = "/orders/{resources.orders.slug}/lines"
    created = {"created_at": {"type": "string", "format": "date-time"}}
    orders["schema"] = {**FIELDS, "properties": FIELDS["properties"] | created}
    options = ProofOptions(("lines",), confirms=False, histories=3)
    proof = prove(connector_of(tmp_path, body), options)
    assert proof.proved == ["lines"]
    assert "not the newest" in proof.unproved["lines"]


def test_a_time_of_change_that_the_parent_has_is_proposed(tmp_path: Path) -> None:
    cursor = {"cursor_path": "created_at", "initial_value": "2025-09-01T00:00:00Z"}
    body = family(cursor)
    created = {"created_at": {"type": "string", "format": "date-time"}}
    orders = {**FIELDS, "properties": FIELDS["properties"] | created}
    body["resources"][0]["schema"] = orders
    options = ProofOptions(("lines",), confirms=False, histories=8)
    (fault,) = prove(connector_of(tmp_path, body), options).of("fault")
    assert fault.is_tried
    assert fault.mend is not None
    whole, changed, other = fault.mend.split("; ")
    assert whole == "orders: remove the incremental and its parameters"
    assert changed == "lines: only_changed: updated_at"
    assert "cursor_path: updated_at" in other


def test_a_fault_is_confirmed_by_runs_into_duckdb(tmp_path: Path) -> None:
    body = family(CURSOR)
    body["resources"] = body["resources"][:1]
    body["resources"][0]["write_disposition"] = "append"
    proof = prove(connector_of(tmp_path, body), ProofOptions())
    assert [one.is_confirmed for one in proof.of("fault")] == [True]
    assert list(tmp_path.iterdir()) == [tmp_path / "connectors"]


def test_config_without_a_default_has_a_stand_in(tmp_path: Path) -> None:
    body = family(CURSOR)
    body["config"] = {"account": {"type": "string"}}
    body["resources"][0]["endpoint"]["path"] = "/{config.account}/orders"
    proof = prove(connector_of(tmp_path, body), ProofOptions(resources=("orders",), histories=3))
    assert proof.proved == ["orders"]


def test_what_cannot_be_tried_is_named_with_the_reason(tmp_path: Path) -> None:
    body = family({**CURSOR, "end_value": "2026-01-01T00:00:00Z"})
    proof = prove(connector_of(tmp_path, body), ProofOptions(resources=("orders",)))
    assert proof.proved == []
    assert "end_value" in proof.unproved["orders"]


def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    connector = connector_of(tmp_path, family({**CURSOR, "lag": "P1D", "row_order": "desc"}))
    options = ProofOptions(resources=("orders",), confirms=False, seed=3, histories=6)
    first, second = prove(connector, options), prove(connector, options)
    assert first.broken == second.broken
    assert first.histories == second.histories


def test_a_resource_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        prove(connector_of(tmp_path, family(CURSOR)), ProofOptions(resources=("nothing",)))


def test_keys_that_are_unique_in_one_list_only_are_an_assumption(tmp_path: Path) -> None:
    body = family(CURSOR, primary_key="note")
    options = ProofOptions(resources=("lines",), confirms=False, histories=3)
    proof = prove(connector_of(tmp_path, body), options)
    (found,) = proof.of("assumption")
    assert found.code == "key-of-a-list"
    assert found.mend == "primary_key: [_orders_id, note], with include_from_parent: [id]"


@pytest.mark.parametrize(
    "pages",
    [
        {"type": "page_number", "base_page": 1, "total_path": None, "maximum_page": 20},
        {"type": "offset", "limit": 50, "total_path": None, "maximum_offset": 1000},
        {"type": "single_page", "maximum_page": 1},
    ],
)
def test_a_maximum_of_the_file_is_a_limit(tmp_path: Path, pages: dict[str, Any]) -> None:
    body = family(CURSOR)
    body["resources"][0]["endpoint"]["paginator"] = pages
    options = ProofOptions(resources=("orders",), confirms=False, histories=3)
    proof = prove(connector_of(tmp_path, body), options)
    (found,) = [one for one in proof.broken if one.code == "long-lists"]
    assert found.severity == "limit"
    assert " maximum_" in found.story[0]


@pytest.mark.parametrize(
    ("value", "codes"),
    [("2025-12-31T00:00:00Z", []), ("2099-01-01T00:00:00Z", ["initial-value"])],
)
def test_a_late_initial_value_is_an_assumption_by_the_time_of_the_histories(
    tmp_path: Path, value: str, codes: list[str]
) -> None:
    body = family({**CURSOR, "initial_value": value})
    options = ProofOptions(resources=("orders",), confirms=False, histories=3)
    proof = prove(connector_of(tmp_path, body), options)
    found = [one for one in proof.broken if one.code == "initial-value"]
    assert [one.code for one in found] == codes
    assert all(one.severity == "assumption" for one in found)


def test_pages_that_cannot_be_small_are_told(tmp_path: Path) -> None:
    body = family(CURSOR)
    rule = "length(records) < `50`"
    pages = {"type": "page_number", "base_page": 1, "total_path": None, "stop_when": rule}
    body["resources"][0]["endpoint"]["paginator"] = pages
    options = ProofOptions(resources=("orders",), confirms=False, histories=3)
    proof = prove(connector_of(tmp_path, body), options)
    assert proof.proved == ["orders"]
    assert "page_size" in proof.unproved["orders"]


def test_an_assumption_about_a_resource_that_is_not_there_is_refused(tmp_path: Path) -> None:
    options = ProofOptions(assumptions=[Assumption.parse("nothing.order=asc")])
    with pytest.raises(UsageError, match="nothing"):
        prove(connector_of(tmp_path, family(CURSOR)), options)
