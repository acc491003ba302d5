"""Check the selector, the primary key and the incremental against the records of a resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from framework.authoring.diagnose.heuristics import (
    MIN_RECORDS,
    key_candidates,
    looks_like_id,
    object_paths,
    record_list_paths,
    time_fields,
)
from framework.authoring.diagnose.proof import (
    MAX_CANDIDATES,
    Evidence,
    Proof,
    field_of,
    response_of,
)
from framework.authoring.scaffold.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import Endpoint, Resource
from framework.definition.values.datetimes import NAMED_FORMATS, TimeError, read_time, write_time
from framework.errors import FrameworkError, ResourceSkipped
from framework.extract.page import Record
from framework.http.error_reports import error_in
from framework.runtime.field_paths import value_at
from framework.text import count_noun, json_shape

Json = Any

_STEPS_INTO_LISTS = ("explode", "yield_map")
"""Steps that make records of what the selector found: it may well be above their list."""
_SAME_RECORD_STEPS = ("cast", "filter", "null_values", "set")
"""Steps after which a record still is one record, with the fields that the API returned."""
_MIN_AGE = timedelta(days=2)
"""How far the oldest and the newest record must be apart: an API may count in days."""


def check_selector(evidence: Evidence) -> Iterator[Proof]:
    """Yield whether the data_selector finds records that have the primary key."""
    if not evidence.selected:
        yield _no_records(evidence)
        return
    fault = None
    if not any(step.kind in _STEPS_INTO_LISTS for step in evidence.resource.steps):
        fault = _selector_above_list(evidence) or _key_elsewhere(evidence)
    if fault is not None:
        yield fault
        return
    records = count_noun(len(evidence.selected), "record")
    pages = count_noun(len(evidence.pages), "page")
    yield evidence.ok("data_selector", f"{evidence.selector}: {records} on {pages}")


def _no_records(evidence: Evidence) -> Proof:
    api_error = error_in(response_of(evidence.pages[0]), evidence.redactor)
    head = f"{evidence.selector}: no records"
    if api_error:
        message = f"{head}, and the response says: {api_error}"
        return evidence.fault("data_selector", "selector-no-match", message)
    bodies = [response_of(page).json() for page in evidence.pages]
    paths = list(dict.fromkeys(path for body in bodies for path in record_list_paths(body)))
    if paths:
        return _selector_fault(
            evidence, "selector-no-match", f"{head}, but the response has a list", paths
        )
    if evidence.has_warning("selector-no-match"):
        message = f"{evidence.selector}: finds nothing in the response; {json_shape(bodies[0])}"
        return evidence.fault("data_selector", "selector-no-match", message)
    remedy = _shared_binding(evidence)
    return evidence.unknown("data_selector", "no records in the response", remedy)


def _shared_binding(evidence: Evidence) -> str:
    """Return what to take from the parent instead, if several parents share what is taken."""
    parents = evidence.parent_records
    candidates = key_candidates(parents)[:MAX_CANDIDATES]
    for binding in evidence.resource.bindings:
        values = [field_of(record, binding.text) for record in parents]
        if candidates and None not in values and len(set(map(str, values))) < len(values):
            return (
                f"`{binding.text}` is not unique in the records of {binding.resource}: "
                f"take {' or '.join(candidates)}?"
            )
    return ""


def _selector_above_list(evidence: Evidence) -> Proof | None:
    """Return a fault if each page is one object without the key, and a list is inside it."""
    pages, key = evidence.pages, evidence.resource.primary_key
    if not key or any(page.count != 1 or not isinstance(page.first, dict) for page in pages):
        return None
    if all(field_of(page.first, name) is not None for page in pages for name in key):
        return None
    paths = record_list_paths(pages[0].first)
    if not paths:
        return None
    prefix = "" if evidence.selector == "none" else f"{evidence.selector}."
    message = f"{evidence.selector}: one object without {', '.join(key)}, which contains a list"
    return _selector_fault(
        evidence, "selector-too-short", message, [f"{prefix}{path}" for path in paths]
    )


def _key_elsewhere(evidence: Evidence) -> Proof | None:
    """Return a fault if no record has a key, and other objects of the response have it."""
    key, records = evidence.resource.primary_key, evidence.objects
    has_key = any(field_of(record, name) is not None for record in records for name in key)
    if not key or not records or has_key or key_candidates(records):
        return None
    paths = object_paths(response_of(evidence.pages[0]).json(), key)
    if not paths:
        return None
    inside = [path for path in paths if path.removeprefix("values(").startswith(evidence.selector)]
    code = "selector-too-short" if inside else "key-missing"
    message = (
        f"{evidence.selector}: {count_noun(len(evidence.selected), 'record')} without "
        f"{', '.join(key)}, which is elsewhere in the response"
    )
    return _selector_fault(evidence, code, message, inside or paths)


def _selector_fault(evidence: Evidence, code: str, message: str, paths: list[str]) -> Proof:
    return evidence.key_fault("data_selector", code, message, "endpoint.data_selector", paths)


def check_key(evidence: Evidence) -> Iterator[Proof]:
    """Yield whether the primary key is in every record and unique."""
    records, lists = evidence.objects, evidence.distinct_lists
    if not records:
        return
    if len(lists) < len(evidence.lists):
        # several parents have one list: its records come again, and are not others
        records = list({str(record): record for record in records}.values())
    candidates = _key_remedies(evidence, records)
    remedy = " or ".join(text for text, _ in candidates[:MAX_CANDIDATES])
    changes = [change for _, change in candidates[:MAX_CANDIDATES]]
    is_few = not candidates and 1 < len(records) < MIN_RECORDS
    few = f"; {len(records)} records are too few to propose one" if is_few else ""
    key = evidence.resource.primary_key
    if not key:
        if evidence.resource.write_disposition == "merge" or candidates:
            yield evidence.unknown("primary_key", f"none is declared{few}", remedy)
        return
    names = ", ".join(key)
    values = [tuple(field_of(record, name) for name in key) for record in records]
    incomplete = sum(None in value for value in values)
    repeated = len(values) - len(set(map(str, values)))
    if incomplete:
        message = f"{names}: null or missing in {incomplete:,} of {len(values):,} records{few}"
        yield evidence.fault("primary_key", "key-missing", message, remedy, changes)
    elif repeated and len(lists) > 1 and all(items == lists[0] for items in lists):
        message = f"{names}: all {len(lists)} lists contain the same records"
        remedy = (
            f"check whether the API uses {evidence.bound}: the path may need another name for it"
        )
        yield evidence.fault("primary_key", "key-repeated", message, remedy)
    elif repeated:
        message = f"{names}: {repeated:,} of {len(values):,} records repeat an earlier key{few}"
        yield evidence.fault("primary_key", "key-repeated", message, remedy, changes)
    elif (
        len(key) == 1
        and len(values) < MIN_RECORDS
        and not looks_like_id(key[0], [value for (value,) in values])
    ):
        message = f"{names}: does not look like an id, and {count_noun(len(values), 'record')} "
        yield evidence.unknown("primary_key", f"{message}are too few to tell")
    else:
        yield evidence.ok("primary_key", f"{names}: unique in all records")


def _key_remedies(evidence: Evidence, records: list[Record]) -> list[tuple[str, Change]]:
    """Return the candidates for a primary key, as a remedy and as a change."""
    names = key_candidates(records, of_child=evidence.resource.parent is not None)
    if not names:
        return [(key.remedy, key.change) for key in _composite_keys(evidence)]
    return [(f"primary_key: {flow(name)}", Change(("primary_key",), flow(name))) for name in names]


@dataclass(frozen=True)
class _CompositeKey:
    """A primary key, and what `include_from_parent` must contain for it."""

    key: tuple[str, ...]
    included: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """The key as the file would have it."""
        also = f" and include_from_parent: {flow(list(self.included))}" if self.included else ""
        return f"primary_key: {flow(list(self.key))}{also}"

    @property
    def change(self) -> Change:
        """The change to the file."""
        also = (
            [Change(("include_from_parent",), flow(list(self.included)))] if self.included else []
        )
        return Change(("primary_key",), flow(list(self.key)), also=tuple(also))


def _composite_keys(evidence: Evidence) -> list[_CompositeKey]:
    """Return keys of parent and own fields that are unique within each list, not across lists.

    The declared key comes first.
    """
    resource, parents = evidence.resource, evidence.parent_records
    lists = [items for items in evidence.distinct_lists if items]
    if (
        resource.parent is None
        or resource.other_parents
        or resource.partitions
        or any(step.kind not in _SAME_RECORD_STEPS for step in resource.steps)
        or any(not isinstance(item, dict) for items in lists for item in items)
        or len(lists) < 2
        or all(len(items) < 2 for items in lists)
    ):
        return []
    parent = evidence.connector.resource(resource.parent)
    parent_key = parent.primary_key or _bound_fields(resource, parent)
    if not parent_key or any(name not in record for record in parents for name in parent_key):
        return []
    own_field = _parent_reference(lists, {str(one[name]) for one in parents for name in parent_key})
    prefix = own_field or tuple(f"_{parent.name}_{name}" for name in parent_key)
    included = resource.include_from_parent
    missing = () if own_field else tuple(dict.fromkeys((*included, *parent_key)))
    declared = tuple(name for name in resource.primary_key if name not in prefix)
    single = [(name,) for name in lists[0][0] if name not in prefix and _is_id(name, lists)]
    return [
        _CompositeKey((*prefix, *key), () if set(parent_key) <= set(included) else missing)
        for key in dict.fromkeys([declared, *single])
        if key and _is_unique_within_lists(lists, key)
    ]


def _bound_fields(resource: Resource, parent: Resource) -> tuple[str, ...]:
    """Return what the request takes from the parent: it stands for a key that is not declared."""
    return tuple(one.text for one in resource.bindings if one.resource == parent.name)


def _parent_reference(lists: list[list[Json]], parent_values: set[str]) -> tuple[str, ...]:
    """Return the child's own field that holds the parent's key, if there is one."""
    for name in lists[0][0]:
        by_list = [{str(item.get(name)) for item in items} for items in lists]
        values = [value for one in by_list for value in one]
        is_one_a_list = len(values) == len(lists) == len(set(values))
        if is_one_a_list and set(values) <= parent_values and _is_id(name, lists):
            return (name,)
    return ()


def _is_id(name: str, lists: list[list[Json]]) -> bool:
    return looks_like_id(name, [item.get(name) for items in lists for item in items])


def _is_unique_within_lists(lists: list[list[Json]], key: tuple[str, ...]) -> bool:
    by_list = [
        [tuple(value_at(item, name.split(".")) for name in key) for item in items]
        for items in lists
    ]
    if any(None in value for values in by_list for value in values):
        return False
    texts = [list(map(str, values)) for values in by_list]
    every = [text for values in texts for text in values]
    is_unique = all(len(set(values)) == len(values) for values in texts)
    return is_unique and len(set(every)) < len(every)


def check_cursor(evidence: Evidence) -> Iterator[Proof]:
    """Yield whether the incremental's cursor is in every record."""
    incremental, records = evidence.resource.endpoint.incremental, evidence.objects
    if incremental is None or not records:
        return
    path = incremental.cursor_path
    missing = sum(field_of(record, path) is None for record in records)
    if missing:
        message = f"{path}: null or missing in {missing:,} of {len(records):,} records"
        key = "endpoint.incremental.cursor_path"
        candidates = time_fields(records)
        yield evidence.key_fault("cursor_path", "cursor-missing", message, key, candidates)
    else:
        yield evidence.ok("cursor_path", f"{path}: in every record")


