"""What the answers prove of a resource's selector, format, key and cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from framework.authoring.diagnose.format_checks import formats
from framework.authoring.diagnose.heuristics import (
    ENOUGH,
    identifying,
    keys,
    places_of,
    record_lists,
    times,
)
from framework.authoring.diagnose.proof import SHOWN, Proof, Prover, Seen
from framework.authoring.diagnose.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.expressions.jsonpath import path_keys
from framework.definition.model import Resource
from framework.extract.page import Record
from framework.http.response_actions import error_in
from framework.runtime.field_paths import value_at
from framework.text import count_noun, json_shape

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


def proofs(prover: Prover, seen: Seen, parents: list[Record]) -> Iterator[Proof]:
    """What was seen of selector, key, cursor and format. `parents` are its parent's records."""
    resource, pages = prover.resource, seen.pages
    written = list(formats(prover, pages))
    yield from written
    if any(one.code != "list-or-one" for one in written):
        return  # what was read is nothing that the API said
    if not seen.selected:
        yield _nothing(prover, seen, parents)
        return
    inner = _too_short(prover, seen) or _elsewhere(prover, seen)
    if inner is not None:
        yield inner
        return
    found = f"{prover.selector}: {count_noun(len(seen.selected), 'record')}"
    yield prover.ok("data_selector", f"{found} on {count_noun(len(pages), 'page')}")
    if not seen.known:
        return
    yield from _key(prover, seen, parents)
    if resource.endpoint.incremental is not None:
        yield _cursor(prover, resource.endpoint.incremental.cursor_path, seen.known)


def _nothing(prover: Prover, seen: Seen, parents: list[Record]) -> Proof:
    said = error_in(seen.pages[0].response, prover.redactor)
    if said:
        message = f"{prover.selector}: no records, and the answer says: {said}"
        return prover.fault("data_selector", "selector-no-match", message)
    bodies = [page.response.json() for page in seen.pages]
    lists = list(dict.fromkeys(path for body in bodies for path in record_lists(body)))
    message = f"{prover.selector}: no records, and the answer has a list"
    if lists:
        return prover.of_key(
            "data_selector", "selector-no-match", message, "endpoint.data_selector", lists
        )
    if seen.missed:
        message = f"{prover.selector}: finds nothing in the answer; {json_shape(bodies[0])}"
        return prover.fault("data_selector", "selector-no-match", message)
    return prover.unknown("data_selector", "no records in the answer", _shared(prover, parents))


def _shared(prover: Prover, parents: list[Record]) -> str:
    """What to take of the parent instead, where what is taken does not tell its records apart."""
    for one in prover.resource.bindings:
        values = [_at(record, one.text) for record in parents]
        rivals = keys(parents)[:SHOWN]
        if rivals and None not in values and len(set(map(str, values))) < len(values):
            told = " or ".join(rivals)
            return f"`{one.text}` does not tell the records of {one.resource} apart: take {told}?"
    return ""


def _too_short(prover: Prover, seen: Seen) -> Proof | None:
    """A selector that stops above the list: one object a page, whose list holds the records."""
    if any(len(page) != 1 or not isinstance(page[0], dict) for page in seen.pages):
        return None
    key = prover.resource.primary_key
    if not key or all(_at(page[0], name) is not None for page in seen.pages for name in key):
        return None
    lists = record_lists(seen.pages[0][0])
    if not lists:
        return None
    begin = "" if prover.selector == "none" else f"{prover.selector}."
    message = f"{prover.selector}: one object without {', '.join(key)}, and in it a list"
    paths = [f"{begin}{path}" for path in lists]
    return prover.of_key(
        "data_selector", "selector-too-short", message, "endpoint.data_selector", paths
    )


def _elsewhere(prover: Prover, seen: Seen) -> Proof | None:
    """What was selected has no key at all, and what lies elsewhere in the answer has it."""
    key = prover.resource.primary_key
    some = any(_at(one, name) is not None for one in seen.known for name in key)
    if not key or some or not seen.known or keys(seen.known):
        return None
    paths = places_of(seen.pages[0].response.json(), key)
    if not paths:
        return None
    inside = [path for path in paths if path.removeprefix("values(").startswith(prover.selector)]
    code = "selector-too-short" if inside else "key-missing"
    message = (
        f"{prover.selector}: {count_noun(len(seen.selected), 'record')} without {', '.join(key)}, "
        "which is elsewhere in the answer"
    )
    place = "endpoint.data_selector"
    return prover.of_key("data_selector", code, message, place, inside or paths)


def _key(prover: Prover, seen: Seen, parents: list[Record]) -> Iterator[Proof]:
    resource, records, lists = prover.resource, seen.known, seen.distinct_lists
    if len(lists) < len(seen.lists):
        # several parents have the same list: what comes again with it is no other record
        records = list({str(record): record for record in records}.values())
    single = keys(records, of_child=resource.parent is not None)
    rivals = [
        (f"primary_key: {flow(name)}", Change(("primary_key",), flow(name))) for name in single
    ]
    if not rivals:
        rivals = [(one.told, one.change) for one in composites(prover, seen, parents)]
    told = " or ".join(text for text, _ in rivals[:SHOWN])
    changes = [change for _, change in rivals[:1]]
    few = "" if rivals else _few(records)
    key = resource.primary_key
    if not key:
        if resource.write_disposition == "merge" or rivals:
            yield prover.unknown("primary_key", f"none is declared{few}", told)
        return
    values = [tuple(_at(record, name) for name in key) for record in records]
    shown = ", ".join(key)
    empty = sum(None in value for value in values)
    doubled = len(values) - len(set(map(str, values)))
    if empty:
        message = f"{shown}: null or missing in {empty:,} of {len(values):,} records{few}"
        yield prover.fault("primary_key", "key-missing", message, told, changes)
    elif doubled and _one_list(lists):
        bound = ", ".join(f"`{one.text}` of {one.resource}" for one in resource.bindings)
        message = f"{shown}: all {len(lists)} lists hold the same records"
        remedy = f"see whether the API takes notice of {bound}: the path may name it otherwise"
        yield prover.fault("primary_key", "key-repeated", message, remedy)
    elif doubled:
        message = (
            f"{shown}: {doubled:,} of {len(values):,} records have a key that came before{few}"
        )
        yield prover.fault("primary_key", "key-repeated", message, told, changes)
    elif (
        len(key) == 1
        and len(values) < ENOUGH
        and not identifying(key[0], [value for (value,) in values])
    ):
        message = f"{shown}: does not look like an id; too few to tell"
        yield prover.unknown("primary_key", f"{message}: {count_noun(len(values), 'record')}")
    else:
        yield prover.ok("primary_key", f"{shown}: tells all records apart")


def _one_list(lists: list[list[Json]]) -> bool:
    return len(lists) > 1 and all(items == lists[0] for items in lists)


def _few(records: list[Record]) -> str:
    """Why no key is proposed, where more records could tell one."""
    few = 1 < len(records) < ENOUGH
    return f"; {len(records)} records are too few to tell one" if few else ""


def _cursor(prover: Prover, path: str, records: list[Record]) -> Proof:
    empty = sum(_at(record, path) is None for record in records)
    if not empty:
        return prover.ok("cursor_path", f"{path}: in every record")
    message = f"{path}: null or missing in {empty:,} of {len(records):,} records"
    place = "endpoint.incremental.cursor_path"
    return prover.of_key("cursor_path", "cursor-missing", message, place, times(records))


def _at(record: Record, path: str) -> Json:
    return value_at(record, path_keys(path))
