"""Values that a recording leaves open, such as `{{userId}}` of Postman: marked, then declared.

A marked name travels through URLs, headers and bodies as characters that no API uses.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from framework.definition.expressions.placeholders import escape
from framework.importers.api_guesses.declared_values import DeclaredValues

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}")


def marked(name: str) -> str:
    """Return a stand-in for a value that the file does not know."""
    plain = re.sub(r"\W+", "_", name).strip("_") or "value"
    return f"{_OPEN}{plain}{_CLOSE}"


def open_names(text: str) -> list[str]:
    """Return the names that are marked in a text, encoded for a URL or not."""
    return _MARKED.findall(unquote(text) if "%EE%80%8" in text.upper() else text)


def template_of(text: str, values: DeclaredValues, what: str, *, in_url: bool = False) -> str:
    """Return a text as a template of the connector file: marked names become config."""
    if in_url and "%EE%80%8" in text.upper():
        for mark in (_OPEN, _CLOSE):
            text = re.sub(re.escape(quote(mark)), mark, text, flags=re.IGNORECASE)
    written = ""
    for position, part in enumerate(_MARKED.split(text)):
        if position % 2 == 0:
            written += escape(part)
        else:
            entry = {"type": "string", "description": f"The value {part} of {what}."}
            written += values.entry(part, entry)
    return written
