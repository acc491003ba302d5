"""What a child takes from the records of its parent as they pass.

Values to bind, fields to copy, what its expressions read: all else of a record is let go.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar
from weakref import finalize

from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.definition.expressions.value_functions import truthy
from framework.errors import BindingError, FrameworkError
from framework.extract.incremental.state_codec import (
    ONLY_CHANGED,
    fingerprint,
    key_of,
    pack_fingerprints,
    unpack_fingerprints,
)
from framework.extract.page import Record
from framework.extract.plan import Plan, PlannedBinding
from framework.runtime.context import (
    Context,
    with_ancestors,
    with_parent,
    with_partition,
    without_secrets,
)
from framework.runtime.redaction import Redactor, redact_key

Json = Any


@dataclass(frozen=True)
class ParentValues:
    """What one record of the parent gives a child: values by placeholder, fields to copy, and
    those that the child's expressions read (`kept`).

    `changed` is the fingerprint of the field of `only_changed`, None where the record has none.
    `above` are values of further ancestors by placeholder, `kept_above` what is kept of their
    records: for the child, or for what is below it.
    """

    values: dict[str, Json]
    include: dict[str, Json] = field(default_factory=dict)
    kept: dict[str, Json] = field(default_factory=dict)
    changed: str | None = None
    above: Mapping[str, Json] = field(default_factory=dict)
    kept_above: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Slice:
    """One list to ask for, `bound` to a record of the parent, or None for a root. `key` tells it
    from the resource's others in the state."""

    bound: ParentValues | None = None
    partition: dict[str, Json] = field(default_factory=dict)
    key: str = ""

    @property
    def values(self) -> dict[str, Json]:
        """The values of placeholders by their text."""
        return {} if self.bound is None else {**self.bound.above, **self.bound.values}

    @property
    def include(self) -> dict[str, Json]:
        """Fields to add to each record."""
        return {} if self.bound is None else self.bound.include

    def context(self, whole: Context, parent: str | None) -> Context:
        """The context with what the list is asked for."""
        if self.bound is not None and parent is not None:
            whole = with_ancestors(whole, self.bound.kept_above, parent, self.bound.kept)
        return with_partition(whole, self.partition)


def keyed(one: Slice, plan: Plan) -> Slice:
    """The slice with its key: a hash of all that its requests are made of; none of the one list
    of a root."""
    if one.bound is None and not one.partition:
        return one
    asked: dict[str, Json] = {"partition": one.partition}
    if one.bound is not None:
        above = {binding.name: one.bound.above.get(binding.name) for binding in plan.above}
        kept = {name: one.bound.kept_above.get(name) for name in plan.resource.keeps_above}
        asked |= {
            "values": one.bound.values,
            "kept": one.bound.kept,
            "above": above,
            "kept_above": kept,
        }
    return replace(one, key=key_of(asked))


def sliced(
    bounds: Iterable[ParentValues | None],
    partitions: list[dict[str, Json]],
    plan: Plan,
    *,
    keys: bool,
) -> Iterator[Slice]:
    """A slice for each bound and each partition. BindingError where an ancestor's value that the
    request needs is null."""
    for bound in bounds:
        if bound is not None:
            _refuse_nothing(bound, plan)
        for partition in partitions:
            one = Slice(bound, partition)
            yield keyed(one, plan) if keys else one


def named(
    error: FrameworkError, bound: ParentValues, plan: Plan, redactor: Redactor
) -> FrameworkError:
    """The error of a list with the parent's record that it was asked for: what was bound of it,
    where it looks like an id and is no secret."""
    values = {binding.binding.text: bound.values.get(binding.name) for binding in plan.bindings}
    known = [f"`{text}` {redactor.redact(redact_key(value))}" for text, value in values.items()]
    if not known:
        return error
    made = copy(error)
    made.args = (f"{error}\nIt is for the {plan.resource.parent} with {', '.join(known)}.",)
    return made


def _refuse_nothing(bound: ParentValues, plan: Plan) -> None:
    for binding in plan.above:
        if bound.above.get(binding.name) is None:
            raise BindingError(
                f"{plan.resource.name}: takes `{binding.binding.text}` from each record of "
                f"{binding.binding.resource}, but a record has null or nothing there"
            )


T = TypeVar("T")
BATCH = 1000
"""So many are objects at once; the rest is bytes."""
IN_MEMORY = 4 << 20
"""Bytes from which they are on disk."""


class SpilledList(Generic[T]):
    """Add values, then go through them, in their order and as often as needed, one at a time."""

    def __init__(self) -> None:
        self._last: list[T] = []
        self._batches = 0
        self._file: Any = None

    def add(self, value: T) -> None:
        """Keep this after those that were added before."""
        self._last.append(value)
        if len(self._last) == BATCH:
            if self._file is None:
                self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
                finalize(self, self._file.close)
            pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
            self._batches += 1
            self._last = []

    def __len__(self) -> int:
        return self._batches * BATCH + len(self._last)

    def __iter__(self) -> Iterator[T]:
        place = 0
        for _ in range(self._batches):
            self._file.seek(place)
            batch: list[T] = pickle.load(self._file)
            place = self._file.tell()
            yield from batch
        yield from self._last

    def __contains__(self, value: object) -> bool:
        return any(one == value for one in self)

    def first(self, count: int) -> list[T]:
        """So many of them, or all."""
        return list(islice(self, count))


