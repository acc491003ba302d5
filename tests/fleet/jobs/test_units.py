"""Units: the same ids for the same input, in a fair order, with all that a worker needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import groupby

import pytest

from framework.definition.finder import Location
from framework.definition.validation import validate
from framework.fleet.jobs.units import Unit, units_of
from tests.support.fleets import SHOP, fleet_of, write_files

FLEET = """\
version: 1
jobs:
  - connector: shop
    accounts: [{alias: acme, config: {page: 5}, secrets: {api_key: ACME_TOKEN}}, {alias: globex}]
  - connector: shop
    name: history
    dataset: history
    backfill: {since: 2023-01-01, until: 2023-01-04, step: P1D}
"""


def ids(text: str = FLEET, **files: str) -> list[str]:
    return [unit.id for unit in units_of(fleet_of(text, files))]


def test_ids_are_hexadecimal_and_unique() -> None:
    found = ids()
    assert len(set(found)) == len(found) == 6
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in found)


def test_ids_are_the_same_in_any_process() -> None:
    write_files({"fleet.yaml": FLEET})
    code = (
        "from pathlib import Path; from framework.fleet.jobs.fleet_file import read_fleet; "
        "from framework.fleet.jobs.units import units_of; "
        "print(*(u.id for u in units_of(read_fleet(Path('fleet.yaml')).fleet)))"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ids()


def test_the_order_of_keys_does_not_change_an_id() -> None:
    one = "{alias: a, config: {page: 5, region: eu}, secrets: {api_key: A, other: B}}"
    two = "{config: {region: eu, page: 5}, secrets: {other: B, api_key: A}, alias: a}"
    text = "version: 1\njobs: [{connector: shop, accounts: [ACCOUNT]}]\n"
    assert ids(text.replace("ACCOUNT", one)) == ids(text.replace("ACCOUNT", two))


def test_an_id_is_the_same_whoever_else_is_in_the_file() -> None:
    alone = "version: 1\njobs: [{connector: shop, accounts: [{alias: globex}]}]\n"
    assert set(ids(alone)) <= set(ids())
    from_file = "version: 1\njobs: [{connector: shop, name: x, accounts: {file: a.csv}}]\n"
    assert ids(from_file, **{"a.csv": "alias\nglobex\n"}) == ids(alone)


@pytest.mark.parametrize(
    "change",
    [
        ("alias: acme", "alias: acme2"),
        ("page: 5", "page: 6"),
        ("ACME_TOKEN", "OTHER_TOKEN"),
        ("    accounts", "    resources: [orders]\n    accounts"),
        ("    accounts", "    destination: postgres\n    accounts"),
        ("    accounts", '    dataset: "x_{alias}"\n    accounts'),
        ("    accounts", "    dataset: all\n    accounts"),
        ("    accounts", "    config: {region: us}\n    accounts"),
    ],
    ids=str,
)
def test_what_is_loaded_and_where_decides_the_id(change: tuple[str, str]) -> None:
    assert ids()[0] not in ids(FLEET.replace(*change, 1))


@pytest.mark.parametrize(
    "change",
    [
        ("    accounts", "    attempts: 9\n    accounts"),
        ("    accounts", "    max_time: PT1H\n    accounts"),
        ("    accounts", "    name: renamed\n    accounts"),
        ("    accounts", "    resources: [lines, customers, orders]\n    accounts"),
    ],
    ids=str,
)
def test_nothing_else_decides_the_id(change: tuple[str, str]) -> None:
    assert ids(FLEET.replace(*change, 1)) == ids()


def test_the_connector_and_its_schemas_decide_the_id() -> None:
    text = "version: 1\njobs: [{connector: shop, resources: [tagged]}]\n"
    schema = '{"type": "object", "properties": {"id": {"type": "integer"}}}'
    changed = [
        ids(text),
        ids(text, **{"schemas/shop/tagged.json": schema}),
        ids(text, **{"connectors/shop.yaml": SHOP + "# a remark\n"}),
    ]
    assert len(set(map(tuple, changed))) == 3


def test_jobs_and_accounts_take_turns_and_windows_ascend() -> None:
    backfill = "backfill: {since: 2023-01-01, until: 2023-01-04, step: P1D}"
    fleet = fleet_of(
        f"""\
