"""The server of the page: what is no request of the page, what is no text, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from framework.studio.json_answers import error_data
from tests.support.run_verbs import write_connector
from tests.support.servers.raw import Peer, Raw

pytest.importorskip("uvicorn")
Json = Any
HALF = "\ud800"


@dataclass
class Server:
    """A studio that runs."""

    process: subprocess.Popen[str]
    port: int
    token: str

    def ask(self, method: str, path: str, body: Json = None) -> tuple[int, str]:
        """Return status and text of a response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Authorization": f"Bearer {self.token}"})
        response = connection.getresponse()
        found = response.status, response.read().decode()
        connection.close()
        return found

    def send(self, *lines: str) -> bytes:
        """Send a request as it is; return the response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            connection.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode())
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it; return the exit code and what it wrote to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=120)
        return self.process.returncode, errors


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run a studio in a folder."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONUNBUFFERED": "1",
        "DLT_DATA_DIR": str(folder / "dlt"),
        "TMPDIR": str(folder / "tmp"),
    }
    (folder / "tmp").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "framework", "studio", "--no-browser"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+)/\?token=([^&\s]+)", process.stdout.readline())
        assert found is not None
        yield Server(process, int(found[1]), found[2])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio for the module; afterwards it has written no traceback."""
    folder = tmp_path_factory.mktemp("project")
    write_connector(folder, connector("https://api.example.com"))
    with serving(folder) as server:
        yield server
        code, errors = server.end()
    assert (code, errors.strip()) == (0, "Ctrl-C ends it")


def connector(url: str) -> dict[str, Json]:
    """A connector file."""
    endpoint = {"path": "/orders", "data_selector": "orders", "paginator": "single_page"}
    return {"client": {"base_url": url}, "resources": [{"name": "orders", "endpoint": endpoint}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/copy", {"name": "shop", "to": HALF}),
        (
            "/api/secrets",
            {"connector": "shop", "name": "key", "value": f"abc{HALF}", "store": True},
        ),
        ("/api/start", {"kind": "openapi", "name": "made", "text": HALF}),
        ("/api/start", {"kind": "url", "name": "made", "url": f"http://127.0.0.1:1/{HALF}"}),
        ("/api/jobs", {"kind": "look", "name": "shop", "text": HALF, "resource": "orders"}),
        ("/api/schema", {"name": "shop", "resource": "orders", "text": f'{{"a": "{HALF}"}}'}),
        ("/api/jobs", {"kind": "look", "name": "shop", "resource": {"a": [HALF]}}),
        ("/api/jobs", {"kind": "look", "name": "shop", HALF: 1}),
    ],
)
def test_half_of_a_character_is_refused(server: Server, path: str, body: Json) -> None:
    status, text = server.ask("POST", path, body)
    assert status == 400
    assert "U+D800" in text


def test_half_of_a_character_in_the_editor_is_a_finding(server: Server) -> None:
    status, text = server.ask("POST", "/api/judge", {"name": "shop", "text": f"name: shop{HALF}"})
    assert status == 200
    assert json.loads(text)["findings"][0]["code"] == "not-text"


@pytest.mark.parametrize(
    "path",
    ["/%00", "/" + "a" * 4_000, "/vendor", "/%2e%2e/studio_app.py", "/app.js%00", "/a/../.."],
)
def test_what_is_no_file_of_the_page_is_not_found(server: Server, path: str) -> None:
    assert server.ask("GET", path)[0] == 404


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Host: evil.example:{port}", 403),
        ("Host: localhost.:{port}", 403),
        ("Host: 127.0.0.1:{port}\r\nHost: evil.example", 400),
        ("Host: 127.0.0.1:{port}\r\nOrigin: null", 403),
        ("Host: 127.0.0.1:{port}\r\nOrigin:", 403),
        ("Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nOrigin: http://a", 403),
        ("Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}", 401),
        ("Host: 127.0.0.1:{port}\r\nContent-Length: 1\r\nContent-Length: 2", 400),
    ],
)
def test_what_the_page_does_not_send_is_refused(server: Server, line: str, status: int) -> None:
    sent = line.format(port=server.port, token=server.token)
    authorization = f"Authorization: Bearer {server.token}"
    found = server.send("GET /api/project HTTP/1.1", sent, authorization)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"shop" not in found


@pytest.mark.parametrize("path", ["/%61pi/project", "/api%2Fproject", "/api/project?token={}"])
def test_another_spelling_needs_the_token_too(server: Server, path: str) -> None:
    lines = f"GET {path.format(server.token)} HTTP/1.1", f"Host: 127.0.0.1:{server.port}"
    assert server.send(*lines).startswith(b"HTTP/1.1 401 ")


def test_ctrl_c_stops_a_job(tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def hang(_: Peer) -> None:
        asked.set()
        over.wait(120)

    with Raw(hang) as api, serving(tmp_path) as server:
        write_connector(tmp_path, connector(api.url))
        request = {"kind": "look", "name": "shop", "resource": "orders"}
        assert server.ask("POST", "/api/jobs", request)[0] == 200
        assert asked.wait(120)
        code, errors = server.end()
        over.set()
    assert (code, errors.strip()) == (130, "Ctrl-C ends it")
    assert [one for one in (tmp_path / "tmp").iterdir() if "studio" in one.name] == []


def test_ctrl_c_at_once_ends_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        code, errors = server.end()
    assert (code, errors.strip()) == (0, "Ctrl-C ends it")


def test_a_settings_file_that_cannot_be_read_is_no_bug() -> None:
    error = type("TomlProviderReadException", (Exception,), {})("found [ at line 1 col 3")
    status, told = error_data(error)
    assert status == 400
    assert "line 1" in told["message"]
