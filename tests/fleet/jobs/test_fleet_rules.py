"""What must hold between jobs, and between a job and its connector."""

from __future__ import annotations

import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention

from tests.support.fleets import SHOP, fleet_of, fleet_result, places

ALIASES = "accounts: [{alias: a}, {alias: b}]"


def judged(*jobs: str) -> list[str]:
    """The places and codes of a fleet with a job in each line, from line 3 on."""
    lines = "".join(f"  - {{connector: shop, {job}}}\n" for job in jobs)
    return places(fleet_result(f"version: 1\njobs:\n{lines}"))


@pytest.mark.parametrize(
    ("one", "two", "code"),
    [
        ("name: x", "name: y", "duplicate-load"),
        ("name: x", "name: y, dataset: other", None),
        ("name: x", "name: y, destination: postgres", None),
        ("name: x", "name: y, dataset: SHOP_data", "duplicate-load"),
        ("name: x", "name: y, accounts: [{alias: shop}]", "mixed-accounts"),
        ("name: x, accounts: [{alias: a}]", "name: y, accounts: [{alias: b}]", None),
        ("name: x, accounts: [{alias: a}]", "name: y, accounts: [{alias: a}]", "duplicate-load"),
        (f"name: x, {ALIASES}, dataset: all", "name: y, dataset: all", "mixed-accounts"),
        (
            f"name: x, {ALIASES}, dataset: all",
            "name: y, accounts: [{alias: c}, {alias: d}], dataset: all",
            None,
        ),
        (
            f"name: x, {ALIASES}, dataset: all",
            "name: y, accounts: [{alias: c}, {alias: a}], dataset: all",
            "duplicate-load",
        ),
    ],
)
def test_two_jobs_do_not_write_the_same_rows(one: str, two: str, code: str | None) -> None:
    assert judged(one, two) == ([] if code is None else [f"fleet.yaml:4:17 {code}"])


def test_each_pair_of_jobs_is_told_once() -> None:
    three = judged(*(f"name: {name}, {ALIASES}" for name in ("x", "y", "z")))
    assert three == ["fleet.yaml:4:17 duplicate-load", "fleet.yaml:5:17 duplicate-load"]


def test_different_connectors_may_share_a_dataset() -> None:
    other = SHOP.replace("name: shop", "name: other").replace(", schema: tagged", "")
    text = "version: 1\njobs: [{connector: shop, dataset: all}, {connector: other, dataset: all}]\n"
    assert places(fleet_result(text, {"connectors/other.yaml": other})) == []


@pytest.mark.parametrize("alias", ["a__b", "a_b", "a_", "ab", "a___b_"])
def test_datasets_are_compared_as_dlt_names_them(alias: str) -> None:
    same = NamingConvention().normalize_identifier(f"{alias}_data") == "a_b_data"
    twice = judged(f"accounts: [{{alias: a_b}}, {{alias: {alias}}}]")
    expected = "duplicate-alias" if alias == "a_b" else "same-dataset" if same else None
    assert twice == ([f"fleet.yaml:3:56 {expected}"] if expected else [])


@pytest.mark.parametrize(
    ("job", "place"),
    [
        ("dataset: shop", "3:32"),
        ("accounts: [{alias: shop}], dataset: '{alias}'", "3:42"),
        ("dataset: shop, destination: postgres", None),
    ],
)
def test_duckdb_refuses_a_dataset_like_its_file(job: str, place: str | None) -> None:
    assert judged(job) == ([f"fleet.yaml:{place} dataset-like-file"] if place else [])


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("orders", None),
        ("events", None),
        ("totals", "shared-replace"),
        ("old", "shared-replace"),
        ("tagged", "account-field"),
    ],
)
def test_a_shared_dataset_takes_what_has_a_place_for_the_account(
    resource: str, code: str | None
) -> None:
    found = judged(f"resources: [{resource}], {ALIASES}, dataset: all")
    assert [one.split()[1] for one in found] == ([code] if code else [])
    assert judged(f"resources: [{resource}], {ALIASES}") == []


@pytest.mark.parametrize(
    "part",
    [
        "columns: {_account: {data_type: text}}",
        "processing_steps: [{set: {_account: id}}]",
        "processing_steps: [{rename: {owner: _account}}]",
        "primary_key: [id, _account]",
    ],
)
def test_a_column_of_the_same_name_is_found_wherever_it_comes_from(part: str) -> None:
    shop = SHOP.replace("  - name: customers", f"  - name: customers\n    {part}")
    text = f"version: 1\njobs: [{{connector: shop, {ALIASES}, dataset: all}}]\n"
    result = fleet_result(text, {"connectors/shop.yaml": shop})
    assert [one.code for one in result.findings] == ["account-field"]


BACKFILL = "backfill: {since: 2023-01-01, until: 2023-01-03, step: P1D}"


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("write_disposition: append", "[orders]"),
        ("write_disposition: replace", "[orders]"),
        ("write_disposition: {disposition: merge, strategy: scd2}", "[orders]"),
        ("write_disposition: {disposition: merge, strategy: upsert}", None),
    ],
)
def test_windows_are_for_resources_that_merge(change: str, names: str | None) -> None:
    shop = SHOP.replace("  - name: orders\n", f"  - name: orders\n    {change}\n")
    text = f"version: 1\njobs: [{{connector: shop, {BACKFILL}}}]\n"
    result = fleet_result(text, {"connectors/shop.yaml": shop})
    codes = [one.code for one in result.findings if one.severity == "error"]
    assert codes == ([] if names is None else ["window-without-merge"])


def test_resources_that_replace_are_loaded_beside_the_windows() -> None:
    text = f"version: 1\njobs: [{{connector: shop, resources: [orders, totals], {BACKFILL}}}]\n"
    (job,) = fleet_of(text).jobs
    assert (job.windowed, job.others) == (("orders",), ("totals",))


def test_a_table_format_that_merges_is_for_files_too() -> None:
    shop = SHOP.replace(
        "  write_disposition: merge", "  write_disposition: merge\n  table_format: delta"
    )
    text = "version: 1\njobs: [{connector: shop, destination: filesystem}]\n"
    assert places(fleet_result(text, {"connectors/shop.yaml": shop})) == []


@pytest.mark.parametrize("destination", ["postgres", "my_own", "mymodule.destination"])
def test_a_destination_of_ones_own_is_left_alone(destination: str) -> None:
    assert judged(f"destination: {destination}") == []
