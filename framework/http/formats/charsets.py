"""Character sets of response bodies: what a header names, and text in it."""

from __future__ import annotations

import codecs
import re

_UTF_8 = ("utf-8", "utf-8-sig")


def charset_of(content_type: str) -> str | None:
    """Return the character set that a Content-Type names, or None."""
    found = re.search(r"charset=[\"']?([^\s;\"']+)", content_type, re.IGNORECASE)
    return found[1] if found else None


def is_charset(name: str) -> bool:
    """Return whether Python decodes text from this character set."""
    try:
        codecs.lookup(name)
        b"a".decode(name)
    except UnicodeDecodeError:
        return True  # a character takes several bytes
    except (LookupError, ValueError):  # `hex` is a codec without text, `undefined` decodes nothing
        return False
    return True


def decode_charset(body: bytes, charset: str) -> str:
    """Return the body as text that can be written as UTF-8.

    Raise LookupError for an unknown character set, UnicodeError for a body that is not in it.
    """
    if not is_charset(charset):
        raise LookupError(charset)
    text = body.decode(charset)
    if charset not in _UTF_8:
        text.encode()  # utf-7 and others make half a surrogate pair
    return text
