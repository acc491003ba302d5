"""How the server begins and ends, what positions are counted in, and what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lsprotocol import types

from framework.language_server.server import bug_report
from tests.language_server.conftest import SHOP
from tests.support.editor import LONGEST, editor

COMMAND = (sys.executable, "-m", "framework", "lsp")


def message(body: object) -> bytes:
    content = json.dumps({"jsonrpc": "2.0", **dict(body)}).encode()  # type: ignore[call-overload]
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


INITIALIZE = message({"id": 1, "method": "initialize", "params": {"capabilities": {}}})


@pytest.mark.parametrize(
    ("sent", "code"),
    {
        "the client ends": (INITIALIZE, 1),
        "exit at once": (INITIALIZE + message({"method": "exit"}), 1),
        "shutdown and exit": (
            INITIALIZE + message({"id": 2, "method": "shutdown"}) + message({"method": "exit"}),
            0,
        ),
        "no protocol": (b"version: 1\n\n\n", 1),
        "no JSON": (INITIALIZE + b"Content-Length: 3\r\n\r\nabc", 1),
    }.values(),
)
def test_it_ends_without_a_traceback(sent: bytes, code: int, tmp_path: Path) -> None:
    ended = subprocess.run(
        COMMAND, input=sent, capture_output=True, timeout=LONGEST, cwd=tmp_path, check=False
    )
    assert ended.returncode == code
    assert ended.stderr == b""
    assert ended.stdout.count(b"Content-Length") == sent.count(b'"id"') + (b"abc" in sent)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-32"])
def test_positions_are_counted_as_the_client_asks(encoding: str, project: Path, shop: Path) -> None:
    kinds = [types.PositionEncodingKind(encoding)]
    with editor(project, types.GeneralClientCapabilities(position_encodings=kinds)) as one:
        text = SHOP.replace('token}"}', 'token}", "é😀": 1}')
        (found,) = one.diagnostics(one.type(shop, text))
        width = found.range.end.character - found.range.start.character
        assert width == len('"é😀"'.encode(encoding)[4 * (encoding == "utf-32") :]) // (
            4 if encoding == "utf-32" else 1
        )


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pygls'] = None; from framework.cli.main import main; "
        "sys.exit(main(['lsp']))"
    )
    ended = subprocess.run(
        (sys.executable, "-c", code),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONGEST,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 2
    assert b"[lsp]" in ended.stderr


def test_a_bug_is_told_without_values() -> None:
    try:
        raise ValueError("sk_live_secret")
    except ValueError as error:
        told = bug_report(error)
    assert "ValueError at test_protocol.py:" in told
    assert "sk_live_secret" not in told
