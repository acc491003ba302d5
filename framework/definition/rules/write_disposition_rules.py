"""What a second run does to the tables: keys, dispositions, and cursors that are really sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import cursors, resource_texts
from framework.definition.defaults import MergedResource, named_columns
from framework.definition.draft import Draft
from framework.definition.references import references
from framework.findings import Finding
from framework.text import join_words, mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_BY_PRIMARY_KEY = ("upsert", "insert-only", "cdc")


def disposition(merged: MergedResource) -> tuple[str, str | None]:
    """The write disposition and its strategy, dlt's defaults where nothing is said."""
    written = merged.data.get("write_disposition")
    if isinstance(written, Mapping):
        strategy = written.get("strategy")
        return str(written.get("disposition") or "append"), (
            strategy if isinstance(strategy, str) else None
        )
    return ("append" if written is None else str(written)), None


def key_fields(merged: MergedResource, key: str) -> list[str]:
    """The fields of `primary_key` or `merge_key`, named there or in `columns`."""
    written = merged.data.get(key)
    named = [written] if isinstance(written, str) else written
    fields = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return [
        *fields,
        *(name for name, hints, _ in named_columns(merged.data.get("columns")) if hints.get(key)),
    ]


def check_merge_keys(draft: Draft) -> Iterator[Finding]:
    """A merge without a key appends: dlt says so in its log alone."""
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
        yield draft.document.finding(
            pointer,
            "merge-without-key",
            f"found merge for {join_words(names)} and no primary_key to match rows by; write "
            "primary_key with the field that names a record, such as primary_key: id",
        )


def check_appends(draft: Draft) -> Iterator[Finding]:
    """A list that is read whole in each run and appended is there once per run."""
    places: dict[Pointer, list[str]] = {}
    unsaid: list[MergedResource] = []
    for merged in draft.resources:
        if disposition(merged)[0] != "append" or merged.data.get("selected") is False:
            continue
        if _has_cursor(draft, merged):
            continue
        if merged.data.get("write_disposition") is None and mentions(
            merged.data, "write_disposition"
        ):
            continue
        if "write_disposition" in merged.data:
            places.setdefault(merged.place("write_disposition"), []).append(merged.name)
        else:
            unsaid.append(merged)
    for pointer, names in places.items():
        yield _appends(draft, pointer, "append", names, key=False)
    if unsaid:
        names = list(dict.fromkeys(merged.name for merged in unsaid))
        pointer = unsaid[0].place("name")
        yield _appends(draft, pointer, "no write_disposition, which is append,", names, key=False)


def check_replaced_children(draft: Draft) -> Iterator[Finding]:
    """A table that is emptied by every run, and filled for the few parents that the run saw."""
    by_name = {merged.name: merged for merged in draft.resources}
    for merged in draft.resources:
        if disposition(merged)[0] != "replace":
            continue
        for name in draft.above(merged.name):
            if name in by_name and cursors(by_name[name]):
                written = "write_disposition" in merged.data
                yield draft.document.finding(
                    merged.place("write_disposition" if written else "name"),
                    "replace-below-incremental",
                    f"found replace, but {name} above it gives only what is new: a second run "
                    f"would empty {merged.name} of what belongs to the rest; merge by a "
                    "primary_key, or take the incremental away",
                    severity="warning",
                )
                break


def check_rereads(draft: Draft) -> Iterator[Finding]:
    """A list that begins anew when its parent's record changes, and appends."""
    by_index = {merged.index: merged for merged in draft.resources}
    for one in draft.reaches():
        merged = None if one.resource is None else by_index.get(one.resource)
        if merged is None or one.area not in ("record", "body"):
            continue
        if one.path[:1] not in (("parent",), ("resources",)) or not draft.above(merged.name):
            continue
        if disposition(merged)[0] != "append" or not cursors(merged):
            continue
        nearest = draft.parent_of(merged)
        named = {
            bound.expression
            for bound in references(merged)
            if nearest and bound.parent == nearest.name
        }
        if one.path[0] == "parent" and ".".join(one.path[1:]) in named:
            continue  # the request tells the list from others by it already
        yield draft.document.finding(
            one.pointer,
            "append-rereads",
            f"found append, and context().{'.'.join(one.path)}: where that changes, {merged.name} "
            "is read from its beginning and its records are added again; write merge with a "
            "primary_key, or take the field with include_from_parent",
            severity="warning",
        )


