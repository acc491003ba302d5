"""A finding: one message about one place of a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Finding:
    """What is wrong in a file, where, and what is expected.

    `line` and `column` start at 1; `path` is the file as the user named it; `code` is kebab-case,
    documented in docs/checks.md and never reused.
    """

    path: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str

    def as_dict(self) -> dict[str, str | int]:
        """Return the finding as schemas/finding.schema.json describes it."""
        return asdict(self)
