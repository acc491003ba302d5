"""Secrets looked for in a text, in every form they could have travelled in.

Only looks: what is done about a leak is decided by whoever writes the text.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from framework.build.settings import STAND_IN

SHORT = 6
"""Below this length a secret only counts as a whole word: it would be found in anything."""


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
        for form, written in _forms(secret):
            if form == "percent-encoded":
                there = written.lower() in lower
            elif len(secret) < SHORT:
                there = _as_word(text, written)
            else:
                there = written in text
            if there:
                found[f"secret {number} of {len(secret)} characters, {form}"] = None
    return list(found)


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    yield "as it is", secret
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        if escaped != secret:
            yield "as in JSON", escaped
    once = quote(secret, safe="")
    for encoded in (once, quote(secret), quote_plus(secret), quote(once, safe="")):
        if encoded != secret:
            yield "percent-encoded", encoded
    raw = secret.encode()
    if len(raw) < SHORT:
        return
    yield "hexadecimal", raw.hex()
    for core in _base64_cores(raw):
        yield "base64", core
        urlsafe = core.replace("+", "-").replace("/", "_")
        if urlsafe != core:
            yield "base64", urlsafe
        if "+" in core or "/" in core:
            yield "base64", quote(core, safe="")


def _base64_cores(raw: bytes) -> Iterator[str]:
    """What is the same in base64 whatever stands before and after, for the three alignments."""
    for before in range(3):
        whole = b64encode(b"\0" * before + raw).decode().rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        yield whole[first:last]


def _as_word(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(word, start + 1)
    return False
