"""Children and their parents, and the parameters that a path names."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from framework.definition.draft import MAX_ANCESTORS, Draft
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.placeholders import TemplateError, placeholders
from framework.definition.references import is_resolve, references
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.rules.write_disposition_rules import disposition, key_fields
from framework.definition.schema.annotations import cursors, token_of
from framework.text import did_you_mean, join_words


@rule("unknown-parent")
def check_parents(draft: Draft) -> Iterator[Breach]:
    """Each child reads from resources that exist."""
    for merged in draft.resources:
        unknown: set[str] = set()
        for reference in references(merged):
            parent = reference.parent
            if parent in draft.names or parent in unknown:
                continue
            unknown.add(parent)
            others = [name for name in draft.names if name != merged.name]
            there_are = f"; there are {join_words(others) or 'no other resources'}"
            yield (
                reference.pointer,
                f"there is no resource {parent} to read from"
                f"{did_you_mean(parent, others) or there_are}",
            )


@rule("from-request")
def check_sources(draft: Draft) -> Iterator[Breach]:
    """A list from another resource's records has a selector, and no request of its own."""
    for merged in draft.resources:
        source = merged.endpoint.get("from")
        if not isinstance(source, str):
            continue
        selector = merged.endpoint.get("data_selector")
        if not isinstance(selector, str) or is_jsonpath(selector):
            yield (
                Key(merged.place("endpoint", "from")),
                f"{merged.name} takes its records from those of {source}, which needs a "
                "`data_selector` in JMESPath: the field of a record that holds them",
            )
        written = draft.data["resources"][merged.index]["endpoint"]
        for key in _OF_REQUESTS:
            if key in written:
                yield (
                    Key(merged.place("endpoint", key)),
                    f"found `{key}` beside `from`, with which nothing is requested; remove one",
                )


@rule("conditional-list")
def check_conditional(draft: Draft) -> Iterator[Breach]:
    """A list that may come without records has no children, and does not replace a table."""
    for merged in draft.resources:
        if merged.endpoint.get("conditional") is not True:
            continue
        place = Key(merged.place("endpoint", "conditional"))
        children = [
            one.name
            for one in draft.resources
            if any(reference.parent == merged.name for reference in references(one))
        ]
        if children:
            yield (
                place,
                f"{join_words(children)} would not be read when {merged.name} has not changed; "
                "remove `conditional`, or write it for the children",
            )
        if disposition(merged)[0] == "replace":
            yield (
                place,
                f"{merged.name} replaces its table with what a run reads, and a list that has not "
                "changed would be missing; write merge with a primary_key",
            )


@rule("several-parents")
def check_several_parents(draft: Draft) -> Iterator[Breach]:
    """What a resource with independent parents reads is of one record of one of them."""
    for merged in draft.resources:
        parents = [one.name for one in draft.parents_of(merged)]
        ways, told = draft.ways_to(merged.name), set[str]()
        for reference in references(merged):
            name = reference.parent
            if reference.partition is None and name not in told and ways.get(name, 0) > 1:
                told.add(name)
                yield reference.pointer, _two_ways(draft, merged.name, name)
        if len(parents) < 2:
            continue
        for key in ("when", "only_changed"):
            if merged.data.get(key) is not None:
                yield (
                    Key(merged.place(key)),
                    f"{merged.name} reads from {join_words(parents)}, and `{key}` reads the record "
                    f"of one parent; remove it, or filter the records of {parents[0]} itself",
                )
        for position, parent, field in draft.included(merged):
            if parent is None:
                yield (
                    merged.place("include_from_parent", position),
                    f"{merged.name} reads from {join_words(parents)}, so it is not clear whose "
                    f"field {field} is; write {parents[0]}.{field}",
                )
    for one in draft.reads:
        reader = draft.resource_of(one.resource)
        if reader is None or one.context == "parent":
            continue
        parents = [parent.name for parent in draft.parents_of(reader)]
        if one.path[:1] == ("parent",) and len(parents) > 1:
            path = ".".join(("resources", parents[0], *one.path[1:]))
            yield (
                one.pointer,
                f"{reader.name} reads from {join_words(parents)}, so it is not clear whose record "
                f"`parent` is; write {path}",
            )
        elif one.path[:1] == ("resources",) and len(one.path) > 1:
            name = one.path[1]
            is_reference = any(name == known.parent for known in references(reader))
            if not is_reference and draft.ways_to(reader.name).get(name, 0) > 1:
                yield one.pointer, _two_ways(draft, reader.name, name)


