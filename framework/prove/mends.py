"""Changes of a connector file that may keep a history from losing rows.

Each is a changed connector, with which the history is played again: only what helps is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import Connector, Incremental, Resource
from framework.definition.values.durations import Period, format_duration
from framework.prove.history.account import Played, PlayedAccount
from framework.prove.plays.memory_tables import Trouble
from framework.runtime.field_paths import field_at

Json = Any
LAGS = (
    *(timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)),
    *(timedelta(days=7), timedelta(days=30)),
)
"""Lags that are tried, the least first."""


@dataclass(frozen=True)
class Mend:
    """A change of the file. `connector` has it; None for one that cannot be tried."""

    text: str
    connector: Connector | None


def mends(
    connector: Connector,
    account: PlayedAccount,
    code: str,
    played: Played,
    troubles: Mapping[int, Trouble],
) -> Iterator[Mend]:
    """Yield changes that may help, the likeliest first."""
    target = account.target.resource
    if "doubled" in troubles.values():
        yield from _against_doubles(connector, account, played)
    is_whole = target.write_disposition == "replace" or target.retires_absent_rows
    if is_whole and account.governing is not None:  # each load must have all rows
        yield from _of_whole_loads(connector, account)
        return
    natural = account.target.fields.natural_key
    if shared_key(account, played) is not None and natural is not None:
        yield _changed(connector, target, f"primary_key: {natural}", _keyed(target, natural))
    if code in ("new-records", "edits"):
        yield from _of_parents(connector, account)
    one = account.governing
    if one is None:
        return
    spec = one.resource.endpoint.incremental
    if spec is None:
        return
    pattern = text_pattern(account)
    if pattern is not None and one.resource.name == target.name:
        own, text = connector.resource(target.name), f'cursor_formats: ["{pattern}"]'
        changes = {"cursor_formats": (pattern,), "format": pattern}
        yield _of_cursor(connector, own, f'{text}, format: "{pattern}"', **changes)
    own = connector.resource(one.resource.name)
    if one.fields.filtered is not None and one.fields.cursor is not None:
        field, cursor = ".".join(one.fields.filtered), ".".join(one.fields.cursor)
        if own.name == target.name:
            yield _of_cursor(connector, own, f"cursor_path: {field}", cursor_path=field)
        yield Mend(f"a parameter that selects by {cursor}, if the API has one", None)
    where = "" if own.name == target.name else f"{own.name}: "
    if spec.arguments.get("row_order"):
        bare = {name: value for name, value in spec.arguments.items() if name != "row_order"}
        yield _of_cursor(connector, own, f"{where}remove row_order", arguments=bare)
    if spec.granularity:
        yield _of_cursor(connector, own, f"{where}remove granularity", granularity=None)
    if spec.arguments.get("range_start") == "open":
        bare = {name: value for name, value in spec.arguments.items() if name != "range_start"}
        yield _of_cursor(connector, own, f"{where}remove range_start: open", arguments=bare)
    if code == "future-records":
        yield from _ahead(connector, own, spec)
    if account.target.fields.updated and own.name == target.name and code == "edits":
        text = f"cursor_path: {account.target.fields.updated}, if the API can filter by it"
        yield Mend(text, None)
    lags = [*_lags(connector, own, spec, account, where)]
    is_parent = one is not account.target
    if code == "edits" or (is_parent and one in account.keeping):
        # what helped in this history is not enough for later changes
        hint = (
            "if no list of an older record changes" if is_parent else "if no older record is edited"
        )
        lags = [replace(lag, text=f"{lag.text}, {hint}") for lag in lags[-1:]]
    if code == "page-drift":  # a lag does not reach the records that a first run has missed
        text = "a paginator by cursor, if the API has one, or by the sort order of a key"
        yield Mend(text, None)
        yield _whole_reads(connector, own.name, target)
        return
    yield from lags
    if target.write_disposition == "append" and target.primary_key:
        merging = _with(connector, _merged(target))
        for mend in _lags(merging, merging.resource(own.name), spec, account, where):
            yield Mend(f"{mend.text}, with write_disposition: merge", mend.connector)


def _of_parents(connector: Connector, account: PlayedAccount) -> Iterator[Mend]:
    """Yield changes after which a list is read again though the cursor of its parent stays."""
    parents = [one for one in account.keeping if one is not account.target]
    changed, texts = connector, []
    for one in parents:
        name, updated = one.resource.name, one.fields.updated
        if updated is not None:
            yield Mend(f"{name}: cursor_path: {updated}, if the API can filter by it", None)
        mend = _whole_reads(changed, name, account.target.resource)
        texts.append(mend.text)
        if mend.connector is None:
            yield Mend("; ".join(texts), None)
            return
        changed = mend.connector
        own = changed.resource(account.name)
        if updated is not None and own.parent == name and own.only_changed is None:
            asking = replace(own, only_changed=compile_expression(updated))
            text = "; ".join([*texts, f"{own.name}: only_changed: {updated}"])
            yield Mend(text, _with(changed, asking))
        yield Mend("; ".join(texts), changed)


def text_pattern(account: PlayedAccount) -> str | None:
    """Return the form of a cursor that is a time and is compared as text, None if there is none."""
    spec, form = account.target.resource.endpoint.incremental, account.target.form
    if spec is None or form is None or form.kind == "number" or spec.timed:
        return None
    is_known = form.pattern == "iso" or form.pattern.startswith(("epoch", "%Y-%m", "%Y%m"))
    return None if is_known else form.pattern


def shared_key(account: PlayedAccount, played: Played) -> Json:
    """Return the primary key that two records of a history share, None if none do."""
    seen: dict[str, int] = {}
    for number, versions in played.versions.items():
        if not account.target.resource.primary_key or not versions:
            continue
        values = [
            field_at(versions[-1], name.split(".")) for name in account.target.resource.primary_key
        ]
        if seen.setdefault(repr(values), number) != number:
            return values[0] if len(values) == 1 else values
    return None


def changing_key(account: PlayedAccount, played: Played) -> str | None:
    """Return a field of the primary key that an edit changes, None if there is none."""
    for versions in played.versions.values():
        for name in account.target.resource.primary_key:
            values = {repr(field_at(one, name.split("."))) for one in versions}
            if len(values) > 1:
                return name
    return None


def _against_doubles(
    connector: Connector, account: PlayedAccount, played: Played
) -> Iterator[Mend]:
    target = account.target.resource
    changing = changing_key(account, played)
    fixed = tuple(name for name in target.primary_key if name != changing)
    natural = account.target.fields.natural_key
    if changing is not None and (fixed or natural):
        key = ", ".join(fixed) if fixed else str(natural)
        key = f"[{key}]" if len(fixed) > 1 else key
        hints = _keyed(target, list(fixed) or natural)
        yield _changed(connector, target, f"primary_key: {key}", hints)
    if target.write_disposition == "append":
        if target.primary_key:
            yield Mend("write_disposition: merge", _with(connector, _merged(target)))
        elif natural is not None:
            hints = {**_keyed(target, natural), "write_disposition": "merge"}
            text = f"write_disposition: merge, with primary_key: {natural}"
            yield _changed(connector, target, text, hints)
        if target.endpoint.incremental is None:
            hints = {**target.hints, "write_disposition": "replace"}
            yield _changed(connector, target, "write_disposition: replace", hints)


def _of_whole_loads(connector: Connector, account: PlayedAccount) -> Iterator[Mend]:
    """Yield changes for a table that has only what its last load had."""
    target = account.target.resource
    natural = account.target.fields.natural_key
    key = list(target.primary_key) or ([natural] if natural else [])
    if key and target.retires_absent_rows:
        text = key[0] if len(key) == 1 else f"[{', '.join(key)}]"
        hints = {**_keyed(target, key), "merge_key": key}
        yield _changed(connector, target, f"merge_key: {text}", hints)
    elif key:
        keyed = "" if target.primary_key else f", with primary_key: {natural}"
        hints = {**_keyed(target, key), "write_disposition": "merge"}
        yield _changed(connector, target, f"write_disposition: merge{keyed}", hints)
    if account.governing is not None:
        yield _whole_reads(connector, account.governing.resource.name, target)


def _whole_reads(connector: Connector, name: str, target: Resource) -> Mend:
    """Return the change after which each run reads whole lists; a body is not changed here."""
    own = connector.resource(name)
    endpoint, where = own.endpoint, "" if name == target.name else f"{name}: "
    text = f"{where}remove the incremental and its parameters"
    if any(map(_is_of_range, (endpoint.path, endpoint.json, endpoint.data, endpoint.headers))):
        return Mend(text, None)
    params = {name: one for name, one in endpoint.params.items() if not _is_of_range(one)}
    changed = replace(endpoint, incremental=None, params=params)
    return Mend(text, _with(connector, replace(own, endpoint=changed)))


def _is_of_range(value: Json) -> bool:
    return any("{incremental." in text for text in texts_of(value))


def _ahead(connector: Connector, own: Resource, spec: Incremental) -> Iterator[Mend]:
    year = Period(months=12)
    if spec.watermark == "run_start":
        yield _of_cursor(connector, own, "lookahead: P1Y", lookahead=year)
        return
    yield _of_cursor(connector, own, "watermark: run_start", watermark="run_start")
    for lag in LAGS:
        text = f"watermark: run_start, with lag: {format_duration(lag)}"
        yield _of_cursor(connector, own, text, watermark="run_start", lag=lag)
    lags: tuple[timedelta | None, ...] = (None, *LAGS)
    for back in lags:
        text = "watermark: run_start, with lookahead: P1Y"
        text += f" and lag: {format_duration(back)}" if back is not None else ""
        yield _of_cursor(
            connector, own, text, watermark="run_start", lookahead=year, lag=back or spec.lag
        )


def _lags(
    connector: Connector, own: Resource, spec: Incremental, account: PlayedAccount, where: str
) -> Iterator[Mend]:
    """Yield longer lags, as durations, or as numbers if the cursor is one."""
    form = None if account.governing is None else account.governing.form
    known = spec.lag if isinstance(spec.lag, timedelta) else timedelta(seconds=spec.lag or 0)
    for lag in LAGS:
        if form is not None and form.kind == "number":
            number = int(lag.total_seconds())
            if number > (spec.lag if isinstance(spec.lag, (int, float)) else 0):
                yield _of_cursor(connector, own, f"{where}lag: {number}", lag=float(number))
        elif lag > known and (form is None or lag >= form.unit):
            yield _of_cursor(connector, own, f"{where}lag: {format_duration(lag)}", lag=lag)


def _of_cursor(connector: Connector, own: Resource, text: str, **changes: Any) -> Mend:
    """Return the change of a resource's incremental."""
    incremental = own.endpoint.incremental
    assert incremental is not None
    changed = replace(incremental, **changes)
    return Mend(
        text, _with(connector, replace(own, endpoint=replace(own.endpoint, incremental=changed)))
    )


def _changed(connector: Connector, own: Resource, text: str, hints: Mapping[str, Json]) -> Mend:
    return Mend(text, _with(connector, replace(own, hints=hints)))


def _keyed(own: Resource, key: Json) -> dict[str, Json]:
    return {**own.hints, "primary_key": key}


def _merged(own: Resource) -> Resource:
    return replace(own, hints={**own.hints, "write_disposition": "merge"})


def _with(connector: Connector, changed: Resource) -> Connector:
    resources = tuple(changed if one.name == changed.name else one for one in connector.resources)
    return replace(connector, resources=resources)
