"""`preview --raw`: the response as the API sent it, without a secret."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from framework.cli.main import main
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Web

SECRET = "canary-7f3a9c51e2"
BODY = """
secrets: {{api_key: {{}}}}
client:
  base_url: "{url}"
  auth: {{type: api_key, name: key, api_key: "{{secrets.api_key}}", location: query}}
  paginator: single_page
  retry: {{status_codes: [503], max_retries: 1, backoff_factor: 0}}
resource_defaults: {{write_disposition: replace}}
resources:
  - {{name: orders}}
  - {{name: lines, endpoint: {{path: "/orders/{{resources.orders.id}}/lines"}}}}
  - {{name: tags, endpoint: {{from: orders, data_selector: tags}}}}
"""


@pytest.fixture(autouse=True)
def shop(web: Web, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)
    write_connector(project, BODY.format(url=web.url))


def test_the_body_is_on_stdout_byte_for_byte(
    web: Web, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    body = b'[ {"id":\t1, "n": 1.10} ]\r\n'
    web.on("/orders", lambda _: Answer(200, body, {"X-Trace": "t-1", "Set-Cookie": "s=abc"}))
    assert main(["preview", "shop", "orders", "--raw"]) == 0
    out, said = capfdbinary.readouterr()
    assert out == body
    lines = said.decode().splitlines()
    assert lines[0].startswith("GET ")
    assert "key=***" in lines[0]
    assert lines[1].startswith("200 OK")
    assert "X-Trace: t-1" in lines
    assert "Set-Cookie: ***" in lines
    assert len(web.asked) == 1


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "latin-1"])
def test_a_secret_is_masked_in_every_character_set(
    web: Web, capfdbinary: pytest.CaptureFixture[bytes], charset: str
) -> None:
    body = json.dumps([{"id": 1, "you": SECRET, "n": "\u00e9"}], ensure_ascii=False).encode(charset)
    headers = {"Content-Type": f"application/json; charset={charset}", "X-Echo": f"<{SECRET}>"}
    web.on("/orders", lambda _: Answer(200, body, headers))
    assert main(["preview", "shop", "orders", "--raw"]) == 0
    out, said = capfdbinary.readouterr()
    assert json.loads(out.decode(charset)) == [{"id": 1, "you": "***", "n": "\u00e9"}]
    assert SECRET not in said.decode()


def test_a_response_that_is_refused_is_shown_before_the_error(
    web: Web, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    web.on("/orders", lambda _: Answer(503, b"<h1>busy</h1>"))
    assert main(["preview", "shop", "orders", "--raw"]) == 1
    out, said = capfdbinary.readouterr()
    assert out == b"<h1>busy</h1>"
    assert "503" in said.decode()
    assert "error: " in said.decode()
    assert len(web.asked) == 2


def test_a_child_shows_its_own_response_and_not_its_parents(
    web: Web, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    web.on("/orders", lambda _: [{"id": 7, "tags": []}])
    web.on("/orders/{id}/lines", lambda asked: [{"line": asked.parts["id"]}])
    assert main(["preview", "shop", "lines", "--raw"]) == 0
    assert json.loads(capfdbinary.readouterr().out) == [{"line": "7"}]
    assert main(["preview", "shop", "tags", "--raw"]) == 1
    out, said = capfdbinary.readouterr()
    assert out == b""
    assert "--raw orders" in said.decode()
    web.on("/orders", lambda _: [])
    assert main(["preview", "shop", "lines", "--raw"]) == 1
    assert "nothing to request it for" in capfdbinary.readouterr().err.decode()


def test_raw_and_json_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "shop", "orders", "--raw", "--format", "json"]) == 2
    assert "--raw" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "shown"), [(b"[]\x1b[2J\n", "[]\ufffd[2J"), (b"\xff\xfe\x00", "not text")]
)
def test_a_terminal_gets_no_control_characters(
    web: Web,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    shown: str,
) -> None:
    web.on("/orders", lambda _: Answer(503, body, {"Content-Type": "application/json"}))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["preview", "shop", "orders", "--raw"]) == 1
    out = capsys.readouterr().out
    assert shown in out
    assert "\x1b" not in out
