"""The secret values of one run, and what must never show them."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
ID_LIKE = re.compile(r"(?=[^\d]*\d)[A-Za-z0-9_:/.#=-]{1,80}")
"""A text that names a record and nobody: no blank, no address, a digit in it."""


def shown_key(value: object) -> str:
    """A record's key as an error may show it: a number, or a text that looks like an id. Of all
    else only the type: a name or an address would be somebody's."""
    if isinstance(value, (int, float)) or value is None:
        return json.dumps(value)
    if isinstance(value, str):
        return value if ID_LIKE.fullmatch(value) else "(a text)"
    return "(an object)" if isinstance(value, dict) else "(a list)"


class Secrets:
    """Knows every secret of a run, tokens obtained on the way included.

    Thread-safe. Each value is known in the forms it may travel in: as it is, percent-encoded
    and base64; values under three characters are not searched for, they would match anywhere.
    """

    def __init__(self) -> None:
        self._values: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """Remember a secret, in all its forms."""
        if len(value) < 3:
            return
        encoded = b64encode(value.encode()).decode()
        forms = (value, quote(value, safe=""), quote(value), quote_plus(value), encoded)
        with self._lock:
            self._values.update(dict.fromkeys(forms))
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def values(self) -> Iterator[str]:
        """Every form of every secret."""
        return iter(tuple(self._values))

    def found_in(self, text: str) -> bool:
        """Whether a secret stands in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def redact(self, text: str) -> str:
        """The text with every secret masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)
