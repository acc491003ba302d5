"""What child resources need of their parent's records: values to bind, fields to copy or read.

Nothing else of a record is kept.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from io import SEEK_END
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar
from weakref import finalize

from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.definition.expressions.value_functions import truthy
from framework.errors import BindingError, FrameworkError
from framework.extract.compilation.plan import Plan, PlannedBinding
from framework.extract.incremental.state_codec import fingerprint
from framework.extract.page import Record
from framework.extract.records.projection import paths_of
from framework.runtime.context import (
    Context,
    with_parent,
    without_secrets,
)
from framework.runtime.environment import StopSignal
from framework.runtime.redaction import Redactor, redact_key

Json = Any
Whole = Callable[[Record], Record]
"""Returns the complete record of one that has some fields only."""


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


T = TypeVar("T")
BATCH = 1000
"""Values that are held as objects at once; the rest is pickled."""
IN_MEMORY = 4 << 20
"""Bytes from which pickled values are on disk."""


class SpilledList(Generic[T]):
    """A list in memory while short, then on disk: append values, iterate as often as needed.

    Thread-safe: one thread may append while others iterate.
    """

    def __init__(self) -> None:
        self._last: list[T] = []
        self._places: list[int] = []
        self._file: Any = None
        self._lock = threading.Lock()

    def add(self, value: T) -> None:
        """Append a value."""
        with self._lock:
            self._last.append(value)
            if len(self._last) == BATCH:
                if self._file is None:
                    self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
                    finalize(self, self._file.close)
                self._places.append(self._file.seek(0, SEEK_END))
                pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
                self._last = []

    def __len__(self) -> int:
        with self._lock:
            return len(self._places) * BATCH + len(self._last)

    def __iter__(self) -> Iterator[T]:
        return self.follow(lambda _: False)

    def follow(self, has_more: Callable[[int], bool]) -> Iterator[T]:
        """Yield all values, also those that are added meanwhile.

        `has_more` is called with how many were yielded if there are no others. It waits for more,
        and returns False at the end.
        """
        count = 0
        while True:
            values = self._after(count)
            yield from values
            count += len(values)
            if not values and not has_more(count):
                return

    def _after(self, count: int) -> list[T]:
        """Return values after the first `count`: the rest of their batch."""
        batch, begin = divmod(count, BATCH)
        with self._lock:
            if batch == len(self._places):
                return self._last[begin:]
            self._file.seek(self._places[batch])
            values: list[T] = pickle.load(self._file)
        return values[begin:]

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
        self._known: set[bytes] | None = None

    def add_descendant(self, plan: Plan) -> None:
        """Keep what a resource further down reads of these records, too."""
        own = [one for one in plan.ancestor_bindings if one.binding.resource == self._parent]
        self._descendant_bindings += own
        names = plan.resource.ancestor_fields.get(self._parent, ())
        if names is None or self._descendant_fields is None:
            self._descendant_fields = None
        else:
            self._descendant_fields.update(dict.fromkeys(names))

    @property
    def name(self) -> str:
        """The child's name."""
        return self._plan.resource.name

    @property
    def reads(self) -> set[Path] | None:
        """The fields of a record that `add` reads, None for whole records."""
        plan, resource = self._plan, self._plan.resource
        copied = [resource.include_from_parent, resource.parent_fields, self._descendant_fields]
        if plan.binds_in_context or any(names is None for names in copied):
            return None
        bindings = (*plan.bindings, *self._descendant_bindings)
        selectors = (binding.selector for binding in bindings)
        paths = paths_of((*selectors, resource.when, resource.only_changed))
        if paths is not None:
            paths.update((name,) for names in copied for name in names or ())
        return paths

    def add(
        self,
        records: list[Record],
        above: ParentValues | None,
        whole: Whole,
    ) -> None:
        """Keep what the child needs of these records; after an error nothing more.

        `above` are the values that the records' own list was read with. If records have only the
        fields that this reads, `whole` returns the complete one.
        """
        if self.error is not None:
            return
        try:
            for record in records:
                if any(name not in record for name in self._plan.resource.include_from_parent):
                    record = whole(record)  # the error names all that it has
                values = _parent_values(self._plan, record)
                if values is None:
                    self.skipped += 1
                else:
                    self._add(self._with_ancestors(values, record, above))
        except BindingError as error:
            self.error = error

    def add_once(self) -> None:
        """Leave out from now on what is the same for the child as an earlier record."""
        if self._known is None:
            self._known = set(map(_digest, self.values))

    def _add(self, values: ParentValues) -> None:
        if self._known is not None:
            digest = _digest(values)
            if digest in self._known:
                return
            self._known.add(digest)
        self.values.add(values)

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


