"""`show`, `check` and `preview`: inspect a connector and its API, load nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from framework.cli.main import main
from tests.support.simulator import SCOPES, Simulator, Token, small_world

pytestmark = pytest.mark.usefixtures("project")
CANARY = "canary-7f3a9c51e2"
KEY = "SOURCES__SCHEDULING__API_KEY"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    scopes = SCOPES - {"scheduled_events:read"}
    tokens = [CANARY, Token("narrow", scopes=scopes, plan="free")]
    with Simulator(small_world(), tokens) as simulator:
        monkeypatch.setenv(KEY, CANARY)
        monkeypatch.setenv("SOURCES__SCHEDULING__BASE_URL", simulator.base_url)
        yield simulator


def test_show_is_the_merged_file_as_plain_data_with_secrets_masked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, CANARY)
    assert main(["show", "scheduling", "--set", "scope=user"]) == 0
    text = capsys.readouterr().out
    assert CANARY not in text
    shown = yaml.safe_load(text)
    assert shown["client"]["auth"] == {"type": "bearer", "token": "***"}
    assert shown["client"]["base_url"] == "https://api.calendly.com"
    events = next(one for one in shown["resources"] if one["name"] == "scheduled_events")
    assert events["endpoint"]["params"]["count"] == 100
    assert "user" in events["endpoint"]["params"]
    assert "\n# scheduled_events: path: arrow\n" in text
    assert events["primary_key"] == "uri"
    assert main(["show", "scheduling", "--set", "scope=user", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == shown


def test_show_needs_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "scheduling"]) == 0
    assert "'***'" in capsys.readouterr().out


def test_check_sends_one_request_per_resource_and_loads_nothing(
    api: Simulator, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    while len(api.world.rows["scheduled_events"]) > 50:
        api.world.delete(api.world.rows["scheduled_events"][-1]["uri"])
    assert main(["check", "scheduling"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [name, "yes"]
        for name in (
            "api_user", "event_types", "groups", "organization_memberships", "scheduled_events",
            "event_invitees",
        )
    ]  # fmt: skip
    assert len(api.requests) == 6
    assert not list(project.glob("*.duckdb"))


def test_check_reports_what_the_token_may_not_read(
    api: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, "narrow")
    assert main(["check", "scheduling", "--format", "json"]) == 1
    looked = {one["resource"]: one for one in json.loads(capsys.readouterr().out)}
    assert looked["api_user"]["outcome"] == "readable"
    assert looked["groups"]["outcome"] == "skipped"
    assert looked["scheduled_events"]["outcome"] == "refused"
    assert looked["scheduled_events"]["status"] == 403
    assert "lacks a scope" in looked["scheduled_events"]["message"]
    monkeypatch.setenv(KEY, CANARY + "-wrong")
    assert main(["check", "scheduling", "--resources", "api_user"]) == 1
    out, said = capsys.readouterr()
    assert out.split()[:2] == ["api_user", "no"]
    assert "returned 401 Unauthorized" in out
    assert CANARY not in out + said


def test_preview_shows_some_records_and_loads_nothing(
    api: Simulator, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["preview", "scheduling", "scheduled_events", "--limit", "3"]
    assert main([*argv, "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert records == api.table("scheduled_events")[:3]
    assert main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "uri"
    assert len(lines) == 1 + 3 + 1
    assert "event_memberships" in lines[-1]  # the fields that the terminal has no room for
    assert not list(project.glob("*.duckdb"))


def test_preview_of_a_child_reads_the_first_parents(
    api: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["preview", "scheduling", "event_invitees", "--limit", "2"]
    assert main([*argv, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert len(api.asked("*/invitees")) <= 2


def test_preview_of_a_refused_resource_is_exit_code_1(
    api: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, "narrow")
    assert main(["preview", "scheduling", "scheduled_events"]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert "lacks a scope" in said
    assert main(["preview", "scheduling", "groups"]) == 1
    out, said = capsys.readouterr()
    assert "bug" not in said
    assert "plan" in said
