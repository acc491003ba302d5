"""The forms in which a secret may stand in a text: encoded, escaped, quoted, or as it is."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from html import escape
from urllib.parse import quote, quote_plus

SHORT = 6
"""Bytes below which a secret's base64 or hexadecimal form would match any text."""

_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
"""A text that is the same in URLs, JSON, HTML and Python."""
_PERCENT = re.compile("%[0-9A-F]{2}")
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")
_URL_SAFE = str.maketrans("+/", "-_")
_KEPT = ("", "/", "~()*!'", "!#$%&'()*+,/:;=?@[]~", ";,/?:@&=+$-_.!~*'()#")
"""What quoting leaves alone: nothing, a path's slash, and as JavaScript and requests do it."""


def forms_of(secret: str) -> dict[str, str]:
    """Return the forms in which a secret may appear, each with its description.

    They are: unchanged, percent-encoded once and twice, as in JSON, HTML and Python's repr, its
    UTF-8 bytes read as Latin-1, hexadecimal, and base64 at any position of a longer text.
    """
    forms: dict[str, str] = {}
    for name, form in _forms(secret):
        forms.setdefault(form, name)
    return forms


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    yield "as it is", secret
    encodings = _bytes_of(secret)
    if not _PLAIN.fullmatch(secret):
        for form in _escaped(secret, encodings):
            yield "escaped", form
        for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
            yield from _in_json(text[1:-1])
            yield from _in_json(json.dumps(text)[3:-3])
        for raw in encodings:
            for encoded in _quoted(raw):
                yield "percent-encoded", encoded
                yield "percent-encoded", _PERCENT.sub(lambda found: found[0].lower(), encoded)
    for raw in encodings:
        if len(raw) < SHORT:
            yield "base64", b64encode(raw).decode()
            continue
        yield "hexadecimal", raw.hex()
        yield "hexadecimal", raw.hex().upper()
        for core in _base64_cores(raw):
            yield "base64", core
            if "+" in core or "/" in core:
                yield "base64", core.translate(_URL_SAFE)
                yield "base64", quote(core, safe="")
                yield "base64", core.replace("/", "\\/")


def _bytes_of(secret: str) -> list[bytes]:
    """Return the secret in UTF-8 and, if that differs, in Latin-1, which requests uses in basic."""
    raw = [secret.encode("utf-8", "surrogatepass")]
    if not secret.isascii():
        with suppress(UnicodeEncodeError):
            raw.append(secret.encode("latin-1"))
    return raw


def _escaped(secret: str, encodings: list[bytes]) -> Iterator[str]:
    for quotes in (True, False):
        html = escape(secret, quote=quotes)
        yield html
        yield html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield encodings[0].decode("latin-1")
    for errors in ("backslashreplace", "xmlcharrefreplace", "replace"):
        yield secret.encode("ascii", errors).decode()
    for quoted in (repr(secret), ascii(secret), *(repr(raw)[1:] for raw in encodings)):
        yield quoted[1:-1]
        yield quoted[1:-1].replace("'", "\\'")
    yield " ".join(secret.split())


def _in_json(text: str) -> Iterator[tuple[str, str]]:
    upper = _ESCAPE.sub(lambda found: "\\u" + found[0][2:].upper(), text)
    for form in (text, upper):
        yield "as in JSON", form
        yield "as in JSON", form.replace("/", "\\/")


def _quoted(raw: bytes) -> Iterator[str]:
    for kept in _KEPT:
        yield quote(raw, safe=kept)
    yield quote_plus(raw)
    yield quote(quote(raw, safe=""), safe="")
    yield quote_plus(quote_plus(raw))


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield what is constant in base64 whatever surrounds it, for the three alignments."""
    for before in range(3):
        whole = b64encode(b"\0" * before + raw).decode().rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        yield whole[first:last]
