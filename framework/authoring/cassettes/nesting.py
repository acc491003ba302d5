"""YAML nested so deep that reading it would end the process: libyaml's composer recurses."""

from __future__ import annotations

import re

import yaml

from framework.definition.json_text import may_be_deep

DEEPEST = 200
"""Lists and mappings inside one another."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLOCKS = re.compile(r"^ {200}|(?:[-?:] +){100}", re.MULTILINE)


def too_deep(text: str) -> bool:
    """Whether lists and mappings nest deeper than DEEPEST; a yaml.YAMLError where it is no YAML.

    Texts full of brackets are looked into, event by event: parsing does not recurse.
    """
    if not may_be_deep(text.encode("utf-8", "replace")) and _BLOCKS.search(text) is None:
        return False
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False
