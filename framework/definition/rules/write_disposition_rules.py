"""What a second run does to the tables: keys, dispositions, and cursors that are really sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from framework.definition.defaults import MergedResource, named_columns
from framework.definition.draft import Draft
from framework.definition.references import references
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import cursors, resource_templates
from framework.text import join_words, mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

_BY_PRIMARY_KEY = ("upsert", "insert-only", "cdc")


def disposition(merged: MergedResource) -> tuple[str, str | None]:
    """Return the write disposition and its strategy, or dlt's defaults."""
    written = merged.data.get("write_disposition")
    if isinstance(written, Mapping):
        strategy = written.get("strategy")
        return str(written.get("disposition") or "append"), (
            strategy if isinstance(strategy, str) else None
        )
    return ("append" if written is None else str(written)), None


def key_fields(merged: MergedResource, key: str) -> list[str]:
    """Return the fields of `primary_key` or `merge_key`, named there or in `columns`."""
    written = merged.data.get(key)
    names = [written] if isinstance(written, str) else written
    fields = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    columns = named_columns(merged.data.get("columns"))
    return [*fields, *(name for name, hints, _ in columns if hints.get(key))]


@rule("merge-without-key")
def check_merge_keys(draft: Draft) -> Iterator[Breach]:
    """A merge has a key: without one dlt appends, and says so only in its log."""
    places: dict[Pointer, list[str]] = {}
    for merged in draft.resources:
        kind, strategy = disposition(merged)
        if kind != "merge" or strategy == "scd2" or key_fields(merged, "primary_key"):
            continue
        if merged.data.get("primary_key") != [] and mentions(merged.data, "primary_key"):
            continue
        if key_fields(merged, "merge_key") and strategy not in _BY_PRIMARY_KEY:
            continue
        places.setdefault(merged.place("write_disposition"), []).append(merged.name)
    for pointer, names in places.items():
        yield (
            pointer,
            f"found merge for {join_words(names)} and no primary_key to match rows by; write "
            "primary_key with the field that identifies a record, such as primary_key: id",
        )


@rule("table-hints-differ")
def check_shared_tables(draft: Draft) -> Iterator[Breach]:
    """Resources that share a table write it in one way: dlt takes the last one's hints for all."""
    for merged, last in _shared_tables(draft):
        if _key(merged) and _key(last) and _key(merged) != _key(last):
            problem = f"primary_key {_key(merged)}, and {last.name} has {_key(last)}"
        elif disposition(merged) != disposition(last) and disposition(last)[0] != "merge":
            problem = f"{disposition(merged)[0]}, and {last.name} has {disposition(last)[0]}"
        else:
            continue
        yield (
            merged.place("table_name"),
            f"{merged.name} and {last.name} share a table, and {merged.name} has {problem}; dlt "
            "would write all its rows in the second way. Write the same write_disposition and "
            "primary_key in both, or give them a table each",
        )


@rule("table-merges-all", severity="warning")
def check_shared_merges(draft: Draft) -> Iterator[Breach]:
    """A resource that shares a table with one that merges says that it merges, too."""
    for merged, last in _shared_tables(draft):
        if disposition(last)[0] == "merge" and disposition(merged)[0] != "merge":
            yield (
                merged.place("table_name"),
                f"{merged.name} has {disposition(merged)[0]}, but shares its table with "
                f"{last.name}, and dlt merges all rows of the table; write the same "
                "write_disposition and primary_key in both, or give them a table each",
            )


def _shared_tables(draft: Draft) -> Iterator[tuple[MergedResource, MergedResource]]:
    """Yield each resource that shares its table, with the last resource of that table."""
    children = sorted(draft.resources, key=lambda one: len(draft.above(one.name)))
    last = {merged.data.get("table_name"): merged for merged in children if _table(merged)}
    for merged in draft.resources:
        if _table(merged) and last[_table(merged)].name != merged.name:
            yield merged, last[_table(merged)]


def _table(merged: MergedResource) -> str | None:
    name = merged.data.get("table_name")
    return name if isinstance(name, str) and "{" not in name else None


def _key(merged: MergedResource) -> list[str]:
    return key_fields(merged, "primary_key")


@rule("append-repeats", severity="warning")
def check_appends(draft: Draft) -> Iterator[Breach]:
    """A list that every run reads whole does not append: each record would be there once a run."""
    places: dict[Pointer, list[str]] = {}
    silent: list[MergedResource] = []
    for merged in draft.resources:
        if not _appends(merged) or _has_cursor(draft, merged) or merged.data.get("only_new"):
            continue
        is_unset = merged.data.get("write_disposition") is None
        if is_unset and mentions(merged.data, "write_disposition"):
            continue
        if "write_disposition" in merged.data:
            places.setdefault(merged.place("write_disposition"), []).append(merged.name)
        else:
            silent.append(merged)
    for pointer, names in places.items():
        yield pointer, _repeats("append", names)
    if silent:
        names = list(dict.fromkeys(merged.name for merged in silent))
        found = "no write_disposition, which means append,"
        yield silent[0].place("name"), _repeats(found, names)


