"""A resource with one of its lists, and what a record of that list tells about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from framework.definition.model import Incremental, Resource
from framework.definition.values.datetimes import time_zone
from framework.mock.lists.world import ListKey
from framework.mock.pages.elements import Elements
from framework.mock.pages.paging import Pager
from framework.mock.pages.routes import Route
from framework.prove.history.api_traits import ApiTraits, Assumption, Nature, nature_of, traits_of
from framework.prove.history.cursor_form import CursorForm, form_of
from framework.prove.history.record_fields import RecordFields
from framework.runtime.field_paths import field_at

Json = Any


@dataclass(frozen=True)
class SampledResource:
    """A resource with one of its lists; `template` is a record of it, as the API has it.

    `form` is that of its cursor, None without one.
    """

    resource: Resource
    route: Route
    elements: Elements
    key: ListKey
    template: Json
    fields: RecordFields
    form: CursorForm | None
    traits: ApiTraits

    @property
    def is_ranged(self) -> bool:
        """Whether requests choose records by a cursor that is known."""
        return self.form is not None and self.fields.cursor is not None

    @property
    def is_single(self) -> bool:
        """Whether it is one object, not a list."""
        return self.elements.envelope.is_object

    @property
    def is_reversed(self) -> bool:
        """Whether it is read from its last record to its first: the least cursor counts."""
        spec = self.resource.endpoint.incremental
        return spec is not None and spec.arguments.get("last_value_func") == "min"

    @property
    def incremental(self) -> Incremental | None:
        """Its incremental, with the values of this run's config."""
        return self.route.plan.endpoint.incremental

    @property
    def own_incremental(self) -> Incremental | None:
        """Its incremental if it is a list whose cursor is known, else None."""
        return self.incremental if self.is_ranged and not self.is_single else None

    @property
    def nature(self) -> Nature:
        """What its cursor tells, or the field that is asked for in its place."""
        filtered = self.fields.filtered
        return self.traits.nature if filtered is None else nature_of(filtered[-1])

    @property
    def lag(self) -> timedelta:
        """How far each run reads back; a number that is no time counts one a second."""
        spec = self.incremental
        if spec is None or not spec.lag:
            return timedelta(0)
        if isinstance(spec.lag, timedelta):
            return abs(spec.lag)
        is_day = self.form is not None and self.form.is_day
        return abs(spec.lag) * (timedelta(days=1) if is_day else timedelta(seconds=1))

    @property
    def begin(self) -> datetime | None:
        """The moment of the initial value, None if that is not known or not a time."""
        spec, form = self.incremental, self.form
        if spec is None or form is None or form.kind == "number":
            return None
        initial = spec.arguments.get("initial_value")
        other = form_of([initial], (), form.zero)  # requests may have another form than records
        if other is None or other.kind != "time":
            return form.read(initial)
        return form.read(initial) or replace(other, zone=form.zone).read(initial)


def sampled_resource(
    resource: Resource,
    pager: Pager,
    key: ListKey,
    here: Sequence[Json],
    every: Sequence[Json],
    given: Iterable[Assumption],
    zero: datetime,
    *,
    is_recorded: bool,
    own: bool,
) -> SampledResource | None:
    """Return a resource with the first record that tells enough of it, None if there is none.

    `here` are the records of its list, `every` those of all its lists; with `own` the template is
    one of its list. `zero` is when histories begin. Records that are not recorded are invented:
    their order says nothing.
    """
    elements, spec = Elements(pager.route, pager.envelope), pager.route.plan.endpoint.incremental
    pool = here if own else [*here, *every]
    for template in pool:
        records = elements.records(template) if isinstance(template, dict) else []
        if not records:
            continue
        fields = RecordFields.of(resource, template, records[0])
        if spec is not None and fields.cursor is None and template is not pool[-1]:
            continue
        form, moments = None, []
        if spec is not None and fields.cursor is not None:
            listed = here if len(here) > 1 else every
            samples = [field_at(one, fields.cursor) for one in listed]
            form = _form(spec, samples, zero, is_recorded=is_recorded)
            if form is not None:
                form = replace(form, zone=time_zone(pager.route.plan.resource.zone or "UTC"))
                moments = [one for one in map(form.read, samples) if one is not None]
        traits = traits_of(resource.endpoint, resource.name, moments if is_recorded else (), given)
        sampled = SampledResource(
            *(resource, pager.route, elements, key, template, fields, form, traits)
        )
        if form is not None and form.kind == "number":  # the account begins after a lag
            base = form.base + int(3 * sampled.lag.total_seconds()) + 100
            sampled = replace(sampled, form=replace(form, base=base))
        return sampled
    return None


def _form(
    spec: Incremental, samples: Sequence[Json], zero: datetime, *, is_recorded: bool
) -> CursorForm | None:
    initial = spec.arguments.get("initial_value")
    known = [one for one in samples if not isinstance(one, (dict, list))]
    if not is_recorded and _differs(initial, known, zero):
        known = [initial]
    plain = [one for one in known if isinstance(one, (str, int, float))]
    return form_of(plain, spec.cursor_formats, zero)


def _differs(initial: Json, invented: Sequence[Json], zero: datetime) -> bool:
    """Return whether an initial value tells more of a cursor's form than invented values do.

    The mock writes times in ISO 8601 where it does not know the form.
    """
    form, other = form_of([initial], (), zero), form_of(invented, (), zero)
    if form is None or other is None or not isinstance(initial, str):
        return False
    return form.kind != other.kind or (form.kind == "time" and not initial[:4].isdigit())
