"""The lists of a resource: one for each parent record and partition, as far as they are known.

A child's lists are requested while its first parent is read, if nothing has to be known whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from framework.definition.model import Partition, Resource
from framework.errors import BindingError
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.cursor import incremental_states
from framework.extract.incremental.state_codec import (
    ONLY_CHANGED,
    ONLY_NEW,
    fingerprint,
    key_of,
    pack_fingerprints,
    unpack_fingerprints,
)
from framework.extract.lists.parent_child import ParentValues, SpilledList
from framework.extract.lists.partitions import batched, multiplied, united
from framework.extract.monitors.outcome_monitor import OutcomeMonitor
from framework.extract.read_options import ReadOptions
from framework.runtime.context import Context, with_ancestors, with_partition

Json = Any


@dataclass(frozen=True)
class Slice:
    """One list to read, for a parent record (None for a root) and a partition.

    `key` tells it from the resource's other lists in the state.
    """

    parent: ParentValues | None = None
    partition: dict[str, Json] = field(default_factory=dict)
    key: str = ""

    @property
    def values(self) -> dict[str, Json]:
        """The values of placeholders, by their text."""
        return {} if self.parent is None else {**self.parent.ancestor_values, **self.parent.values}

    @property
    def fields(self) -> dict[str, Json]:
        """The parent's fields that are added to each record."""
        return {} if self.parent is None else self.parent.fields

    def context(self, whole: Context, parent: str | None) -> Context:
        """Return the context with the parent record and the partition of this list."""
        if self.parent is not None and parent is not None:
            whole = with_ancestors(whole, self.parent.ancestor_context, parent, self.parent.context)
        return with_partition(whole, self.partition)


class ParentReader(Protocol):
    """A parent, as its children see it. Both methods raise the error that ended it."""

    name: str

    @property
    def has_one_record(self) -> bool:
        """Whether the file says that there is one record."""

    def values_for(self, child: str) -> SpilledList[ParentValues]:
        """Return what each record gives the child, after all are read."""

    def follow(self, child: str) -> Iterator[ParentValues]:
        """Yield what each record gives the child, while they are read."""


class ChangeFilter:
    """Choose the lists whose parent record changed since the last loaded run, or that are new.

    The state has a fingerprint of one field of the parent by the key of the child's list; for
    `only_new`, `field` is None, and all have the same one. `skipped` counts the other lists,
    `knows_none` says that no parent record has the field.
    """

    def __init__(
        self, states: dict[str, Json], field: str | None, *, moves: bool, asks_all: bool = False
    ) -> None:
        self._key = ONLY_NEW if field is None else f"{ONLY_CHANGED}{field}"
        self._states = states
        self._moves = moves
        self._asks_all = asks_all
        self._prints = unpack_fingerprints(states.get(self._key, ""))
        self._new_prints: dict[str, str] = {}
        self.skipped = 0

    @classmethod
    def of(
        cls, resource: Resource, state: dict[str, Json] | None, options: ReadOptions, loads: bool
    ) -> ChangeFilter | None:
        """Return the filter of `only_changed` or `only_new`, None if the resource has neither.

        `state` is as in `incremental_states`. The fingerprints move if the resource is loaded.
        """
        if resource.only_changed is None and not resource.only_new:
            return None
        again = options.again is not None
        states = incremental_states(resource.name, state)
        text = None if resource.only_changed is None else resource.only_changed.text
        return cls(states, text, moves=loads and not again, asks_all=again)

    @property
    def knows_none(self) -> bool:
        """Whether no list had a parent record with the field."""
        return not self._new_prints

    def is_new(self, one: Slice) -> bool:
        """Return whether to read this list; one whose parent record lacks the field is read."""
        value = one.parent.fingerprint if one.parent else None
        if self._key == ONLY_NEW:
            value = fingerprint(True)
        if value is None:
            return True
        self._new_prints[one.key] = value
        if self._asks_all or self._prints.get(one.key) != value:
            return True
        self.skipped += 1
        return False

    def end(self, live_keys: set[str] | None) -> None:
        """Write the fingerprints after all lists were read; `live_keys` as in `ResourceCursors`."""
        if not self._moves:
            return
        prints = self._prints
        if live_keys is not None and self._key != ONLY_NEW:
            prints = {key: value for key, value in prints.items() if key in live_keys}
        self._states[self._key] = pack_fingerprints({**prints, **self._new_prints})


