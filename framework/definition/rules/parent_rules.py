"""Children and their parents, and the parameters that a path names."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.annotations import is_resolve
from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import TemplateError, placeholders
from framework.definition.references import references
from framework.definition.rules.write_disposition_rules import disposition, key_fields
from framework.findings import Finding
from framework.text import did_you_mean, join_words


def check_parents(draft: Draft) -> Iterator[Finding]:
    """Each child reads from one resource that exists and is not itself or below it, and from
    those that this one reads from."""
    good: dict[str, str] = {}
    for merged in draft.resources:
        unknown: set[str] = set()
        parents: list[str] = []
        for reference in references(merged):
            parent = reference.parent
            if parent not in draft.names:
                if parent not in unknown:
                    unknown.add(parent)
                    yield _unknown(draft, merged, reference.pointer, parent)
            elif parent not in parents:
                parents.append(parent)
                nearest = draft.parent_of(merged)
                above = () if nearest is None else draft.above(nearest.name)
                if len(parents) > 1 and not {*parents} <= {nearest and nearest.name, *above}:
                    yield draft.document.finding(
                        reference.pointer,
                        "several-parents",
                        f"resource {merged.name} reads from "
                        f"{join_words(parents)}, and none of them "
                        "reads from the others; a resource can have one parent, and what is above "
                        "that one",
                    )
                    break
        nearest = draft.parent_of(merged)
        if parents and nearest is not None and not unknown:
            good.setdefault(merged.name, nearest.name)
    yield from _cycles(draft, good)


_OF_CHILDREN = (
    (
        "include_from_parent",
        "include-without-parent",
        "so there is nothing to include; take the key away, or refer to a parent as "
        "{resources.parent.field}",
    ),
    (
        "only_changed",
        "only-changed-without-parent",
        "and `only_changed` looks at the parent's record; take the key away, or write an "
        "incremental",
    ),
    (
        "when",
        "when-without-parent",
        "and `when` asks the parent's record; take the key away, or filter records in "
        "processing_steps",
    ),
)
"""Keys that make sense with a parent alone, with their codes and what is wrong and to do."""


def check_only_children(draft: Draft) -> Iterator[Finding]:
    """What makes sense with a parent alone, on a resource without one."""
    for merged in draft.resources:
        if references(merged):
            continue
        for key, code, why in _OF_CHILDREN:
            if merged.data.get(key) not in (None, []):
                message = f"resource {merged.name} reads from no other resource, {why}"
                yield draft.document.finding(merged.place(key), code, message, key=True)


def check_included_keys(draft: Draft) -> Iterator[Finding]:
    """A primary key that is a field of the parent's record, which no record has by itself."""
    for merged in draft.resources:
        parent = draft.parent_of(merged)
        if parent is None:
            continue
        begin, included = f"_{parent.name}_", merged.data.get("include_from_parent")
        names = [f"{begin}{name}" for name in included] if isinstance(included, list) else []
        for field in key_fields(merged, "primary_key"):
            if field.startswith(begin) and field not in names:
                yield draft.document.finding(
                    merged.place("primary_key" if merged.data.get("primary_key") else "columns"),
                    "key-not-included",
                    f"the primary key {field} of {merged.name} names a field of its parent, which "
                    "is in its records only where it is included; write include_from_parent: "
                    f"[{field.removeprefix(begin)}]",
                )


def check_only_changed(draft: Draft) -> Iterator[Finding]:
    """A table that is replaced by the lists of the changed parents loses all other rows."""
    for merged in draft.resources:
        if merged.data.get("only_changed") is None or not references(merged):
            continue
        if disposition(merged)[0] == "replace":
            yield draft.document.finding(
                merged.place("only_changed"),
                "only-changed-replaces",
                f"{merged.name} replaces its table, and would lose the rows of every parent that "
                "did not change; write write_disposition: merge with a primary_key",
                key=True,
            )


def check_path(draft: Draft) -> Iterator[Finding]:
    """Every `{name}` of a path is a parameter, and every resolve is in the path."""
    for merged in draft.resources:
        try:
            inside = [part for part in placeholders(merged.path) if part.kind == "param"]
        except TemplateError:
            continue
        named = {part.name for part in inside}
        unused = [
            name for name, entry in merged.params.items() if is_resolve(entry) and name not in named
        ]
        missing = list(dict.fromkeys(p.name for p in inside if merged.params.get(p.name) is None))
        for name in missing:
            if "." in name:
                continue
            near = did_you_mean(name, unused) or did_you_mean(name, merged.params)
            if near:
                unused = [other for other in unused if f" {other}?" not in near]
            yield draft.document.finding(
                merged.place("endpoint", "path"),
                "path-param-missing",
                f"the path names {{{name}}}, and there is no such parameter{near or _remedy(name)}",
            )
        for part in inside:
            entry = merged.params.get(part.name)
            if isinstance(entry, dict) and entry.get("type") == "incremental":
                yield draft.document.finding(
                    merged.place("endpoint", "path"),
                    "incremental-in-path",
                    f"{{{part.name}}} is an incremental parameter and cannot stand in a path; "
                    "write endpoint.incremental and {incremental.start_value}",
                )
        for name in unused:
            parent = merged.params[name].get("resource", "parent")
            field = merged.params[name].get("field", "field")
            yield draft.document.finding(
                merged.place("endpoint", "params", name),
                "resolve-not-in-path",
                f"the path has no {{{name}}}, and a resolve fills the path alone; put it there, "
                f'or write the parameter as {name}: "{{resources.{parent}.{field}}}"',
                key=True,
            )


def _unknown(
    draft: Draft, merged: MergedResource, pointer: tuple[str | int, ...], parent: str
) -> Finding:
    others = [name for name in draft.names if name != merged.name]
    hint = (
        did_you_mean(parent, others) or f"; there are {join_words(others) or 'no other resources'}"
    )
    return draft.document.finding(
        pointer, "unknown-parent", f"there is no resource {parent} to read from{hint}"
    )


def _remedy(name: str) -> str:
    return f"; add {name} to params, or write {{config.{name}}} or {{resources.parent.{name}}}"


def _cycles(draft: Draft, parents: dict[str, str]) -> Iterator[Finding]:
    done: set[str] = set()
    for start in parents:
        way: list[str] = []
        name = start
        while name in parents and name not in done and name not in way:
            way.append(name)
            name = parents[name]
        if name in way and name not in done:
            circle = way[way.index(name) :]
            yield _cycle(draft, circle)
        done.update(way)


def _cycle(draft: Draft, circle: list[str]) -> Finding:
    merged = next(merged for merged in draft.resources if merged.name in circle)
    start = circle.index(merged.name)
    shown = [*circle[start:], *circle[:start], merged.name]
    # where two resources share the name, the other one may be the one that reads
    found = next(
        reference
        for one in draft.resources
        if one.name == merged.name
        for reference in references(one)
        if reference.parent == shown[1]
    )
    how = (
        f"resource {merged.name} reads from itself"
        if len(circle) == 1
        else f"these resources read from each other in a circle: {' from '.join(shown)}"
    )
    message = f"{how}; one of them must be readable without the others"
    if len(circle) == 1 and found.pointer[:1] == ("resource_defaults",):
        message = f"{how}, as all resources do by this default; take it away there with null"
    elif len(circle) == 1:
        message = f"{how}; take the field from another resource"
    return draft.document.finding(found.pointer, "parent-cycle", message)
