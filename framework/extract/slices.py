"""What a resource is asked for: one list, one for each record of its parent, one for each value of
its partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from framework.errors import FrameworkError
from framework.extract.incremental.state_codec import key_of
from framework.extract.plan import Plan
from framework.runtime.context import Context, with_ancestors, with_partition
from framework.runtime.outcomes import BindingError
from framework.runtime.redaction import Secrets, shown_key

Json = Any


@dataclass(frozen=True)
class Bound:
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

    bound: Bound | None = None
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
    bounds: Iterable[Bound | None], partitions: list[dict[str, Json]], plan: Plan, *, keys: bool
) -> Iterator[Slice]:
    """A slice for each bound and each partition. BindingError where an ancestor's value that the
    request needs is null."""
    for bound in bounds:
        if bound is not None:
            _refuse_nothing(bound, plan)
        for partition in partitions:
            one = Slice(bound, partition)
            yield keyed(one, plan) if keys else one


def named(error: FrameworkError, bound: Bound, plan: Plan, secrets: Secrets) -> FrameworkError:
    """The error of a list with the parent's record that it was asked for: what was bound of it,
    where it looks like an id and is no secret."""
    values = {binding.binding.text: bound.values.get(binding.name) for binding in plan.bindings}
    known = [f"`{text}` {secrets.redact(shown_key(value))}" for text, value in values.items()]
    if not known:
        return error
    made = copy(error)
    made.args = (f"{error}\nIt is for the {plan.resource.parent} with {', '.join(known)}.",)
    return made


def _refuse_nothing(bound: Bound, plan: Plan) -> None:
    for binding in plan.above:
        if bound.above.get(binding.name) is None:
            raise BindingError(
                f"{plan.resource.name}: takes `{binding.binding.text}` from each record of "
                f"{binding.binding.resource}, but a record has null or nothing there"
            )
