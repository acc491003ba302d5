"""`framework login`: consent in a browser and by a code, against a server that verifies it."""

from __future__ import annotations

import base64
import hashlib
import signal
import stat
import threading
import tomllib
import webbrowser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from framework.cli.main import main
from tests.support.processes import command
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Asked, Web

Json = Any
CLIENT_ID, CLIENT_SECRET = "client-7", "secret-of-the-client"
TOKEN = "refresh-me-1234567890"


class Authority:
    """An authorization server: it keeps to RFC 6749, 7636 and 8628, and refuses what does not."""

    def __init__(self, web: Web) -> None:
        self.allows = True
        self.pending = 2
        self.gives_token = True
        self.asked: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        web.on("/authorize", self.authorize)
        web.on("/device", self.device, method="POST")
        web.on("/token", self.token, method="POST")

    def authorize(self, asked: Asked) -> Json:
        self.asked = dict(asked.query)
        answer = {"state": self.asked["state"]}
        if self.allows:
            self.codes["code-1"] = self.asked
            answer["code"] = "code-1"
        else:
            answer |= {"error": "access_denied", "error_description": "the user said no"}
        target = f"{self.asked['redirect_uri']}?{urlencode(answer)}"
        return Answer(302, b"", {"Location": target})

    def device(self, asked: Asked) -> Json:
        self.asked = dict(asked.form())
        return {
            "device_code": "device-code-1",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://auth.example.com/device",
            "interval": 0.01,
            "expires_in": 60,
        }

    def token(self, asked: Asked) -> Json:
        form = dict(asked.form())
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return Answer(401, {"error": "invalid_client"})
        match form["grant_type"]:
            case "authorization_code":
                known = self.codes.pop(form["code"], None)
                if known is None or known["redirect_uri"] != form["redirect_uri"]:
                    return Answer(400, {"error": "invalid_grant"})
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                if (
                    base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                    != known["code_challenge"]
                ):
                    return Answer(400, {"error": "invalid_grant"})
            case "urn:ietf:params:oauth:grant-type:device_code":
                if not self.allows:
                    return Answer(400, {"error": "access_denied"})
                self.pending -= 1
                if self.pending >= 0:
                    return Answer(400, {"error": "authorization_pending"})
            case "refresh_token" if form["refresh_token"] != TOKEN:
                return Answer(400, {"error": "invalid_grant"})
        given = {"access_token": "access-1", "expires_in": 3600}
        return {**given, "refresh_token": TOKEN} if self.gives_token else given


