"""How answers are written: what a JSON Schema cannot know of it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.definition.draft import Draft
from framework.findings import Finding

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer


def check_encodings(draft: Draft) -> Iterator[Finding]:
    """Character sets that nothing can read."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        form = merged.endpoint.get("response_format")
        encoding = form.get("encoding") if isinstance(form, dict) else None
        pointer = merged.place("endpoint", "response_format", "encoding")
        if not isinstance(encoding, str) or not encoding or pointer in seen:
            continue
        seen.add(pointer)
        try:
            codecs.lookup(encoding)
        except (LookupError, ValueError):
            yield draft.document.finding(
                pointer,
                "unknown-encoding",
                f"found {encoding}, expected the name of a character set, such as latin-1, "
                "cp1252 or utf-16",
            )
