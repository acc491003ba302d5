"""A part of a document: what it holds, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True)
class DocumentPart:
    """A part of a document: its value, the document's address, and the `$ref`s that led here."""

    value: Json
    base: str
    trail: tuple[str, ...] = ()

    def child(self, *keys: str | int) -> DocumentPart | None:
        """Return a part of this part, None if there is none."""
        value = self.value
        for key in keys:
            if isinstance(value, dict):
                if key not in value:
                    return None
                value = value[key]
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return DocumentPart(value, self.base, self.trail)

    def text(self, key: str) -> str:
        """Return a text below a key; empty if there is none."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return value.strip() if isinstance(value, str) else ""


def mapping(value: Json) -> Mapping[str, Json]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}
