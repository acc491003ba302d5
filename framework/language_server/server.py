"""The server: what a client may ask for, by file. Only connector files get an answer.

Requests are served from the text in the editor. They run in a thread, so that the next keystroke
is read meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from framework import __version__
from framework.definition.finder import cassette_path
from framework.errors import FrameworkError
from framework.language_server.completions import completions
from framework.language_server.findings_publisher import (
    FindingsPublisher,
    bug_report,
    diagnostic,
    fault_diagnostic,
)
from framework.language_server.hovers import hover, place_at
from framework.language_server.mentions import mention_at, mentions_of
from framework.language_server.open_file import OpenFile, is_connector_file, opened
from framework.language_server.quick_fixes import quick_fixes
from framework.language_server.recorded_checks import RecordedFault, judge_by_recording
from framework.language_server.recorded_responses import RecordedResponses, read_responses
from framework.language_server.renames import Edit, RenameRefused, elsewhere, rename
from framework.language_server.symbols import symbols
from framework.text import join_words

T = TypeVar("T")

_CHECK = "framework.checkRecording"
"""The command that checks a file, by its URI, against its recording."""
_REQUEST_FAILED = -32803
"""The code of LSP for a request that is valid and cannot be served."""


class OpenFiles:
    """The connector files that are open in the editor, and the answers about them."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._files: dict[str, OpenFile] = {}
        self._publisher = FindingsPublisher(server, lambda uri, file: self._files.get(uri) is file)
        self._thread = ThreadPoolExecutor(1, "requests")
        self._faults: dict[str, tuple[OpenFile, tuple[RecordedFault, ...]]] = {}
        self._told: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_shut_down = False

    def open(self, uri: str, text: str, version: int) -> None:
        """Take the text of a file that was opened or changed; another's is left alone."""
        known = self._files.get(uri)
        if known is not None:
            self._files[uri] = known.changed(text, version)
        else:
            path = to_fs_path(uri)
            if path is None or not is_connector_file(Path(path), text):
                return
            self._files[uri] = opened(
                Path(path), text, version, self._server.workspace.position_codec
            )
        self._publisher.changed(uri, self._files[uri])

    def close(self, uri: str) -> None:
        """Forget a file."""
        self._faults.pop(uri, None)
        if self._files.pop(uri, None) is not None:
            self._publisher.closed(uri)

    async def answer(self, uri: str, answer: Callable[[OpenFile], T]) -> T | None:
        """Return the answer about a file, None if it is no connector file."""
        file = self._files.get(uri)
        if file is None:
            return None
        loop = self._loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, answer, file)
        except FrameworkError:
            raise
        except Exception as error:
            raise JsonRpcException(bug_report(error)) from None

    async def check_recording(self, uri: str) -> None:
        """Publish what the recording proves wrong in a file, until its text changes."""
        file = self._files.get(uri)
        try:
            judgement = await self.answer(uri, judge_by_recording)
        except FrameworkError as error:
            self.tell(str(error), types.MessageType.Warning)
            return
        if file is None or judgement is None or self._files.get(uri) is not file:
            return
        self._faults[uri] = file, judgement.faults
        self._publisher.changed(uri, file, judgement.faults)
        if not judgement.faults:
            self.tell("nothing in the recording speaks against the file")
        if judgement.unread:
            names = join_words(judgement.unread)
            self.tell(
                f"not judged, since their requests could not be replayed: {names}; fix what they "
                f"read from, or record again: framework record {file.location.name}",
                types.MessageType.Warning,
            )

    def faults(self, uri: str, file: OpenFile) -> tuple[RecordedFault, ...]:
        """Return what the recording proved wrong in this very text."""
        checked, faults = self._faults.get(uri, (None, ()))
        return faults if checked is file else ()

    def recording(self, file: OpenFile) -> RecordedResponses:
        """Return the recording of a file. What is wrong with it is said once."""
        recording = read_responses(file.location)
        if recording.problem and recording.problem not in self._told:
            self._told.add(recording.problem)
            self.tell(recording.problem, types.MessageType.Warning)
        return recording

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show a message in the editor. Only the loop's thread writes to the client."""
        params = types.ShowMessageParams(kind, message)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._server.window_show_message, params)


