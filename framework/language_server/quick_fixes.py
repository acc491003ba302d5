"""The remedies that findings name, as edits. Each is tried: it is offered if the finding goes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.authoring.scaffold.yaml_patch import Change, apply_change
from framework.definition.schema.connector_schema import keys_at
from framework.language_server.renames import Edit, edited
from framework.text import suggestion_in

if TYPE_CHECKING:
    from framework.definition.draft import Draft
    from framework.definition.yaml_reader import Node, Pointer
    from framework.findings import Finding
    from framework.language_server.open_file import OpenFile

MOST_TRIED = 12
"""Edits that are tried for one request; each validates the file."""
_WRITE = re.compile(
    r"; (?:write|put quotes around it:|text that starts with \{ needs quotes:) (.+)$"
)
_VALUE = re.compile(r"true|false|\[.*\]|\".*\"")
_NEW_KEY = re.compile(r"; write (?P<key>\w+): (?P<value>\[[^\]]*\]|[^\s,;]+)")
_ABOVE: tuple[tuple[str, ...], ...] = ((), ("endpoint",), ("endpoint", "incremental"))
"""Where in a resource a key may go that a finding names."""
_WORD = re.compile(r"[\w$-]+(?:\.[\w$-]+)*")


@dataclass(frozen=True)
class QuickFix:
    """An edit that removes a finding, and its title."""

    finding: Finding
    title: str
    edit: Edit


def quick_fixes(file: OpenFile, findings: list[Finding]) -> Iterator[QuickFix]:
    """Yield the edits that fix these findings of the file."""
    tried = 0
    for finding in findings:
        for fix in _candidates(file, finding):
            if tried >= MOST_TRIED:
                return
            tried += 1
            if _fixes(file, fix):
                yield fix
                break


def _fixes(file: OpenFile, fix: QuickFix) -> bool:
    """Return whether the finding is gone; others may come to light."""
    after = file.changed(edited(file.text, [fix.edit]), file.version)
    count, before = (
        sum(one.code == fix.finding.code for one in findings)
        for findings in (after.findings, file.findings)
    )
    return after.document is not None and count < before


def _candidates(file: OpenFile, finding: Finding) -> Iterator[QuickFix]:
    draft = file.current
    if draft is None:
        return
    places = _places(draft.document.root, finding.line - 1, finding.column - 1)
    spans = [file.positions.span(draft.document, pointer, key=is_key) for pointer, is_key in places]
    wanted = suggestion_in(finding.message)
    if wanted is not None:
        wanted = wanted.removesuffix("()")  # a function's; its call is written
        for start, end in spans:
            for begin, word in _misspelt(file.text, start, end, wanted, finding.message):
                title = f"Change {word} to {wanted}"
                yield QuickFix(finding, title, (begin, begin + len(word), wanted))
        return
    yield from _new_keys(file, draft, finding, [pointer for pointer, _ in places])
    remedy = _WRITE.search(finding.message)
    value = remedy[1] if remedy is not None and _VALUE.fullmatch(remedy[1]) else None
    for start, end in spans:
        written = file.text[start:end]
        new = value
        if finding.message.endswith("; remove the quotes"):
            new = written.strip("\"'")
        if new is None:
            return
        is_braces = written.startswith("{") and new.startswith('"{')
        stop = end + 1 if is_braces and not written.endswith("}") else end
        yield QuickFix(finding, f"Write {new}", (start, stop, new))


def _new_keys(
    file: OpenFile, draft: Draft, finding: Finding, pointers: list[Pointer]
) -> Iterator[QuickFix]:
    """Yield the keys that a finding about a resource says to write, wherever they fit."""
    index = next((one[1] for one in pointers if one[:1] == ("resources",) and len(one) > 1), None)
    merged = draft.resource_of(index) if isinstance(index, int) else None
    if merged is None:
        return
    for found in _NEW_KEY.finditer(finding.message):
        for above in _ABOVE:
            place: Pointer = (*above, found["key"])
            node = draft.document.node(("resources", merged.index, *place))
            # a list that is there has items that would be lost
            if found["key"] not in keys_at(("resources", 0, *above)) or (node and node.items):
                continue
            change = Change((*above, found["key"]), found["value"])
            after = apply_change(file.text, merged.name, change)
            if after is not None and after != file.text:
                title = f"Write {found['key']}: {found['value']}"
                yield QuickFix(finding, title, difference(file.text, after))


def difference(before: str, after: str) -> Edit:
    """Return the edit that makes one text of another."""
    start = _same(before, after)
    rest, new = before[start:], after[start:]
    end = _same(rest[::-1], new[::-1])
    return start, len(before) - end, new[: len(new) - end]


def _same(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _places(root: Node, line: int, column: int) -> list[tuple[Pointer, bool]]:
    """Return the keys (true) and values that begin at a place: the smallest first."""
    found: list[tuple[Pointer, bool]] = []
    stack: list[tuple[Pointer, Node]] = [((), root)]
    while stack:
        pointer, node = stack.pop()
        if (node.line, node.column) == (line, column):
            found.append((pointer, False))
        if isinstance(node.items, dict):
            for key, (place, inner) in node.items.items():
                if place == (line, column):
                    found.append(((*pointer, key), True))
                    found.append(((*pointer, key), False))
                stack.append(((*pointer, key), inner))
        elif isinstance(node.items, list):
            stack += [((*pointer, index), inner) for index, inner in enumerate(node.items)]
    return sorted(dict.fromkeys(found), key=lambda one: (-len(one[0]), not one[1]))


def _misspelt(
    text: str, start: int, end: int, wanted: str, message: str
) -> Iterator[tuple[int, str]]:
    """Yield the words between two offsets that the message quotes, the most similar first."""
    words = []
    for found in _WORD.finditer(text, start, end):
        pieces = [(found.start(), found[0])]
        pieces += [(found.start() + one.start(), one[0]) for one in re.finditer(r"\w+", found[0])]
        for begin, word in pieces:
            quoted = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", message)
            if word != wanted and quoted:
                likeness = difflib.SequenceMatcher(None, word, wanted).ratio()
                words.append((-likeness, begin, word))
    for likeness, begin, word in sorted(set(words))[:3]:
        if likeness <= -0.5 or text[start:end].strip("\"'") == word:
            yield begin, word
