"""One file that is open in an editor: its text, its findings, and its last readable state."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pygls.workspace import PositionCodec

from framework.definition.draft import Draft
from framework.definition.finder import Location, find_connector
from framework.definition.validation import draft_findings, ordered_findings
from framework.definition.yaml_reader import MAX_BYTES, Document, parse_document
from framework.findings import Finding
from framework.language_server.positions import TextPositions
from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import (
    add_connector_file,
    add_connector_settings,
    add_environment,
)

_SUFFIXES = (".yaml", ".yml", ".json")
_SCHEMA = "connector.schema.json"
_TOP = {"version", "client", "resources"}


@dataclass(frozen=True)
class OpenFile:
    """The text of a file as the editor has it, and what is known of it.

    `document` is None if the text is not readable as YAML. `draft` is then that of the last text
    that was; it is None if there was none. `place` is the file's location if the caller knows it.
    """

    path: Path
    text: str
    version: int
    codec: PositionCodec = field(repr=False)
    document: Document | None = field(default=None, repr=False)
    draft: Draft | None = field(default=None, repr=False)
    reader_findings: tuple[Finding, ...] = field(default=(), repr=False)
    read_at: int = 0
    """When `draft` was made, in nanoseconds of the system's clock."""
    judged: Draft | None = field(default=None, repr=False)
    """The same document for the rules, which may run while a request uses `draft`."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    place: Location | None = None

    @cached_property
    def location(self) -> Location:
        """The file with the folder of its schemas and recordings."""
        return self.place or find_connector(str(self.path))

    @cached_property
    def positions(self) -> TextPositions:
        """The lines of the text."""
        return TextPositions(self.text, self.codec)

    @property
    def current(self) -> Draft | None:
        """The draft of this very text, None if the text is not readable."""
        return self.draft if self.document is not None else None

    @cached_property
    def redactor(self) -> Redactor:
        """What masks secrets of the environment and secrets.toml, and those written in the file."""
        redactor = Redactor()
        add_environment(redactor, os.environ)
        names = () if self.draft is None else self.draft.section("secrets")
        for folder in {Path.cwd(), self.location.root.absolute()}:
            add_connector_settings(redactor, names, os.environ, folder)
        add_connector_file(redactor, self.text, self.document and self.document.data)
        return redactor

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of `validate`, by place. Their messages may quote a secret of the file."""
        found = [*self.reader_findings]
        if self.document is not None and self.judged is not None:
            with self.lock:  # a draft is not for two threads at once
                found, _ = draft_findings(self.judged, self.reader_findings)
        return ordered_findings(found)

    def changed(self, text: str, version: int) -> OpenFile:
        """Return the file with another text, which keeps the last readable draft."""
        return read_text_of(replace(self, text=text, version=version))


def opened(
    path: Path, text: str, version: int, codec: PositionCodec, place: Location | None = None
) -> OpenFile:
    """Return a file that the editor has opened."""
    return read_text_of(OpenFile(path, text, version, codec, place=place))


def read_text_of(file: OpenFile) -> OpenFile:
    """Return the file with its text read as YAML."""
    display = file.location.display
    if len(file.text) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1_000_000} MB, the most that is supported"
        finding = Finding(display, 1, 1, "error", "file-too-large", message)
        return replace(file, document=None, reader_findings=(finding,))
    document, found = parse_document(file.text, display)
    if document is None:
        return replace(file, document=None, reader_findings=tuple(found))
    judged, now = Draft(document, file.location), time.time_ns()
    if file.judged is not None:
        judged.adopt_schemas(file.judged, lambda path: _is_older(path, file.read_at - _CLOCK_STEP))
    return replace(
        file,
        document=document,
        draft=Draft(document, file.location),
        judged=judged,
        reader_findings=tuple(found),
        read_at=now,
    )


_CLOCK_STEP = 2_000_000_000
"""Nanoseconds by which the clock of a file system may be behind."""


def _is_older(path: Path, moment: int) -> bool:
    try:
        return path.stat().st_mtime_ns < moment
    except OSError:
        return False


def is_connector_file(path: Path, text: str) -> bool:
    """Return whether a file is a connector's.

    It is in a folder called connectors, or names the schema in its first lines, or has its keys.
    """
    if path.suffix not in _SUFFIXES:
        return False
    if path.parent.name == "connectors" or _SCHEMA in "\n".join(text.split("\n", 5)[:5]):
        return True
    if len(text) > MAX_BYTES or not all(f"{key}" in text for key in _TOP):
        return False
    document, _ = parse_document(text, path.name)
    data = None if document is None else document.data
    return isinstance(data, dict) and data.keys() >= _TOP
