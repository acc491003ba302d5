"""Whether the pages of a resource stay unparsed until they are rows, and if not, why.

Arrow reads them from their bytes then. What else looks at the records must say which fields it
reads, or all of a page is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jsonpath_ng import JSONPath

from framework.definition.expressions.context_roots import Path
from framework.definition.expressions.jmespath_expression import Expression
from framework.extract.compilation.plan import Plan
from framework.extract.pagination import FrameworkPaginator
from framework.extract.parent_child import ChildBindings
from framework.extract.projection import Projection, paths_of
from framework.extract.selectors import JmesPath

_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True)
class RawPages:
    """How pages stay unparsed: `path` has the keys of the list of records in a body.

    `projection` reads the fields that the incremental, steps and children need, None for none.
    """

    path: tuple[str, ...]
    projection: Projection | None


def raw_pages(
    plan: Plan, paginator: FrameworkPaginator | None, children: Iterable[ChildBindings]
) -> RawPages | str:
    """Return how a resource's pages stay unparsed, or why they do not."""
    reason = _plan_reason(plan, paginator)
    if reason is not None:
        return reason
    steps = paths_of(step.expression for step in plan.resource.steps)
    if steps is None:
        return "a `filter` reads whole records"
    paths = steps
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
    return RawPages(list_names(plan), Projection(paths) if paths else None)


def _plan_reason(plan: Plan, paginator: FrameworkPaginator | None) -> str | None:
    resource, names = plan.resource, list_names(plan)
    others = [step.kind for step in resource.steps if step.kind != "filter"]
    if others:
        return f"`{others[0]}` in processing_steps"
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
