"""The plan of reading a resource: config and secrets resolved, paths compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dlt.sources.helpers.rest_client.auth import AuthConfigBase

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Binding, Endpoint, Resource, Selector
from framework.errors import BindingError, ResourceSkipped
from framework.extract.paging.pagination import FrameworkPaginator
from framework.http.request_context import RequestContext
from framework.http.response_actions import ResponseActions
from framework.runtime.context import Context

Json = Any


@dataclass(frozen=True)
class PlannedBinding:
    """A value of the parent's record; `find` returns it from a record and a context, or None."""

    binding: Binding
    selector: Selector
    find: Callable[[Json, Context | None], Json]

    @property
    def name(self) -> str:
        """The placeholder's text in the child's request."""
        return self.binding.name


@dataclass(frozen=True)
class Plan:
    """A resource with everything that is needed to read it.

    Partitions are resolved; the endpoint still has templates for a parent's values. `selector` is
    in dlt's form. `ahead` requests the pages of a numbered list in parallel.
    """

    resource: Resource
    endpoint: Endpoint
    bindings: tuple[PlannedBinding, ...]
    selector: Any
    paginator: FrameworkPaginator | None
    """Copied for each list; None lets dlt detect one."""
    ahead: bool
    auth: AuthConfigBase | None
    actions: ResponseActions
    requests: RequestContext
    context: Context
    """The run's context for expressions, with secrets."""
    for_jobs: RequestContext | None = None
    """The context of requests about an export job."""
    other_tables: frozenset[str] = frozenset()
    """Tables of other resources."""
    ancestor_bindings: tuple[PlannedBinding, ...] = ()
    """Bindings on ancestors above the parent."""
    problem: BindingError | ResourceSkipped | None = None
    """Why the resource is not read: its request lacks a value, or its metadata was skipped."""
    others: tuple[Plan, ...] = ()
    """The resource as its other independent parents see it."""

    @property
    def lines(self) -> tuple[Plan, ...]:
        """The plan for each independent parent, the first one's first."""
        return (self, *self.others)

    @property
    def bound_names(self) -> frozenset[str]:
        """The placeholders that the parent's records fill."""
        return frozenset(binding.name for binding in self.bindings)

    @cached_property
    def binds_in_context(self) -> bool:
        """Whether a binding or `when` reads the context."""
        selectors = [self.resource.when, *(binding.selector for binding in self.bindings)]
        return any(isinstance(item, Expression) and item.contextual for item in selectors)

    @property
    def ignored(self) -> int:
        """The number of responses that the file's actions have ignored so far."""
        return self.actions.ignored

    def cursor_params(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Return the parameters that carry the incremental's values."""
        incremental, token = self.endpoint.incremental, self.endpoint.sync_token
        if token is not None and token.param:
            return {token.param: values.get("incremental.token")}
        if incremental is None:
            return {}
        params = {}
        if incremental.start_param:
            params[incremental.start_param] = values["incremental.start_value"]
        if incremental.end_param:
            params[incremental.end_param] = values["incremental.end_value"]
        return params
