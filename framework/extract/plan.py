"""A resource ready to be read: config and secrets filled in, paths compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dlt.sources.helpers.rest_client.auth import AuthConfigBase

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Binding, Endpoint, Resource, Selector
from framework.extract.pagination import FrameworkPaginator
from framework.http.request_context import RequestContext
from framework.http.response_actions import ResponseActions
from framework.runtime.context import Context

Json = Any


@dataclass(frozen=True)
class PlannedBinding:
    """A value of the parent's record: `find` returns it, or None, for a record and a context."""

    binding: Binding
    selector: Selector
    find: Callable[[Json, Context | None], Json]

    @property
    def name(self) -> str:
        """Return the placeholder's text in the child's request."""
        return self.binding.name


@dataclass(frozen=True)
class Plan:
    """What reading a resource takes. The endpoint's templates still hold a parent's values.

    `paginator` is copied for each list; None lets dlt detect one. `selector` is as dlt expects it.
    `ahead` requests the pages of a numbered list in parallel. `context` is the run's, for
    expressions, with secrets. `for_jobs` is the context of requests about an
    export job; `other_tables` are those of other resources.

    `ancestor_bindings` are bindings on ancestors further up than the parent. Partitions are filled
    in.
    """

    resource: Resource
    endpoint: Endpoint
    bindings: tuple[PlannedBinding, ...]
    selector: Any
    paginator: FrameworkPaginator | None
    ahead: bool
    auth: AuthConfigBase | None
    actions: ResponseActions
    requests: RequestContext
    context: Context
    for_jobs: RequestContext | None = None
    other_tables: frozenset[str] = frozenset()
    ancestor_bindings: tuple[PlannedBinding, ...] = ()

    @cached_property
    def binds_in_context(self) -> bool:
        """Return whether a binding or `when` reads the context."""
        selectors = [self.resource.when, *(binding.selector for binding in self.bindings)]
        return any(isinstance(one, Expression) and one.contextual for one in selectors)

    @property
    def ignored(self) -> int:
        """Return how many responses the file's actions have ignored so far."""
        return self.actions.ignored

    def cursor_params(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Return the parameters that carry the incremental's values."""
        incremental = self.endpoint.incremental
        if incremental is None:
            return {}
        params = {}
        if incremental.start_param:
            params[incremental.start_param] = values["incremental.start_value"]
        if incremental.end_param:
            params[incremental.end_param] = values["incremental.end_value"]
        return params
