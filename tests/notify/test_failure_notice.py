"""The notice of a failed run, as a webhook gets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.cli.main import main
from framework.load.report import Report
from framework.notify.failure_notice import FailureNotice, configured_urls, notice_text
from framework.runtime.redacted_output import redacted_output
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Web

# a plugin of apprise imports what Python 3.13 no longer has, where it is there
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
SECRET = "canary-7f3a9c51e2"
TOKEN = "hook-token-93ac51e27f"
BODY = """
secrets: {{api_key: {{}}}}
client:
  base_url: "{url}"
  auth: {{type: bearer, token: "{{secrets.api_key}}"}}
  paginator: single_page
  retry: {{max_retries: 0}}
resource_defaults: {{write_disposition: replace}}
resources:
  - {{name: orders}}
  - {{name: users}}
"""


@pytest.fixture(autouse=True)
def shop(web: Web, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)
    write_connector(project, BODY.format(url=web.url))
    web.on("/orders", [{"id": 1}])
    web.on("/users", Answer(403, {"message": f"{SECRET} may not"}))
    web.on(f"/{TOKEN}", Answer(200, b""), "POST")


@pytest.fixture
def hook(web: Web) -> str:
    return f"json://127.0.0.1:{web.port}/{TOKEN}"


def notices(web: Web) -> list[dict[str, str]]:
    return [one.json() for one in web.asked if one.path == f"/{TOKEN}"]


def test_a_failed_run_is_told_without_a_secret(
    web: Web, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "shop", "-q", "--notify", hook]) == 1
    (notice,) = notices(web)
    assert notice["title"] == "shop: failed"
    assert "users" in notice["message"]
    assert "403" in notice["message"]
    assert "loaded: orders 1 row" in notice["message"]
    assert SECRET not in str(notice)
    out, said = capsys.readouterr()
    assert TOKEN not in out + said


def test_a_run_that_is_fine_tells_nobody(web: Web, hook: str) -> None:
    assert main(["run", "shop", "-q", "--notify", hook, "--resources", "orders"]) == 0
    assert notices(web) == []


def test_the_settings_have_the_addresses(
    web: Web, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY__URLS", hook)
    monkeypatch.delenv("SOURCES__SHOP__API_KEY")
    assert main(["run", "shop", "-q"]) == 1
    (notice,) = notices(web)
    assert "api_key" in notice["message"]


def test_several_addresses(hook: str, project: Path) -> None:
    assert configured_urls(["a://b"]) == ("a://b",)
    assert configured_urls([]) == ()


def test_addresses_of_the_settings_are_a_list_or_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY__URLS", "json://a, json://b")
    assert configured_urls([]) == ("json://a", "json://b")


def test_an_address_that_is_not_known_ends_the_run_before_it_begins(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "shop", "-q", "--notify", f"nothing://{TOKEN}"]) == 1
    said = capsys.readouterr().err
    assert "notification URL 1 of 1" in said
    assert TOKEN not in said
    assert web.asked == []


def test_a_hook_that_is_gone_is_said_and_changes_nothing(
    web: Web, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on(f"/{TOKEN}", Answer(500, b""), "POST")
    assert main(["run", "shop", "-q", "--notify", hook]) == 1
    said = capsys.readouterr().err
    assert "not everybody could be notified" in said
    assert TOKEN not in said


@pytest.mark.parametrize("more", [["--replay"], ["--mock", "http://127.0.0.1:1"]])
def test_a_replay_or_a_mock_tells_nobody(web: Web, hook: str, more: list[str]) -> None:
    assert main(["run", "shop", "-q", "--notify", hook, *more]) == 1
    assert notices(web) == []


def test_a_wrong_command_line_tells_nobody(web: Web, hook: str) -> None:
    assert main(["run", "shp", "-q", "--notify", hook]) == 2
    assert notices(web) == []


def test_a_long_error_is_cut() -> None:
    title, body = notice_text(Report("shop", error="x" * 5_000))
    assert title == "shop: failed"
    assert len(body) < 1_200


def test_the_host_of_an_address_is_no_secret() -> None:
    with redacted_output() as redactor:
        FailureNotice(["json://ada:pass-of-hook@127.0.0.1:4/token-of-a-hook"])
        said = redactor.redact("http://127.0.0.1:4/things pass-of-hook token-of-a-hook")
    assert said == "http://127.0.0.1:4/things *** ***"
