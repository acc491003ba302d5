"""An editor for tests: it starts `framework lsp` as a process and talks to it over stdio."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

T = TypeVar("T")

LONGEST = 60.0
"""Seconds after which an answer that did not come is an error."""


class Editor:
    """One client with one open text a file. The cursor is the `|` of a text."""

    def __init__(self, client: LanguageClient, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self._loop = loop
        self._news = threading.Condition()
        self._published: dict[str, types.PublishDiagnosticsParams] = {}
        self.order: list[tuple[str, int | None]] = []
        self.messages: list[str] = []
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}

    def received(self, params: types.PublishDiagnosticsParams) -> None:
        with self._news:
            self._published[params.uri] = params
            self.order.append((params.uri, params.version))
            self._news.notify_all()

    def told(self, params: types.ShowMessageParams) -> None:
        with self._news:
            self.messages.append(params.message)
            self._news.notify_all()

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(LONGEST)

    def _call(self, function: Any, params: Any) -> None:
        async def call() -> None:
            function(params)

        self.wait_for(call())

    def type(self, path: Path, text: str) -> str:
        """Open a file with a text, or change its text; return its URI."""
        uri = path.absolute().as_uri()
        version = self.versions.get(uri, 0) + 1
        self.versions[uri], self.texts[uri] = version, text
        if version == 1:
            item = types.TextDocumentItem(uri, "yaml", version, text)
            self._call(self.client.text_document_did_open, types.DidOpenTextDocumentParams(item))
        else:
            named = types.VersionedTextDocumentIdentifier(uri=uri, version=version)
            change = types.TextDocumentContentChangeWholeDocument(text=text)
            self._call(
                self.client.text_document_did_change,
                types.DidChangeTextDocumentParams(named, [change]),
            )
        return uri

    def close(self, uri: str) -> None:
        named = types.TextDocumentIdentifier(uri)
        self._call(self.client.text_document_did_close, types.DidCloseTextDocumentParams(named))
        self.versions.pop(uri)

    def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """Return the findings of the text as it is now."""
        with self._news:
            wanted = self.versions.get(uri)
            done = self._news.wait_for(
                lambda: uri in self._published and self._published[uri].version == wanted, LONGEST
            )
            assert done, "no findings were published"
            return list(self._published[uri].diagnostics)

    def next_diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """Return the findings of the text once there are some."""
        with self._news:
            assert self._news.wait_for(lambda: self._published[uri].diagnostics, LONGEST)
            return list(self._published[uri].diagnostics)

    def published(self, uri: str) -> list[types.Diagnostic]:
        """Return the findings that were published last for a file that is not open."""
        # an answer after a publication proves that it has come
        self.wait_for(
            self.client.text_document_document_symbol_async(
                types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
            )
        )
        with self._news:
            return list(self._published[uri].diagnostics)

    def place(self, uri: str, word: str, inside: int = 0) -> types.Position:
        """Return the position of a word's character, counted as the protocol does."""
        text = self.texts[uri]
        offset = text.index(word) + inside
        line = text.count("\n", 0, offset)
        before = text[text.rfind("\n", 0, offset) + 1 : offset]
        return types.Position(line, len(before.encode("utf-16-le")) // 2)

    def complete(self, path: Path, text: str) -> list[types.CompletionItem]:
        """Return what is proposed at the `|` of a text, the best first."""
        offset = text.index("|")
        uri = self.type(path, text[:offset] + text[offset + 1 :])
        line = text.count("\n", 0, offset)
        column = offset - (text.rfind("\n", 0, offset) + 1)
        params = types.CompletionParams(
            types.TextDocumentIdentifier(uri), types.Position(line, column)
        )
        found = self.wait_for(self.client.text_document_completion_async(params))
        assert not isinstance(found, types.CompletionList)
        return sorted(found or [], key=lambda one: one.sort_text or one.label)

    def labels(self, path: Path, text: str) -> list[str]:
        return [one.label for one in self.complete(path, text)]

    def hover(self, uri: str, word: str, inside: int = 0) -> str | None:
        named = types.TextDocumentIdentifier(uri)
        params = types.HoverParams(named, self.place(uri, word, inside))
        found = self.wait_for(self.client.text_document_hover_async(params))
        if found is None:
            return None
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    def apply(self, uri: str, edit: types.WorkspaceEdit | None) -> str:
        """Return the text with the edits of a file."""
        assert edit is not None
        assert edit.changes is not None
        assert set(edit.changes) == {uri}
        lines = self.texts[uri].splitlines(keepends=True)
        ordered = sorted(
            edit.changes[uri], key=lambda one: (one.range.start.line, one.range.start.character)
        )
        for one in reversed(ordered):
            start, end = one.range.start, one.range.end
            assert start.line == end.line
            line = lines[start.line].encode("utf-16-le")
            before, after = line[: start.character * 2], line[end.character * 2 :]
            lines[start.line] = (before + one.new_text.encode("utf-16-le") + after).decode(
                "utf-16-le"
            )
        return "".join(lines)


@contextmanager
def editor(
    folder: Path, general: types.GeneralClientCapabilities | None = None, **environment: str
) -> Iterator[Editor]:
    """Start the server in a folder, and end it as the protocol says."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    client = LanguageClient("tests", "1")
    one = Editor(client, loop)
    client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(partial(one.received))
    client.feature(types.WINDOW_SHOW_MESSAGE)(partial(one.told))
    try:
        one.wait_for(
            client.start_io(
                sys.executable,
                *("-m", "framework", "lsp"),
                cwd=str(folder),
                env={**os.environ, **environment},
            )
        )
        capabilities = types.ClientCapabilities(general=general)
        params = types.InitializeParams(capabilities, root_uri=folder.as_uri())
        one.wait_for(client.initialize_async(params))
        one._call(client.initialized, types.InitializedParams())
        yield one
        code, said = one.wait_for(_ended(client))
        assert (code, said) == (0, "")
    finally:
        one.wait_for(_stopped(client))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(client: LanguageClient) -> tuple[int | None, str]:
    process = client._server
    assert process is not None
    assert process.stderr is not None
    await client.shutdown_async(None)
    client.exit(None)
    said = await process.stderr.read()
    return await process.wait(), said.decode()


async def _stopped(client: LanguageClient) -> None:
    if client._server is not None and client._server.returncode is None:
        client._server.kill()
    await client.stop()