def serve(stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Serve one client until it ends. Return 0 if it said so before, else 1."""
    # a traceback of the library's own could quote the client's text
    logging.getLogger("pygls").addHandler(logging.NullHandler())
    logging.getLogger("pygls").propagate = False
    server, files = create_server()
    server.start_io(stdin, stdout)
    return int(not files.is_shut_down)


def create_server() -> tuple[LanguageServer, OpenFiles]:
    """Return a server that is not started."""
    server = LanguageServer(
        "framework", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full
    )
    files = OpenFiles(server)
    _register_texts(server, files)
    _register_help(server, files)
    _register_names(server, files)
    return server, files


def _register_texts(server: LanguageServer, files: OpenFiles) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        one = params.text_document
        files.open(one.uri, one.text, one.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        text = server.workspace.get_text_document(uri).source
        files.open(uri, text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        files.close(params.text_document.uri)

    @server.feature(types.SHUTDOWN)
    def shutdown(*_: Any) -> None:
        files.is_shut_down = True


def _register_help(server: LanguageServer, files: OpenFiles) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=["{", ".", ":", " ", '"', "-"]),
    )
    async def complete(params: types.CompletionParams) -> list[types.CompletionItem] | None:
        return await files.answer(
            params.text_document.uri,
            lambda file: completions(
                file, file.positions.offset(params.position), files.recording(file)
            ),
        )

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def show(params: types.HoverParams) -> types.Hover | None:
        text = await files.answer(
            params.text_document.uri,
            lambda file: hover(file, file.positions.offset(params.position), files.recording(file)),
        )
        if text is None:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(
            code_action_kinds=[types.CodeActionKind.QuickFix, types.CodeActionKind.Source]
        ),
    )
    async def fix(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        uri = params.text_document.uri
        return await files.answer(uri, lambda file: _actions(uri, file, params.range, files))

    @server.command(_CHECK)
    async def check(uri: str) -> None:
        await files.check_recording(uri)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        return await files.answer(params.text_document.uri, lambda file: [*symbols(file)])


def _actions(
    uri: str, file: OpenFile, asked: types.Range, files: OpenFiles
) -> list[types.CodeAction]:
    own = [one for one in file.findings if one.path == file.location.display]
    shown = {one: diagnostic(one, file, file.positions) for one in own}
    found = [one for one in own if _meet(shown[one].range, asked)]
    fixes = [(fix.title, fix.edit, shown[fix.finding]) for fix in quick_fixes(file, found)]
    for fault in files.faults(uri, file):
        about = fault_diagnostic(fault, file)
        if fault.edit is not None and _meet(about.range, asked):
            fixes.append((fault.title, fault.edit, about))
    actions = [_action(uri, file, *one) for one in fixes]
    has_errors = any(one.severity == "error" for one in file.findings)
    if not has_errors and cassette_path(file.location).is_file():
        title = "Check the file against its recording"
        command = types.Command(title=title, command=_CHECK, arguments=[uri])
        kind = types.CodeActionKind.Source
        actions.append(types.CodeAction(title=title, kind=kind, command=command))
    return actions


def _action(
    uri: str, file: OpenFile, title: str, edit: Edit, about: types.Diagnostic
) -> types.CodeAction:
    start, end, text = edit
    change = types.TextEdit(file.positions.range(start, end), text)
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[about],
        is_preferred=True,
        edit=types.WorkspaceEdit({uri: [change]}),
    )


def _meet(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def _register_names(server: LanguageServer, files: OpenFiles) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> types.Location | None:
        uri = params.text_document.uri
        return await files.answer(uri, lambda file: _definition(uri, file, params.position))

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def find(params: types.ReferenceParams) -> list[types.Location] | None:
        uri = params.text_document.uri

        def found(file: OpenFile) -> list[types.Location]:
            mention = mention_at(file, file.positions.offset(params.position))
            every = () if mention is None else mentions_of(file, mention.section, mention.name)
            return [
                types.Location(uri, file.positions.range(one.start, one.end))
                for one in every
                if params.context.include_declaration or not one.is_definition
            ]

        return await files.answer(uri, found)

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(
        params: types.PrepareRenameParams,
    ) -> types.PrepareRenamePlaceholder | None:
        def found(file: OpenFile) -> types.PrepareRenamePlaceholder | None:
            mention = mention_at(file, file.positions.offset(params.position))
            if mention is None:
                return None
            where = file.positions.range(mention.start, mention.end)
            return types.PrepareRenamePlaceholder(where, mention.name)

        return await files.answer(params.text_document.uri, found)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def change_name(params: types.RenameParams) -> types.WorkspaceEdit | None:
        uri = params.text_document.uri

        def renamed(file: OpenFile) -> types.WorkspaceEdit:
            mention = mention_at(file, file.positions.offset(params.position))
            if mention is None:
                raise RenameRefused(
                    "here is no name of a resource, a config entry or a secret; "
                    "put the cursor on one"
                )
            edits = rename(file, mention, params.new_name)
            files.tell(elsewhere(file, mention.section, mention.name, params.new_name))
            changes = [
                types.TextEdit(file.positions.range(start, end), text) for start, end, text in edits
            ]
            return types.WorkspaceEdit({uri: changes})

        try:
            return await files.answer(uri, renamed)
        except RenameRefused as refusal:
            raise JsonRpcException(str(refusal), _REQUEST_FAILED) from None


def _definition(uri: str, file: OpenFile, position: types.Position) -> types.Location | None:
    """Return where a name is defined, or the file of a record's schema."""
    offset = file.positions.offset(position)
    mention = mention_at(file, offset)
    if mention is not None:
        every = mentions_of(file, mention.section, mention.name)
        defined = next((one for one in every if one.is_definition), None)
        if defined is None:
            return None
        return types.Location(uri, file.positions.range(defined.start, defined.end))
    draft = file.current
    found = None if draft is None else place_at(file, draft, offset)
    if draft is None or found is None or found[0][-1:] != ("schema",):
        return None
    for merged in draft.resources:
        schema = draft.schema(merged)
        if schema is not None and schema.pointer == found[0] and schema.file is not None:
            start = types.Position(0, 0)
            target = from_fs_path(str(schema.file.absolute()))
            return types.Location(target, types.Range(start, start)) if target else None
    return None
