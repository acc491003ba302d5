"""What child resources need of their parent's records: values to bind, fields to copy or read.

Nothing else of a record is kept.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar
from weakref import finalize

from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.definition.expressions.value_functions import truthy
from framework.errors import BindingError, FrameworkError
from framework.extract.compilation.plan import Plan, PlannedBinding
from framework.extract.incremental.state_codec import (
    ONLY_CHANGED,
    fingerprint,
    key_of,
    pack_fingerprints,
    unpack_fingerprints,
)
from framework.extract.page import Record
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
    """What a child's list needs of one parent record.

    `values` fill placeholders, `fields` are copied to the child's records, `context` is what
    expressions read. `ancestor_values` and `ancestor_context` are the same of records further up,
    for the child or its descendants. `fingerprint` is that of the `only_changed` field, if any.
    """

    values: dict[str, Json]
    fields: dict[str, Json] = field(default_factory=dict)
    context: dict[str, Json] = field(default_factory=dict)
    fingerprint: str | None = None
    ancestor_values: Mapping[str, Json] = field(default_factory=dict)
    ancestor_context: Mapping[str, Json] = field(default_factory=dict)


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


def sliced(
    parents: Iterable[ParentValues | None],
    partitions: list[dict[str, Json]],
    plan: Plan,
    *,
    keys: bool,
) -> Iterator[Slice]:
    """Yield a slice for each parent record and partition.

    Raise BindingError if an ancestor's value that the request needs is null.
    """
    for parent in parents:
        if parent is not None:
            _check_ancestors(parent, plan)
        for partition in partitions:
            one = Slice(parent, partition)
            yield keyed(one, plan) if keys else one


def crossed(
    first: Iterable[ParentValues], others: Sequence[tuple[str, Iterable[ParentValues]]]
) -> Iterator[ParentValues]:
    """Yield each combination of the records of independent parents.

    `others` are named; their values are those of ancestors to the first.
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


def name_parent(
    error: FrameworkError, parent: ParentValues, plan: Plan, redactor: Redactor
) -> FrameworkError:
    """Return the error with the bound values of the parent records that its list is for.

    Values that do not look like ids are left out, secrets are masked.
    """
    parents = []
    for line in plan.lines:
        values = parent.values if line is plan else parent.ancestor_values
        bound = {one.binding.text: values.get(one.name) for one in line.bindings}
        known = [f"`{text}` {redactor.redact(redact_key(value))}" for text, value in bound.items()]
        parents += [f"the {line.resource.parent} with {', '.join(known)}"] if known else []
    if not parents:
        return error
    extended = copy(error)
    extended.args = (f"{error}\nIt is for {' and '.join(parents)}.",)
    return extended


def _check_ancestors(parent: ParentValues, plan: Plan) -> None:
    for binding in plan.ancestor_bindings:
        if parent.ancestor_values.get(binding.name) is None:
            raise BindingError(
                f"{plan.resource.name}: takes `{binding.binding.text}` from each record of "
                f"{binding.binding.resource}, but a record has null or nothing there"
            )


T = TypeVar("T")
BATCH = 1000
"""Values that are held as objects at once; the rest is pickled."""
IN_MEMORY = 4 << 20
"""Bytes from which pickled values are on disk."""


class SpilledList(Generic[T]):
    """A list in memory while short, then on disk: append values, iterate as often as needed."""

    def __init__(self) -> None:
        self._last: list[T] = []
        self._batches = 0
        self._file: Any = None

    def add(self, value: T) -> None:
        """Append a value."""
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
        """Return the first `count` values."""
        return list(islice(self, count))