class ResourceSlices:
    """The lists of one resource, counted as they are iterated.

    `count` is the number of lists to read, `parents` that of parent records. `keys` are those of
    all lists, also of the ones that `only_changed` leaves out.
    """

    def __init__(
        self,
        plan: Plan,
        parents: Sequence[ParentReader],
        options: ReadOptions,
        outcome: OutcomeMonitor,
    ) -> None:
        self._plan = plan
        self._parents = parents
        self._options = options
        self._outcome = outcome
        self.count = 0
        self.parents = 0
        self.keys: set[str] = set()

    @property
    def has_one(self) -> bool:
        """Whether the file says that each run reads one list."""
        if self._plan.resource.partitions:
            return False
        return all(parent.has_one_record for parent in self._parents)

    @property
    def follows_parent(self) -> bool:
        """Whether lists are requested while the first parent is read.

        Not in a sample or under a limit, which are about the first lists. Not if batches are made
        of the parent's values. Not if there is one parent record, or nobody reads the parent
        meanwhile: dlt's own loop, or one request at a time.
        """
        options = self._options
        return (
            bool(self._parents)
            and self._plan.problem is None
            and bool(options.in_threads)
            and options.sample is None
            and options.limit is None
            and not self.has_one
            and not (self._batches_of(self._plan) or self._sources_of(self._plan))
        )

    def read(self, changed: ChangeFilter | None, *, has_keys: bool) -> Iterator[Slice]:
        """Yield the lists to read, with their keys if wanted.

        Raise BindingError if an ancestor's value that a request needs is null.
        """
        some, has_keys = False, has_keys or changed is not None
        for one in self._all():
            some = True
            if has_keys:
                one = keyed(one, self._plan)
                self.keys.add(one.key)
            if changed is None or changed.is_new(one):
                self.count += 1
                yield one
        if changed is not None and some and changed.knows_none:
            self._outcome.on_unknown_changes()

    def _all(self) -> Iterator[Slice]:
        plan, sample = self._plan, self._options.sample
        partitions, empty = multiplied(
            plan.resource.partitions, self._options.environment, plan.resource.name
        )
        lines: list[tuple[str, Iterable[ParentValues]]] = []
        found: dict[str, list[Json]] = {}
        for parent, line in zip(self._parents, plan.lines, strict=False):
            batches, sources = self._batches_of(line), self._sources_of(line)
            if line is plan and self.follows_parent:
                lines.append((parent.name, self._followed(parent)))
                continue
            values = parent.values_for(plan.resource.name)
            most = sample.lists if sample else None
            known: Collection[ParentValues] = values if most is None else values.first(most)
            self.parents += len(known)
            if not batches and not sources:
                lines.append((parent.name, known))
            for source in sources:
                found[source] = [one.values[source] for one in known]
            for one in batches:
                bound = (values.values[_placeholder(one)] for values in known)
                partitions = [{**g, **rest} for g in batched(one, bound) for rest in partitions]
        for one in plan.resource.partitions:
            if one.kind == "union":
                united_values = list(batched(one, united(one, found, plan.resource.name)))
                empty += [] if united_values else [one.name]
                partitions = [{**value, **rest} for value in united_values for rest in partitions]
        for name in empty:
            self._outcome.on_empty_partition(name)
        parents: Iterable[ParentValues | None] = [None]
        if lines:
            (_, first), *others = lines
            parents = crossed(first, others)
        partitions = list(islice(partitions, sample.lists)) if sample else partitions
        for record in parents:
            if record is not None:
                _check_ancestors(record, plan)
            for partition in partitions:
                yield Slice(record, partition)

    def _followed(self, parent: ParentReader) -> Iterator[ParentValues]:
        for values in parent.follow(self._plan.resource.name):
            self.parents += 1
            yield values

    def _batches_of(self, line: Plan) -> list[Partition]:
        """Return the partitions that are made of this parent's values."""
        every = (one for one in self._plan.resource.partitions if one.kind == "resource")
        return [one for one in every if _placeholder(one) in line.bound_names]

    def _sources_of(self, line: Plan) -> list[str]:
        """Return the bindings by which unions take values of this parent."""
        names = [_placeholder(one) for one in self._plan.resource.partitions if one.kind == "union"]
        return [
            bound for bound in line.bound_names if any(bound.startswith(f"{one}.") for one in names)
        ]


def keyed(one: Slice, plan: Plan) -> Slice:
    """Return the slice with its key, a hash of all that its requests are made of.

    The only list of a root has none.
    """
    parent = one.parent
    if parent is None and not one.partition:
        return one
    # the names are part of stored states: they never change
    parts: dict[str, Json] = {"partition": one.partition}
    if parent is not None:
        above = {b.name: parent.ancestor_values.get(b.name) for b in plan.ancestor_bindings}
        ancestors = plan.resource.ancestor_fields
        parts |= {
            "values": parent.values,
            "kept": parent.context,
            "above": above,
            "kept_above": {name: parent.ancestor_context.get(name) for name in ancestors},
        }
    return replace(one, key=key_of(parts))


def crossed(
    first: Iterable[ParentValues], others: Sequence[tuple[str, Iterable[ParentValues]]]
) -> Iterator[ParentValues]:
    """Yield each combination of the records of independent parents.

    `others` are named; their values are those of ancestors to the first. They are iterated again
    for each record before them, so only `first` may be an iterator.
    """
    if not others:
        yield from first
        return
    *before, (name, last) = others
    for values in crossed(first, before):
        for one in last:
            own = {name: one.context} if one.context else {}
            yield replace(
                values,
                fields={**values.fields, **one.fields},
                ancestor_values={**values.ancestor_values, **one.ancestor_values, **one.values},
                ancestor_context={**values.ancestor_context, **one.ancestor_context, **own},
            )


def _check_ancestors(parent: ParentValues, plan: Plan) -> None:
    for binding in plan.ancestor_bindings:
        if parent.ancestor_values.get(binding.name) is None:
            raise BindingError(
                f"{plan.resource.name}: takes `{binding.binding.text}` from each record of "
                f"{binding.binding.resource}, but a record has null or nothing there"
            )


def _placeholder(partition: Partition) -> str:
    return f"partition.{partition.name}"
