"""The remedies that findings name, as edits. Each is tried: it is offered if the finding goes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.language_server.hovers import place_at
from framework.language_server.renames import Edit, edited
from framework.text import suggestion_in

if TYPE_CHECKING:
    from framework.findings import Finding
    from framework.language_server.open_file import OpenFile

MOST_TRIED = 12
"""Edits that are tried for one request; each validates the file."""
_WRITE = re.compile(
    r"; (?:write|put quotes around it:|text that starts with \{ needs quotes:) (.+)$"
)
_VALUE = re.compile(r"true|false|\[.*\]|\".*\"")
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
    """Return whether the finding is gone, and no other has come."""
    after = file.changed(edited(file.text, [fix.edit]), file.version).findings
    same = [one for one in after if one.code == fix.finding.code]
    before = [one for one in file.findings if one.code == fix.finding.code]
    return len(same) < len(before) and len(after) < len(file.findings)


def _candidates(file: OpenFile, finding: Finding) -> Iterator[QuickFix]:
    draft = file.current
    if draft is None:
        return
    offset = file.positions.offset_of_yaml(finding.line - 1, finding.column - 1)
    found = place_at(file, draft, offset)
    if found is None:
        return
    pointer, is_key = found
    spans = [file.positions.span(draft.document, pointer, key=is_key)]
    if is_key:  # a mapping begins with its first key
        spans.append(file.positions.span(draft.document, pointer))
        spans.append(file.positions.span(draft.document, pointer[:-1]))
    wanted = suggestion_in(finding.message)
    if wanted is not None:
        for start, end in spans:
            for begin, word in _misspelt(file.text, start, end, wanted, finding.message):
                title = f"Change {word} to {wanted}"
                yield QuickFix(finding, title, (begin, begin + len(word), wanted))
        return
    remedy = _WRITE.search(finding.message)
    value = remedy[1] if remedy is not None and _VALUE.fullmatch(remedy[1]) else None
    start, end = spans[0]
    if finding.message.endswith("; remove the quotes"):
        value = file.text[start:end].strip("\"'")
    if value is not None:
        for start, end in spans:
            written = file.text[start:end]
            is_braces = written.startswith("{") and value.startswith('"{')
            stop = end + 1 if is_braces and not written.endswith("}") else end
            yield QuickFix(finding, f"Write {value}", (start, stop, value))


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
        if likeness <= -0.5:
            yield begin, word