class ChildBindings:
    """What a child takes from the records as they pass; its error is its own, not the parent's.
    `left_out` are those for which its `when` says no request."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._carried: list[PlannedBinding] = []
        self._kept: dict[str, None] | None = {}
        self.bounds: SpilledList[ParentValues] = SpilledList()
        self.error: BindingError | None = None
        self.left_out = 0

    def carry(self, below: Plan) -> None:
        """Take along what a resource further down reads of these records."""
        parent = self._plan.resource.parent or ""
        self._carried += [one for one in below.above if one.binding.resource == parent]
        names = below.resource.keeps_above.get(parent, ())
        if names is None or self._kept is None:
            self._kept = None
        else:
            self._kept.update(dict.fromkeys(names))

    def take(self, records: list[Record], above: ParentValues | None) -> None:
        """Keep what these records give; after an error nothing more. `above` is what they were
        asked for with."""
        if self.error is not None:
            return
        try:
            for record in records:
                bound = _bind(self._plan, record)
                if bound is None:
                    self.left_out += 1
                else:
                    self.bounds.add(self._with_above(bound, record, above))
        except BindingError as error:
            self.error = error

    def _with_above(
        self, bound: ParentValues, record: Record, above: ParentValues | None
    ) -> ParentValues:
        """With what further ancestors give, and what these records give to those further down."""
        carried = {one.name: _found(one, record) for one in self._carried}
        kept = _kept(None if self._kept is None else tuple(self._kept), record)
        parent = self._plan.resource.parent or ""
        if above is None and not carried and not kept:
            return bound
        known = above or ParentValues({})
        return replace(
            bound,
            above={**known.above, **carried},
            kept_above={**known.kept_above, **({parent: kept} if kept else {})},
        )


def _found(binding: PlannedBinding, record: Record) -> Json:
    """The value for a resource further down, which says it where there is none."""
    try:
        return binding.find(record, None)
    except ExpressionError:
        return None


def _bind(plan: Plan, record: Record) -> ParentValues | None:
    """What this record gives the child, None where `when` says no request.

    BindingError where a value to bind is null or missing.
    """
    resource = plan.resource
    parent = resource.parent
    context = None
    if plan.binds_in_context:
        context = with_parent(without_secrets(plan.context), parent, record)
    try:
        if resource.when is not None and not truthy(resource.when.search(record, context)):
            return None
        values = {binding.name: binding.find(record, context) for binding in plan.bindings}
        seen = _fingerprint(resource.only_changed, record, context)
    except ExpressionError as error:
        raise BindingError(f"{resource.name}: on a record of {parent}: {error}") from error
    for binding in plan.bindings:
        if values[binding.name] is None:
            raise BindingError(
                f"{resource.name}: takes `{binding.binding.text}` from each record of {parent}, "
                "but a record has null or nothing there. Correct the field, or leave such "
                "records out with `when`."
            )
    include = {}
    for name in resource.include_from_parent:
        if name not in record:
            raise BindingError(
                f"{resource.name}: include_from_parent wants `{name}`, but a record of {parent} "
                f"has only: {', '.join(record)}"
            )
        include[f"_{parent}_{name}"] = record[name]
    return ParentValues(values, include, _kept(resource.keeps, record), seen)


def _fingerprint(field: Expression | None, record: Record, context: Context | None) -> str | None:
    value = None if field is None else field.search(record, context)
    return None if value is None else fingerprint(value)


def _kept(names: tuple[str, ...] | None, record: Record) -> Record:
    """What the child's expressions read of the record: some fields, or all where None says so."""
    return (
        dict(record) if names is None else {name: record[name] for name in names if name in record}
    )


class ChangeFilter:
    """What the last loaded run saw of one field of the parent, by the key of the child's list."""

    def __init__(
        self, held: dict[str, Json], field: str, *, moves: bool, asks_all: bool = False
    ) -> None:
        self._place = f"{ONLY_CHANGED}{field}"
        self._held = held
        self._moves = moves
        self._asks_all = asks_all
        self._before = unpack_fingerprints(held.get(self._place, ""))
        self._now: dict[str, str] = {}

    def chosen(self, slices: Iterable[Slice]) -> list[Slice]:
        """The lists to ask for; one whose parent lacks the field always is."""
        return [
            one for one in slices if self._is_new(one.key, one.bound.changed if one.bound else None)
        ]

    def _is_new(self, key: str, seen: str | None) -> bool:
        if seen is None:
            return True
        self._now[key] = seen
        return self._asks_all or self._before.get(key) != seen

    def end(self, kept: set[str] | None) -> None:
        """All lists were read; `kept` as in `Cursors.end`."""
        if not self._moves:
            return
        before = self._before
        if kept is not None:
            before = {key: seen for key, seen in before.items() if key in kept}
        self._held[self._place] = pack_fingerprints({**before, **self._now})