def _two_ways(draft: Draft, name: str, above: str) -> str:
    below = [one for one in draft.above(name) if above in draft.above(one)]
    return (
        f"{name} reads from {above}, which is above it on more than one way (by "
        f"{join_words(below)}), so it is not clear which record is meant; have one of them add "
        "the field to its records with include_from_parent, and read it there"
    )


@rule("too-many-ancestors")
def check_depth(draft: Draft) -> Iterator[Breach]:
    """A resource has a bounded number of resources above it."""
    for merged in draft.resources:
        draft.ways_to(merged.name)
    deep = next((merged for merged in draft.resources if merged.name in draft.too_deep), None)
    if deep is not None:
        yield (
            deep.place("name"),
            f"more than {MAX_ANCESTORS} resources are above {deep.name}, parents of parents, which "
            "is the most that is supported; read it from one that is nearer to the first",
        )


@rule("parent-cycle")
def check_cycles(draft: Draft) -> Iterator[Breach]:
    """No resource reads from itself, nor from what reads from it."""
    parents: dict[str, tuple[str, ...]] = {}
    for merged in draft.resources:
        read = {reference.parent for reference in references(merged)}
        if read and read <= {*draft.names}:
            parents.setdefault(merged.name, tuple(one.name for one in draft.parents_of(merged)))
    while True:
        try:
            TopologicalSorter(parents).prepare()
        except CycleError as error:
            cycle = error.args[1][:0:-1]
            yield _cycle(draft, cycle)
            parents = {name: above for name, above in parents.items() if name not in cycle}
        else:
            return


_OF_REQUESTS = (
    *("path", "method", "params", "json", "data", "headers", "graphql", "auth", "export"),
    *("paginator", "response_format", "response_actions", "incremental"),
)
"""Keys of an endpoint that say how it is requested."""

_FOR_CHILDREN = {
    "include_from_parent": (
        "so there is nothing to include; remove the key, or refer to a parent as "
        "{resources.parent.field}"
    ),
    "only_changed": (
        "and `only_changed` compares the parent's record; remove the key, or write an incremental"
    ),
    "when": (
        "and `when` reads the parent's record; remove the key, or filter records in "
        "processing_steps"
    ),
}
"""Keys that need a parent, with what is wrong without one and how to fix it."""


@rule("include-without-parent")
def check_include(draft: Draft) -> Iterator[Breach]:
    """Only a child includes fields of its parent."""
    return _without_parent(draft, "include_from_parent")


@rule("only-changed-without-parent")
def check_only_changed(draft: Draft) -> Iterator[Breach]:
    """Only a child is read for changed parents."""
    return _without_parent(draft, "only_changed")


@rule("when-without-parent")
def check_when(draft: Draft) -> Iterator[Breach]:
    """Only a child has a condition on its parent."""
    return _without_parent(draft, "when")


@rule("key-not-included")
def check_included_keys(draft: Draft) -> Iterator[Breach]:
    """A primary key that names a field of the parent needs include_from_parent."""
    for merged in draft.resources:
        parents = [one.name for one in draft.parents_of(merged)]
        names = {f"_{name}_{field}" for _, name, field in draft.included(merged)}
        for field in key_fields(merged, "primary_key"):
            near = [name for name in parents if field.startswith(f"_{name}_")]
            if near and field not in names:
                wanted = field.removeprefix(f"_{near[0]}_")
                wanted = f"{near[0]}.{wanted}" if len(parents) > 1 else wanted
                yield (
                    merged.place("primary_key" if merged.data.get("primary_key") else "columns"),
                    f"the primary key {field} of {merged.name} names a field of its parent, which "
                    "is in its records only if it is included; write include_from_parent: "
                    f"[{wanted}]",
                )


@rule("only-changed-replaces")
def check_replaced(draft: Draft) -> Iterator[Breach]:
    """A table is not replaced by the lists of the changed parents: it would lose all other rows."""
    for merged in draft.resources:
        if merged.data.get("only_changed") is None or not references(merged):
            continue
        if disposition(merged)[0] == "replace":
            yield (
                Key(merged.place("only_changed")),
                f"{merged.name} replaces its table, and would lose the rows of every parent that "
                "did not change; write write_disposition: merge with a primary_key",
            )


