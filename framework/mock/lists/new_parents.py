"""Children of records that appear in a world: what a request says of its parent's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.extract.compilation.plan import PlannedBinding
from framework.mock.lists.world import ListKey, World
from framework.mock.mock_message import MockRequest
from framework.mock.pages.elements import Elements
from framework.mock.pages.routes import Route
from framework.runtime.templates import text_of

Json = Any
_UNKNOWN = "\0"
"""In place of a value that a record does not give."""


@dataclass
class ParentRecords:
    """Tells whether a request for a list of children is one of a record in the world.

    `elements` are by resource. With `only_added`, records count that were inserted later; else all,
    and a parent that was not requested yet may have any.
    """

    world: World
    elements: Mapping[str, Elements]
    only_added: bool = False
    _values: dict[tuple[str, str], tuple[int, set[str]]] = field(default_factory=dict)

    def have(self, route: Route, request: MockRequest) -> bool:
        """Return whether the request has all values of a parent's record that its file sends.

        Values of several records at once, as partitions send them, are not looked at.
        """
        every = (*route.plan.bindings, *route.plan.ancestor_bindings)
        bound = {one.name: one for one in every if one.name in route.expressions}
        missing = {name for name in bound if not name.startswith("partition.")}
        for _, text, expression in route.values(request, "list"):
            one = bound.get(expression or "")
            if one is None or one.name.startswith("partition."):
                continue
            missing.discard(one.name)
            parent = one.binding.resource
            is_open = not self.only_added and not self.world.lists(parent)
            if parent in self.elements and not is_open and not self._is_value(one, text):
                return False
        return not missing and (bool(bound) or not self.only_added)

    def _is_value(self, one: PlannedBinding, text: str) -> bool:
        """Return whether a record of the parent gives a binding this value.

        It may be any if a record gives none: steps of the parent read what only a run knows.
        """
        values = self._values_of(one)
        return text in values or (not self.only_added and _UNKNOWN in values)

    def _values_of(self, one: PlannedBinding) -> set[str]:
        """Return what the records of the parent give for a binding."""
        parent = one.binding.resource
        version = self.world.version_of(parent)
        known = self._values.get((parent, one.name))
        if known is not None and known[0] == version:
            return known[1]
        values: set[str] = set()
        every = self.world.added(parent) if self.only_added else self.world.every(parent)
        for data in every:
            for record in self.elements[parent].records(data) or ({},):
                value = None
                with suppress(ExpressionError, TypeError, AttributeError):
                    value = one.find(record, None)
                values.add(_UNKNOWN if value is None else text_of(value))
        self._values[parent, one.name] = version, values
        return values


@dataclass(frozen=True)
class NewParents:
    """Gives each record that was inserted into the world empty lists of children: an `Invent`."""

    parents: ParentRecords

    def __call__(self, route: Route, key: ListKey, request: MockRequest) -> Sequence[Json] | None:  # noqa: ARG002
        """Return no records for a list of an inserted parent, None for another list."""
        return [] if self.parents.have(route, request) else None
