"""Publish the findings of files while they are typed: of several texts only the latest counts."""

from __future__ import annotations

import asyncio
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.uris import from_fs_path

from framework.findings import Finding
from framework.language_server.mentions import mentions_of
from framework.language_server.open_file import OpenFile
from framework.language_server.positions import TextPositions

if TYPE_CHECKING:
    from collections.abc import Callable

    from pygls.lsp.server import LanguageServer

    from framework.language_server.recorded_checks import RecordedFault

QUIET = 0.03
"""Seconds without another keystroke after which a text is validated."""
SOURCE = "framework"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


def bug_report(error: Exception) -> str:
    """Return what a bug report needs: the error's type and place, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = ", ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames)
    return f"a bug of the language server: {type(error).__name__} at {places}; please open an issue"


class FindingsPublisher:
    """Validates one text at a time, in a thread of its own, and publishes what is still current."""

    def __init__(self, server: LanguageServer, is_current: Callable[[str, OpenFile], bool]) -> None:
        self._server = server
        self._is_current = is_current
        self._thread = ThreadPoolExecutor(1, "validation")
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._others: dict[str, set[str]] = {}
        """The other files that findings of a file were published for."""

    def changed(self, uri: str, file: OpenFile, faults: tuple[RecordedFault, ...] = ()) -> None:
        """Validate a text soon, in place of the one before that was not validated yet.

        `faults` are published beside its findings.
        """
        if uri in self._pending:
            self._pending[uri].cancel()
        self._pending[uri] = asyncio.create_task(self._validate(uri, file, faults))

    def closed(self, uri: str) -> None:
        """Remove the findings of a file."""
        if uri in self._pending:
            self._pending.pop(uri).cancel()
        for one in {uri, *self._others.pop(uri, set())}:
            self._publish(one, None, [])

    async def _validate(self, uri: str, file: OpenFile, faults: tuple[RecordedFault, ...]) -> None:
        await asyncio.sleep(QUIET)
        loop = asyncio.get_running_loop()
        wanted = self._wanted(uri, file)
        try:
            by_path = await loop.run_in_executor(self._thread, _diagnostics, file, wanted)
        except Exception as error:
            message = types.ShowMessageParams(types.MessageType.Error, bug_report(error))
            self._server.window_show_message(message)
            return
        if by_path is None or not self._is_current(uri, file):
            return
        own = file.location.display
        of_faults = [fault_diagnostic(one, file) for one in faults]
        self._publish(uri, file.version, [*by_path.pop(own, []), *of_faults])
        others = {from_fs_path(str(Path(path).absolute())) or "": by_path[path] for path in by_path}
        for gone in self._others.get(uri, set()) - others.keys():
            self._publish(gone, None, [])
        for other, diagnostics in others.items():
            self._publish(other, None, diagnostics)
        self._others[uri] = set(others)

    def _wanted(self, uri: str, file: OpenFile) -> Callable[[], bool]:
        return lambda: self._is_current(uri, file)

    def _publish(self, uri: str, version: int | None, diagnostics: list[types.Diagnostic]) -> None:
        parameters = types.PublishDiagnosticsParams(uri, diagnostics, version)
        self._server.text_document_publish_diagnostics(parameters)


def _diagnostics(
    file: OpenFile, is_wanted: Callable[[], bool]
) -> dict[str, list[types.Diagnostic]] | None:
    """Return the findings by the path of their file, None if nobody waits for them any more."""
    if not is_wanted():
        return None
    by_path: dict[str, list[types.Diagnostic]] = {}
    for finding in file.findings:
        positions = file.positions if finding.path == file.location.display else None
        by_path.setdefault(finding.path, []).append(diagnostic(finding, file, positions))
    return by_path


def diagnostic(
    finding: Finding, file: OpenFile, positions: TextPositions | None
) -> types.Diagnostic:
    """Return a finding as LSP has it; `positions` is None for one of another file."""
    if positions is None:
        at = types.Position(finding.line - 1, finding.column - 1)
        where = types.Range(at, at)
    else:
        where = positions.range(*positions.word_at(finding.line, finding.column))
    return types.Diagnostic(
        range=where,
        message=file.redactor.redact(finding.message),
        severity=_SEVERITIES[finding.severity],
        code=finding.code,
        source=SOURCE,
    )


def fault_diagnostic(fault: RecordedFault, file: OpenFile) -> types.Diagnostic:
    """Return a fault as LSP has it, at the name of its resource."""
    every = mentions_of(file, "resources", fault.resource)
    place = next(((one.start, one.end) for one in every if one.is_definition), (0, 0))
    return types.Diagnostic(
        range=file.positions.range(*place),
        message=file.redactor.redact(fault.message),
        severity=types.DiagnosticSeverity.Warning,
        code=fault.code,
        source=SOURCE,
    )
