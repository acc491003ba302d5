"""Names: of the file, of resources, of their tables; and parts of the defaults that no one uses."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import TemplateError, placeholders
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.values.naming import normalize_path, reserved_table


@rule("file-name")
def check_file_name(draft: Draft) -> Iterator[Breach]:
    """The connector has the name of its file."""
    name = draft.data.get("name")
    if isinstance(name, str) and name and name != draft.location.name:
        yield (
            ("name",),
            f"found the name {name} in a file named {draft.location.name}; "
            f"rename one of them, the file to {name}.yaml or the connector",
        )


@rule("duplicate-resource")
def check_duplicates(draft: Draft) -> Iterator[Breach]:
    """Each resource has a name of its own."""
    first: dict[str, MergedResource] = {}
    for merged in draft.resources:
        earlier = first.setdefault(merged.name, merged)
        if earlier is not merged:
            line = draft.document.mark(earlier.place("name")).line
            yield (
                merged.place("name"),
                f"there is already a resource {merged.name}, in line {line}; "
                "give each resource a name of its own",
            )


@rule("table-collision")
def check_tables(draft: Draft) -> Iterator[Breach]:
    """Each resource, and each list inside one, has a table of its own.

    Two resources may share a table by writing the same `table_name`.
    """
    owners: dict[str, tuple[MergedResource, str]] = {}
    names: set[str] = set()
    reported: set[int] = set()
    for merged in draft.resources:
        if merged.name in names or _has_table_per_list(merged):
            continue
        names.add(merged.name)
        for table, what in _tables(draft, merged):
            owner, other = owners.setdefault(table, (merged, what))
            if owner is merged or merged.index in reported or _share_a_table(merged, owner):
                continue
            reported.add(merged.index)
            yield (
                merged.place("table_name" if _table_name(merged) else "name"),
                f"{what} and {other} are loaded into the same table, {table}; "
                "rename one of the resources or give it a table_name of its own",
            )


@rule("reserved-table")
def check_reserved(draft: Draft) -> Iterator[Breach]:
    """A table has a name that dlt does not use itself, and can name files by."""
    for merged in draft.resources:
        if not _has_table_per_list(merged):
            try:
                problem = reserved_table(_table_name(merged) or merged.name)
            except ValueError:
                continue
            if problem:
                yield (
                    merged.place("table_name" if _table_name(merged) else "name"),
                    f"{problem}; write another table_name",
                )


@rule("table-name-with-schema")
def check_listed_tables(draft: Draft) -> Iterator[Breach]:
    """A schema declares one table, so `table_name` cannot vary by list."""
    for merged in draft.resources:
        if _has_table_per_list(merged) and merged.data.get("schema") is not None:
            yield (
                merged.place("table_name"),
                f"{merged.name} has a schema, and its table_name has a placeholder: a schema "
                "declares one table, and each list gets its own; remove one of them",
            )


@rule("defaults-endpoint")
def check_default_endpoint(draft: Draft) -> Iterator[Breach]:
    """The endpoint of the defaults is a mapping: dlt refuses text there."""
    if isinstance(draft.section("resource_defaults").get("endpoint"), str):
        yield (
            ("resource_defaults", "endpoint"),
            "found a path for all resources, expected a mapping with what their endpoints share, "
            "such as params or paginator",
        )


@rule("default-path-unused", severity="warning")
def check_default_path(draft: Draft) -> Iterator[Breach]:
    """The defaults have no path: dlt never uses it."""
    endpoint = draft.section("resource_defaults").get("endpoint")
    if isinstance(endpoint, dict) and endpoint.get("path") is not None:
        yield (
            Key(("resource_defaults", "endpoint", "path")),
            "this path is never used: a resource without a path has its name as path; write it "
            "in the resources that need it",
        )


def _has_table_per_list(merged: MergedResource) -> bool:
    try:
        return bool(placeholders(_table_name(merged) or ""))
    except TemplateError:
        return False


def _tables(draft: Draft, merged: MergedResource) -> Iterator[tuple[str, str]]:
    """Yield the tables of a resource with a description of each."""
    try:
        root = normalize_path(_table_name(merged) or merged.name)
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


def _share_a_table(one: MergedResource, other: MergedResource) -> bool:
    return _table_name(one) is not None and _table_name(one) == _table_name(other)
