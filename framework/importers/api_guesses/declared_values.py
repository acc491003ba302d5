"""The config and the secrets that a connector declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.importers.source_files import free_name

Json = Any
_SENTENCE = re.compile(r".*?(?:(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)[.!?](?=\s)|$)", re.IGNORECASE)
"""Up to the first full stop that ends more than an abbreviation."""


@dataclass
class DeclaredValues:
    """The entries of `config` and `secrets` that a connector declares, and their placeholders."""

    config: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    _entries: dict[tuple[str, str], str] = field(default_factory=dict)

    def entry(self, name: str, declared: Mapping[str, Json], kind: str = "") -> str:
        """Declare an entry of config and return its placeholder; equal ones are shared."""
        key = (
            name.lower(),
            repr(
                sorted(
                    (one, repr(value)) for one, value in declared.items() if one != "description"
                )
            )
            + kind,
        )
        if key not in self._entries:
            used = {*self.config, *self.secrets}
            chosen = free_name((re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name),), used, "value")
            self.config[chosen] = dict(declared)
            self._entries[key] = chosen
        return f"{{config.{self._entries[key]}}}"

    def secret(self, name: str, description: str) -> str:
        """Declare a secret and return its placeholder."""
        chosen = free_name((name,), {*self.config, *self.secrets}, "secret")
        self.secrets[chosen] = {"description": first_sentence(description)}
        return f"{{secrets.{chosen}}}"


def first_sentence(text: str) -> str:
    """Return the first sentence of a prose, without what YAML would have to escape."""
    plain = " ".join(re.sub(r"[`*#<>\[\]]", "", text).split())
    first = _SENTENCE.match(plain + " ")
    assert first is not None
    text = first[0].rstrip()
    return text if len(text) <= 160 else f"{text[:157].rstrip()}..."
