"""What a child takes from the records of its parent as they pass.

Values to bind, fields to copy, what its expressions read: all else of a record is let go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.definition.expressions.value_functions import truthy
from framework.extract.incremental.state_codec import fingerprint
from framework.extract.kept import Kept
from framework.extract.page import Record
from framework.extract.plan import Plan, PlannedBinding
from framework.extract.slices import Bound
from framework.runtime.context import Context, with_parent, without_secrets
from framework.runtime.outcomes import BindingError

Json = Any


class Taken:
    """What a child takes from the records as they pass; its error is its own, not the parent's.
    `left_out` are those for which its `when` says no request."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._carried: list[PlannedBinding] = []
        self._kept: dict[str, None] | None = {}
        self.bounds: Kept[Bound] = Kept()
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

    def take(self, records: list[Record], above: Bound | None) -> None:
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

    def _with_above(self, bound: Bound, record: Record, above: Bound | None) -> Bound:
        """With what further ancestors give, and what these records give to those further down."""
        carried = {one.name: _found(one, record) for one in self._carried}
        kept = _kept(None if self._kept is None else tuple(self._kept), record)
        parent = self._plan.resource.parent or ""
        if above is None and not carried and not kept:
            return bound
        known = above or Bound({})
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


def _bind(plan: Plan, record: Record) -> Bound | None:
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
    return Bound(values, include, _kept(resource.keeps, record), seen)


def _fingerprint(field: Expression | None, record: Record, context: Context | None) -> str | None:
    value = None if field is None else field.search(record, context)
    return None if value is None else fingerprint(value)


def _kept(names: tuple[str, ...] | None, record: Record) -> Record:
    """What the child's expressions read of the record: some fields, or all where None says so."""
    return (
        dict(record) if names is None else {name: record[name] for name in names if name in record}
    )
