"""Redaction: secrets in every form that they may travel in, URLs, and record keys."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit, urlunsplit

MASK = "***"
SHORT = 6
"""Bytes below which a secret's base64 or hexadecimal form would match any text."""

_PERCENT = re.compile("%[0-9A-F]{2}")
_URL_SAFE = str.maketrans("+/", "-_")
ID_LIKE = re.compile(r"(?=[^\d]*\d)[A-Za-z0-9_:/.#=-]{1,80}")
"""A text that identifies a record but no person: no space, no e-mail address, a digit."""


def redact_key(value: object) -> str:
    """Return a record's key as an error may show it: a number, or a text that looks like an id.

    Of other values only the type is shown: a name or an address may be personal.
    """
    if isinstance(value, (int, float)) or value is None:
        return json.dumps(value)
    if isinstance(value, str):
        return value if ID_LIKE.fullmatch(value) else "(a text)"
    return "(an object)" if isinstance(value, dict) else "(a list)"


def forms_of(secret: str) -> dict[str, str]:
    """Return the forms in which a secret may appear, each with its description.

    They are: unchanged, percent-encoded once and twice, as in JSON, hexadecimal, and base64 at any
    position of a longer text.
    """
    forms: dict[str, str] = {}
    for name, form in _forms(secret):
        forms.setdefault(form, name)
    return forms


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    yield "as it is", secret
    for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
        yield "as in JSON", text[1:-1]
        yield "as in JSON", text[1:-1].replace("/", "\\/")
    once = quote(secret, safe="")
    for encoded in (once, quote(secret), quote_plus(secret), quote(once, safe="")):
        yield "percent-encoded", encoded
        yield "percent-encoded", _PERCENT.sub(lambda found: found[0].lower(), encoded)
    raw = secret.encode()
    if len(raw) < SHORT:
        yield "base64", b64encode(raw).decode()
        return
    yield "hexadecimal", raw.hex()
    for core in _base64_cores(raw):
        for written in (core, core.translate(_URL_SAFE)):
            yield "base64", written
            yield "base64", quote(written, safe="")


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield what is constant in base64 whatever surrounds it, for the three alignments."""
    for before in range(3):
        whole = b64encode(b"\0" * before + raw).decode().rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        yield whole[first:last]


class Redactor:
    """Masks every secret of a run, including tokens obtained during it. Thread-safe.

    Each secret is searched for in all its forms (`forms_of`). Values of fewer than three characters
    are not: they would match anywhere.
    """

    def __init__(self) -> None:
        self._values: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """Add a secret, in all its forms."""
        if len(value) < 3:
            return
        forms = forms_of(value)
        with self._lock:
            self._values.update(dict.fromkeys(forms))
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def values(self) -> Iterator[str]:
        """Iterate over every form of every secret."""
        return iter(tuple(self._values))

    def found_in(self, text: str) -> bool:
        """Return whether the text contains a secret."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def redact(self, text: str) -> str:
        """Return the text with every secret masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)


SENSITIVE = re.compile(
    r"(api[-_]?key|apikey|access[-_]?token|^token$|^key$|secret|passw|pwd|signature|^sig$|auth)",
    re.IGNORECASE,
)
LONGEST_URL = 1_000
"""Characters of a URL in messages and logs."""
ADDRESS = re.compile(r"[^\s/@=&]+@[^\s/@=&]+\.[^\s/@=&]+")


def redact_url(url: str | None, redactor: Redactor) -> str:
    """Return the URL with secrets, sensitive parameters, logins and e-mail addresses masked."""
    if not url:
        return "(no URL)"
    url = redactor.redact(url)
    if len(url) > LONGEST_URL:  # servers give next pages of any length
        url = url[: LONGEST_URL - 1] + "…"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    pairs = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        pairs.append(f"{quote(name, safe='[]._-')}={_value(name, value)}")
    query = "&".join(pairs)
    host = parts.netloc.rpartition("@")[2]
    text = urlunsplit((parts.scheme, host, ADDRESS.sub(MASK, parts.path), query, ""))
    return redactor.redact(text)


def _value(name: str, value: str) -> str:
    if SENSITIVE.search(name) or ADDRESS.search(value):
        return MASK
    return quote(value, safe="*:/,")
