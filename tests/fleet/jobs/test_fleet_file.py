"""A fleet file becomes jobs: defaults, paths, datasets, windows."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from framework.definition.values.durations import parse_period
from framework.errors import UsageError
from framework.fleet.jobs import fleet_file as module
from framework.fleet.jobs.fleet_file import Backfill, read_fleet
from tests.support.fleets import SHOP, fleet_of, fleet_result, places, write_files


def test_defaults_are_those_of_a_run() -> None:
    (job,) = fleet_of("version: 1\njobs: [{connector: shop}]\n").jobs
    assert (job.name, job.destination, job.dataset_of(None)) == ("shop", "duckdb", "shop_data")
    assert job.resources == ("orders", "lines", "customers")
    assert (job.accounts, job.attempts, job.max_time, job.backfill) == ((), 3, None, None)
    assert job.owners == (None,)


def test_every_key_is_read() -> None:
    fleet = fleet_of(
        """\
version: 1
jobs:
  - connector: shop
    name: orders
    accounts: [{alias: acme, config: {region: us}}, {alias: globex}]
    config: {region: eu, page: "25"}
    resources: [lines, orders]
    destination: postgres
    dataset: "shop_{alias}_x"
    attempts: 5
    max_time: PT1H
    backfill: {since: 2023-01-01, until: 2023-02-01T12:00:00+02:00, step: P1M}