@pytest.fixture
def authority(web: Web, project: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    write(web, project)
    monkeypatch.setenv("SOURCES__CRM__CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SOURCES__CRM__CLIENT_SECRET", CLIENT_SECRET)
    web.on("/people", people)
    return Authority(web)


def people(asked: Asked) -> Json:
    return [{"id": 1}] if asked.headers["authorization"] == "Bearer access-1" else Answer(401)


def write(web: Web, project: Path, **login: Json) -> None:
    auth = {
        "type": "oauth2_refresh_token",
        "access_token_url": f"{web.url}/token",
        "client_id": "{secrets.client_id}",
        "client_secret": "{secrets.client_secret}",
        "refresh_token": "{secrets.refresh_token}",
        "login": {
            "authorization_url": f"{web.url}/authorize",
            "device_authorization_url": f"{web.url}/device",
            "scope": "read offline_access",
            "params": {"prompt": "consent"},
            **login,
        },
    }
    body = {
        "secrets": {"client_id": {}, "client_secret": {}, "refresh_token": {}},
        "client": {"base_url": web.url, "auth": auth, "paginator": "single_page"},
        "resources": [{"name": "people", "primary_key": "id", "write_disposition": "merge"}],
    }
    write_connector(project, body, "crm")


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A browser: it opens an address and follows where it leads. The addresses it was given."""
    opened: list[str] = []

    def visit(url: str) -> bool:
        opened.append(url)
        threading.Thread(target=requests.get, args=(url,), daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)
    return opened


def stored(project: Path) -> Json:
    return tomllib.loads((project / ".dlt" / "secrets.toml").read_text(encoding="utf-8"))


def test_a_browser_gives_the_token_that_the_next_run_uses(
    authority: Authority, project: Path, browser: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["login", "crm"]) == 0
    out, err = capsys.readouterr()
    assert stored(project) == {"sources": {"crm": {"refresh_token": TOKEN}}}
    assert stat.S_IMODE((project / ".dlt" / "secrets.toml").stat().st_mode) == 0o600
    assert authority.asked["scope"] == "read offline_access"
    assert authority.asked["prompt"] == "consent"
    assert "next: framework check crm" in out
    assert "allow access in the browser" in err
    for secret in (TOKEN, CLIENT_ID, CLIENT_SECRET, "code-1", "access-1"):
        assert secret not in out + err
    with command(project, "run", "crm") as started:
        code, _, rest = started.ended()
    assert code == 0, rest


def test_other_entries_of_the_file_stay_and_each_account_has_its_own(
    authority: Authority,
    project: Path,
    browser: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for entry, value in (("CLIENT_ID", CLIENT_ID), ("CLIENT_SECRET", CLIENT_SECRET)):
        monkeypatch.setenv(f"SOURCES__ACME__{entry}", value)
    file = project / ".dlt" / "secrets.toml"
    file.parent.mkdir()
    file.write_text('# ours\n[destination.postgres]\npassword = "x" # kept\n', encoding="utf-8")
    assert main(["login", "crm", "--as", "acme"]) == 0
    assert file.read_text(encoding="utf-8").startswith("# ours\n[destination.postgres]")
    assert "# kept" in file.read_text(encoding="utf-8")
    assert stored(project)["sources"] == {"acme": {"refresh_token": TOKEN}}


def test_a_code_on_another_device_gives_the_token(
    authority: Authority, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["login", "crm", "--device"]) == 0
    err = capsys.readouterr().err
    assert "open https://auth.example.com/device and enter ABCD-EFGH" in err
    assert stored(project)["sources"]["crm"]["refresh_token"] == TOKEN
    assert authority.asked == {
        "client_id": CLIENT_ID,
        "scope": "read offline_access",
        "prompt": "consent",
    }


@pytest.mark.parametrize("option", [(), ("--device",)])
def test_access_that_is_not_allowed_leaves_nothing(
    authority: Authority,
    project: Path,
    browser: list[str],
    option: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    authority.allows = False
    assert main(["login", "crm", *option]) == 1
    assert "access was not allowed" in capsys.readouterr().err
    assert not (project / ".dlt" / "secrets.toml").exists()


def test_an_api_that_gives_no_refresh_token_is_told(
    authority: Authority, browser: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    authority.gives_token = False
    assert main(["login", "crm"]) == 1
    assert "offline_access" in capsys.readouterr().err


def test_an_answer_to_another_login_is_refused(
    authority: Authority, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def visit(url: str) -> bool:
        def go() -> None:
            seen.append(requests.get(f"{url}callback?code=evil&state=wrong").status_code)
            seen.append(requests.get(f"{url}elsewhere").status_code)
            seen.append(requests.get(url).status_code)

        threading.Thread(target=go, daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)
    assert main(["login", "crm"]) == 0
    assert seen[:2] == [400, 404]
    assert stored(project)["sources"]["crm"]["refresh_token"] == TOKEN


def test_the_port_of_the_redirect_is_the_files(
    authority: Authority, web: Web, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(web, project, redirect_uri=f"http://127.0.0.1:{web.port}/callback")
    assert main(["login", "crm", "--no-browser"]) == 2
    assert "the port of the login cannot be used" in capsys.readouterr().err


def test_ctrl_c_ends_it(authority: Authority, project: Path) -> None:
    with command(project, "login", "crm", "--no-browser") as started:
        line = started.wait_for("in a browser on this machine")
        address = next(word for word in line.split() if word.startswith("http://"))
        first = requests.get(address, allow_redirects=False)
        sent = parse_qs(urlsplit(first.headers["Location"]).query)
        assert sent["code_challenge_method"] == ["S256"]
        started.signal(signal.SIGINT)
        code, out, rest = started.ended()
    assert (code, out) == (130, "")
    assert "Traceback" not in rest
    assert not (project / ".dlt" / "secrets.toml").exists()


def test_a_file_that_is_no_toml_is_told(
    authority: Authority, project: Path, browser: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / ".dlt" / "secrets.toml"
    file.parent.mkdir()
    file.write_text("[sources\n", encoding="utf-8")
    assert main(["login", "crm"]) == 1
    assert "is not valid TOML" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "[sources\n"


def test_a_connector_without_login_says_what_to_add(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["login", "scheduling"]) == 2
    assert "has no auth with `login`" in capsys.readouterr().err