def check_overlaps(draft: Draft) -> Iterator[Finding]:
    """A list of which each run reads some records again, and appends what it could merge."""
    by_name = {merged.name: merged for merged in draft.resources}
    for merged in draft.resources:
        if disposition(merged)[0] != "append" or merged.data.get("selected") is False:
            continue
        if not merged.data.get("primary_key"):
            continue  # appending is all that can be done
        own, above = cursors(merged), draft.above(merged.name)
        why = _looks_back(merged)
        for name in () if own else above:
            known = by_name.get(name)
            if known is not None and (back := _looks_back(known)):
                why = f"{back} of {name} above it"
        if why is None:
            continue
        written = "write_disposition" in merged.data
        yield draft.document.finding(
            merged.place("write_disposition" if written else "name"),
            "append-overlaps",
            f"found append, and {why}: what a run reads again is added again; write merge, or take "
            "that away",
            severity="warning",
        )


def _looks_back(merged: MergedResource) -> str | None:
    """What has a resource read records again that the last run has seen, or None."""
    for cursor in cursors(merged)[:1]:
        if cursor.written.get("watermark") == "run_start":
            return "`watermark: run_start`"
        if cursor.written.get("lag"):
            return "a `lag`"
    return None


def check_cursors_sent(draft: Draft) -> Iterator[Finding]:
    """A cursor that no request carries: the API answers with everything, every time."""
    for merged in draft.resources:
        for cursor in cursors(merged)[:1]:
            ends = mentions(cursor.written, "step") and mentions(cursor.written, "end_param")
            if cursor.param is not None or mentions(cursor.written, "start_param") or ends:
                continue
            if cursor.written.get("row_order") == "desc":
                continue  # the list is left where it comes to what is known
            sent = any("incremental." in text.text for text in resource_texts(merged))
            if not sent:
                yield draft.document.finding(
                    cursor.pointer,
                    "cursor-not-sent",
                    f"no request of {merged.name} carries the cursor, so every run reads all "
                    "records; name the API's parameter as start_param, or write "
                    "{incremental.start_value} where it belongs",
                    severity="warning",
                    key=True,
                )


def check_one_cursor(draft: Draft) -> Iterator[Finding]:
    """One incremental a resource: dlt would silently take the one in the parameter."""
    for merged in draft.resources:
        found = cursors(merged)
        for cursor in found[1:]:
            yield draft.document.finding(
                cursor.pointer,
                "several-incrementals",
                f"resource {merged.name} has another incremental in the parameter "
                f"{found[0].param}; keep one of them",
                key=True,
            )


def _appends(draft: Draft, pointer: Pointer, found: str, names: list[str], *, key: bool) -> Finding:
    return draft.document.finding(
        pointer,
        "append-repeats",
        f"found {found} for {join_words(names)}: each run reads the whole list "
        "and adds every record "
        "again; write write_disposition: replace, or merge with a primary_key, or add an "
        "incremental",
        severity="warning",
        key=key,
    )


def _has_cursor(draft: Draft, merged: MergedResource) -> bool:
    """Whether a resource, or one that it reads from, is read from a cursor on."""
    seen: set[str] = set()
    current: MergedResource | None = merged
    while current is not None and current.name not in seen:
        if cursors(current) or mentions(current.endpoint, "incremental"):
            return True
        seen.add(current.name)
        current = draft.parent_of(current)
    return False