def check_incremental_start(evidence: Evidence) -> Iterator[Proof]:
    """Yield whether the API honours the incremental's start: read again from the newest record on.

    The records of the first page must differ enough in age for that. What cannot be tried is said.
    """
    incremental = evidence.resource.endpoint.incremental
    if incremental is None:
        return
    path, name = incremental.cursor_path, _start_param(evidence.resource.endpoint)
    formats = (*incremental.cursor_formats, "iso", *NAMED_FORMATS)
    times = _times(evidence.lists[0][0].items, path, formats) if evidence.lists else []
    reason = ""
    if name is None:
        reason = "the start value is not sent, so each run reads the whole list"
    elif len(evidence.lists) != 1:
        reason = f"{name}: tried only for a single list, and there are {len(evidence.lists)}"
    elif incremental.arguments.get("last_value_func") == "min":
        reason = f"{name}: not tried, because `last_value_func: min` reads towards older records"
    elif len(times) < 2:
        reason = f"{name}: not tried, because {count_noun(len(times), 'record')} with a time in "
        reason += f"{path} is too few"
    elif max(times) - min(times) < _MIN_AGE:
        reason = f"{name}: not tried, because the records of the first page are of the same days"
    if reason:
        yield evidence.unknown("incremental", reason)
        return
    newest = max(times)
    try:
        again = evidence.read_from(write_time(newest, "iso"))
    except (FrameworkError, ResourceSkipped) as error:
        message = f"{name}: a request from the newest record on was refused: {error}"
        yield evidence.unknown("incremental", message)
        return
    older = sum(newest - time >= _MIN_AGE for time in _times(again, path, formats))
    if not older:
        yield evidence.ok("incremental", f"{name}: no record is older than the start value")
        return
    message = (
        f"requested with {name} from the newest record on, {older:,} of "
        f"{count_noun(len(again), 'record')} are days older"
    )
    remedy = (
        f"the API ignores {name}: send the start as its documentation says, or do not send it; "
        "each run then reads all records"
    )
    yield evidence.fault("incremental", "incremental-ignored", message, remedy)


def _start_param(endpoint: Endpoint) -> str | None:
    """Return where the start value is sent: a parameter, or `the path`; None if it is not sent."""
    others = {
        "the path": endpoint.path,
        "the body": [endpoint.json, endpoint.data],
        "a header": dict(endpoint.headers),
    }
    carriers = (
        name
        for name, value in others.items()
        if any("incremental.start_value" in text for text in texts_of(value))
    )
    return next(iter((*endpoint.params_with("start_value"), *carriers)), None)


def _times(records: list[Json], path: str, formats: tuple[str, ...]) -> list[Any]:
    """Return the cursor times of the records that have one."""
    times = []
    for record in records:
        value = field_of(record, path)
        if value is not None:
            try:
                times.append(read_time(value, dict.fromkeys(formats))[0])
            except TimeError:
                continue
    return times
