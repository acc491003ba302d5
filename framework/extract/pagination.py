"""dlt's paginators with what a file adds to them: ends of its own, a computed next page, and the
paging values written anywhere in the request.

A `Paging` wraps one of dlt's paginators and is one for dlt's client. What is written into a
request besides the paginator's own parameter is the `write` function's business.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    BaseReferencePaginator,
    OffsetPaginator,
    RangePaginator,
)
from jsonpath_ng import DatumInContext, JSONPath

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.expressions.value_functions import truthy
from framework.runtime.context import Context, with_response
from framework.runtime.field_paths import take

Json = Any
Write = Callable[[requests.Request, Context], None]
"""Writes a request anew for a page; the context has `paginator` and the last answer's roots."""

UNSENT = "\0unsent "
"""Begins the names of parameters that dlt's paginators want and the file sends otherwise."""


@dataclass(frozen=True)
class Rules:
    """What a file says of its pages beyond dlt's words. `size` is the records in a full page;
    `rewrites` says that the request's own placeholders take something of the last page."""

    stop_when: Expression | None = None
    size: int | None = None
    stop_after_short_page: bool = False
    send_first: bool = True
    rewrites: bool = False


class Over(JSONPath):
    """An expression over the context where dlt asks for a path in the body."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.context: Context = {}

    def find(self, datum: Any) -> list[DatumInContext]:  # noqa: ARG002
        """What the expression gives, as a list of one or none."""
        value = self.expression.search(self.context, self.context)
        return [] if value is None else [DatumInContext(value)]

    def __str__(self) -> str:
        return self.expression.text

    __repr__ = __str__


class Paging(BasePaginator):
    """The paging of one list. `over` is how the next page is computed, None where dlt finds it."""

    def __init__(self, inner: BasePaginator, rules: Rules, over: Over | None = None) -> None:
        super().__init__()
        self.inner = inner
        self.rules = rules
        self.ended = False
        self._over = over
        self._context: Context = {}
        self._write: Write | None = None
        self._alone = False
        self._first = True

    def __deepcopy__(self, memo: dict[int, Any]) -> Paging:
        over = None if self._over is None else Over(self._over.expression)
        if over is not None:
            memo[id(self._over)] = over
        return Paging(copy.deepcopy(self.inner, memo), self.rules, over)

    def begin(self, context: Context, write: Write) -> Context:
        """Make ready for a list; gives the context of its first request."""
        self._write = write
        if not self._alone:
            self.inner.init_request(requests.Request())
        self._context = {**context, "paginator": self._values(sent=True)}
        return self._context

    def alone(self, value: int) -> Paging:
        """Paging of the same list that asks for the page of this number (or offset) only."""
        made = Paging(copy.copy(self.inner), self.rules)
        made._context, made._alone, made._first = self._context, True, False
        assert isinstance(made.inner, RangePaginator)
        made.inner.initial_value = made.inner.current_value = value
        return made

    @property
    def has_next_page(self) -> bool:
        """Whether another page follows."""
        return self.inner.has_next_page

    def init_request(self, request: requests.Request) -> None:
        """The first request, without the first page's value where the file leaves it out."""
        self.inner.init_request(request)
        inner = self.inner
        if self._first and not self.rules.send_first and isinstance(inner, RangePaginator):
            if inner.param_body_path:
                take(request.json or {}, inner.param_body_path)
            else:
                request.params.pop(inner.param_name, None)
        _without_unsent(request)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Look at a page: is there another one, and which?"""
        records = data or []
        page = self._page(response, records)
        if self._over is not None:
            self._over.context = page
        self._first = False
        self.ended = self._ends(page, records)  # first: the last page need not hold a next one
        if not self._alone and not self.ended:
            self.inner.update_state(response, data)
        if self.ended or self._alone:
            self.inner._has_next_page = False
        self._context = {**page, "paginator": self._values(sent=True)}

    def update_request(self, request: requests.Request) -> None:
        """The next page's request: written anew, then with the paginator's own parameters."""
        if not self.has_next_page:
            return
        if self.rules.rewrites and self._write is not None:
            self._write(request, self._context)
        self.inner.update_request(request)
        _without_unsent(request)

    def _values(self, *, sent: bool) -> dict[str, Json]:
        """The paging values, null where there is none of the name; with `sent` those that go into
        the request."""
        values: dict[str, Json] = dict.fromkeys(("page", "offset", "cursor"))
        values["limit"] = self.rules.size
        inner = self.inner
        if isinstance(inner, RangePaginator):
            name = "offset" if isinstance(inner, OffsetPaginator) else "page"
            unsent = sent and self._first and not self.rules.send_first
            values[name] = None if unsent else inner.current_value
        elif isinstance(inner, BaseReferencePaginator):
            values["cursor"] = inner._next_reference
        return values

    def _page(self, response: requests.Response, records: list[Any]) -> Context:
        """The context after an answer, with the values that it was asked for with."""
        if not (self.rules.stop_when or self.rules.rewrites or self._over):
            return self._context
        return {
            **with_response(self._context, response),
            "paginator": self._values(sent=False),
            "records": records,
            "last_record": records[-1] if records else None,
        }

    def _ends(self, page: Context, records: list[Any]) -> bool:
        """Whether the file says that this page is the last one."""
        rules = self.rules
        if rules.stop_after_short_page and rules.size and len(records) < rules.size:
            return True
        stop = rules.stop_when
        return stop is not None and truthy(stop.search(page, page))


def _without_unsent(request: requests.Request) -> None:
    params = request.params
    if isinstance(params, dict):
        for name in [name for name in params if str(name).startswith(UNSENT)]:
            del params[name]
