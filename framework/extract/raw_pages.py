"""Whether the pages of a resource stay unparsed until they are rows, and if not, why.

Arrow reads them from their bytes then. What else looks at the records must say which fields it
reads, or all of a page is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from jsonpath_ng import JSONPath

from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Step
from framework.extract.compilation.plan import Plan
from framework.extract.lists.parent_child import ChildBindings
from framework.extract.paging.pagination import FrameworkPaginator
from framework.extract.paging.selectors import JmesPath
from framework.extract.records.projection import Projection, paths_of
from framework.extract.records.time_casts import time_casts

_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True)
class RawPages:
    """How pages stay unparsed: `path` has the keys of the list of records in a body.

    `projection` reads the fields that the incremental, steps and children need, None for none.
    `steps` are the places of the steps that are applied to these fields. With `has_changes`, steps
    change records.
    """

    path: tuple[str, ...]
    projection: Projection | None
    steps: frozenset[int] = frozenset()
    has_changes: bool = False


def raw_pages(
    plan: Plan, paginator: FrameworkPaginator | None, children: Iterable[ChildBindings]
) -> RawPages | str:
    """Return how a resource's pages stay unparsed, or why they do not."""
    reason = _plan_reason(plan, paginator)
    if reason is not None:
        return reason
    steps = plan.resource.steps
    paths = paths_of(step.expression for step in steps)
    if paths is None:
        return "a `filter` reads whole records"
    for step in steps:
        if step.kind == "cast":
            paths.update(tuple(path.split(".")) for path in step.argument)
    if plan.endpoint.incremental is not None:
        cursor_path = plan.endpoint.incremental.cursor_path
        if not _PLAIN_PATH.fullmatch(cursor_path):
            return "`cursor_path` is not a plain path"
        paths.add(tuple(cursor_path.split(".")))
    for child in children:
        read = child.reads
        if read is None:
            return f"`{child.name}` reads whole records"
        paths |= read
    needed = _steps_for(steps, paths)
    is_cast = time_casts(plan.resource) is not None
    has_changes = is_cast or any(step.kind != "filter" for step in steps)
    projection = Projection(paths) if paths else None
    return RawPages(list_names(plan), projection, needed, has_changes)


def _steps_for(steps: Sequence[Step], paths: set[Path]) -> frozenset[int]:
    """Return the places of the steps that tell the fields at these paths; add those they read."""
    found = {n for n, step in enumerate(steps) if step.kind in ("filter", "cast")}
    while True:
        more = {
            number: changed
            for number, step in enumerate(steps)
            if number not in found and not _are_apart(changed := _changed_by(step), paths)
        }
        if not more:
            return frozenset(found)
        found |= more.keys()
        paths |= {
            path for number, changed in more.items() if steps[number].kind == "rename"
            for path in changed
        }  # fmt: skip


def _changed_by(step: Step) -> set[Path]:
    """Return the fields that a `rename` or `remove` reads or changes."""
    names = chain(step.argument, step.argument.values() if step.kind == "rename" else ())
    return {tuple(name.split(".")) for name in names}


def _are_apart(paths: Iterable[Path], others: Collection[Path]) -> bool:
    return not any(_overlap(one, other) for one in paths for other in others)


def _plan_reason(plan: Plan, paginator: FrameworkPaginator | None) -> str | None:
    resource, names = plan.resource, list_names(plan)
    for step in resource.steps:
        if step.kind not in ("filter", "rename", "remove", "cast"):
            return f"`{step.kind}` in processing_steps"
        if step.kind == "remove" and any("*" in path for path in step.argument):
            return "a `remove` with `*` in processing_steps"
    if plan.endpoint.source is not None:
        return "`from`"
    if resource.zone is not None:
        return "`zone`"
    if plan.endpoint.export is not None:
        return "an export job"
    if resource.include_from_parent:
        return "`include_from_parent`"
    if resource.tables is not None:
        return "each list has a table of its own"
    if not names:
        return "no `data_selector` that is a plain path"
    if paginator is None or not paginator.is_plain:
        return "the paginator may read records"
    for path in vars(paginator.inner).values():
        if isinstance(path, JSONPath) and any(_overlap(keys, names) for keys in _read_by(path)):
            return "the paginator may read records"
    return None


def _read_by(path: JSONPath) -> tuple[Path, ...]:
    return path.expression.reads(over_context=True) if isinstance(path, JmesPath) else ((),)


def _overlap(one: Path, other: Path) -> bool:
    both = min(len(one), len(other))
    return one[:both] == other[:both]


def list_names(plan: Plan) -> tuple[str, ...]:
    """Return the keys of the record list in a body, () if the selector is not a plain path."""
    selector = plan.endpoint.data_selector
    return selector.names if isinstance(selector, Expression) else ()
