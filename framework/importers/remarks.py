"""What an import has to say: what has no counterpart, and what a human should look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from framework.errors import FrameworkError


class ManifestError(FrameworkError):
    """A file that cannot be imported at all: no YAML, no manifest, a broken reference."""


@dataclass(frozen=True, order=True)
class Remark:
    """`missing` is left out of the connector file; a `note` is worth a look. `place` is the path
    in the file that was read, with a stream's name where there is one."""

    kind: Literal["missing", "note"]
    place: str
    reason: str
    resource: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """For the report."""
        return {
            "kind": self.kind,
            "place": self.place,
            "resource": self.resource,
            "reason": self.reason,
        }


@dataclass
class Remarks:
    """Collects them; the same one twice is said once. `resource` is the one being translated."""

    found: list[Remark] = field(default_factory=list)
    resource: str | None = None

    def missing(self, place: str, reason: str) -> None:
        """Something of the original that the connector file does not say."""
        self._add(Remark("missing", place, reason, self.resource))

    def note(self, place: str, reason: str) -> None:
        """Something that is said otherwise, or needs a human's eye."""
        self._add(Remark("note", place, reason, self.resource))

    def _add(self, remark: Remark) -> None:
        if remark not in self.found:
            self.found.append(remark)
