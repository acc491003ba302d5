"""Register a rule: its codes, its severity, and the function that finds what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.definition.draft import Draft
from framework.findings import Finding

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer
    from framework.findings import Severity


@dataclass(frozen=True)
class Key:
    """The key at a pointer: the place of a finding that is not about the value."""

    pointer: Pointer


Breach = tuple["Pointer | Key", str] | tuple[str, "Pointer | Key", str]
"""Place and message; before them the code, if the rule has several."""
Check = Callable[[Draft], Iterator[Breach]]


@dataclass(frozen=True)
class Rule:
    """A rule of the connector format; docs/checks.md describes each of its codes."""

    codes: tuple[str, ...]
    severity: Severity
    check: Check

    def findings(self, draft: Draft) -> Iterator[Finding]:
        """Yield a finding for each breach of the rule."""
        for breach in self.check(draft):
            code, place, message = breach if len(breach) == 3 else (self.codes[0], *breach)
            is_key = isinstance(place, Key)
            pointer = place.pointer if isinstance(place, Key) else place
            yield draft.document.finding(pointer, code, message, severity=self.severity, key=is_key)


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
