"""What the names in a template mean at its place: the original's variables in our roots."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.importers.airbyte.terms import NULL, Term, Untranslatable, constant, dotted

Json = Any

_PLAIN = re.compile(r"\w+(\.(\w+|\"[^\"]+\")|\[-?\d+\])*")
Keys = tuple[str | int, ...]
Lookup = Callable[[Keys], tuple[Term, int]]
"""Takes the keys after a name; gives a term and how many of the keys it used."""


@dataclass(frozen=True)
class Scope:
    """`names` maps a variable to its lookup; `context` is how a root is reached here: empty where
    expressions work on the context, `context().` where they work on a record or a body."""

    names: Mapping[str, Lookup] = field(default_factory=dict)
    context: str = ""

    def lookup(self, name: str, keys: Keys) -> tuple[Term, int]:
        """The term of a variable; Untranslatable where it has no meaning here."""
        found = self.names.get(name)
        if found is None:
            raise Untranslatable(f"there is no `{name}` here")
        return found(keys)

    def root(self, text: str) -> Term:
        """A root of the context, such as `now`, as it is reached here."""
        return Term(self.context + text)

    def inside(self) -> Scope:
        """As seen by an expression that works on the items of a list: the rest by `context()`."""

        def outer(found: Lookup) -> Lookup:
            def lookup(keys: Keys) -> tuple[Term, int]:
                term, used = found(keys)
                if term.fixed or term.text.startswith("context()."):
                    return term, used
                if self.context or term.members or not _PLAIN.fullmatch(term.text):
                    raise Untranslatable("a loop that looks outside of its list")
                return replace(term, text=f"context().{term.text}"), used

            return lookup

        return Scope({name: outer(one) for name, one in self.names.items()}, "context().")

    def having(self, **names: Lookup) -> Scope:
        """The same with more variables."""
        return Scope({**self.names, **names}, self.context)


def at(base: str, *, optional: bool = False) -> Lookup:
    """A variable that is a root of ours: `response` for `response`, "" for the data itself.
    `optional` where functions must not fail on what is not there."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        return Term(dotted(keys, base), optional=optional), len(keys)

    return lookup


def fixed(value: Json) -> Lookup:
    """A variable known at import: `$parameters`."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        current: Json = value
        for key in keys:
            try:
                current = current[key]
            except (KeyError, IndexError, TypeError):
                return NULL, len(keys)
        return constant(current), len(keys)

    return lookup


def only(term: Term) -> Lookup:
    """A variable that is one term."""
    return lambda _keys: (term, 0)
