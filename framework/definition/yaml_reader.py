"""A file's text in, plain JSON data with a line and a column for every key and value out.

YAML is read as JSON with comments: dates, `on` and `no` stay text, and what makes YAML surprising
(duplicate and merge keys, tags, exploding aliases) is a finding. Knows nothing of connectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.definition.compose import Composer, Node
from framework.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from framework.findings import Severity

Json = Any
"""Plain JSON data: None, bool, int, float, str, list or dict of the same."""

Pointer = tuple[str | int, ...]
"""Keys and list positions from the root to a value."""

MAX_BYTES = 5_000_000
"""More than a hundred times the largest connector known; reading stays in seconds."""


@dataclass(frozen=True)
class Mark:
    """A place in a file; both numbers start at 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A file that could be read: its data, and where each part of it stands.

    `path` is the file as the person named it; it goes into findings.
    """

    path: str
    text: str = field(repr=False)
    data: Json
    root: Node = field(repr=False, compare=False)

    def mark(self, pointer: Pointer, *, key: bool = False) -> Mark:
        """Where the value at `pointer` starts, or its key; of the nearest ancestor there is."""
        node, place = self.root, (self.root.line, self.root.column)
        for step in pointer:
            found = node.child(step)
            if found is None:
                break
            (key_line, key_column), node = found
            place = (key_line, key_column) if key else (node.line, node.column)
        return Mark(place[0] + 1, place[1] + 1)

    def finding(
        self,
        pointer: Pointer,
        code: str,
        message: str,
        *,
        severity: Severity = "error",
        key: bool = False,
    ) -> Finding:
        """A finding about the value at `pointer` (or about its key)."""
        mark = self.mark(pointer, key=key)
        return Finding(self.path, mark.line, mark.column, severity, code, message)


def read_document(path: Path, display: str | None = None) -> tuple[Document | None, list[Finding]]:
    """Read and parse a file; whatever is wrong with it is a finding, never an exception."""
    shown = str(path) if display is None else display

    def refused(code: str, message: str, line: int = 1, column: int = 1) -> list[Finding]:
        return [Finding(shown, line, column, "error", code, message)]

    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None, refused("unreadable-file", "there is no such file")
    except IsADirectoryError:
        message = "this is a folder, expected a file; name the YAML file inside it"
        return None, refused("unreadable-file", message)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, refused("unreadable-file", f"the file cannot be read: {reason}")
    if len(raw) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1_000_000} MB, the most that is read"
        return None, refused("file-too-large", message)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = (
            f"found the byte 0x{raw[error.start]:02x}, expected UTF-8 text; "
            "is this a text file? If so, save it with the encoding UTF-8"
        )
        return None, refused("not-text", message, line, column)
    return parse_document(text, shown)


def parse_document(text: str, display: str) -> tuple[Document | None, list[Finding]]:
    """Parse YAML (so JSON too) into a Document, with all that is wrong with it as YAML.

    There is a Document beside errors where the rest of the file can still be judged.
    """
    composer = Composer(text)
    node = composer.compose()
    findings = sorted(
        Finding(display, line + 1, column + 1, "error", code, message)
        for line, column, code, message in composer.problems
    )
    if node is None:
        return None, findings
    return Document(display, text, node.value, node), findings
