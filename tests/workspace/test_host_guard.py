"""Credentials go to hosts that were known at the start, whatever a file says later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.errors import FrameworkError, RequestError, UsageError
from framework.runtime.environment import Environment
from framework.workspace.host_guard import HostGuard
from framework.workspace.project_folder import ProjectFolder
from tests.support.run_verbs import Json, load, write_connector
from tests.support.servers.web import Answer, Web

TOKEN = "tkn-4711-0815"


def body(base_url: str, **client: Json) -> dict[str, Json]:
    return {
        "secrets": {"token": {}},
        "client": {
            "base_url": base_url,
            "auth": {"type": "bearer", "token": "{secrets.token}"},
            "paginator": "single_page",
            **client,
        },
        "resources": [{"name": "orders", "write_disposition": "replace"}],
    }


@pytest.fixture
def elsewhere() -> Iterator[Web]:
    with Web() as server:
        server.on("/orders", [{"id": 666}])
        server.on("/token", {"access_token": "another-token", "expires_in": 60})
        yield server


@pytest.fixture
def guard(project: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> HostGuard:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", TOKEN)
    web.on("/orders", [{"id": 1}])
    write_connector(project, body(web.url))
    return HostGuard.of(ProjectFolder.of(project))


def run(guard: HostGuard) -> None:
    connector = valid_connector(find_connector("shop"))
    environment = guard.guarded(Environment(waits=False), connector)
    report = load(connector, Path.cwd(), environment=environment)
    for one in report.resources.values():
        if one.error is not None:
            raise RequestError(str(one.error))


def test_a_known_host_gets_the_token(guard: HostGuard, web: Web) -> None:
    run(guard)
    assert web.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_another_base_url_gets_no_request(guard: HostGuard, project: Path, elsewhere: Web) -> None:
    write_connector(project, body(elsewhere.url))
    with pytest.raises(FrameworkError, match="--allow-host"):
        run(guard)
    assert elsewhere.asked == []
    run(guard.allowing([f"127.0.0.1:{elsewhere.port}"]))
    assert elsewhere.paths() == ["/orders"]


def test_an_added_host_gets_no_request(
    guard: HostGuard, project: Path, web: Web, elsewhere: Web
) -> None:
    changed = body(web.url, allowed_hosts=[f"127.0.0.1:{elsewhere.port}"])
    changed["resources"][0]["endpoint"] = {"path": f"{elsewhere.url}/orders"}
    write_connector(project, changed)
    with pytest.raises(FrameworkError):
        run(guard)
    assert elsewhere.asked == []


def test_a_redirect_does_not_lead_elsewhere(guard: HostGuard, web: Web, elsewhere: Web) -> None:
    web.on("/orders", Answer(302, headers={"Location": f"{elsewhere.url}/orders"}))
    with pytest.raises(FrameworkError):
        run(guard)
    assert elsewhere.asked == []


def test_a_token_request_does_not_go_elsewhere(
    guard: HostGuard, project: Path, web: Web, elsewhere: Web
) -> None:
    auth = {
        "type": "oauth2_client_credentials",
        "access_token_url": f"{elsewhere.url}/token",
        "client_id": "us",
        "client_secret": "{secrets.token}",
    }
    write_connector(project, body(web.url, auth=auth))
    with pytest.raises(FrameworkError):
        run(guard)
    assert elsewhere.asked == []
    run(HostGuard.of(ProjectFolder.of(project)))
    assert elsewhere.paths() == ["/token"]


def test_hosts_of_settings_are_known(
    project: Path, elsewhere: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = body("{config.base_url}")
    data["config"] = {"base_url": {"type": "string", "default": "https://api.example.com"}}
    write_connector(project, data)
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{elsewhere.url}/v2")
    guard = HostGuard.of(ProjectFolder.of(project))
    assert guard.allows(f"{elsewhere.url}/orders")
    assert not guard.allows("https://api.example.com/orders")


def test_hosts_without_credentials_get_none(project: Path, web: Web, elsewhere: Web) -> None:
    data = body(web.url)
    data["resources"][0]["endpoint"] = {"path": f"{elsewhere.url}/orders"}
    write_connector(project, data)
    guard = HostGuard.of(ProjectFolder.of(project))
    redactor = Environment().redactor
    redactor.add(TOKEN)
    url = f"{elsewhere.url}/orders"
    assert guard.refusal(url, {}, None, redactor) == ""
    assert guard.refusal(url, {"Authorization": "Basic x"}, None, redactor)
    assert guard.refusal(f"{url}?key={TOKEN}", {}, None, redactor)
    assert guard.refusal(url, {}, TOKEN.encode(), redactor)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com/x", True),
        ("https://API.example.com:443/x", True),
        ("http://api.example.com/x", False),
        ("https://api.example.com:444/x", False),
        ("https://api.example.com.evil.example/x", False),
        ("https://evil.example/?https://api.example.com", False),
        ("https://api.example.com@evil.example/x", False),
        ("https://evil.example\\@api.example.com/x", False),
        ("https://files.example.com:8443/x", True),
        ("https://files.example.com/x", False),
        ("http://localhost:1234/x", True),
        ("http://127.0.0.1:1234/x", False),
        ("http://[::1]:80/x", True),
        ("ftp://api.example.com/x", False),
        ("nothing", False),
    ],
)
def test_a_host_is_compared_as_the_connection_reads_it(
    project: Path, url: str, expected: bool
) -> None:
    write_connector(project, body("https://api.example.com/v1"))
    allowed = ("localhost", "[::1]", "files.example.com:8443")
    guard = HostGuard.of(ProjectFolder.of(project), allowed)
    assert guard.allows(url) == expected


@pytest.mark.parametrize(
    "host", ["https://x.example", "x/y", "*", "*.example.com", "", "a@b", "x:y"]
)
def test_a_host_is_named_as_a_host(project: Path, host: str) -> None:
    with pytest.raises(UsageError, match="--allow-host"):
        HostGuard.of(ProjectFolder.of(project), [host])


def test_a_file_names_no_other_setting(guard: HostGuard, project: Path, web: Web) -> None:
    changed = body(web.url)
    changed["config"] = {"home": {"type": "string", "key": "destination.postgres.credentials"}}
    write_connector(project, changed)
    with pytest.raises(UsageError, match="destination"):
        run(guard)


def test_a_file_names_no_other_file_of_keys(guard: HostGuard, project: Path) -> None:
    with_file = body("https://127.0.0.1", tls={"ca": "/etc/private.pem"})
    write_connector(project, with_file)
    with pytest.raises(UsageError, match="private"):
        guard.refuse_connector(valid_connector(find_connector("shop")))
    HostGuard.of(ProjectFolder.of(project)).refuse_connector(
        valid_connector(find_connector("shop"))
    )


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nclient: {base_url: 'https://api.example.com/v1'}\n",
        "client: {base_url: '{config.url}'}\nconfig: {url: {default: https://api.example.com}}\n",
        "client:\n  base_url: https://api.example.com/v1\nresources: [\n",
        "client: {base_url: 1, allowed_hosts: [API.example.com, 2]}\n",
        "client: {auth: {type: none, access_token_url: https://api.example.com/token}}\n",
    ],
)
def test_hosts_of_a_file_with_mistakes_are_known(project: Path, text: str) -> None:
    (project / "connectors").mkdir()
    (project / "connectors" / "bad.yaml").write_text(text, "utf-8")
    guard = HostGuard.of(ProjectFolder.of(project))
    assert guard.allows("https://api.example.com/x")
    assert not guard.allows("https://other.example.com/x")


def test_a_host_that_is_not_known_is_none(project: Path) -> None:
    (project / "connectors").mkdir()
    text = "client: {base_url: 'https://{config.region}.example.com', allowed_hosts: {a: 1}}\n"
    (project / "connectors" / "bad.yaml").write_text(text, "utf-8")
    assert not HostGuard.of(ProjectFolder.of(project)).allows("https://a.example.com/x")
