"""`test --format junit`, as a parser of JUnit XML reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from junitparser import Failure, JUnitXml, Skipped

from framework.authoring.cassettes.connector_test import ConnectorTest
from framework.authoring.cassettes.recorder import record
from framework.authoring.cassettes.snapshot import TestResult as Result
from framework.cli.main import main
from framework.cli.test_view import render_junit
from framework.events import ignore_event
from framework.runtime.environment import Environment
from tests.support.run_verbs import connector_of
from tests.support.servers.web import Web

BODY = """
client: {{base_url: "{url}", paginator: single_page}}
resource_defaults: {{primary_key: id, write_disposition: merge}}
resources:
  - name: orders
  - name: users
"""


def cases_of(text: str) -> dict[str, dict[str | None, list[object]]]:
    """Return the results of each case, by suite and case."""
    return {
        suite.name: {case.name: list(case.result) for case in suite}
        for suite in JUnitXml.fromstring(text.encode())
    }


def test_each_table_is_a_case(web: Web, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    web.on("/orders", lambda _: [{"id": 1, "paid": True}])
    web.on("/users", lambda _: [{"id": 1, "name": "a & b"}])
    connector = connector_of(project, BODY.format(url=web.url))
    record(
        connector,
        resources=None,
        config={},
        alias=None,
        limit=None,
        environment=Environment(),
        on_event=ignore_event,
    )
    name = connector.name
    assert main(["test", name, "--update"]) == 0
    capsys.readouterr()
    assert main(["test", name, "--format", "junit"]) == 0
    text = capsys.readouterr().out
    assert cases_of(text) == {name: {"replay": [], "table orders": [], "table users": []}}
    (suite,) = JUnitXml.fromstring(text.encode())
    assert (suite.tests, suite.failures, suite.skipped) == (3, 0, 0)
    assert suite.time > 0

    (expected,) = project.rglob("*.expected.yaml")
    text = expected.read_text(encoding="utf-8")
    expected.write_text(text.replace("name: text\n", "name: <&>\n", 1), encoding="utf-8")
    assert main(["test", "--format", "junit"]) == 1
    cases = cases_of(capsys.readouterr().out)[name]
    assert cases["replay"] == cases["table orders"] == []
    (failure,) = cases["table users"]
    assert isinstance(failure, Failure)
    assert failure.text == "table `users`: column `name`: expected type <&>, found text"

    expected.unlink()
    assert main(["test", name, "--format", "junit"]) == 1
    ((failure,),) = cases_of(capsys.readouterr().out)[name].values()
    assert isinstance(failure, Failure)
    assert "--update" in (failure.message or "")


@pytest.mark.usefixtures("project")
def test_a_connector_without_a_cassette_is_skipped(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = connector_of(project, BODY.format(url="https://api.example.com")).name
    assert main(["test", "--format", "junit"]) == 1
    captured = capsys.readouterr()
    ((result,),) = cases_of(captured.out)[name].values()
    assert isinstance(result, Skipped)
    assert "framework record" in captured.err


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = render_junit([ConnectorTest("shop", Result(replay=("a \x00 \x1b ]]> \ud800\nb",)))])
    ((failure,),) = cases_of(text)["shop"].values()
    assert isinstance(failure, Failure)
    assert failure.text == "a \ufffd \ufffd ]]> \ufffd\nb"
    assert text.isascii()
