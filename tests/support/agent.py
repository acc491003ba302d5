"""An agent for tests: it starts `framework mcp` as a process and calls its tools over stdio."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent, Tool

Json = Any
T = TypeVar("T")
LONGEST = 120.0
"""Seconds after which an answer that did not come is an error."""


class ToolFailed(Exception):
    """A tool has answered with an error; the text is its message."""


class Agent:
    """One client. `answers` are all answers as JSON, as they came; `log` is the server's stderr."""

    def __init__(self, client: Client, portal: BlockingPortal, log: Path) -> None:
        self.client = client
        self._portal = portal
        self._log = log
        self.answers: list[str] = []

    def wait_for(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        async def call() -> T:
            with anyio.fail_after(LONGEST):
                return await function(*arguments)

        return self._portal.call(call)

    def tools(self) -> dict[str, Tool]:
        """Return the tools by name."""
        listed = self.wait_for(self.client.list_tools)
        return {one.name: one for one in listed.tools}

    def result(self, tool: str, **arguments: Json) -> CallToolResult:
        """Return what a tool answers, an error too."""
        found = self.wait_for(self.client.call_tool, tool, arguments)
        self.answers.append(found.model_dump_json())
        return found

    def call(self, tool: str, **arguments: Json) -> Json:
        """Return the data that a tool answers. Raise ToolFailed if it is an error."""
        found = self.result(tool, **arguments)
        if found.is_error:
            raise ToolFailed(_text(found))
        assert found.structured_content is not None
        return found.structured_content

    def error(self, tool: str, **arguments: Json) -> str:
        """Return the message of a call that is refused."""
        found = self.result(tool, **arguments)
        assert found.is_error, found
        return _text(found)

    @property
    def log(self) -> str:
        """What the server has written to stderr."""
        return self._log.read_text("utf-8")

    @property
    def everything(self) -> str:
        """All that the server has said."""
        return "\n".join((*self.answers, self.log))


def _text(found: CallToolResult) -> str:
    return "\n".join(one.text for one in found.content if isinstance(one, TextContent))


@contextmanager
def agent(folder: Path, *options: str, **environment: str) -> Iterator[Agent]:
    """Start the server in a folder; it ends with the block."""
    log = folder.parent / f"{folder.name}.mcp.log"
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "framework", "mcp", *options],
        env={**os.environ, **environment},
        cwd=folder,
    )
    with log.open("w", encoding="utf-8") as said, start_blocking_portal() as portal:
        client = Client(stdio_client(parameters, said))
        with portal.wrap_async_context_manager(client):
            yield Agent(client, portal, log)
