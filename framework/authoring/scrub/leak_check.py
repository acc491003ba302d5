"""Secrets looked for in a text, in every form they could have travelled in.

Only looks: what is done about a leak is decided by whoever writes the text.
"""

from __future__ import annotations

from collections.abc import Iterable

from framework.runtime.redaction import SHORT, forms_of
from framework.runtime.settings import STAND_IN


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """In which forms which secrets stand in the text, without saying them; empty is good.

    Looked for: as it is, percent-encoded, as in JSON, hexadecimal, and base64 at any place of a
    longer text, so also in `user:secret` of basic auth.
    """
    lower = text.lower()
    found: dict[str, None] = {}
    for number, secret in enumerate(dict.fromkeys(secrets), 1):
        if not secret.strip() or secret == STAND_IN:
            continue
        for written, form in forms_of(secret).items():
            if form == "percent-encoded":
                there = written.lower() in lower
            elif len(secret) < SHORT:  # it would be found in anything
                there = _as_word(text, written)
            else:
                there = written in text
            if there:
                found[f"secret {number} of {len(secret)} characters, {form}"] = None
    return list(found)


def _as_word(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(word, start + 1)
    return False
