"""What a recording tells of an API counts more than what the file says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framework.authoring.cassettes.cassette import (
    Cassette,
    cassette_path,
    read_cassette,
    write_cassette,
)
from framework.authoring.exchange import Interaction
from framework.definition.model import Connector
from framework.prove.connector_proof import ProofOptions
from framework.prove.prover import prove
from tests.support.mocks import API, shop
from tests.support.run_verbs import NOW, connector_of

TIMES = ["2026-11-03T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"]
ORDERED: dict[str, Any] = {
    "cursor_path": "updated_at",
    "initial_value": "2026-01-01T00:00:00Z",
    "row_order": "desc",
}
PAGED = {"paginator": {"type": "json_link", "next_url_path": "next"}}


def recorded(folder: Path, body: dict[str, Any], records: list[dict[str, Any]]) -> Connector:
    """A connector with a recording of one page."""
    connector = connector_of(folder, body)
    content = json.dumps({"items": records, "next": None}).encode()
    kind = (("content-type", "application/json"),)
    page = Interaction("GET", f"{API}/items", 200, headers=kind, body=content)
    write_cassette(cassette_path(connector), Cassette(connector.name, NOW, (page,)))
    return connector


def items(*times: str) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": f"item {number}", "updated_at": time}
        for number, time in enumerate(times, 1)
    ]


@pytest.mark.parametrize(
    ("times", "faults"), [(TIMES, ["edits"]), (sorted(TIMES, reverse=True), [])]
)
def test_a_row_order_that_the_recording_refutes_is_a_fault(
    tmp_path: Path, times: list[str], faults: list[str]
) -> None:
    body = shop({**PAGED, "incremental": ORDERED})
    connector = recorded(tmp_path, body, items(*times))
    proof = prove(connector, ProofOptions(confirms=False))
    assert proof.source == "its recording"
    assert [one.code for one in proof.of("fault")] == faults
    assert "unsorted" not in [one.code for one in proof.broken]


def test_two_recorded_records_with_one_key_are_a_fault(tmp_path: Path) -> None:
    records = [{"code": "a", "text": "one"}, {"code": "a", "text": "two"}]
    body = shop(PAGED, primary_key="code", schema=None)
    del body["resources"][0]["schema"]
    proof = prove(recorded(tmp_path, body, records), ProofOptions(confirms=False, histories=3))
    assert [(one.code, one.severity) for one in proof.of("fault")] == [("key-not-unique", "fault")]


def test_a_recording_that_the_file_no_longer_fits_is_told(tmp_path: Path) -> None:
    connector = recorded(tmp_path, shop({**PAGED, "path": "/others"}), items(*TIMES))
    proof = prove(connector, ProofOptions(confirms=False, histories=3))
    assert proof.proved == ["items"]
    assert "does not fit" in proof.source


def test_a_resource_without_requests_of_its_own_needs_no_recorded_list(tmp_path: Path) -> None:
    body = shop(PAGED)
    inner = {"from": "items", "data_selector": "lines"}
    more = {"write_disposition": "merge", "primary_key": ["_items_id", "sku"]}
    body["resources"].append(
        {"name": "lines", **more, "include_from_parent": ["id"], "endpoint": inner}
    )
    proof = prove(
        recorded(tmp_path, body, items(*TIMES)), ProofOptions(confirms=False, histories=3)
    )
    assert proof.source == "its recording"
    assert proof.proved == ["items"]


def test_a_recorded_list_that_the_file_reads_in_part_is_a_fault(tmp_path: Path) -> None:
    body = shop({"paginator": "single_page"})
    connector = connector_of(tmp_path, body)
    content = json.dumps({"items": items(*TIMES), "next": f"{API}/items?page=2"}).encode()
    kind = (("content-type", "application/json"),)
    page = Interaction("GET", f"{API}/items", 200, headers=kind, body=content)
    write_cassette(cassette_path(connector), Cassette(connector.name, NOW, (page,)))
    proof = prove(connector, ProofOptions(confirms=False, histories=3))
    assert [one.code for one in proof.of("fault")] == ["long-lists"]


NUMBERED: dict[str, Any] = {"type": "page_number", "base_page": 1, "maximum_page": 1}
PAGES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "a total in the file": (
        {**NUMBERED, "total_path": "pages"},
        [{"items": items(*TIMES), "pages": 2}],
        "fault",
    ),
    "a total beside the list": (
        {**NUMBERED, "total_path": None},
        [{"items": items(*TIMES), "totalPages": 2}],
        "fault",
    ),
    "a second recorded page": (
        {**NUMBERED, "total_path": None},
        [{"items": items(*TIMES)}, {"items": [{**items(*TIMES)[0], "id": 9}]}],
        "fault",
    ),
    "no sign of more": (
        {**NUMBERED, "total_path": None},
        [{"items": items(*TIMES)}],
        "limit",
    ),
    "all pages": (
        {**NUMBERED, "total_path": "pages"},
        [{"items": items(*TIMES), "pages": 1}],
        "limit",
    ),
    "the first page only": (
        {"type": "single_page", "maximum_page": 1},
        [{"items": items(*TIMES), "next": f"{API}/items?page=2"}],
        "limit",
    ),
}


@pytest.mark.parametrize("case", PAGES)
def test_a_maximum_is_a_fault_only_if_more_is_recorded(tmp_path: Path, case: str) -> None:
    paginator, pages, severity = PAGES[case]
    connector = connector_of(tmp_path, shop({"paginator": paginator}))
    kind = (("content-type", "application/json"),)
    query = "" if paginator["type"] == "single_page" else "?page={}"
    recording = tuple(
        Interaction(
            *("GET", f"{API}/items{query.format(number)}", 200),
            headers=kind,
            body=json.dumps(page).encode(),
        )
        for number, page in enumerate(pages, 1)
    )
    write_cassette(cassette_path(connector), Cassette(connector.name, NOW, recording))
    proof = prove(connector, ProofOptions(confirms=False, histories=2))
    (found,) = [one for one in proof.broken if one.code == "long-lists"]
    assert found.severity == severity, found
    assert found.mend == ("remove maximum_page" if severity == "fault" else None)


def test_recorded_records_before_the_initial_value_are_a_fault(tmp_path: Path) -> None:
    late = {**ORDERED, "initial_value": "2026-11-02T12:00:00Z", "row_order": None}
    late = {name: value for name, value in late.items() if value is not None}
    body = shop({**PAGED, "incremental": late})
    proof = prove(recorded(tmp_path, body, items(*TIMES)), ProofOptions(confirms=False))
    found = [one for one in proof.of("fault") if one.code == "initial-value"]
    assert [one.mend for one in found] == ["initial_value: 2026-11-01T00:00:00Z"]


def test_records_before_the_initial_value_may_come_from_a_resource_with_the_same_table(
    tmp_path: Path,
) -> None:
    late = {"cursor_path": "updated_at", "initial_value": "2026-11-02T12:00:00Z"}
    body = shop({**PAGED, "incremental": late}, table_name="items")
    (resource,) = body["resources"]
    whole = {"path": "/every", "data_selector": "items", **PAGED}
    body["resources"].append({**resource, "name": "every_item", "endpoint": whole})
    connector = recorded(tmp_path, body, items(*TIMES))
    (page,) = read_cassette(cassette_path(connector), connector.name).interactions
    pages = (page, replace(page, url=f"{API}/every"))
    write_cassette(cassette_path(connector), Cassette(connector.name, NOW, pages))
    proof = prove(connector, ProofOptions(confirms=False))
    assert proof.source == "its recording"
    assert "initial-value" not in [one.code for one in proof.broken]
