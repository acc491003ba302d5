"""Invented lists: made from the declared schemas as they are requested.

A list is the same for the same seed, in whatever order lists are requested. A child has lists for
the records of its parent only.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Resource
from framework.definition.values.datetimes import TimeError, read_time, same_format, write_time
from framework.extract.compilation.compiler import CompiledConnector
from framework.mock.faults import chance
from framework.mock.lists.new_parents import ParentRecords
from framework.mock.lists.record_maker import RecordMaker
from framework.mock.lists.world import ListKey
from framework.mock.mock_message import MockRequest
from framework.mock.pages.elements import Elements
from framework.mock.pages.inverse import NoInverse, fulfilled, inverse
from framework.mock.pages.routes import Route
from framework.runtime.context import without_secrets
from framework.runtime.field_paths import ABSENT, get_field, put_field, take_field
from framework.runtime.templates import text_of

Json = Any
LEAST_EPOCH = 1_000_000_000
"""A number from here on is seconds since 1970; a smaller one counts something."""


@dataclass
class InventedLists:
    """Makes the records of lists that are requested for the first time.

    `elements` are by resource, of those that can be invented; `single` are resources of one object.
    """

    compiled: CompiledConnector
    seed: int
    rows: int
    now: datetime
    parents: ParentRecords
    elements: Mapping[str, Elements]
    single: frozenset[str]
    _bound: dict[str, set[str]] = field(default_factory=dict)
    _conditions: dict[str, list[Expression]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find which fields of parents their children need, and on what conditions."""
        for plan in self.compiled.plans.values():
            for line in plan.lines:
                bindings = (*line.bindings, *line.ancestor_bindings)
                for one in bindings:
                    fields = self._bound.setdefault(one.binding.resource, set())
                    if isinstance(one.selector, Expression):
                        paths = (path for path in one.selector.reads(over_context=True) if path)
                        fields.update(".".join(map(str, path)) for path in paths)
                if isinstance(plan.resource.when, Expression):
                    for parent in dict.fromkeys(one.binding.resource for one in line.bindings):
                        self._conditions.setdefault(parent, []).append(plan.resource.when)

    def __call__(self, route: Route, key: ListKey, request: MockRequest) -> Sequence[Json] | None:
        """Return the records of a list, None if its parent has no such record: an `Invent`."""
        if route.step != "list" or not self.parents.have(route, request):
            return None
        return self.records(route, key, 1 if route.resource in self.single else self.rows)

    def records(self, route: Route, key: ListKey, count: int) -> list[Json]:
        """Return the first records of a list, as the API has them."""
        maker = RecordMaker(int(chance(self.seed, key.digest) * 2**31), self.now)
        records = [self._record(route, maker, number, key) for number in range(count)]
        self._set_cursors(route, records)
        made = [self._before_steps(route, record) for record in records]
        if route.plan.endpoint.response_format.kind in ("csv", "xml", "text"):
            made = [_as_text(record) for record in made]
        return made

    def _record(self, route: Route, maker: RecordMaker, number: int, key: ListKey) -> Json:
        resource = route.plan.resource
        record = maker.record(resource.schema or _SCHEMALESS)
        needed = [*resource.primary_key, *self._bound.get(route.resource, ())]
        for name in dict.fromkeys(needed):
            if name.startswith("_"):
                continue
            value = get_field(record, name)
            if name in resource.primary_key or value in (ABSENT, None, ""):
                put_field(record, name, _unique(value, key, number, resource))
        # every other one has children, whatever the condition
        for condition in self._conditions.get(route.resource, ()) if number % 2 == 0 else ():
            with suppress(NoInverse):
                record = fulfilled(condition.tree, True, record, route.plan.context)
        return record

    def _before_steps(self, route: Route, record: Json) -> Json:
        """Return an element of which the processing steps make the record, as far as is known."""
        element, context = copy.deepcopy(record), without_secrets(route.plan.context)
        for step in reversed(route.plan.resource.steps):
            with suppress(NoInverse):
                if step.kind == "filter" and step.expression is not None:
                    element = fulfilled(step.expression.tree, True, element, context)
                elif step.kind in ("map", "yield_map") and step.expression is not None:
                    made = [element] if step.kind == "yield_map" else element
                    element = inverse(step.expression.tree, made)
                elif step.kind == "explode":
                    value = get_field(element, step.argument[0])
                    put_field(element, step.argument[0], [{} if value is ABSENT else value])
                elif step.kind == "rename":
                    for new, old in step.argument.items():
                        value = take_field(element, new)
                        if value is not ABSENT:
                            put_field(element, old, value)
        elements = self.elements[route.resource]
        for one in (element, record):
            if isinstance(one, dict) and elements.records(one):
                return one
        return record

    def _set_cursors(self, route: Route, records: Sequence[Json]) -> None:
        """Give the records cursors in the incremental's order, an hour apart, up to now."""
        spec = route.plan.endpoint.incremental
        if spec is None:
            return
        initial = spec.arguments.get("initial_value")
        ordered = list(records)
        if spec.arguments.get("row_order") == "desc":
            ordered.reverse()
        count = len(ordered)
        for number, record in enumerate(ordered):
            value = get_field(record, spec.cursor_path)
            example = initial if value in (ABSENT, None) else value
            form = (spec.cursor_formats or (spec.format or same_format(example),))[0]
            moment = self.now - timedelta(hours=count - number)
            is_number = isinstance(initial, int) and isinstance(example, int) and not spec.timed
            if isinstance(initial, int) and is_number and initial < LEAST_EPOCH:
                put_field(record, spec.cursor_path, initial + number + 1)
            else:
                first = _moment(initial)
                moment = moment if first is None else max(moment, first)
                put_field(record, spec.cursor_path, write_time(moment, form))


_SCHEMALESS: Mapping[str, Json] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
}
"""What records hold whose resource declares no schema."""


def _unique(value: Json, key: ListKey, number: int, resource: Resource) -> Json:
    base = int(key.digest, 16) % 1_000_000
    if isinstance(value, bool) or value in (ABSENT, None, ""):
        properties = (resource.schema or {}).get("properties") or {}
        return f"{resource.name}-{key.digest}-{number + 1}" if properties else number + 1
    if isinstance(value, (int, float)):
        return base * 1000 + number + 1 if resource.parent else number + 1
    text = str(value)
    if re.fullmatch(r"[0-9a-f-]{36}", text):
        return text
    return (
        text
        if "://" in text and re.search(r"[0-9a-f-]{36}$", text)
        else f"{text}-{key.digest}{number}"
    )


def _as_text(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return a record of plain texts, as CSV and XML have them."""
    plain = {name: value for name, value in record.items() if not isinstance(value, (dict, list))}
    return {name: "-" if value is None else text_of(value) for name, value in plain.items()}


def _moment(value: Json) -> datetime | None:
    try:
        return read_time(value, (same_format(value), "iso"))[0]
    except TimeError:
        return None
