"""The keys of records as the API sends them, from those that a resource's steps leave.

Arrow reads unparsed pages by these keys. What a step does to a value is noted beside its key, and
done in the page's text (`free_form.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from framework.definition.model import Resource, Step
from framework.definition.schema.record_schema import Change, RecordNode, table_of
from framework.extract.records.transforms import cast_or_none

Json = Any
Entry = tuple[str, Any, tuple[Change, ...] | None]
"""What a key is: the attribute of its node, the value there, and its changes."""
_KINDS = ("columns", "lists", "objects")


class NotInColumns(Exception):
    """The steps cannot be told from the schema; the text says why."""


def unprocessed_keys(resource: Resource) -> RecordNode:
    """Return the keys of the records of a resource with a schema, before its steps.

    Raise NotInColumns if the schema and the steps do not tell them.
    """
    assert resource.schema is not None
    return before_steps(RecordNode.of(table_of(resource.schema)), resource.steps)


def before_steps(node: RecordNode, steps: Iterable[Step]) -> RecordNode:
    """Return the node with the keys that records have before these steps; it is changed.

    Raise NotInColumns if there is no such node.
    """
    known: set[str] = set()
    for step in reversed(tuple(steps)):
        if step.kind == "rename":
            known.update(step.argument.values())
            _rename(node, step)
        elif step.kind == "remove":
            for path in step.argument:
                _change(node, path, remove, through_lists=True)
        elif step.kind == "cast":
            for path, kind in step.argument.items():
                _change(node, path, partial(cast_or_none, path, kind))
        elif step.kind != "filter":
            raise NotInColumns(f"`{step.kind}` in processing_steps")
        for path in known:
            if _is_object(node, path.split(".")):
                # what is left of it stays where nothing gets its name
                raise NotInColumns(f"a `rename` to `{path}`, which is an object before")
    return node


def _is_object(node: RecordNode, names: Sequence[str]) -> bool:
    for name in names:
        if name not in node.objects:
            return False
        node = node.objects[name]
    return True


def remove(_: Json) -> Json:
    """Return null: a key whose value is null has no column of its own."""
    return None


def _rename(node: RecordNode, step: Step) -> None:
    taken = [
        (old.split("."), _take(node, new.split(".")))
        for old, new in reversed(step.argument.items())
    ]
    for names, entry in taken:
        _put(node, names, entry)


def _take(node: RecordNode, names: Sequence[str]) -> Entry | None:
    """Remove what is known of a key and return it, None if the schema does not declare it."""
    *above, last = names
    holder = node
    for name in above:
        if name in holder.columns or name in holder.lists:
            raise NotInColumns(f"a `rename` to a field below `{name}`")
        if name not in holder.objects:
            return None
        holder = holder.objects[name]
    changes = holder.changes.pop(last, None)
    entry: Entry | None = None
    if last in holder.nulls:
        holder.nulls.discard(last)
        entry = "nulls", None, changes
    for kind in _KINDS:
        found = getattr(holder, kind).pop(last, None)
        if found is not None:
            entry = kind, found, changes
    if above and not holder.nulls and not any(getattr(holder, kind) for kind in _KINDS):
        _take(node, above)
    return entry


def _put(node: RecordNode, names: Sequence[str], entry: Entry | None) -> None:
    """Note what a key is, where nothing is known of it."""
    *above, last = names
    for name in above:
        if name in node.columns or name in node.lists or name in node.nulls:
            raise NotInColumns(f"a `rename` of a field below `{name}`")
        if entry is None and name not in node.objects:
            return
        node = node.objects.setdefault(name, RecordNode(node.table, node.suffix))
    if last in node.nulls or any(last in getattr(node, kind) for kind in _KINDS):
        raise NotInColumns(f"a `rename` of `{'.'.join(names)}`, which is a column as well")
    if entry is None:
        return
    kind, found, changes = entry
    if kind == "nulls":
        node.nulls.add(last)
    else:
        getattr(node, kind)[last] = found
    if changes is not None:
        node.changes[last] = changes


def _change(node: RecordNode, path: str, change: Change, *, through_lists: bool = False) -> None:
    """Note that a value is changed before the changes that are known."""
    *above, last = path.split(".")
    for name in above:
        changes = node.changes.get(name, ())
        if remove in changes:
            return
        column = node.columns.get(name)
        if column is not None:
            if changes or column.data_type == "json":
                raise NotInColumns(f"a step changes parts of `{name}`")
            return  # a plain value has no fields
        if name in node.lists:
            node = node.lists[name]
            if not through_lists or node.table.scalars:
                return
        elif name in node.objects or change is remove:
            node = node.objects.setdefault(name, RecordNode(node.table, node.suffix))
        else:
            return  # not declared
    is_known = any(last in getattr(node, kind) for kind in _KINDS)
    if change is remove and not is_known:
        node.nulls.add(last)
    elif change is not remove and last not in node.columns:
        if is_known and remove not in node.changes.get(last, ()):
            raise NotInColumns(f"a `cast` of `{path}`, which is no plain value")
        return
    node.changes[last] = (change, *node.changes.get(last, ()))