version: 1
jobs:
  - {{connector: shop, name: a, accounts: [{{alias: x}}, {{alias: y}}], {backfill}}}
  - {{connector: shop, name: b, dataset: b}}
  - {{connector: shop, name: c, dataset: c, resources: [orders], {backfill}}}
"""
    )
    order = [(unit.job.name, unit.alias, (unit.since or "")[8:10]) for unit in units_of(fleet)]
    assert order == [
        ("a", "x", "01"),
        ("b", None, ""),
        ("c", None, "01"),
        ("a", "y", "01"),
        ("c", None, "02"),
        ("a", "x", "02"),
        ("c", None, "03"),
        ("a", "y", "02"),
        ("a", "x", "03"),
        ("a", "y", "03"),
        ("a", "x", ""),
        ("a", "y", ""),
    ]


def test_windows_of_an_account_cover_the_backfill_without_gaps() -> None:
    fleet = fleet_of(FLEET.replace("step: P1D", "step: PT7H"))
    windows = [(unit.since, unit.until) for unit in units_of(fleet) if unit.since]
    assert windows[0][0] == "2023-01-01T00:00:00Z"
    assert windows[-1][1] == "2023-01-04T00:00:00Z"
    assert [end for _, end in windows[:-1]] == [begin for begin, _ in windows[1:]]


def test_the_spec_is_json_without_secrets_that_a_worker_can_run_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "the-value-of-the-token")
    text = FLEET.replace(
        "    accounts", "    resources: [tagged]\n    max_time: PT90S\n    accounts", 1
    )
    unit = units_of(fleet_of(text))[0]
    written = json.dumps(unit.spec())
    assert "the-value-of-the-token" not in written
    spec = json.loads(written)
    connector = spec.pop("connector")
    assert spec == {
        "unit": unit.id,
        "kind": "shop tagged",
        "job": "shop",
        "alias": "acme",
        "config": {"page": 5},
        "secrets": {"api_key": "ACME_TOKEN"},
        "resources": ["tagged"],
        "destination": "duckdb",
        "dataset": "acme_data",
        "since": None,
        "until": None,
        "account_column": False,
        "max_time": 90.0,
    }
    elsewhere = tmp_path_factory.mktemp("worker")
    file = elsewhere / "connectors" / f"{connector['name']}.yaml"
    file.parent.mkdir()
    file.write_text(connector["text"], encoding="utf-8")
    for name, schema in connector["schemas"].items():
        path = elsewhere / "schemas" / connector["name"] / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema, encoding="utf-8")
    result = validate(Location(connector["name"], file, elsewhere, str(file)))
    assert result.connector is not None, result.findings
    assert (
        result.connector.resource("tagged").schema == unit.job.connector.resource("tagged").schema
    )


def test_an_accounts_config_wins() -> None:
    text = (
        "version: 1\njobs: [{connector: shop, config: {page: 1, region: us}, "
        "accounts: [{alias: a, config: {page: 2}}]}]\n"
    )
    (unit,) = units_of(fleet_of(text))
    assert unit.config == {"page": 2, "region": "us"}


def test_units_of_one_kind_cost_about_the_same() -> None:
    kinds: dict[str, list[Unit]] = {}
    for unit in units_of(fleet_of(FLEET)):
        kinds.setdefault(unit.kind, []).append(unit)
    assert {kind: len(units) for kind, units in kinds.items()} == {
        "shop orders,lines,customers": 2,
        "shop orders,lines P1D": 3,
        "shop customers": 1,
    }


def test_units_are_equal_by_their_id() -> None:
    one, two = (units_of(fleet_of(FLEET)) for _ in range(2))
    assert one == two
    assert [key for key, _ in groupby(one, hash)] == list(map(hash, two))