"""
    )
    (job,) = fleet.jobs
    assert job.config == {"region": "eu", "page": 25}
    assert job.resources == ("orders", "lines")
    assert [job.dataset_of(one) for one in job.owners] == ["shop_acme_x", "shop_globex_x"]
    assert (job.name, job.destination, job.attempts) == ("orders", "postgres", 5)
    assert job.max_time == timedelta(hours=1)
    assert job.backfill == Backfill(
        datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 2, 1, 10, tzinfo=UTC), parse_period("P1M")
    )
    assert not job.account_column


def test_files_are_relative_to_the_fleet_file_and_names_are_found_as_everywhere() -> None:
    job = "{connector: ./own/mine.yaml}, {connector: shop}"
    write_files({"fleets/fleet.yaml": f"version: 1\njobs: [{job}]\n"})
    Path("fleets/own").mkdir()
    Path("fleets/own/mine.yaml").write_text(
        SHOP.replace("name: shop", "name: mine")
        .replace("schema: tagged, ", "")
        .replace(", schema: tagged", "")
    )
    result = read_fleet(Path("fleets/fleet.yaml"))
    assert result.fleet is not None, result.findings
    assert [job.name for job in result.fleet.jobs] == ["mine", "shop"]
    assert [one.display for one in result.connectors] == [
        "fleets/own/mine.yaml",
        "connectors/shop.yaml",
    ]


def test_a_folder_of_connectors_that_is_none_is_a_wrong_command_line() -> None:
    write_files({"fleet.yaml": "version: 1\njobs: [{connector: shop}]\n"})
    with pytest.raises(UsageError, match="no such folder"):
        read_fleet(Path("fleet.yaml"), Path("none"))


def test_a_connector_file_that_is_missing_is_a_finding_of_the_fleet() -> None:
    result = fleet_result("version: 1\njobs: [{connector: ./none.yaml}]\n")
    assert places(result) == ["fleet.yaml:2:20 unknown-connector"]


def test_warnings_of_a_connector_are_told_and_do_no_harm() -> None:
    text = SHOP.replace("secrets: {api_key: {}, ", "secrets: {unused: {}, api_key: {}, ")
    result = fleet_result("version: 1\njobs: [{connector: shop}]\n", {"connectors/shop.yaml": text})
    assert [(one.path, one.code) for one in result.findings] == [
        ("connectors/shop.yaml", "unused-secret")
    ]
    assert result.fleet is not None


@pytest.mark.parametrize(
    ("accounts", "dataset", "has_column"),
    [
        ("[{alias: a}, {alias: b}]", "all", True),
        ("[{alias: a}, {alias: b}]", "all_{alias}", False),
        ("[{alias: a}]", "all", False),
        ("{file: accounts.csv}", "all", True),
        ("{file: accounts.csv}", None, False),
    ],
)
def test_accounts_of_one_dataset_are_told_apart_by_a_column(
    accounts: str, dataset: str | None, has_column: bool
) -> None:
    written = "" if dataset is None else f', dataset: "{dataset}"'
    text = f"version: 1\njobs: [{{connector: shop, accounts: {accounts}{written}}}]\n"
    (job,) = fleet_of(text, {"accounts.csv": "alias\na\n"}).jobs
    assert job.account_column is has_column


def test_a_backfill_reads_resources_with_a_cursor_and_below_in_windows() -> None:
    text = (
        "version: 1\n"
        "jobs: [{connector: shop, backfill: {since: 2023-01-01, until: 2023-01-04, step: P1D}}]\n"
    )
    (job,) = fleet_of(text).jobs
    assert (job.windowed, job.others) == (("orders", "lines"), ("customers",))
    assert len(job.windows) == 3


@pytest.mark.parametrize(
    ("since", "until", "step", "ends"),
    [
        ("2023-01-01", "2023-01-03", "P1D", ["2023-01-02", "2023-01-03"]),
        ("2023-01-01", "2023-01-03", "P2D", ["2023-01-03"]),
        ("2023-01-01", "2023-01-03", "P1Y", ["2023-01-03"]),
        ("2023-01-01", "2023-01-04", "P2D", ["2023-01-03", "2023-01-04"]),
        (
            "2023-01-31",
            "2023-05-01",
            "P1M",
            ["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-01"],
        ),
        ("2024-02-29", "2026-02-28", "P1Y", ["2025-02-28", "2026-02-28"]),
        ("9999-01-01", "9999-12-31", "P9M", ["9999-10-01", "9999-12-31"]),
    ],
)
def test_windows_are_cut_at_the_step_by_the_calendar(
    since: str, until: str, step: str, ends: list[str]
) -> None:
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, until))
    windows = list(Backfill(begin, end, parse_period(step)).windows())
    assert [f"{last:%Y-%m-%d}" for _, last in windows] == ends
    assert [first for first, _ in windows] == [begin, *(last for _, last in windows[:-1])]


def test_windows_and_units_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    backfill = "backfill: {since: 2023-01-01, until: 2023-01-05, step: P1D}"
    text = f"version: 1\njobs:\n  - connector: shop\n    {backfill}\n"
    monkeypatch.setattr(module, "MOST_WINDOWS", 4)
    monkeypatch.setattr(module, "MOST_UNITS", 5)
    assert places(fleet_result(text)) == []
    monkeypatch.setattr(module, "MOST_UNITS", 4)
    assert places(fleet_result(text)) == ["fleet.yaml:2:1 too-many-units"]
    monkeypatch.setattr(module, "MOST_WINDOWS", 3)
    assert places(fleet_result(text)) == ["fleet.yaml:4:60 too-many-windows"]


def test_a_step_of_a_second_over_centuries_is_counted_no_further_than_the_limit() -> None:
    backfill = "{since: 1000-01-01, until: 9999-01-01, step: PT1S}"
    result = fleet_result(f"version: 1\njobs: [{{connector: shop, backfill: {backfill}}}]\n")
    assert [one.code for one in result.findings] == ["too-many-windows"]


def test_reading_a_fleet_does_not_import_dlt() -> None:
    write_files({"fleet.yaml": "version: 1\njobs: [{connector: shop}]\n"})
    code = (
        "import sys; from pathlib import Path; "
        "from framework.fleet.jobs.fleet_file import read_fleet; "
        "from framework.fleet.jobs.units import units_of; "
        "assert len(units_of(read_fleet(Path('fleet.yaml')).fleet)) == 1; "
        "assert 'dlt' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
