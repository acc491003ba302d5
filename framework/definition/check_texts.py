"""What each code of a finding means, for people who see it outside this documentation."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

CHECK_TEXTS = Path(__file__).with_name("check_texts.json")
"""Generated with docs/checks.md, from tests/definition/rules."""


@cache
def check_texts() -> dict[str, str]:
    """Return the explanation of each code, in Markdown."""
    texts: dict[str, str] = json.loads(CHECK_TEXTS.read_text(encoding="utf-8"))
    return texts
