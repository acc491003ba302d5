"""Render what two versions differ in: as text, as data, and as Markdown for a pull request.

Pure functions: they print nothing and read no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from framework.text import count_noun, sentences, shorten

if TYPE_CHECKING:
    from framework.authoring.compare.connector_diff import ConnectorDiff, ResourceDiff
    from framework.authoring.compare.table_comparison import RowExample, TableDiff

Json = Any

_MAX_REQUEST = 300
_MAX_REQUESTS = 50
"""Requests that text and Markdown list; JSON has all."""
_MAX_VALUE = 80
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def as_data(diff: ConnectorDiff, names: tuple[str, str]) -> dict[str, Json]:
    """Return the difference as schemas/connector-diff.schema.json describes it."""
    return {
        "connector": diff.connector,
        "old": names[0],
        "new": names[1],
        "cassette": diff.cassette,
        "equal": diff.is_equal,
        "resources": [asdict(one) for one in diff.resources],
        "requests": [asdict(one) for one in diff.requests],
        "tables": [asdict(one) for one in diff.tables],
    }


def render_text(diff: ConnectorDiff, names: tuple[str, str]) -> str:
    """Return the difference as lines: `-` is only in the old version, `+` only in the new one."""
    lines = [f"--- {names[0]}", f"+++ {names[1]}", f"replayed on {diff.cassette}"]
    if diff.is_equal:
        return "\n".join([*lines, "no difference in requests and tables"])
    for one in diff.resources:
        lines += ["", f"resource {one.name}"]
        lines += [f"  {line}" for line in _resource_lines(one)]
    if diff.requests:
        lines += ["", "requests"]
        lines += [f"  {line}" for line in _request_lines(diff)]
    for table in diff.tables:
        lines += ["", f"table {table.name}"]
        lines += [f"  {line}" for line in _table_lines(table)]
    return "\n".join(lines)


def render_markdown(diff: ConnectorDiff, names: tuple[str, str]) -> str:
    """Return the difference for a pull request: a table of the tables, the rest folded."""
    lines = [f"### Connector {_code(diff.connector)}", ""]
    lines.append(f"{_code(names[0])} → {_code(names[1])}, replayed on {_code(diff.cassette)}")
    if diff.is_equal:
        return "\n".join([*lines, "", "No difference in requests and tables."])
    if diff.tables:
        lines += ["", "| table | rows | added | removed | changed | columns | key |"]
        lines.append("|---|---|---|---|---|---|---|")
        lines += [f"| {' | '.join(_cells(one))} |" for one in diff.tables]
    failed = [one for one in diff.resources if "failed" in one.outcomes]
    if failed:
        lines += ["", f"Failed: {', '.join(_code(one.name) for one in failed)}."]
    parts = [(f"resource {one.name}", [*_resource_lines(one)]) for one in diff.resources]
    parts = [one for one in parts if one[1] not in (["+ ok"], ["- ok"])]  # the table says so
    if diff.requests:
        parts.append((count_noun(len(diff.requests), "request"), [*_request_lines(diff)]))
    both = [one for one in diff.tables if None not in one.rows]
    parts += [(f"table {one.name}", [*_table_lines(one)]) for one in both]
    for title, content in parts:
        text = "\n".join(content).replace("```", "` ` `")
        summary = title.replace("<", "&lt;")
        lines += ["", f"<details><summary>{summary}</summary>", "", "```diff", text, "```", ""]
        lines.append("</details>")
    return "\n".join(lines)


def _resource_lines(one: ResourceDiff) -> Iterator[str]:
    sides = zip("-+", one.outcomes, one.errors, one.warnings, strict=True)
    if one.errors[0] and one.errors[0] == one.errors[1]:
        yield f"  {one.outcomes[0]} in both: {sentences(one.errors[0])}"
        sides = zip("-+", (None, None), ("", ""), one.warnings, strict=True)
    for sign, outcome, error, warnings in sides:
        if outcome is not None and (one.outcomes[0] != one.outcomes[1] or error):
            yield f"{sign} {outcome}{': ' if error else ''}{sentences(error)}"
        for code in warnings:
            yield f"{sign} warning {code}"


def _request_lines(diff: ConnectorDiff) -> Iterator[str]:
    for one in diff.requests[:_MAX_REQUESTS]:
        old, new = one.counts
        sign = "+" if old < new else "-"
        times = "" if 0 in one.counts and 1 in one.counts else f" ({old} → {new} times)"
        yield f"{sign} {shorten(one.request, _MAX_REQUEST)}{times}"
        if one.read_as is not None:
            yield f"    read as {shorten(one.read_as, _MAX_REQUEST)}"
    more = len(diff.requests) - _MAX_REQUESTS
    if more > 0:
        yield f"and {count_noun(more, 'more request')}"


def _table_lines(table: TableDiff) -> Iterator[str]:
    old, new = table.rows
    if old is None or new is None:
        sign, count = ("+", new) if old is None else ("-", old)
        yield f"{sign} {count_noun(count or 0, 'row')}"
        return
    if old != new:
        yield f"~ {count_noun(old, 'row')} → {new}"
    if table.keys is not None:
        yield f"~ primary key {_names(table.keys[0])} → {_names(table.keys[1])}"
    for column, (before, after) in table.columns.items():
        if before is None or after is None:
            yield f"{'+' if before is None else '-'} column {column} ({after or before})"
        else:
            yield f"~ column {column}: {before} → {after}"
    for kind, count in _counts(table).items():
        if count:
            yield f"{_SIGNS[kind]} {count_noun(count, 'row')} {kind}{_changed_columns(table, kind)}"
            yield from (f"{_SIGNS[kind]}   {_row(one)}" for one in table.examples.get(kind, ()))


def _counts(table: TableDiff) -> Mapping[str, int]:
    return {"added": table.added, "removed": table.removed, "changed": table.changed}


def _changed_columns(table: TableDiff, kind: str) -> str:
    if kind != "changed":
        return ""
    return f": {', '.join(f'{name} ({count})' for name, count in table.changed_columns.items())}"


def _row(one: RowExample) -> str:
    row = ", ".join(f"{name}={_value(value)}" for name, value in one.row.items())
    changes = [f"{name} {_value(old)} → {_value(new)}" for name, (old, new) in one.values.items()]
    return f"{row}: {', '.join(changes)}" if changes else row


def _cells(table: TableDiff) -> Iterator[str]:
    old, new = table.rows
    yield _code(table.name)
    if old is None or new is None:
        yield f"{'new' if old is None else 'removed'}, {new if old is None else old}"
        yield from ("", "", "", "", "")
        return
    yield f"{old}" if old == new else f"{old} → {new}"
    yield from (f"{count or ''}" for count in _counts(table).values())
    yield ", ".join(
        f"{'+' if before is None else '-' if after is None else '~'} {_code(name)}"
        for name, (before, after) in table.columns.items()
    )
    keys = table.keys
    yield "" if keys is None else f"{_code(_names(keys[0]))} → {_code(_names(keys[1]))}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _value(value: Json) -> str:
    return "null" if value is None else shorten(str(value), _MAX_VALUE)


def _code(text: str) -> str:
    """Return a text as code in a cell; a pipe would end the cell."""
    return f"`{text.replace('`', '').replace('|', '¦')}`"
