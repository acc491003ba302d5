"""A child's key together with its parent's, for records that are told apart only within one list:
the lines of an order, numbered from 1 in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framework.authoring.diagnose.heuristics import identifying
from framework.authoring.diagnose.proof import Prover, Seen
from framework.authoring.diagnose.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.model import Resource
from framework.extract.page import Record
from framework.runtime.field_paths import value_at

Json = Any
_LEAVE_NAMES = ("cast", "filter", "set")
"""Steps after which a record is still one record, with the fields that the API gave it."""


@dataclass(frozen=True)
class Composite:
    """A primary key, and what `include_from_parent` has to hold for it."""

    key: tuple[str, ...]
    included: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """As one writes it."""
        more = f" and include_from_parent: {flow(list(self.included))}" if self.included else ""
        return f"primary_key: {flow(list(self.key))}{more}"

    @property
    def change(self) -> Change:
        """The change to the file."""
        included = Change(("include_from_parent",), flow(list(self.included)))
        also = (included,) * bool(self.included)
        return Change(("primary_key",), flow(list(self.key)), also=also)


def composites(prover: Prover, seen: Seen, parents: Sequence[Record]) -> list[Composite]:
    """Keys of the parent's fields and the record's own: those that repeat between lists and not
    within one. The declared key comes first."""
    resource = prover.resource
    lists = [items for items in seen.distinct_lists if items]
    if (
        resource.parent is None
        or resource.partitions
        or any(step.kind not in _LEAVE_NAMES for step in resource.steps)
        or any(not isinstance(item, dict) for items in lists for item in items)
        or len(lists) < 2
        or all(len(items) < 2 for items in lists)
    ):
        return []
    above = prover.connector.resource(resource.parent)
    names = _parent_key(resource, above)
    if not names or any(name not in record for record in parents for name in names):
        return []
    own = _own(lists, [str(record[name]) for record in parents for name in names])
    begin = own or tuple(f"_{above.name}_{name}" for name in names)
    kept = resource.include_from_parent
    included = () if own else tuple(dict.fromkeys((*kept, *names)))
    declared = tuple(name for name in resource.primary_key if name not in begin)
    single = [(name,) for name in lists[0][0] if name not in begin and _identifies(name, lists)]
    return [
        Composite((*begin, *key), () if set(names) <= set(kept) else included)
        for key in dict.fromkeys([declared, *single])
        if key and _within_lists(lists, key)
    ]


def _parent_key(resource: Resource, above: Resource) -> tuple[str, ...]:
    """What tells the parent's records apart: its key, else what the request takes from it."""
    if above.primary_key:
        return above.primary_key
    return tuple(one.text for one in resource.bindings if one.resource == above.name)


def _own(lists: list[list[Json]], known: list[str]) -> tuple[str, ...]:
    """The field that holds the parent's key in the child's own records, if there is one."""
    for name in lists[0][0]:
        values = [{str(item.get(name)) for item in items} for items in lists]
        each = [value for one in values for value in one]
        one_a_list = len(each) == len(lists) == len(set(each))
        if one_a_list and set(each) <= set(known) and _identifies(name, lists):
            return (name,)
    return ()


def _identifies(name: str, lists: list[list[Json]]) -> bool:
    return identifying(name, [item.get(name) for items in lists for item in items])


def _within_lists(lists: list[list[Json]], key: tuple[str, ...]) -> bool:
    found = [
        [tuple(value_at(item, one.split(".")) for one in key) for item in items] for items in lists
    ]
    every = [str(value) for values in found for value in values]
    whole = all(None not in value for values in found for value in values)
    apart = all(len(set(map(str, values))) == len(values) for values in found)
    return whole and apart and len(set(every)) < len(every)
