"""A finding: one thing said about one place of a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Finding:
    """What is wrong, where, and what was expected.

    `line` and `column` are 1-based; `path` is the file as the person named it; `code` is
    kebab-case, documented in docs/checks.md and never reused.
    """

    path: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str

    def as_dict(self) -> dict[str, str | int]:
        """The finding as schemas/finding.schema.json describes it."""
        return asdict(self)
