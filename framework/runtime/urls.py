"""URLs as they may be shown: no secret, no address of a person."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from framework.runtime.redaction import MASK, Secrets

SENSITIVE = re.compile(
    r"(api[-_]?key|apikey|access[-_]?token|^token$|^key$|secret|passw|pwd|signature|^sig$|auth)",
    re.IGNORECASE,
)
LONGEST = 1_000
"""Characters of a URL that are shown."""
ADDRESS = re.compile(r"[^\s/@=&]+@[^\s/@=&]+\.[^\s/@=&]+")


def shown(url: str | None, secrets: Secrets) -> str:
    """The URL with secrets, sensitive parameters, log-ins and e-mail addresses masked."""
    if not url:
        return "(no URL)"
    url = _shortened(secrets.redact(url))
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    query = "&".join(
        f"{quote(name, safe='[]._-')}={_value(name, value)}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    host = parts.netloc.rpartition("@")[2]
    text = urlunsplit((parts.scheme, host, ADDRESS.sub(MASK, parts.path), query, ""))
    return secrets.redact(text)


def _shortened(url: str) -> str:
    """Not more than a screen of it: servers give next pages of any length."""
    return url if len(url) <= LONGEST else url[: LONGEST - 1] + "…"


def _value(name: str, value: str) -> str:
    if SENSITIVE.search(name) or ADDRESS.search(value):
        return MASK
    return quote(value, safe="*:/,")
