"""The `Link` header (RFC 8288): relations and URLs, as servers really write them.

requests' own parser splits a header at every `;` and `=`: a URL or title with one loses its link.
"""

from __future__ import annotations

import re

_TARGET = re.compile(r"[\s,]*(?:<([^>]*)>|([^\s<>;,]+))")
_PARAMETER = re.compile(
    r"""\s*;\s*(?P<name>[^\s=;,]*)\s*(?:=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^;,]*)))?""",
    re.DOTALL,
)
_NEXT_LINK = re.compile(r"[^,]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def links_by_relation(header: str) -> dict[str, str]:
    """Return the URL of each relation, in lower case; the first link of a relation counts.

    A `rel` of several words names several relations. A link without brackets is read too.
    """
    links: dict[str, str] = {}
    position = 0
    while (target := _TARGET.match(header, position)) is not None:
        position = target.end()
        relation = None
        while (parameter := _PARAMETER.match(header, position)) is not None:
            position = parameter.end()
            if relation is None and parameter["name"].lower() == "rel":
                relation = _value(parameter)
        position = _end(header, position)
        for word in (relation or "").lower().split():
            links.setdefault(word, (target[1] or target[2] or "").strip())
    return links


def _value(parameter: re.Match[str]) -> str:
    if parameter["quoted"] is not None:
        return _ESCAPED.sub(r"\1", parameter["quoted"])
    return (parameter["token"] or "").strip(" \t'\"")


def _end(header: str, position: int) -> int:
    """Return where the next link begins: after the next comma."""
    rest = _NEXT_LINK.match(header, position)
    return len(header) if rest is None else rest.end()