@rule("replace-below-incremental", severity="warning")
def check_replaced_children(draft: Draft) -> Iterator[Breach]:
    """A table is not replaced by the children of the few parents that a run reads."""
    by_name = {merged.name: merged for merged in draft.resources}
    for merged in draft.resources:
        if disposition(merged)[0] != "replace":
            continue
        for name in draft.above(merged.name):
            # one without a table moves no watermark
            hidden = name in by_name and by_name[name].data.get("selected") is False
            if name in by_name and not hidden and cursors(by_name[name]):
                yield (
                    _disposition_place(merged),
                    f"found replace, but {name} above it gives only what is new: a second run "
                    f"would remove from {merged.name} what belongs to the rest; merge by a "
                    "primary_key, or remove the incremental",
                )
                break


@rule("append-rereads", severity="warning")
def check_rereads(draft: Draft) -> Iterator[Breach]:
    """A list that starts again when its parent's record changes does not append."""
    for one in draft.reads:
        merged = draft.resource_of(one.resource)
        if merged is None or one.context not in ("record", "body"):
            continue
        if one.path[:1] not in (("parent",), ("resources",)) or not draft.above(merged.name):
            continue
        if disposition(merged)[0] != "append" or not cursors(merged):
            continue
        nearest = draft.parent_of(merged)
        bound = {
            reference.expression
            for reference in references(merged)
            if nearest and reference.parent == nearest.name
        }
        if one.path[0] == "parent" and ".".join(one.path[1:]) in bound:
            continue  # the request already differs by this field
        yield (
            one.pointer,
            f"found append, and context().{'.'.join(one.path)}: if that changes, {merged.name} "
            "is read from its beginning and its records are appended again; write merge with a "
            "primary_key, or take the field with include_from_parent",
        )


@rule("append-overlaps", severity="warning")
def check_overlaps(draft: Draft) -> Iterator[Breach]:
    """A list with a key, of which each run reads some records again, merges."""
    by_name = {merged.name: merged for merged in draft.resources}
    for merged in draft.resources:
        if _appends(merged) and _forgets_records(merged):
            yield (
                _disposition_place(merged),
                "found append, and `primary_key: []`, by which a run does not remember the records "
                "at its watermark: the next one appends them again; remove it, or add "
                "`range_start: open` if the API gives only later records",
            )
        if not _appends(merged) or not merged.data.get("primary_key"):
            continue  # without a key, appending is all that can be done
        overlap = _overlap(merged)
        for name in () if cursors(merged) else draft.above(merged.name):
            above = by_name.get(name)
            if above is not None and (its := _overlap(above)):
                overlap = f"{its} of {name} above it"
        if overlap is not None:
            yield (
                _disposition_place(merged),
                f"found append, and {overlap}: records that a run reads again are appended again; "
                "use merge, or remove it",
            )


@rule("cursor-not-sent", severity="warning")
def check_cursors_sent(draft: Draft) -> Iterator[Breach]:
    """A request carries the cursor: otherwise the API returns everything, every time."""
    for merged in draft.resources:
        for cursor in cursors(merged)[:1]:
            has_end = mentions(cursor.written, "step") and mentions(cursor.written, "end_param")
            if cursor.param is not None or mentions(cursor.written, "start_param") or has_end:
                continue
            if cursor.written.get("row_order") == "desc":
                continue  # reading stops at the first record that is known
            if not any("incremental." in text.value for text in resource_templates(merged)):
                yield (
                    Key(cursor.pointer),
                    f"no request of {merged.name} carries the cursor, so every run reads all "
                    "records; write {incremental.start_value} as the value of the parameter that "
                    "takes it",
                )


@rule("several-incrementals")
def check_one_cursor(draft: Draft) -> Iterator[Breach]:
    """A resource has one incremental: dlt would silently take the one in the parameter."""
    for merged in draft.resources:
        places = cursors(merged)
        for cursor in places[1:]:
            yield (
                Key(cursor.pointer),
                f"resource {merged.name} has another incremental in the parameter "
                f"{places[0].param}; keep one of them",
            )


def _appends(merged: MergedResource) -> bool:
    return disposition(merged)[0] == "append" and merged.data.get("selected") is not False


def _disposition_place(merged: MergedResource) -> Pointer:
    return merged.place("write_disposition" if "write_disposition" in merged.data else "name")


def _overlap(merged: MergedResource) -> str | None:
    """Return what makes a resource read records again that the last run has read, or None."""
    for cursor in cursors(merged)[:1]:
        if cursor.written.get("watermark") == "run_start":
            return "`watermark: run_start`"
        if cursor.written.get("lag"):
            return "a `lag`"
        if merged.data.get("zone") not in (None, "UTC"):
            return "a `zone`, whose clock shows an hour twice"
    return None


def _forgets_records(merged: MergedResource) -> bool:
    """Return whether an empty key turns off, as in dlt, that records are loaded once."""
    for cursor in cursors(merged)[:1]:
        key = cursor.written.get("primary_key", merged.data.get("primary_key"))
        return key == [] and cursor.written.get("range_start") != "open" and not _overlap(merged)
    return False


def _repeats(found: str, names: list[str]) -> str:
    return (
        f"found {found} for {join_words(names)}: each run reads the whole list and appends every "
        "record again; write write_disposition: replace, or merge with a primary_key, or add an "
        "incremental"
    )


def _has_cursor(draft: Draft, merged: MergedResource) -> bool:
    """Return whether a resource, or one of its ancestors, has an incremental."""
    seen: set[str] = set()
    current: MergedResource | None = merged
    while current is not None and current.name not in seen:
        if cursors(current) or mentions(current.endpoint, "incremental"):
            return True
        seen.add(current.name)
        current = draft.parent_of(current)
    return False
