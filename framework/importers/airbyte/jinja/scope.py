"""The variables of a template at its place, as paths of the connector's context."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, constant

Json = Any
Keys = tuple[str | int, ...]
Lookup = Callable[[Keys], tuple[Term, int]]
"""Takes the keys after a name; returns a term and how many of the keys it used."""

LINK_PATTERN = "<([^>]*)>"
"""How the pattern begins that finds the URL of a link."""


@dataclass(frozen=True)
class Scope:
    """Variables by name. `through_context` holds where expressions work on a record or a body:
    there a root such as `config` is reached by `context()`."""

    names: Mapping[str, Lookup] = field(default_factory=dict)
    through_context: bool = False

    def lookup(self, name: str, keys: Keys) -> tuple[Term, int]:
        """Return the term of a variable; raise Untranslatable if there is none of that name."""
        variable = self.names.get(name)
        if variable is None:
            raise Untranslatable(f"there is no `{name}` here")
        return variable(keys)

    def now(self, kind: tree.Kind) -> Term:
        """Return the run's start."""
        return tree.at("now", through_context=self.through_context, kind=kind)

    def having(self, **names: Lookup) -> Scope:
        """Return the scope with more variables."""
        return replace(self, names={**self.names, **names})

    def inside(self) -> Scope:
        """Return the scope of an expression that works on the items of a list."""
        return Scope({name: self._outer(one) for name, one in self.names.items()}, True)

    def _outer(self, variable: Lookup) -> Lookup:
        def lookup(keys: Keys) -> tuple[Term, int]:
            term, used = variable(keys)
            node = term.node
            if term.fixed or (isinstance(node, tree.FieldPath) and node.through_context):
                return term, used
            plain = isinstance(node, tree.FieldPath) and node.root and isinstance(node.root, str)
            if plain and not self.through_context and not tree.is_projection(node):
                return tree.through_context(term), used
            raise Untranslatable("a loop that reads a value outside of its list")

        return lookup


def variable(
    root: str, *steps: tree.Step, through_context: bool = False, optional: bool = False
) -> Lookup:
    """Return a variable that is a path; `optional` if functions must accept its absence."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        path = tree.FieldPath(root, (*steps, *keys), through_context)
        return Term(path, optional=optional), len(keys)

    return lookup


def known(value: Json) -> Lookup:
    """Return a variable whose value is known at import, such as `$parameters`."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        current: Json = value
        for key in keys:
            try:
                current = current[key]
            except (KeyError, IndexError, TypeError):
                return tree.NULL, len(keys)
        return constant(current), len(keys)

    return lookup


def only(term: Term) -> Lookup:
    """Return a variable that is one term."""
    return lambda _keys: (term, 0)


def link(header: Term, keys: Keys) -> Term:
    """Return the URL, or another attribute, of the link with a relation in a `Link` header."""
    relation = re.escape(str(keys[0]))
    if len(keys) > 2:
        return tree.NULL
    attribute = str(keys[1]) if len(keys) == 2 else "url"
    if attribute == "url":
        pattern = f'{LINK_PATTERN}[^<]*rel="?{relation}"?'
    elif attribute == "rel":
        pattern = f'rel="?({relation})"?'
    else:
        name = re.escape(attribute)
        pattern = f'<[^>]*>(?=[^<]*rel="?{relation}"?)[^<]*{name}="?([^";,]*)'
    arguments = (tree.or_empty(header), constant(pattern), constant(1))
    return tree.apply("regex_search", *arguments, kind="text")
