"""`framework run`: what it prints, where, and what it never prints."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from framework.cli import report_view as reports
from framework.cli.main import main
from framework.cli.report_view import show_report
from framework.definition.finder import shared_schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.events import RequestAnswered, WarningRaised
from framework.load.dlt_defaults import DEFAULTS
from framework.load.report import Report, ResourceReport
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Asked, Web, each
from tests.support.shop import Shop
from tests.support.simulator import Simulator, Token, small_world

pytestmark = pytest.mark.usefixtures("project")
ROOT = Path(__file__).parents[2]
CANARY = "canary-7f3a9c51e2"
KEY = "SOURCES__SCHEDULING__API_KEY"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Web() as web:
        yield Shop(web)


@pytest.fixture
def web(shop: Shop) -> Web:
    return shop.web


@pytest.fixture
def api() -> Iterator[Simulator]:
    with Simulator(small_world(), [CANARY, Token("free", plan="free")]) as simulator:
        yield simulator


def report_of(text: str) -> dict[str, Any]:
    """Return the printed object, which must match its schema."""
    report: dict[str, Any] = json.loads(text)
    Draft202012Validator(shared_schema("run-report")).validate(report)
    return report


def test_the_report_as_json_is_one_object_that_matches_its_schema(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_connector(project, shop.connector(notes=None))
    assert main(["run", "shop", "--format", "json", "--resources", "customers,orders"]) == 0
    out, said = capsys.readouterr()
    report = report_of(out)
    assert report.pop("seconds") > 0
    assert len(report.pop("id")) == 32
    assert [part.pop("bytes") for part in report["resources"]] == [
        len(json.dumps({"items": items})) for items in (shop.customers, shop.orders)
    ]
    warnings = report["resources"][1].pop("warnings")
    assert [warning["code"] for warning in warnings] == ["watermark-stays"]
    slowest = report.pop("slowest_requests")
    assert {(one["resource"], one["method"], one["status"]) for one in slowest} == {
        ("customers", "GET", 200),
        ("orders", "GET", 200),
    }
    assert sorted((one["seconds"] for one in slowest), reverse=True) == [
        one["seconds"] for one in slowest
    ]
    assert report == {
        "connector": "shop",
        "resumes": None,
        "status": "ok",
        "resources": [
            {
                "name": "customers", "status": "ok", "rows": 3, "requests": 1, "retries": 0,
                "waited": 0.0, "ignored": 0, "left_out": {}, "not_asked": {}, "deleted": 0,
                "ignored_warnings": {},
                "warnings": [], "error": None,
            },
            {
                "name": "orders", "status": "ok", "rows": 3, "requests": 1, "retries": 0,
                "waited": 0.0, "ignored": 0, "left_out": {}, "not_asked": {}, "deleted": 0,
                "ignored_warnings": {},
                "error": None,
            },
        ],
        "destination": "duckdb",
        "dataset": "shop_data",
        "error": None,
        "warnings": [],
        "signal": None,
        "notes": [],
    }  # fmt: skip
    assert all(line.startswith("warning:") for line in said.splitlines())


def test_the_report_is_printed_on_failure_too(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_connector(project, shop.connector(orders=None, lines=None, notes=None))
    shop.answers["/customers"] = Answer(400, {"message": "No."})
    assert main(["run", "shop", "--format", "json"]) == 1
    report = report_of(capsys.readouterr().out)
    assert (report["status"], report["resources"][0]["status"]) == ("failed", "failed")
    assert "returned 400" in report["resources"][0]["error"]

    (project / "shop.duckdb").write_text("no database")
    for argv, code in (
        (["shop"], 1),
        (["scheduling"], 1),  # no secret
        (["scheduling", "--resources", "group"], 2),
        (["shp"], 2),
    ):
        assert main(["run", *argv, "--format", "json"]) == code
        report = report_of(capsys.readouterr().out)
        assert report["status"] == "failed"
        assert report["error"]


def test_text_is_a_closing_table_with_the_place_and_a_query_and_progress_on_stderr(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_connector(project, shop.connector(notes=None))
    shop.answers["/orders/1/lines"] = Answer(404, {"message": "no such thing"})
    assert main(["run", "shop"]) == 1
    out, said = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == [
        "resource", "status", "rows", "requests", "retries", "warnings", "seconds",
    ]  # fmt: skip
    assert [line.split()[:4] for line in lines[1:4]] == [
        ["customers", "ok", "3", "1"],
        ["orders", "ok", "3", "1"],
        ["lines", "failed", "0", lines[3].split()[3]],
    ]
    assert lines[4].startswith("shop: failed in ")
    assert lines[5] == f"data: {project / 'shop.duckdb'} (dataset shop_data)"
    assert lines[6].startswith("try:  python -c")
    assert "duckdb.connect('shop.duckdb').sql('from shop_data.customers limit 10')" in lines[6]
    for text in ("orders: ok, 1 page, 3 records, 1 request", "normalize", "load"):
        assert text in said.splitlines()
    assert "error: lines: GET" in said
    assert "\x1b" not in out + said


def log_of(said: str) -> list[dict[str, Any]]:
    """Return the events on stderr, each of which must match its schema."""
    events = [json.loads(line) for line in said.splitlines()]
    schema = Draft202012Validator(shared_schema("log-event"))
    for event in events:
        schema.validate(event)
    return events


def test_the_log_as_json_has_every_request_page_wait_skip_and_step(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip = {"response_actions": [{"status_code": 403, "action": "skip_resource"}]}
    body = shop.connector(lines={"endpoint": skip})
    body["client"]["max_in_flight"] = 1  # what is in flight when lines are skipped nobody waits for
    write_connector(project, body)
    shop.web.on("/customers", each(Answer(503), {"items": shop.customers}))
    shop.answers["/orders/1/lines"] = Answer(403, {"message": "not yours"})
    assert main(["run", "shop", "--log-format", "json"]) == 0
    out, said = capsys.readouterr()
    assert out.splitlines()[-3].startswith("shop: partial")
    events = log_of(said)
    kinds = [event["event"] for event in events]
    assert kinds[0] == "step"
    assert kinds[-1] == "end"
    requests = [event for event in events if event["event"] == "request"]
    assert len(requests) == len(shop.web.asked)
    asked = [(e["attempt"], e["status"]) for e in requests if e["resource"] == "customers"]
    assert asked == [(1, 503), (2, 200)]
    assert all(event["bytes"] > 0 for event in requests if event["status"] == 200)
    waits = [event for event in events if event["event"] == "wait"]
    assert [event["resource"] for event in waits] == ["customers"]
    pages = {event["resource"]: event["records"] for event in events if event["event"] == "page"}
    assert pages == {"customers": 3, "orders": 3}
    skips = [event["resource"] for event in events if event["event"] == "skip"]
    assert skips == ["lines", "notes"]
    steps = [(event["step"], event["status"]) for event in events if event["event"] == "step"]
    assert steps == [
        (step, status)
        for step in ("extract", "normalize", "load")
        for status in ("started", "ended")
    ]
    end = events[-1]
    assert (end["status"], end["rows"], end["error"]) == ("partial", 6, None)
    assert end["requests"] == len(requests)


def test_the_log_as_json_has_the_error_that_ended_the_run_and_nothing_else_is_on_stderr(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "scheduling", "--log-format", "json"]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    [end] = log_of(said)
    assert (end["event"], end["status"], end["signal"]) == ("end", "failed", None)
    assert KEY in end["error"]
    assert main(["run", "scheduling", "--log-format", "json", "--format", "json"]) == 1
    out, said = capsys.readouterr()
    assert report_of(out)["error"] == log_of(said)[0]["error"]


def test_the_log_as_json_masks_secrets(
    web: Web, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    web.on("/things", {"items": [{"id": 1}]})
    body = {
        "secrets": {"token": {"description": "A token."}},
        "client": {"base_url": web.url},
        "resources": [
            {
                "name": "things",
                "write_disposition": "replace",
                "endpoint": {
                    "path": "/things",
                    "data_selector": "items",
                    "paginator": "single_page",
                    "params": {"t": "{secrets.token}", "who": "ada@example.com"},
                },
            }
        ],
    }
    write_connector(project, body)
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", CANARY)
    assert main(["run", "shop", "--log-format", "json", "--format", "json"]) == 0
    out, said = capsys.readouterr()
    assert web.asked[0].param("t") == CANARY
    assert CANARY not in out + said
    assert "ada@example.com" not in out + said
    [request] = [event for event in log_of(said) if event["event"] == "request"]
    assert request["url"] == f"{web.url}/things?t=***&who=***"


def test_the_closing_table_is_whole_on_a_narrow_terminal() -> None:
    name = "orders_of_all_shops_in_all_regions"
    report = Report("shop", {name: ResourceReport(name, "not_loaded", rows=1_234_567)})
    shown = io.StringIO()
    show_report(report, Console(file=shown, width=30), None)
    assert shown.getvalue().splitlines()[1].split() == [
        *(name, "not", "loaded", "1,234,567", "0", "0", "0", "0.0")
    ]


def test_the_closing_text_names_what_was_skipped_ignored_and_slow() -> None:
    report = Report("shop", {"orders": ResourceReport("orders", ignored=2)})
    report.resources["orders"].not_asked = {"when": 5}
    report.resources["lines"] = ResourceReport("lines", "skipped", error="not asked: orders failed")
    for number, seconds in enumerate((9.0, 1.5, 1.3, 1.2, 0.5)):
        url = f"https://api.example.com/{number}"
        report.slowest.append(RequestAnswered("orders", 1, "GET", url, 200, seconds))
    talk = io.StringIO()
    show_report(report, Console(file=io.StringIO()), Console(file=talk))
    assert talk.getvalue().splitlines() == [
        "orders: 2 responses ignored by response_actions",
        "orders: lists skipped: when 5",
        "lines: not asked: orders failed",
        "slowest: 9.0 s GET https://api.example.com/0 (200)",
        "slowest: 1.5 s GET https://api.example.com/1 (200)",
        "slowest: 1.3 s GET https://api.example.com/2 (200)",
    ]


def test_quiet_prints_only_the_result(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "SLOW_SECONDS", math.inf)  # a busy machine may take a second
    write_connector(project, shop.connector(orders=None, lines=None, notes=None))
    assert main(["run", "shop", "-q"]) == 0
    out, said = capsys.readouterr()
    assert out.splitlines()[1].startswith("customers")
    assert said == ""


@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "blank"])
def test_a_secret_that_is_missing_or_empty_is_named_with_both_places_to_set_it(
    value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if value is not None:
        monkeypatch.setenv(KEY, value)
    monkeypatch.setenv("API_KEY", "of-another-service")
    assert main(["run", "scheduling"]) == 1
    said = capsys.readouterr().err
    assert KEY in said
    assert "`api_key` under [sources.scheduling] in .dlt/secrets.toml" in said
    assert ("missing" in said) == (value is None)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("requests_per_minute=many", 'requests_per_minute: found "many", expected integer'),
        ("requests_per_minute=0", "requests_per_minute: found 0, expected at least 1"),
        ("scope=team", 'scope: found "team", expected one of "organization", "user"'),
        ("start_date=yesterday", "expected the format date-time, such as 2026-01-01T00:00:00Z"),
        ("scop=user", "did you mean scope?"),
    ],
)
def test_a_wrong_setting_is_reported_before_any_request(
    setting: str, message: str, api: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["run", "scheduling", "--set", f"api_key={CANARY}", "--set", f"base_url={api.base_url}"]
    # a value may be wrong in the environment as well, a name only here
    assert main([*argv, "--set", setting]) == (2 if setting.startswith("scop=") else 1)
    said = capsys.readouterr().err
    assert message in said
    assert CANARY not in said
    assert api.requests == []


def test_a_plan_that_lacks_something_is_partial_and_exit_code_0(
    api: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, "free")
    argv = ["run", "scheduling", "--set", f"base_url={api.base_url}", "--resources", "groups"]
    assert main(argv) == 0
    out, said = capsys.readouterr()
    assert "scheduling: partial" in out
    assert "warning: groups:" in said
    assert "[resource-skipped]" in said


def framework(*argv: str) -> subprocess.Popen[str]:
    """Run the command in a new process: dlt sets up its log once per process."""
    left_out = {*DEFAULTS, "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.Popen(
        [sys.executable, "-m", "framework", *argv],
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_no_secret_is_in_any_output_or_file_and_dlts_log_is_for_verbose_only(
    shop: Shop, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check a verbose run, and one whose API repeats the request in its error."""
    body = shop.connector(orders=None, lines=None, notes=None)
    body["secrets"] = {"token": {}, "key": {}, "user": {}, "word": {}}
    body["client"]["auth"] = {"type": "bearer", "token": "{secrets.token}"}
    body["client"]["headers"] = {"X-Key": "{secrets.key}"}
    endpoint = body["resources"][0]["endpoint"]
    endpoint["params"] = {"user": "{secrets.user}", "pass": "{secrets.word}"}
    write_connector(project, body, "good")
    endpoint["path"] = "/bad"
    write_connector(project, body, "bad")

    def repeat(asked: Asked) -> Answer:
        return Answer(418, {"message": f"{asked.query} {dict(asked.headers)}"})

    shop.web.on("/bad", repeat)
    secrets = {name: f"{CANARY}-{name}/+=" for name in body["secrets"]}
    for name, value in secrets.items():
        monkeypatch.setenv(f"SOURCES__{name.upper()}", value)
    with framework("run", "good", "-v") as good, framework("run", "bad", "--format", "json") as bad:
        good_out, good_said = good.communicate(timeout=60)
        bad_out, bad_said = bad.communicate(timeout=60)
    assert (good.returncode, bad.returncode) == (0, 1), good_said + bad_said
    assert "|dlt|" in good_said
    assert "\ncustomers: path: " in good_said
    assert bad_said == ""
    assert "returned 418" in report_of(bad_out)["resources"][0]["error"]
    assert [one.param("pass") for one in shop.web.asked] == [secrets["word"]] * 2
    assert shop.web.asked[0].headers["authorization"] == f"Bearer {secrets['token']}"

    lines = (good_out + good_said + bad_out + bad_said).splitlines()
    assert [line for line in lines if CANARY in line] == []
    holding = [
        str(path.relative_to(project))
        for path in project.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert holding == []


def test_no_line_of_the_closing_table_ends_in_spaces() -> None:
    out = io.StringIO()
    report = Report("shop", {"orders": ResourceReport("orders", "ok")})
    show_report(report, Console(file=out), None)
    lines = out.getvalue().splitlines()
    assert lines[0].split()[0] == "resource"
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_closing_table_has_colours_on_a_terminal_without_no_color() -> None:
    report = Report("shop", {"orders": ResourceReport("orders", "failed", error="[bold]no[/] :x:")})
    report.resources["orders"].warnings.append(WarningRaised("orders", "some-code", "words"))

    def shown(**environment: str) -> str:
        out, talk = io.StringIO(), io.StringIO()
        seen = {"TERM": "xterm", **environment}
        options: dict[str, Any] = {"force_terminal": True, "_environ": seen}
        show_report(report, Console(file=out, **options), Console(file=talk, **options))
        assert "error: [bold]no[/] :x:" in talk.getvalue()
        return out.getvalue()

    assert "\x1b[31m" in shown()
    assert "\x1b[31m" not in shown(NO_COLOR="1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "last week"], "2026-01-31"),
        (["--until", "2026-13-01"], "2026-01-31"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "is not after --since"),
        (["--since", "2026-01-01", "--refresh"], "--refresh"),
        (["--since", "2026-01-01", "--replay"], "--replay"),
        (["--since", "2026-01-01", "--resources", "customers"], "incremental"),
    ],
)
def test_a_range_that_cannot_be_read_again_is_a_wrong_command_line(
    shop: Shop, project: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    write_connector(project, shop.connector())
    assert main(["run", "shop", *options]) == 2
    assert said in capsys.readouterr().err
    assert shop.web.asked == []
