"""Register a rule: its codes, its severity, and the function that finds what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.definition.draft import Draft
from framework.definition.yaml_reader import Mark
from framework.findings import Finding

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Document, Pointer
    from framework.findings import Severity


@dataclass(frozen=True)
class Key:
    """The key at a pointer: the place of a finding that is not about the value."""

    pointer: Pointer


@dataclass(frozen=True)
class TextPlace:
    """A place inside a text: line and column from 1, of the value at `pointer` or of a file."""

    pointer: Pointer
    line: int
    column: int
    file: str | None = None

    def mark(self, document: Document) -> Mark:
        """Return the place in its file."""
        if self.file is not None:
            return Mark(self.line, self.column)
        return document.mark_inside(self.pointer, self.line, self.column)


Breach = tuple["Pointer | Key | TextPlace", str] | tuple[str, "Pointer | Key | TextPlace", str]
"""Place and message; before them the code, if the rule has several."""
Check = Callable[[Draft], Iterator[Breach]]


@dataclass(frozen=True)
class Rule:
    """A rule of the connector format; docs/checks.md describes each of its codes."""

    codes: tuple[str, ...]
    severity: Severity
    check: Check

    def placed(self, draft: Draft) -> Iterator[tuple[Pointer, Finding]]:
        """Yield a finding for each breach of the rule, with the pointer of its place."""
        for breach in self.check(draft):
            code, place, message = breach if len(breach) == 3 else (self.codes[0], *breach)
            if isinstance(place, TextPlace):
                mark = place.mark(draft.document)
                path = place.file or draft.document.path
                finding = Finding(path, mark.line, mark.column, self.severity, code, message)
                yield place.pointer, finding
                continue
            is_key = isinstance(place, Key)
            pointer = place.pointer if isinstance(place, Key) else place
            yield (
                pointer,
                draft.document.finding(pointer, code, message, severity=self.severity, key=is_key),
            )


RULES: list[Rule] = []
"""Every rule, registered by `rule` when its module is imported."""


def rule(*codes: str, severity: Severity = "error") -> Callable[[Check], Check]:
    """Register a generator of breaches as a rule with these codes.

    A rule must accept input of any shape, and report one mistake once.
    """

    def register(check: Check) -> Check:
        RULES.append(Rule(codes, severity, check))
        return check

    return register
