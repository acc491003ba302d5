"""What a connector's expressions read of records and answers: the server has to have it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.model import Connector, Resource
from framework.definition.paginator_keys import paginator_types

Json = Any
Keys = tuple[str, ...]

TOKEN = "token2"
"""The cursor of the second page."""


def needed(connector: Connector) -> dict[str, set[Keys]]:
    """By resource, the fields that its key, its children and its steps read."""

    def read(name: str | None, fields: Iterable[str]) -> None:
        if name is not None:
            texts = [one for one in fields if re.fullmatch(r"[\w.]+", one)]
            found.setdefault(name, set()).update(tuple(one.split(".")) for one in texts)

    found: dict[str, set[Keys]] = {}
    for resource in connector.resources:
        keys = {(key,) for key in resource.primary_key}
        found.setdefault(resource.name, set()).update(keys, _read_by_steps(resource))
        read(resource.parent, resource.parent_fields or ())
        for ancestor, fields in resource.ancestor_fields.items():
            read(ancestor, fields or ())
        for binding in (*resource.bindings, *resource.ancestor_bindings):
            read(binding.resource, [binding.text])
    return found


def _read_by_steps(resource: Resource) -> set[Keys]:
    found: set[Keys] = set()
    for step in resource.steps:
        fields = step.argument if isinstance(step.argument, Mapping) else {}
        for one in (step.expression, *fields.values()):
            if isinstance(one, Expression):
                found |= set(one.reads(over_context=True)) - set(one.reads())
    return found


def set_from(resource: Resource, field: str) -> Keys:
    """The field that a step makes another one of; empty where none does."""
    for step in resource.steps:
        made = step.argument.get(field) if isinstance(step.argument, Mapping) else None
        if isinstance(made, Expression):
            return next(iter(made.reads(over_context=True)), ())
    return ()


def read_by_paging(paginator: Mapping[str, Json], root: str) -> Iterator[tuple[Keys, Json]]:
    """What a paginator's expressions read below a root, with a value that leads to a next page."""
    keys = paginator_types()[paginator["type"]].context_expressions if paginator else ()
    texts = [str(paginator[key]) for key in keys if paginator.get(key)]
    counts = any(re.search(r"add\(|to_number\(|[<>]", text) for text in texts)
    for text in texts:
        for path in compile_expression(text).reads(over_context=True):
            if path[0] == root and len(path) > 1:
                yield path[1:], 1 if counts else TOKEN
