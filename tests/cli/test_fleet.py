"""`framework fleet`: findings of all files, and the plan from recorded runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from framework.definition.finder import shared_schema
from framework.definition.model import RateLimit
from framework.definition.schema.json_schema import Draft202012Validator
from tests.support.fleets import write_files
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Web

pytestmark = pytest.mark.usefixtures("project")
FLEET = """\
version: 1
jobs:
  - connector: shop
    accounts: [{alias: acme}, {alias: globex}]
"""


def shop(project: Path, web: Web, **client: Any) -> None:
    """Write a connector without secrets, whose API is on loopback."""
    web.on("/orders", [{"id": 1}])
    web.on("/orders/{id}/lines", [{"id": 2}])
    merge = {"primary_key": "id", "write_disposition": "merge"}
    lines = {"path": "/orders/{resources.orders.id}/lines"}
    body = {
        "client": {"base_url": web.url, "paginator": "single_page", **client},
        "resource_defaults": merge,
        "resources": [{"name": "orders"}, {"name": "lines", "endpoint": lines}],
    }
    write_connector(project, body)


def plan_of(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> Any:
    """What `fleet plan` prints as JSON, which fits its schema."""
    capsys.readouterr()
    assert main(["fleet", "plan", "fleet.yaml", "--format", "json", *options]) == code
    plan = json.loads(capsys.readouterr().out)
    Draft202012Validator(shared_schema("fleet-plan")).validate(plan)
    return plan


def test_a_good_fleet_has_no_findings(capsys: pytest.CaptureFixture[str]) -> None:
    write_files({"fleet.yaml": FLEET})
    assert main(["fleet", "validate", "fleet.yaml"]) == 0
    assert capsys.readouterr().out == "2 files, nothing found\n"


def test_findings_of_the_fleet_and_its_connectors_have_their_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = "version: 1\nname: shop\nclient: {base_url: 5}\nresources: []\n"
    files = {"fleet.yaml": FLEET.replace("globex", "acme"), "connectors/shop.yaml": broken}
    write_files(files)
    assert main(["fleet", "validate", "fleet.yaml", "--format", "text"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fleet.yaml:4:39: error: the alias acme is twice")
    assert lines[1] == "    4 |     accounts: [{alias: acme}, {alias: acme}]"
    assert lines[3].startswith("connectors/shop.yaml:3:20: error: ")
    assert lines[-1] == "2 files, 2 errors"
    assert main(["fleet", "validate", "fleet.yaml", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    Draft202012Validator(shared_schema("finding")).validate(found)
    assert [one["path"] for one in found] == ["fleet.yaml", "connectors/shop.yaml"]
    assert main(["fleet", "validate", "fleet.yaml", "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=fleet.yaml,line=4,col=39,")


def test_warnings_fail_only_when_strict(capsys: pytest.CaptureFixture[str]) -> None:
    write_files({"fleet.yaml": FLEET})
    file = Path("connectors/shop.yaml")
    file.write_text(file.read_text().replace("secrets: {", "secrets: {unused: {}, "))
    assert main(["fleet", "validate", "fleet.yaml"]) == 0
    assert main(["fleet", "validate", "fleet.yaml", "--strict"]) == 1


def test_a_folder_of_connectors_may_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    write_files({"fleet.yaml": FLEET})
    Path("elsewhere").mkdir()
    Path("connectors").rename("elsewhere/connectors")
    Path("schemas").rename("elsewhere/schemas")
    assert main(["fleet", "validate", "fleet.yaml"]) == 1
    assert main(["fleet", "validate", "fleet.yaml", "--connectors", "elsewhere/connectors"]) == 0
    assert main(["fleet", "validate", "fleet.yaml", "--connectors", "none"]) == 2


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_a_missing_file_is_an_error(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", verb, "none.yaml"]) == 1
    assert "none.yaml:1:1: " in "".join(capsys.readouterr())


def test_a_plan_of_a_broken_fleet_says_all_that_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_files({"fleet.yaml": FLEET.replace("shop", "shp").replace("globex", "acme")})
    assert main(["fleet", "plan", "fleet.yaml"]) == 1
    error = capsys.readouterr().err
    assert "the fleet file has 2 errors" in error
    assert "fleet.yaml:3:16" in error
    assert "fleet.yaml:4:39" in error


def test_a_plan_is_made_of_the_runs_that_the_destination_has(
    project: Path, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    shop(project, web)
    write_files_of_fleet(project)
    before = plan_of(capsys)
    assert [one["estimate"]["source"] for one in before["units"]] == ["unknown", "unknown"]
    assert main(["run", "shop", "--as", "acme"]) == 0
    plan = plan_of(capsys, "--workers", "2")
    assert [one["id"] for one in plan["units"]] == [one["id"] for one in before["units"]]
    assert [one["estimate"]["requests"] for one in plan["units"]] == [2, 2]
    assert {one["estimate"]["source"] for one in plan["units"]} == {"runs"}
    assert (plan["status"], plan["requests"], plan["workers"]) == ("ok", 4, 2)
    assert plan["jobs"][0]["accounts"] == 2


def write_files_of_fleet(project: Path) -> None:
    (project / "fleet.yaml").write_text(FLEET, encoding="utf-8")


def test_units_are_listed_if_wanted(
    project: Path, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    shop(project, web, rate_limit={"requests": 60})
    write_files_of_fleet(project)
    (unit, _) = plan_of(capsys)["units"]
    assert main(["fleet", "plan", "fleet.yaml"]) == 0
    table = capsys.readouterr().out
    assert unit["id"] not in table
    assert table.splitlines()[1].split() == ["shop", "shop", "2", "2", "?", "0.0", "unknown"]
    assert main(["fleet", "plan", "fleet.yaml", "--units"]) == 0
    assert unit["id"] in capsys.readouterr().out


def test_a_plan_that_a_quota_cannot_hold_is_refused(
    project: Path,
    web: Web,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop(project, web)
    write_files_of_fleet(project)
    assert main(["run", "shop", "--as", "acme"]) == 0
    quota = {"per_day": 1, "scope": "api"}
    if "per_day" in shared_schema("connector")["$defs"]["rate_limit"]["properties"]:
        shop(project, web, rate_limit={"requests": 60, **quota})
    else:  # the keys are not in the format yet
        shop(project, web, rate_limit={"requests": 60})
        for name, value in quota.items():
            monkeypatch.setattr(RateLimit, name, value, raising=False)
    plan = plan_of(capsys, code=1)
    assert plan["status"] == "refused"
    assert plan["quotas"][0]["exceeded"]
    assert main(["fleet", "plan", "fleet.yaml"]) == 1
    captured = capsys.readouterr()
    assert "4 of 1 a day" in captured.out
    assert captured.err.startswith("error: shop: 2 units need about 4 requests, but 1 a day")


def test_a_destination_that_cannot_be_read_is_a_note(
    project: Path, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    shop(project, web)
    (project / "fleet.yaml").write_text(FLEET + "    destination: postgres\n", encoding="utf-8")
    (note,) = plan_of(capsys)["notes"]
    assert note.startswith("estimated without recorded runs: cannot read the runs in postgres")