def _digest(values: ParentValues) -> bytes:
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _value_or_none(binding: PlannedBinding, record: Record) -> Json:
    """Return the value for a descendant, which raises the error if it needs one."""
    try:
        return _copied(binding.find(record, None))
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
        values = {one.name: _copied(one.find(record, context)) for one in plan.bindings}
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
        fields[f"_{parent}_{name}"] = _copied(record[name])
    return ParentValues(values, fields, _fields_of(record, resource.parent_fields), changed)


def _fingerprint(field: Expression | None, record: Record, context: Context | None) -> str | None:
    value = None if field is None else field.search(record, context)
    return None if value is None else fingerprint(value)


def _fields_of(record: Record, names: tuple[str, ...] | None) -> Record:
    """Return these fields of the record, all if `names` is None."""
    known = record.keys() if names is None else names
    return {name: _copied(record[name]) for name in known if name in record}


def _copied(value: Json) -> Json:
    """Return a copy of objects and lists: the parent's sink changes its own, on another thread."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


class ChildValues:
    """What a resource's records give its children, while it is read and after. Thread-safe.

    One thread adds, and says how it ended. The children wait, and get the error if there is one.
    """

    def __init__(self, stop: StopSignal) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self.by_child: dict[str, ChildBindings] = {}
        self.is_ended = False

    def open(self, child: str, line: Plan) -> None:
        """Keep values for a child; `line` is its plan for this parent."""
        self.by_child[child] = ChildBindings(line)

    def add(self, records: list[Record], above: ParentValues | None, whole: Whole) -> None:
        """Keep what all children need of these records; arguments as in `ChildBindings`."""
        for bindings in self.by_child.values():
            bindings.add(records, above, whole)
        with self._changed:
            self._changed.notify_all()

    def add_once(self) -> None:
        """Leave out what was added before, as the records come again."""
        for bindings in self.by_child.values():
            bindings.add_once()

    def end(self, error: Exception | None = None) -> None:
        """Say that no more records come, because of an error if there is one."""
        with self._changed:
            self._error, self.is_ended = error, True
            self._changed.notify_all()

    def all(self, child: str) -> SpilledList[ParentValues]:
        """Return what each record gives the child, when all are read."""
        self.await_end()
        self._check(child)
        return self.by_child[child].values

    def follow(self, child: str) -> Iterator[ParentValues]:
        """Yield what each record gives the child, as soon as it is read."""

        def has_more(count: int) -> bool:
            self._await_more(child, count)
            return bindings.error is None and len(bindings.values) > count

        bindings = self.by_child[child]
        yield from bindings.values.follow(has_more)
        self._check(child)

    def await_first(self, child: str) -> bool:
        """Wait for a record's values; return whether there are some and more may follow."""
        self._await_more(child, 0)
        return not self.is_ended

    def error_for(self, child: str) -> Exception | None:
        """Return the error that the child has from what was read so far."""
        return self._error or self.by_child[child].error

    def await_end(self) -> None:
        """Wait until the resource is read, or ended by an error."""
        self._wait(lambda: False)

    def _check(self, child: str) -> None:
        error = self.error_for(child)
        if error is not None:
            raise error

    def _await_more(self, child: str, count: int) -> None:
        bindings = self.by_child[child]
        self._wait(lambda: bindings.error is not None or len(bindings.values) > count)

    def _wait(self, is_enough: Callable[[], bool]) -> None:
        """Wait for the end, or `is_enough`; raise if the run is stopped."""
        with self._changed:
            while not self.is_ended and not is_enough():
                self._changed.wait(0.5)
                self._stop.check()
