"""Who may send a request to the studio, and what no request gets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from framework.studio.request_checks import MOST_BYTES
from tests.support.studio_client import StudioClient, running_studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioClient]:
    with running_studio(tmp_path_factory.mktemp("project")) as one:
        yield one


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer wrong", "Basic {}", "{}", "Bearer {}x"]
)
def test_without_the_token_nothing_is_told(studio: StudioClient, sent: str | None) -> None:
    for method, path in (
        ("GET", "/api/project"),
        ("POST", "/api/judge"),
        ("PUT", "/api/file"),
        ("DELETE", "/api/jobs/1"),
        ("GET", "/api/nothing"),
    ):
        headers = {} if sent is None else {"Authorization": sent.format(studio.address.token)}
        url = f"http://127.0.0.1:{studio.address.port}{path}"
        response = httpx.request(method, url, headers=headers, trust_env=False)
        assert response.status_code == 401
        assert set(response.json()) == {"error"}


def test_the_token_in_the_address_is_not_enough(studio: StudioClient) -> None:
    url = f"http://127.0.0.1:{studio.address.port}/api/project?token={studio.address.token}"
    assert httpx.get(url, trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "evil.example:{port}",
        "127.0.0.1.nip.io:{port}",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/project"])
def test_a_name_that_leads_here_is_refused(studio: StudioClient, host: str, path: str) -> None:
    named = host.format(port=studio.address.port)
    assert studio.http.get(path, headers={"Host": named}).status_code in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_names_of_this_machine_are_accepted(studio: StudioClient, host: str) -> None:
    named = f"{host}:{studio.address.port}"
    assert studio.http.get("/api/project", headers={"Host": named}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "file://"],
)
def test_another_page_is_refused(studio: StudioClient, origin: str) -> None:
    named = origin.format(port=studio.address.port)
    response = studio.http.get("/api/project", headers={"Origin": named})
    assert response.status_code == 403
    assert not any(name.startswith("access-control") for name in response.headers)


def test_the_own_page_is_accepted(studio: StudioClient) -> None:
    origin = f"http://127.0.0.1:{studio.address.port}"
    assert studio.http.get("/api/project", headers={"Origin": origin}).status_code == 200


def test_the_page_runs_no_script_but_its_own(studio: StudioClient) -> None:
    first, second = studio.http.get("/"), studio.http.get("/index.html")
    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert nonce
    assert nonce in first.text
    assert nonce not in second.text
    for response in (first, second, studio.get("project")):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/../studio_app.py",
        "/%2e%2e/studio_app.py",
        "/..%2fstudio_app.py",
        "/vendor/%2e%2e/%2e%2e/studio_app.py",
        "/%2fetc%2fpasswd",
        "//etc/passwd",
        "/a%00.js",
        "/" + "x" * 5_000 + ".js",
        "/vendor",
        "/nothing.js",
    ],
)
def test_only_files_of_the_page_are_served(studio: StudioClient, path: str) -> None:
    response = studio.http.get(f"http://127.0.0.1:{studio.address.port}{path}")
    assert response.status_code == 404
    assert "import" not in response.text


def test_a_body_is_not_larger_than_the_limit(studio: StudioClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(MOST_BYTES // 1_000_000 + 2):
            yield b" " * 1_000_000

    assert studio.http.post("/api/judge", content=parts()).status_code == 413
    head = (
        f"POST /api/judge HTTP/1.1\r\nHost: 127.0.0.1:{studio.address.port}\r\n"
        f"Authorization: Bearer {studio.address.token}\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", studio.address.port), 30) as sent:
        sent.sendall(head.encode())  # the answer comes before the body
        assert sent.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000, b'{"name": 1}', b"{}"]
)
def test_a_request_that_is_not_understood_is_told_so(studio: StudioClient, body: bytes) -> None:
    for name in ("judge", "complete", "secrets", "jobs", "start", "copy", "format", "rename"):
        response = studio.http.post(f"/api/{name}", content=body)
        assert response.status_code == 400
        assert response.json()["error"]["message"]


def test_an_unknown_name_is_not_found(studio: StudioClient) -> None:
    assert studio.get("nothing").status_code == 404
    assert studio.get("jobs/nothing").status_code == 404
    assert studio.http.delete("/api/jobs/nothing").status_code == 404
    assert studio.get("file", name="nothing").status_code == 404


def test_the_address_is_not_in_a_repr(studio: StudioClient, tmp_path: Path) -> None:
    assert studio.address.token not in repr(studio.address)
