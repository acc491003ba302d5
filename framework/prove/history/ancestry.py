"""The parents of a played list: the record above it, and a newer one beside that."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from framework.definition.values.datetimes import same_format, write_time
from framework.mock.lists.world import World
from framework.prove.history.api_traits import Nature, nature_of
from framework.prove.history.histories import ChangeKind, History
from framework.prove.history.record_fields import Leaf, leaves, put_leaf
from framework.prove.history.sampled_resource import SampledResource
from framework.runtime.field_paths import field_at
from framework.runtime.templates import text_of

Json = Any
_COUNT = re.compile(r"(?i)count|number|total|size|(^|_)num(_|$)")
"""Names of fields that count records."""


@dataclass(frozen=True)
class ParentCursor:
    """The cursor of the parent's record at the first run, and that of a newer record, if any."""

    resource: str
    cursor: str
    moment: datetime
    value: Json
    newer: Json | None


class Ancestry:
    """The records above a played list, one of each parent; `sampled` are the parents.

    A parent that is read by a range may have a newer record too, whose lists are empty: then the
    record above the list is not the one that each run reads again.
    """

    def __init__(
        self, world: World, sampled: Sequence[SampledResource], target: SampledResource
    ) -> None:
        self.sampled = tuple(sampled)
        self.first: tuple[ParentCursor, ...] = ()
        self._world = world
        self._target = target
        self._records: dict[str, Json] = {}
        self._newer: dict[str, Json] = {}
        self._others = {
            one.resource.name: _other(one, [*self.sampled, target])
            for one in self.sampled
            if one.is_ranged and not one.is_single
        }

    @property
    def may_be_older(self) -> bool:
        """Whether a parent can have a newer record than that above the list."""
        return bool(self._others)

    def begin(self, history: History, zero: datetime) -> None:
        """Put the records of the first run into the world."""
        self._records = {one.resource.name: copy.deepcopy(one.template) for one in self.sampled}
        self._newer = copy.deepcopy(self._others) if history.has_newer_parent else {}
        first = []
        for one in self.sampled:
            name, moment = one.resource.name, zero - history.parent_age
            newer, written = self._newer.get(name), (one.fields.cursor, one.fields.filtered)
            if newer is not None and one.form is not None:
                _write(one, newer, zero, written)
                moment -= 2 * one.form.unit
            _write(one, self._records[name], moment, written)
            self._put(one)
            leaf = one.fields.filtered or one.fields.cursor
            if one.is_ranged and leaf is not None:
                value = field_at(self._records[name], leaf)
                other = None if newer is None else field_at(newer, leaf)
                first.append(ParentCursor(name, ".".join(leaf), moment, value, other))
        self.first = tuple(first)

    def touch(self, change: ChangeKind, at: datetime, natures: Iterable[Nature]) -> None:
        """Move the cursors of parents: an API counts a change of children as one of theirs.

        `natures` are those of the cursors of `sampled`.
        """
        for one, nature in zip(self.sampled, natures, strict=True):
            self._move_changed(one, change, at)
            filtered = one.fields.filtered
            moved = [one.fields.cursor] if nature == "modified" else []
            if filtered is not None and nature_of(filtered[-1]) == "modified":
                moved.append(filtered)
            _write(one, self._records[one.resource.name], at, moved)
            self._put(one)

    def new_list(self, resource: str) -> list[Json] | None:
        """Return the list that a newer record has of a resource; None if it is not below one."""
        line = [*self.sampled, self._target]
        for number, one in enumerate(line):
            if one.resource.name == resource:
                if not any(above.resource.name in self._newer for above in line[:number]):
                    return None
                return [one.fields.new(one.template, len(line))] if one.is_single else []
        return None

    def _put(self, one: SampledResource) -> None:
        name = one.resource.name
        listed = [self._records[name], *filter(None, [self._newer.get(name)])]
        if one.traits.order == "desc":
            listed.sort(key=lambda raw: _moment(one, raw), reverse=True)
        elif one.traits.order == "asc":
            listed.sort(key=lambda raw: _moment(one, raw))
        self._world.put(one.key, [copy.deepcopy(raw) for raw in listed])

    def _move_changed(self, one: SampledResource, change: ChangeKind, at: datetime) -> None:
        """Move the parent's field that `only_changed` compares, if it is one that the change moves.

        A time of a change moves with each, a number of records if it counts them. Without
        `only_changed` it is the field that a proposed one would compare.
        """
        changed = self._target.resource.only_changed
        path = one.fields.updated if changed is None else changed.text
        if path is None or one.resource.name != self._target.resource.parent:
            return
        raw, leaf = self._records[one.resource.name], tuple(path.split("."))
        value = field_at(raw, leaf)
        if nature_of(leaf[-1]) == "modified":
            is_number = isinstance(value, int)
            put_leaf(raw, leaf, value + 1 if is_number else write_time(at, same_format(value)))
        elif isinstance(value, int) and _COUNT.search(leaf[-1]) and change != "edit":
            put_leaf(raw, leaf, value + (1 if change == "insert" else -1))


def _other(one: SampledResource, line: Sequence[SampledResource]) -> Json:
    """Return another record of a parent; the requests of its lists differ too.

    `line` are the resources whose requests may have values of the parent's record.
    """
    sent = set()
    for record in one.elements.records(one.template)[:1]:
        for below in line:
            plan = below.route.plan
            for bound in (*plan.bindings, *plan.ancestor_bindings):
                if bound.binding.resource == one.resource.name:
                    sent.add(text_of(bound.find(record, None)))
    also = [leaf for leaf, value in leaves(one.template) if value and text_of(value) in sent]
    return one.fields.new(one.template, 0, also)


def _write(
    one: SampledResource, raw: Json, moment: datetime, written: Iterable[Leaf | None]
) -> None:
    """Set those of a record's leaves that are known to a moment, as the API writes its cursor."""
    for leaf in filter(None, written):
        if one.form is not None:
            put_leaf(raw, leaf, one.form.write(moment))


def _moment(one: SampledResource, raw: Json) -> datetime:
    assert one.form is not None
    assert one.fields.cursor is not None
    moment = one.form.read(field_at(raw, one.fields.cursor))
    assert moment is not None
    return moment
