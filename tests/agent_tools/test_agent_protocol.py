"""The protocol: older clients, lines that are none of it, and how the process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LONGEST = 60.0
"""Seconds after which a server that does not answer is ended."""
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"},
    },
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server as a process whose pipes the test holds; it is gone at the end."""
    pipe = subprocess.PIPE
    words = [sys.executable, "-m", "framework", "mcp"]
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env=dict(os.environ)
    ) as process:
        end = threading.Timer(LONGEST, process.kill)
        end.start()
        try:
            yield process
        finally:
            end.cancel()
            process.kill()


def send(process: subprocess.Popen[bytes], *messages: Any) -> None:
    assert process.stdin is not None
    for message in messages:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        process.stdin.write(line + b"\n")
    process.stdin.flush()


def answers(process: subprocess.Popen[bytes], *numbers: int) -> dict[int, Any]:
    """Return the answers to requests, in whichever order. Every line is one of the protocol."""
    assert process.stdout is not None
    found: dict[int, Any] = {}
    for line in process.stdout:
        message = json.loads(line)
        found[message.get("id")] = message
        if found.keys() >= set(numbers):
            return found
    raise AssertionError("the server has ended")


def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def test_an_older_client_is_served(project: Path) -> None:
    with started(project) as process:
        send(process, HELLO, READY, call(2, "validate", text="a: 1"))
        found = answers(process, 1, 2)
        assert found[1]["result"]["protocolVersion"] == "2025-06-18"
        assert found[2]["result"]["structuredContent"]["errors"] > 0


def test_lines_that_are_no_messages_do_no_harm(project: Path) -> None:
    odd = [b"not json", b"{}", b"[1]", b"\xff\xfe", b"", b'{"jsonrpc": "2.0", "id": {}}']
    with started(project) as process:
        send(process, HELLO, READY, *odd, call(2, "validate", text="half \ud800"))
        send(process, call(3, "validate", text="a: 1"), call(4, "no_such_tool"))
        found = answers(process, 3, 4)
        assert found[3]["result"]["structuredContent"]["errors"] > 0
        assert "no_such_tool" in json.dumps(found[4])


def test_it_ends_when_its_client_does(project: Path) -> None:
    with started(project) as process:
        send(process, HELLO, READY)
        answers(process, 1)
        out, said = process.communicate()
        assert (process.returncode, out, said) == (0, b"", b"")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_by_a_signal(project: Path, number: int, code: int) -> None:
    with started(project) as process:
        send(process, HELLO, READY, call(2, "mock_server", action="start", connector="scheduling"))
        answers(process, 2)
        process.send_signal(number)
        assert process.wait(60) == code
        assert process.stderr is not None
        assert process.stderr.read() == b""