class ChildBindings:
    """What a child needs of its parent's records; its error is its own, not the parent's.

    `skipped` counts the records that its `when` excludes.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._parent = plan.resource.parent or ""
        self._descendant_bindings: list[PlannedBinding] = []
        self._descendant_fields: dict[str, None] | None = {}
        self.values: SpilledList[ParentValues] = SpilledList()
        self.error: BindingError | None = None
        self.skipped = 0

    def add_descendant(self, plan: Plan) -> None:
        """Keep what a resource further down reads of these records, too."""
        own = [one for one in plan.ancestor_bindings if one.binding.resource == self._parent]
        self._descendant_bindings += own
        names = plan.resource.ancestor_fields.get(self._parent, ())
        if names is None or self._descendant_fields is None:
            self._descendant_fields = None
        else:
            self._descendant_fields.update(dict.fromkeys(names))

    def add(self, records: list[Record], above: ParentValues | None) -> None:
        """Keep what the child needs of these records; after an error nothing more.

        `above` are the values that the records' own list was read with.
        """
        if self.error is not None:
            return
        try:
            for record in records:
                values = _parent_values(self._plan, record)
                if values is None:
                    self.skipped += 1
                else:
                    self.values.add(self._with_ancestors(values, record, above))
        except BindingError as error:
            self.error = error

    def _with_ancestors(
        self, values: ParentValues, record: Record, above: ParentValues | None
    ) -> ParentValues:
        """Return the values with those of further ancestors, and those for descendants."""
        names = None if self._descendant_fields is None else tuple(self._descendant_fields)
        bound = {one.name: _value_or_none(one, record) for one in self._descendant_bindings}
        context = _fields_of(record, names)
        if above is None and not bound and not context:
            return values
        above = above or ParentValues({})
        own = {self._parent: context} if context else {}
        return replace(
            values,
            ancestor_values={**above.ancestor_values, **bound},
            ancestor_context={**above.ancestor_context, **own},
        )


def _value_or_none(binding: PlannedBinding, record: Record) -> Json:
    """Return the value for a descendant, which raises the error if it needs one."""
    try:
        return binding.find(record, None)
    except ExpressionError:
        return None


def _parent_values(plan: Plan, record: Record) -> ParentValues | None:
    """Return what the child needs of this record, None if `when` excludes it.

    Raise BindingError if a value to bind is null or missing.
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
        changed = _fingerprint(resource.only_changed, record, context)
    except ExpressionError as error:
        raise BindingError(f"{resource.name}: on a record of {parent}: {error}") from error
    for binding in plan.bindings:
        if values[binding.name] is None:
            raise BindingError(
                f"{resource.name}: takes `{binding.binding.text}` from each record of {parent}, "
                "but a record has null or nothing there. Correct the field, or leave such "
                "records out with `when`."
            )
    fields = {}
    for name in resource.include_from_parent:
        if name not in record:
            raise BindingError(
                f"{resource.name}: include_from_parent wants `{name}`, but a record of {parent} "
                f"has only: {', '.join(record)}"
            )
        fields[f"_{parent}_{name}"] = record[name]
    return ParentValues(values, fields, _fields_of(record, resource.parent_fields), changed)


def _fingerprint(field: Expression | None, record: Record, context: Context | None) -> str | None:
    value = None if field is None else field.search(record, context)
    return None if value is None else fingerprint(value)


def _fields_of(record: Record, names: tuple[str, ...] | None) -> Record:
    """Return these fields of the record, all if `names` is None."""
    if names is None:
        return dict(record)
    return {name: record[name] for name in names if name in record}


class ChangeFilter:
    """Choose the lists whose parent record changed since the last loaded run.

    The state has a fingerprint of one field of the parent by the key of the child's list.
    """

    def __init__(
        self, states: dict[str, Json], field: str, *, moves: bool, asks_all: bool = False
    ) -> None:
        self._key = f"{ONLY_CHANGED}{field}"
        self._states = states
        self._moves = moves
        self._asks_all = asks_all
        self._prints = unpack_fingerprints(states.get(self._key, ""))
        self._new_prints: dict[str, str] = {}

    def chosen(self, slices: Iterable[Slice]) -> list[Slice]:
        """Return the lists to read; one whose parent record lacks the field is always read."""
        return [
            one
            for one in slices
            if self._is_new(one.key, one.parent.fingerprint if one.parent else None)
        ]

    def _is_new(self, key: str, value: str | None) -> bool:
        if value is None:
            return True
        self._new_prints[key] = value
        return self._asks_all or self._prints.get(key) != value

    def end(self, live_keys: set[str] | None) -> None:
        """Write the fingerprints after all lists were read; `live_keys` as in `ResourceCursors`."""
        if not self._moves:
            return
        prints = self._prints
        if live_keys is not None:
            prints = {key: value for key, value in prints.items() if key in live_keys}
        self._states[self._key] = pack_fingerprints({**prints, **self._new_prints})
