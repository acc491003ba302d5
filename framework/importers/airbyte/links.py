"""The `Link` header: `headers['link']['next']['url']` as a regular expression on its text."""

from __future__ import annotations

import re

from framework.importers.airbyte.scope import Keys
from framework.importers.airbyte.terms import NULL, Term, constant


def linked(header: Term, keys: Keys) -> Term:
    """The URL, or another attribute, of the link with a relation; null where there is none."""
    relation = re.escape(str(keys[0]))
    if len(keys) > 2:
        return NULL
    attribute = str(keys[1]) if len(keys) == 2 else "url"
    if attribute == "url":
        pattern = f'<([^>]*)>[^<]*rel="?{relation}"?'
    elif attribute == "rel":
        pattern = f'rel="?({relation})"?'
    else:
        name = re.escape(attribute)
        pattern = f'<[^>]*>(?=[^<]*rel="?{relation}"?)[^<]*{name}="?([^";,]*)'
    shown = constant(pattern).text
    guarded = f"not_null({header.text}, '')"
    return Term(f"regex_search({guarded}, {shown}, `1`)", "text")
