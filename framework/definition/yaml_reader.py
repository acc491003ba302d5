"""Read YAML as plain JSON data, with a line and a column for every key and value.

YAML is read as JSON with comments: dates, `on` and `no` stay text, and the surprising parts of YAML
(duplicate and merge keys, tags, exploding aliases) are findings. Knows nothing of connectors.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from framework.definition.yaml_errors import syntax_error
from framework.definition.yaml_limits import LimitExceeded, read_limited
from framework.findings import Finding
from framework.text import cut, shorten

if TYPE_CHECKING:
    from pathlib import Path

    from framework.findings import Severity

Json = Any


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
# numbers and words that YAML 1.2 has and JSON does not
_YAML_ONLY = re.compile(
    r"(?:True|TRUE|False|FALSE|Null|NULL"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+)\Z"
)
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}
_MAX_DIGITS = 300

Scalar = str | int | float | bool | None


def plain_scalar(text: str) -> tuple[Scalar, tuple[str, str] | None]:
    """Return the value of an unquoted scalar, and its problem as (code, message) or None."""
    if text in _WORDS:
        return _WORDS[text], None
    first = text[0]
    if not (first.isdigit() or first in "+-.TFN"):
        return text, None
    if _INTEGER.match(text):
        if len(text) > _MAX_DIGITS:
            return 0, _out_of_range(text)
        return int(text), None
    if _NUMBER.match(text):
        number = float(text)
        return (number, None) if math.isfinite(number) else (0, _out_of_range(text))
    if _NOT_FINITE.match(text):
        return 0, _out_of_range(text)
    if _YAML_ONLY.match(text):
        return text, ("ambiguous-scalar", _ambiguous(text))
    return text, None


def _out_of_range(text: str) -> tuple[str, str]:
    return "number-out-of-range", f"found {shorten(text, 20)}, expected a finite number as in JSON"


def _ambiguous(text: str) -> str:
    json = text.lower() if text[0] in "TFN" else "a decimal number without leading zeros or '+'"
    return (
        f"found {text}, which YAML parsers read differently; "
        f"write {json}, or put quotes around it if you mean text"
    )


MAX_DEPTH = 64
"""The most levels of nesting; the JSON Schema validator needs some 15 Python frames for one."""

MAX_VALUES = 100_000
"""The most keys and values in one file; as many are validated in seconds."""

MAX_ALIASED = 20_000
"""The most values that aliases may add to those in the text."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLOCK_TEXT = re.compile(r"(?:[&!]\S+\s+)*\|[+-]?([1-9])?[+-]?\s*(?:#.*)?$")
_LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Place = tuple[int, int]
"""Line and column from 0, as PyYAML counts them."""


class Node:
    """A value with the place where it starts, and the nodes in it as `items`.

    `size` is the number of its values, itself included and aliases expanded; `height` its levels.
    `end` is the place behind a scalar as it is written, None for the others.
    """

    __slots__ = ("column", "end", "height", "items", "line", "size", "value")

    def __init__(self, value: Any, line: int, column: int) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.items: dict[str, tuple[Place, Node]] | list[Node] | None = None
        self.size = 1
        self.height = 1
        self.end: Place | None = None

    def child(self, step: str | int) -> tuple[Place, Node] | None:
        """Return the key's place and the node at `step`, or None; a list item is its own key."""
        if isinstance(self.items, dict) and isinstance(step, str):
            return self.items.get(step)
        if isinstance(self.items, list) and isinstance(step, int) and 0 <= step < len(self.items):
            node = self.items[step]
            return (node.line, node.column), node
        return None


@dataclass
class _Open:
    """A list or mapping that is not complete; `key` waits for its value."""

    node: Node
    anchor: str | None
    as_key: bool
    key: str | None = None
    key_place: Place | None = None
    keep: bool = True


class _Stop(Exception):
    pass


class Composer:
    """Read one text once with `compose`; `problems` are (line, column, code, message)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[tuple[int, int, str, str]] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._aliased = 0
        self._root: Node | None = None

    def compose(self) -> Node | None:
        """Return the root mapping, or None if nothing can be validated."""
        control = _CONTROL.search(self.text)
        if control:
            before = _LINE_BREAK.split(self.text[: control.start()])
            self._problem(
                (len(before) - 1, len(before[-1])),
                "not-text",
                f"found the character U+{ord(control[0]):04X}, which is not valid in a text file",
            )
            return None
        try:
            self._read()
        except yaml.YAMLError as error:
            line, column, message = syntax_error(error, _LINE_BREAK.split(self.text))
            self._problem((line, column), "yaml-syntax", message)
            return None
        except _Stop:
            return None
        root = self._root
        if root is None or root.value is None:
            message = "the file is empty, expected a mapping with `version` and the rest"
            self._problem((0, 0), "empty-file", message)
            return None
        if not isinstance(root.value, dict):
            found = "a list" if isinstance(root.value, list) else "a single value"
            message = f"found {found}, expected a mapping (lines such as `key: value`)"
            self._problem((root.line, root.column), "not-a-mapping", message)
            return None
        return root

    def _problem(self, place: Place, code: str, message: str) -> None:
        self.problems.append((*place, code, message))

    def _read(self) -> None:
        documents = values = 0
        for event in yaml.parse(self.text, Loader=_LOADER):
            start: Any = event.start_mark
            place = (start.line, start.column)
            values += isinstance(event, yaml.NodeEvent)
            if values > MAX_VALUES:
                message = (
                    f"the file has more than {MAX_VALUES:,} values, the most that is supported"
                )
                self._problem(place, "file-too-large", message)
                raise _Stop
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, place)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._open(event, place)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event, place)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = (
                        "a second YAML document starts here (`---`), expected one; "
                        "put each document in a file of its own"
                    )
                    self._problem(place, "several-documents", message)
                    return

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        value: Any = event.value
        plain = bool(event.implicit[0]) and event.tag is None and event.style in (None, "", False)
        expects_key = self._expects_key()
        if plain and expects_key and value == "<<":
            message = "merge keys (`<<`) are not supported; write the keys out"
            self._problem(place, "merge-key", message)
            self._skip_value()
            return
        self._check_tag(event.tag, place)
        if plain:
            value, problem = plain_scalar(event.value)
            if problem:
                self._problem(place, *problem)
        node = Node(value, *place)
        end: Any = event.end_mark
        node.end = (end.line, end.column)
        if event.anchor:
            self._anchors[event.anchor] = node
        if expects_key:
            self._key(node, event.value)
        else:
            self._add(node)

    def _open(self, event: yaml.CollectionStartEvent, place: Place) -> None:
        if len(self._stack) >= MAX_DEPTH:
            message = f"lists and mappings nest more than {MAX_DEPTH} levels deep"
            self._problem(place, "nesting-too-deep", message)
            raise _Stop
        self._check_tag(event.tag, place)
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node({} if mapping else [], *place)
        node.items = {} if mapping else []
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(node, event.anchor, self._expects_key()))

    def _close(self) -> None:
        done = self._stack.pop()
        if done.anchor:
            self._anchors[done.anchor] = done.node
        if done.as_key:
            self._key(done.node, None)
        else:
            self._add(done.node)

    def _alias(self, event: yaml.AliasEvent, place: Place) -> None:
        name = event.anchor
        if name not in self._anchors:
            message = (
                f"found *{name}, but no &{name} before it; put quotes around a text starting with *"
            )
            self._problem(place, "unknown-alias", message)
            node: Node | None = None
        else:
            node = self._anchors[name]
            if node is None:
                message = f"*{name} is inside &{name}, which would never end"
                self._problem(place, "alias-explosion", message)
                raise _Stop
        if node is None:
            node = Node(None, *place)
        self._aliased += node.size
        if self._aliased > MAX_ALIASED:
            message = f"aliases add more than {MAX_ALIASED} values to this file; use fewer of them"
            self._problem(place, "alias-explosion", message)
            raise _Stop
        if len(self._stack) + node.height > MAX_DEPTH + 1:
            message = f"with *{name} lists and mappings nest more than {MAX_DEPTH} levels deep"
            self._problem(place, "nesting-too-deep", message)
            raise _Stop
        if self._expects_key():
            self._key(Node(node.value, *place), None if node.items is not None else str(node.value))
        else:
            self._add(node)

    def _expects_key(self) -> bool:
        if not self._stack:
            return False
        top = self._stack[-1]
        return isinstance(top.node.items, dict) and top.key_place is None

    def _key(self, node: Node, text: str | None) -> None:
        """Use `node` as the next key of the innermost mapping."""
        top = self._stack[-1]
        place = (node.line, node.column)
        top.key_place = place
        top.keep = True
        if not isinstance(node.value, str):
            found = "a list or mapping" if text is None else (text or "nothing")
            message = f"found {found} as a key, expected text; put quotes around it"
            self._problem(place, "key-not-text", message)
            top.keep = False
            return
        top.key = node.value
        assert isinstance(top.node.items, dict)
        earlier = top.node.items.get(node.value)
        if earlier:
            (line, _), _ = earlier
            message = (
                f"the key {shorten(node.value)} is twice in this mapping, "
                f"in line {line + 1} and in line {place[0] + 1}; remove one"
            )
            self._problem(place, "duplicate-key", message)
            top.keep = False

    def _skip_value(self) -> None:
        top = self._stack[-1]
        top.key_place = (0, 0)
        top.keep = False

    def _add(self, node: Node) -> None:
        """Add a complete value to the innermost list or mapping, or make it the root."""
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        inside = top.node
        inside.size += node.size
        inside.height = max(inside.height, node.height + 1)
        if isinstance(inside.items, list):
            inside.items.append(node)
            inside.value.append(node.value)
            return
        if top.keep and inside.items is not None and top.key is not None and top.key_place:
            inside.items[top.key] = (top.key_place, node)
            inside.value[top.key] = node.value
        top.key, top.key_place, top.keep = None, None, True

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None:
            name = shorten(tag.replace("tag:yaml.org,2002:", "!!"))
            self._problem(place, "yaml-tag", f"the tag {name} is not supported; remove it")


"""Plain JSON data: None, bool, int, float, str, list or dict of the same."""

Pointer = tuple[str | int, ...]
"""Keys and list positions from the root to a value."""

MAX_MESSAGE = 1_000
"""The longest message; a value that it quotes may be as long as the file."""

MAX_BYTES = 5_000_000
"""The largest file; more than a hundred times the largest connector known."""


@dataclass(frozen=True)
class Mark:
    """A line and a column of a file, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """The data of a file, and the place of each part of it.

    `path` is the file as the user named it, for findings.
    """

    path: str
    text: str = field(repr=False)
    data: Json
    root: Node = field(repr=False, compare=False)

    def mark(self, pointer: Pointer, *, key: bool = False) -> Mark:
        """Return where the value at `pointer`, or its key, starts, or the nearest ancestor does."""
        node, place = self.root, (self.root.line, self.root.column)
        for step in pointer:
            child = node.child(step)
            if child is None:
                break
            (key_line, key_column), node = child
            place = (key_line, key_column) if key else (node.line, node.column)
        return Mark(place[0] + 1, place[1] + 1)

    def node(self, pointer: Pointer) -> Node | None:
        """Return the node at `pointer`, or None."""
        node: Node | None = self.root
        for step in pointer:
            child = node.child(step) if node is not None else None
            node = None if child is None else child[1]
        return node

    def mark_inside(self, pointer: Pointer, line: int, column: int) -> Mark:
        """Return where a line and a column, from 1, of the text at `pointer` are in the file.

        Exact for text after `|` and for text that stands in one line as it is read; else the start
        of the text.
        """
        start = self.mark(pointer)
        node = self.node(pointer)
        value = node.value if node is not None else None
        lines = _LINE_BREAK.split(self.text)
        if not isinstance(value, str) or start.line > len(lines):
            return start
        written = lines[start.line - 1][start.column - 1 :]
        if (block := _BLOCK_TEXT.match(written)) is not None:
            below = lines[start.line :]
            first = next((one for one in below if one.strip()), "")
            indent = len(first) - len(first.lstrip(" "))
            if block[1]:  # the file's own number of spaces, beside the key's
                parent = lines[start.line - 1]
                indent = len(parent) - len(parent.lstrip(" ")) + int(block[1])
            return Mark(start.line + line, indent + column)
        quoted = written[:1] in ("'", '"')
        if line == 1 and written[quoted:].startswith(value.split("\n")[0]):
            return Mark(start.line, start.column + quoted + column - 1)
        return start

    def finding(
        self,
        pointer: Pointer,
        code: str,
        message: str,
        *,
        severity: Severity = "error",
        key: bool = False,
    ) -> Finding:
        """Return a finding about the value at `pointer`, or about its key."""
        mark = self.mark(pointer, key=key)
        message = cut(message, MAX_MESSAGE)
        return Finding(self.path, mark.line, mark.column, severity, code, message)


def read_document(path: Path, display: str | None = None) -> tuple[Document | None, list[Finding]]:
    """Read and parse a file; whatever is wrong with it is a finding, never an exception."""
    name = str(path) if display is None else display
    text, findings = read_text(path, name, MAX_BYTES)
    return (None, findings) if text is None else parse_document(text, name)


def read_text(path: Path, display: str, size: int) -> tuple[str | None, list[Finding]]:
    """Return the text of a UTF-8 file of at most `size` bytes, or None and why there is none."""

    def refused(code: str, message: str, line: int = 1, column: int = 1) -> list[Finding]:
        return [Finding(display, line, column, "error", code, message)]

    try:
        raw = read_limited(path, size)
    except LimitExceeded as error:
        is_large = "larger" in str(error)
        what = f"the file {error}" if is_large else f"this {error}"
        return None, refused("file-too-large" if is_large else "unreadable-file", what)
    except FileNotFoundError:
        return None, refused("unreadable-file", "there is no such file")
    except IsADirectoryError:
        message = "this is a folder, expected a file; name the file inside it"
        return None, refused("unreadable-file", message)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, refused("unreadable-file", f"the file cannot be read: {reason}")
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = (
            f"found the byte 0x{raw[error.start]:02x}, expected UTF-8 text; "
            "is this a text file? If so, save it with the encoding UTF-8"
        )
        return None, refused("not-text", message, line, column)


def parse_document(text: str, display: str) -> tuple[Document | None, list[Finding]]:
    """Parse YAML, or JSON, into a Document and the findings about it as YAML.

    There is a Document beside errors if the rest of the file can still be validated.
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
