"""Copy a connector under another name: its file, schemas and queries, and its recording if wanted.

What is read is decided by the caller: a link may lead to a file that is none of the connector's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from framework.authoring.scaffold.file_writer import write_text
from framework.definition.finder import (
    Location,
    bundled_root,
    cassette_path,
    expected_path,
    query_folder,
    schema_folder,
)
from framework.definition.validation import ValidationResult, validate
from framework.definition.yaml_limits import LimitExceeded, read_limited
from framework.definition.yaml_reader import MAX_BYTES, parse_document
from framework.errors import FrameworkError

MayRead = Callable[[Path], bool]
Write = Callable[[Path, str], object]
EDITOR_SCHEMA = "connector.schema.json"
_LARGEST_RECORDING = 500_000_000


@dataclass(frozen=True)
class ConnectorCopy:
    """The texts of a copy. `files` are below the folder that holds connectors/ and schemas/.

    `has_recording` says whether the original has one, copied or not.
    """

    name: str
    text: str
    files: Mapping[PurePosixPath, str]
    has_recording: bool

    def targets(self, connectors: Path) -> dict[Path, str]:
        """Return the text of each file by its path; the connector's own is the last."""
        root = root_of(connectors)
        files = {root.joinpath(*path.parts): text for path, text in self.files.items()}
        return {**files, connectors / f"{self.name}.yaml": self.text}

    def validate(self, display: str) -> ValidationResult:
        """Validate the copy before it is written; `display` is its name in findings."""
        with TemporaryDirectory(prefix="framework-") as folder:
            path = Path(folder, "connectors", f"{self.name}.yaml")
            for target, text in self.targets(path.parent).items():
                write_text(target, text)
            return validate(Location(self.name, path, Path(folder), display))


def copy_connector(
    location: Location,
    name: str,
    connectors: Path,
    *,
    recording: bool = False,
    may_read: MayRead | None = None,
    text: str | None = None,
) -> ConnectorCopy:
    """Return a copy of a connector for a folder of connectors; nothing is written.

    Key for key it is the same file: only where the file names itself is the name changed. `text` is
    that of the file, if it was read. Raise FrameworkError if a file cannot be read.
    """
    may_read = may_read or (lambda path: _is_of(location, path))
    if text is None:
        text = _read(location.path, location.display, MAX_BYTES)
    files: dict[PurePosixPath, str] = {}
    for place, source in (
        ("schemas", schema_folder(location)),
        ("queries", query_folder(location)),
    ):
        for path in files_within(source, may_read):
            target = PurePosixPath(place, name, *path.relative_to(source).parts)
            files[target] = _read(path, f"{place}/{location.name}/{path.name}", MAX_BYTES)
    recorded = cassette_path(location)
    has_recording = recorded.is_file() and may_read(recorded)
    if recording and has_recording:
        cassette = _read(recorded, f"cassettes/{recorded.name}", _LARGEST_RECORDING)
        cassette = re.sub(
            rf"^(metadata:\n(?:  .*\n)*?  connector: ){re.escape(location.name)}$",
            rf"\g<1>{name}",
            cassette,
            count=1,
            flags=re.MULTILINE,
        )
        files[PurePosixPath("cassettes", f"{name}.yaml")] = cassette
        expected = expected_path(location)
        if expected.is_file() and may_read(expected):
            files[PurePosixPath("cassettes", f"{name}.expected.yaml")] = _read(
                expected, f"cassettes/{expected.name}", _LARGEST_RECORDING
            )
    text = _with_editor_line(renamed_connector(text, location.name, name), connectors)
    return ConnectorCopy(name, text, files, has_recording)


def write_copy(
    copy: ConnectorCopy,
    connectors: Path,
    write: Write = write_text,
    shown: Callable[[Path], str] = str,
) -> None:
    """Write all files of a copy, or none. Raise FrameworkError if one exists with another text.

    A file with the same text is kept, so that a copy that was killed can be made again. `shown` is
    the name of a file in messages.
    """
    targets = copy.targets(connectors)
    own = connectors / f"{copy.name}.yaml"
    for path, text in targets.items():
        if path == own and path.exists():
            raise FrameworkError(
                f"{shown(path)} already exists; choose another name, or edit the file"
            )
        if path.exists() and not _has_text(path, text):
            raise FrameworkError(
                f"{shown(path)} already exists and differs; remove it, or choose another name"
            )
    written: list[Path] = []
    made: list[Path] = []
    try:
        for path, text in targets.items():
            if path.exists():
                continue
            made += [one for one in path.parents if not one.exists()]
            written.append(path)
            write(path, text)
    except BaseException:
        for path in written:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        for folder in sorted(set(made), key=lambda one: -len(one.parts)):
            with suppress(OSError):
                folder.rmdir()
        raise


def root_of(connectors: Path) -> Path:
    """Return the folder of schemas/ and queries/ for a folder of connectors, as `Location` has."""
    return connectors.parent if connectors.absolute().name == "connectors" else connectors


def files_within(folder: Path, may_read: MayRead) -> Iterator[Path]:
    """Yield the files below a folder that may be read, without hidden ones, in order."""
    if not may_read(folder):
        return
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and may_read(path):
                yield path


def renamed_connector(text: str, old: str, new: str) -> str:
    """Return a connector's text under another name, where it names itself.

    That is its `name`, and what its texts say of variables, folders and commands.
    """
    document, _ = parse_document(text, "")
    node = None if document is None else document.node(("name",))
    if node is not None and node.end is not None and node.value == old:
        lines = text.splitlines(keepends=True)
        begin, end = (
            sum(map(len, lines[:line])) + column
            for line, column in ((node.line, node.column), node.end)
        )
        text = text[:begin] + text[begin:end].replace(old, new) + text[end:]
    word = re.escape(old)
    for pattern, replacement in (
        (rf"\bSOURCES__{re.escape(old.upper())}__", f"SOURCES__{new.upper()}__"),
        (rf"\bsources\.{word}(?=[.\]])", f"sources.{new}"),
        (rf"\b(schemas|queries)/{word}/", rf"\g<1>/{new}/"),
        (rf"\b(framework [a-z]+ ){word}(?![\w./-])", rf"\g<1>{new}"),
    ):
        text = re.sub(pattern, replacement, text)
    return text


def _with_editor_line(text: str, connectors: Path) -> str:
    """Return the text with a first line by which editors find the schema of connector files."""
    above = "../" if root_of(connectors) != connectors else ""
    line = f"# yaml-language-server: $schema={above}schemas/{EDITOR_SCHEMA}"
    first, end, rest = text.partition("\n")
    if first.startswith("# yaml-language-server:"):
        return f"{line}\r{end}{rest}" if first.endswith("\r") else f"{line}{end}{rest}"
    return f"{line}\n{text}"


def _is_of(location: Location, path: Path) -> bool:
    """Return whether a path, its links followed, is below the connector's folder, or bundled."""
    try:
        resolved = path.resolve()
        roots = (location.root.resolve(), bundled_root().resolve())
    except (OSError, RuntimeError):  # a link to itself
        return False
    return any(resolved.is_relative_to(root) for root in roots)


def _has_text(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode("utf-8")
    except OSError:
        return False


def _read(path: Path, name: str, size: int) -> str:
    try:
        return read_limited(path, size).decode("utf-8-sig")
    except LimitExceeded as error:
        raise FrameworkError(f"{name} {error}") from None
    except UnicodeDecodeError:
        raise FrameworkError(f"{name} is not a text in UTF-8") from None
    except OSError as error:
        raise FrameworkError(f"{name} cannot be read: {error.strerror or error}") from None