@rule("only-new")
def check_only_new(draft: Draft) -> Iterator[Breach]:
    """Lists that are read once are those of parents or partitions, and nothing needs them again."""
    for merged in draft.resources:
        if merged.data.get("only_new") is not True:
            continue
        bound = references(merged)
        batches = [one for one in bound if one.partition is not None]
        listed = merged.data.get("partitions") or ()
        problem = None
        if not bound and not listed:
            problem = (
                "has no parent and no partitions, so no run but the first would read it; remove "
                "the key"
            )
        elif disposition(merged)[0] == "replace":
            problem = (
                "replaces its table, and would lose the rows of all lists that are not new; write "
                "write_disposition: append, or merge with a primary_key"
            )
        elif any(
            listed[one.partition].get("batch") for one in batches if one.partition is not None
        ):
            problem = "requests values in batches, which differ from run to run; remove `batch`"
        for key in ("only_changed", "deletes"):
            if merged.data.get(key) and problem is None:
                problem = f"has `{key}`, which is about lists that are read again; remove one"
        if problem is None and (cursors(merged) or token_of(merged)):
            problem = "has an incremental, which is about lists that are read again; remove one"
        if problem is not None:
            yield Key(merged.place("only_new")), f"{merged.name} {problem}"


@rule("path-param-missing", "incremental-in-path", "resolve-not-in-path")
def check_path(draft: Draft) -> Iterator[Breach]:
    """Every `{name}` of a path is a parameter, and every `type: resolve` is in the path."""
    for merged in draft.resources:
        try:
            parts = [part for part in placeholders(merged.path) if part.kind == "param"]
        except TemplateError:
            continue
        path, params = merged.place("endpoint", "path"), merged.params
        used = dict.fromkeys(part.name for part in parts)
        unused = [name for name in params if is_resolve(params[name]) and name not in used]
        for name in used:
            entry = params.get(name)
            if isinstance(entry, dict) and entry.get("type") == "incremental":
                yield (
                    "incremental-in-path",
                    path,
                    f"{{{name}}} is an incremental parameter, which cannot be in a path; "
                    "write endpoint.incremental and {incremental.start_value}",
                )
            if entry == "":
                yield (
                    "path-param-missing",
                    path,
                    f"the path names {{{name}}}, which is empty text in params: another path would "
                    "be requested; write a value",
                )
            if entry is not None or "." in name:
                continue
            near = did_you_mean(name, unused) or did_you_mean(name, params)
            unused = [other for other in unused if f" {other}?" not in near]
            remedy = f"; add {name} to params, or write {{config.{name}}} or "
            remedy += f"{{resources.parent.{name}}}"
            message = f"the path names {{{name}}}, and there is no such parameter{near or remedy}"
            yield "path-param-missing", path, message
        for name in unused:
            parent = params[name].get("resource", "parent")
            field = params[name].get("field", "field")
            yield (
                "resolve-not-in-path",
                Key(merged.place("endpoint", "params", name)),
                f"the path has no {{{name}}}, and a resolve fills the path only; add it there, "
                f'or write the parameter as {name}: "{{resources.{parent}.{field}}}"',
            )


def _without_parent(draft: Draft, key: str) -> Iterator[Breach]:
    for merged in draft.resources:
        if not references(merged) and merged.data.get(key) not in (None, []):
            message = f"resource {merged.name} reads from no other resource, {_FOR_CHILDREN[key]}"
            yield Key(merged.place(key)), message


def _cycle(draft: Draft, cycle: list[str]) -> Breach:
    """Return the breach of a cycle, at the reference of its first resource in the file."""
    merged = next(merged for merged in draft.resources if merged.name in cycle)
    start = cycle.index(merged.name)
    way = [*cycle[start:], *cycle[:start], merged.name]
    # if two resources share the name, the other one may be the one that reads
    reference = next(
        reference
        for one in draft.resources
        if one.name == merged.name
        for reference in references(one)
        if reference.parent == way[1]
    )
    if len(cycle) > 1:
        message = (
            f"these resources read from each other in a cycle: {' from '.join(way)}; one of them "
            "must be readable without the others"
        )
    elif reference.pointer[:1] == ("resource_defaults",):
        message = (
            f"resource {merged.name} reads from itself, as all resources do by this default; "
            "remove it there with null"
        )
    else:
        message = f"resource {merged.name} reads from itself; take the field from another resource"
    return reference.pointer, message
