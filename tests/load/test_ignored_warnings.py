"""`ignore_warnings` in a run: counted, not shown, and no reason to trust a list more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.definition.finder import shared_schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.events import WarningRaised
from tests.support.run_verbs import Heard, codes, connector_of, load, write_connector
from tests.support.servers.web import Web

BODY = """
client: {{base_url: "{url}", paginator: single_page}}
resource_defaults: {{primary_key: id, write_disposition: merge}}
resources:
  - name: orders
    {more}
  - name: users
"""


def test_an_ignored_warning_is_counted_and_not_passed_on(web: Web, project: Path) -> None:
    web.on("/orders", [{"id": 1, "a b": 1, "a_b": 2}])
    web.on("/users", [{"id": 1, "a b": 1, "a_b": 2}])
    more = "ignore_warnings: [keys-meet, no-records]"
    connector = connector_of(project, BODY.format(url=web.url, more=more))
    heard = Heard()
    report = load(connector, project, on_event=heard)
    assert codes(report) == [("users", "keys-meet")]
    assert [one.resource for one in heard.events if isinstance(one, WarningRaised)] == ["users"]
    parts = {part["name"]: part for part in report.as_dict()["resources"]}
    assert parts["orders"]["ignored_warnings"] == {"keys-meet": 1}
    assert parts["users"]["ignored_warnings"] == {}
    assert report.status == "ok"


def test_the_report_and_the_closing_lines_have_the_number(
    web: Web, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", [{"id": 1, "a b": 1, "a_b": 2}])
    web.on("/users", [{"id": 1}])
    more = "ignore_warnings: [keys-meet]"
    write_connector(project, BODY.format(url=web.url, more=more))
    assert main(["show", "shop", "--format", "json"]) == 0
    (orders, _) = json.loads(capsys.readouterr().out)["resources"]
    assert orders["ignore_warnings"] == ["keys-meet"]
    assert main(["run", "shop"]) == 0
    said = capsys.readouterr().err
    assert "orders: warnings ignored: keys-meet 1" in said
    assert "[keys-meet]" not in said
    assert main(["run", "shop", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    Draft202012Validator(shared_schema("run-report")).validate(report)


def test_a_list_that_may_lack_records_still_removes_no_rows(web: Web, project: Path) -> None:
    web.on("/users", [])
    web.on("/orders", {"total": 2, "items": [{"id": 1}, {"id": 2}]})
    more = (
        (
            "deletes: mark\n    ignore_warnings: [errors-beside-records, deletes-left]\n"
            "    endpoint: {{data_selector: items}}"
        )
        .replace("{{", "{")
        .replace("}}", "}")
    )
    connector = connector_of(project, BODY.format(url=web.url, more=more))
    load(connector, project)
    web.on("/orders", {"errors": ["half of it"], "items": [{"id": 1}]})
    part = load(connector, project).resources["orders"]
    assert part.deleted == 0
    assert dict(part.ignored_warnings) == {"errors-beside-records": 1, "deletes-left": 1}
    assert part.warnings == []


@pytest.mark.parametrize("option", [[], ["--deep"]])
@pytest.mark.parametrize("is_ignored", [False, True])
def test_check_shows_it_no_more(
    web: Web,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    option: list[str],
    is_ignored: bool,
) -> None:
    web.on("/orders", {"errors": ["half of it"], "items": [{"id": 1}]})
    more = "ignore_warnings: [errors-beside-records]\n    " if is_ignored else ""
    selector = "endpoint: {data_selector: items}"
    write_connector(project, BODY.format(url=web.url, more=more + selector))
    main(["check", "shop", "--resources", "orders", *option])
    assert ("errors-beside-records" in capsys.readouterr().out) is not is_ignored
