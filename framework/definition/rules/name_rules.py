"""Names: of the file, of resources, and of the tables that dlt makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import TemplateError, placeholders
from framework.definition.naming import normalize_path
from framework.findings import Finding


def check_file_name(draft: Draft) -> Iterator[Finding]:
    """The connector's name is the file's, so that whoever knows one finds the other."""
    name = draft.data.get("name")
    if isinstance(name, str) and name and name != draft.location.name:
        yield draft.document.finding(
            ("name",),
            "file-name",
            f"found the name {name} in a file named {draft.location.name}; "
            f"rename one of them, the file to {name}.yaml or the connector",
        )


def check_duplicates(draft: Draft) -> Iterator[Finding]:
    """Two resources of one name."""
    seen: dict[str, MergedResource] = {}
    for merged in draft.resources:
        first = seen.setdefault(merged.name, merged)
        if first is not merged:
            line = draft.document.mark(first.place("name")).line
            yield draft.document.finding(
                merged.place("name"),
                "duplicate-resource",
                f"there is a resource {merged.name} already, in line {line}; "
                "give each resource a name of its own",
            )


def check_tables(draft: Draft) -> Iterator[Finding]:
    """Two resources, or a resource and a list inside another, that land in one table.

    Two resources that both write the same `table_name` mean it.
    """
    seen: dict[str, tuple[MergedResource, str]] = {}
    reported: set[int] = set()
    names: set[str] = set()
    for merged in draft.resources:
        if merged.name in names:
            continue
        names.add(merged.name)
        if _one_a_list(merged):
            continue
        for table, what in _tables(draft, merged):
            other = seen.setdefault(table, (merged, what))
            if other[0] is merged or merged.index in reported:
                continue
            if _same_on_purpose(merged, other[0]):
                continue
            reported.add(merged.index)
            yield draft.document.finding(
                merged.place("table_name" if _table_name(merged) else "name"),
                "table-collision",
                f"{what} and {other[1]} land in one table, {table}; "
                "rename one of the resources or give it a table_name of its own",
            )


def check_listed_tables(draft: Draft) -> Iterator[Finding]:
    """A table for each list has the columns of its rows: a schema declares those of one table."""
    for merged in draft.resources:
        if not _one_a_list(merged):
            continue
        if merged.data.get("schema") is not None:
            yield draft.document.finding(
                merged.place("table_name"),
                "table-name-with-schema",
                f"{merged.name} has a schema, and its table_name a placeholder: a schema declares "
                "one table, and each list gets its own; take one of them away",
            )


def _one_a_list(merged: MergedResource) -> bool:
    """Whether the table's name depends on the list."""
    try:
        return bool(placeholders(_table_name(merged) or ""))
    except TemplateError:
        return False


def _tables(draft: Draft, merged: MergedResource) -> Iterator[tuple[str, str]]:
    written = _table_name(merged) or merged.name
    try:
        root = normalize_path(written)
    except ValueError:
        return
    if not root:
        return
    yield root, f"resource {merged.name}"
    schema = draft.schema(merged)
    table = schema.table if schema else None
    for suffix, _ in table.tables() if table else ():
        if suffix:
            yield f"{root}__{suffix}", f"the list {suffix} of resource {merged.name}"


def _table_name(merged: MergedResource) -> str | None:
    name = merged.data.get("table_name")
    return name if isinstance(name, str) and name.strip() else None


def _same_on_purpose(one: MergedResource, other: MergedResource) -> bool:
    return _table_name(one) is not None and _table_name(one) == _table_name(other)
