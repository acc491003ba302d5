"""What the names in a template mean at its place: the original's variables in our roots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.author.airbyte.terms import NULL, Term, Untranslatable, constant, dotted

Json = Any
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

    def having(self, **names: Lookup) -> Scope:
        """The same with more variables."""
        return Scope({**self.names, **names}, self.context)


def at(base: str) -> Lookup:
    """A variable that is a root of ours: `response` for `response`, "" for the data itself."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        return Term(dotted(keys, base)), len(keys)

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
