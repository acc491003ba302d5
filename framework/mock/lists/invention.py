"""Invented lists: made from the declared schemas as they are requested.

A list is the same for the same seed, in whatever order lists are requested. A child has lists for
the records of its parent only.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Resource
from framework.definition.values.datetimes import (
    TimeError,
    is_time,
    read_time,
    same_format,
    write_time,
)
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.compilation.plan import Plan
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
_KEY = re.compile(r"(?i)(id|uri|url|key|slug|number)$")
"""The end of a field's name that tells one record from others."""
LEAST_EPOCH = 1_000_000_000
"""A number from here on is seconds since 1970; a smaller one counts something."""


@dataclass
class InventedLists:
    """Makes the records of lists that are requested for the first time.

    `elements` are by resource, of those that can be invented; `single` are resources of one object.
    `sharing` are the routes of resources that send the same request, by each of them.
    """

    compiled: CompiledConnector
    seed: int
    rows: int
    now: datetime
    parents: ParentRecords
    elements: Mapping[str, Elements]
    single: frozenset[str]
    sharing: Mapping[str, Sequence[Route]]
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
        if route.step != "list" or not self.fits(route, request):
            return None
        return self.records(route, key, 1 if route.resource in self.single else self.rows)

    def fits(self, route: Route, request: MockRequest) -> bool:
        """Return whether a request has the file's constants, and values of a parent's record."""
        return route.has_constants_of(request) and self.parents.have(route, request)

    def records(self, route: Route, key: ListKey, count: int) -> list[Json]:
        """Return the first records of a list, as the API has them."""
        maker = RecordMaker(int(chance(self.seed, key.digest) * 2**31), self.now)
        records = [self._record(route, maker, number, key) for number in range(count)]
        self._set_cursors(route, records)
        made = [self._element(route, record, n) for n, record in enumerate(records)]
        if route.plan.endpoint.response_format.kind in ("csv", "xml", "text"):
            made = [_as_text(record) for record in made]
        return made

    def _record(self, route: Route, maker: RecordMaker, number: int, key: ListKey) -> Json:
        resource = route.plan.resource
        record: dict[str, Json] = {}
        for one in reversed(self._sharing(route)):
            record |= maker.record(one.plan.resource.schema or _SCHEMALESS)
        for one in self._sharing(route):
            keys, bound = one.plan.resource.primary_key, self._bound.get(one.resource, ())
            for name in dict.fromkeys((*keys, *bound)):
                if name.startswith("_"):
                    continue
                value = get_field(record, name)
                is_key = name in resource.primary_key or (not keys and _KEY.search(name))
                if is_key or value in (ABSENT, None, ""):
                    put_field(record, name, _unique(value, key, number, resource))
            # every other one has children, whatever the condition
            for condition in self._conditions.get(one.resource, ()) if number % 2 == 0 else ():
                with suppress(NoInverse):
                    record = fulfilled(condition.tree, True, record, one.plan.context)
        return record

    def _sharing(self, route: Route) -> Sequence[Route]:
        return self.sharing.get(route.resource) or (route,)

    def _element(self, route: Route, record: Json, number: int) -> Json:
        """Return an element of which processing steps make the record, as far as is known.

        Of several resources that read the list, each has records that pass its own steps.
        """
        every = self._sharing(route)
        turn = number % len(every)
        for one in (*every[turn + 1 :], *every[: turn + 1]):
            needed = {*one.plan.resource.primary_key, *self._bound.get(one.resource, ())}
            element = before_steps(one.plan, record, needed)
            elements = self.elements.get(one.resource)
            if isinstance(element, dict) and elements is not None and elements.records(element):
                record = element
        return record

    def _set_cursors(self, route: Route, records: Sequence[Json]) -> None:
        """Give the records cursors in the incremental's order, an hour apart, up to its end."""
        spec = route.plan.endpoint.incremental
        if spec is None:
            return
        initial = spec.arguments.get("initial_value")
        ordered = list(records)
        if spec.arguments.get("row_order") == "desc":
            ordered.reverse()
        count = len(ordered)
        end = _moment(spec.arguments.get("end_value"))
        newest = self.now if end is None else min(self.now, end)
        for number, record in enumerate(ordered):
            value = get_field(record, spec.cursor_path)
            example = initial if value in (ABSENT, None) else value
            written = same_format(value) if is_time(value) else spec.format or same_format(example)
            form = (*spec.cursor_formats, written)[0]
            moment = newest - timedelta(hours=count - number)
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


def before_steps(plan: Plan, record: Json, needed: Container[str]) -> Json:
    """Return what a resource's processing steps make a record of, as far as can be told.

    Of fields that steps set, those that are `needed` are told.
    """
    element, context = copy.deepcopy(record), without_secrets(plan.context)
    for step in reversed(plan.resource.steps):
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
                for old, new in step.argument.items():
                    value = take_field(element, new)
                    if value is not ABSENT:
                        put_field(element, old, value)
            elif step.kind == "set":
                for name, source in step.argument.items():
                    value = get_field(element, name)
                    if name in needed and isinstance(source, Expression) and value is not ABSENT:
                        with suppress(NoInverse):
                            element = inverse(source.tree, value, element)
    return element


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
