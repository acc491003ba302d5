"""Paginators: dlt's, with what a connector file adds to them.

A file may end a list itself, compute the next page, and write paging values anywhere into the
request. A new type of paginator is a row of `PAGINATORS`, its schema entry, and a case in
tests/cases.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.paginators import (
    BaseNextUrlPaginator,
    BasePaginator,
    BaseReferencePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    RangePaginator,
    SinglePagePaginator,
)
from jsonpath_ng import DatumInContext, JSONPath
from requests import Response

from framework.definition.expressions.jmespath_expression import (
    Expression,
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.placeholders import placeholders, texts_of
from framework.definition.expressions.value_functions import truthy
from framework.definition.paginator_keys import PAGE_KEYS, PAGING, paginator_types
from framework.definition.plain_data import from_plain
from framework.extract.page import Page
from framework.extract.paging.paging_fields import HasMore, Total, range_ends, total_of
from framework.extract.paging.selectors import look_up
from framework.http.error_messages import PaginatorFailure
from framework.http.link_header import links_by_relation
from framework.http.transport import InvalidJson
from framework.runtime.context import Context, with_response
from framework.runtime.dlt_internals import (
    end_pagination,
    next_reference,
    set_next_reference,
)
from framework.runtime.field_paths import ABSENT, take_field

Json = Any


Write = Callable[[requests.Request, Context], None]
"""Writes the request of a page; its context has `paginator` and the last response."""

UNEXPECTED = (ValueError, TypeError, AttributeError)
"""What dlt's paginators raise for a response that they do not expect."""

_OF_LENGTH = (("records",), ("last_record",), ("paginator", "limit"))
"""What an expression reads to know only how many records a page has."""

SHRINKABLE = (OffsetPaginator, JSONResponseCursorPaginator, HeaderCursorPaginator)
"""Paginators whose next page begins after the records that were read, whatever the page's size."""

UNSENT = "\0unsent "
"""Begins the names of parameters that dlt's paginators need and that are not sent."""


@dataclass(frozen=True, kw_only=True)
class PaginationRules:
    """The keys of paginators that dlt does not know; each is a key of the schema.

    `page_size` is the number of records in a full page. `cursor` and `next_url` compute the next
    page from the context. With `resend_params` a link gets the first request's parameters.
    """

    ahead: bool = False
    stop_when: Expression | None = None
    page_size: int | None = None
    page_size_param: str | None = None
    stop_after_short_page: bool = False
    send_first: bool = True
    cursor: Expression | None = None
    next_url: Expression | None = None
    resend_params: bool | None = None


FRAMEWORK_KEYS = frozenset(one.name for one in fields(PaginationRules))


@dataclass(frozen=True)
class PaginatorConfig:
    """A paginator of the file with its placeholders filled in.

    `rules` are the framework's keys; `arguments` are dlt's, as the file has them.
    """

    kind: str
    rules: PaginationRules
    arguments: Mapping[str, Json]

    @property
    def size_params(self) -> dict[str, Json]:
        """The parameter for the page size, empty if there is none."""
        name = self.rules.page_size_param
        return {name: self.rules.page_size} if name else {}


class Over(JSONPath):
    """An expression over the context in place of a path in the body."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.context: Context = {}

    def find(self, datum: Any) -> list[DatumInContext]:  # noqa: ARG002
        """Return the value as a list of one match, or of none for null."""
        value = self.expression.search(self.context, self.context)
        return [] if value is None else [DatumInContext(value)]

    @property
    def reads_response(self) -> bool:
        """Whether the expression reads the response, not only the records."""
        read = self.expression.reads(over_context=True)
        return any(path[:1] in (("response",), ("headers",), ()) for path in read)

    def __str__(self) -> str:
        return self.expression.text

    __repr__ = __str__


class FrameworkPaginator(BasePaginator):
    """The pagination of one list, a paginator for dlt's client too.

    `over` computes the next page; None lets dlt's paginator find it. With `rewrites` placeholders
    of the request read the last page. `is_plain` says that nothing is added to dlt's paginator,
    which then only needs the length of a page.
    """

    def __init__(
        self,
        inner: BasePaginator,
        rules: PaginationRules,
        over: Over | None = None,
        *,
        rewrites: bool = False,
    ) -> None:
        super().__init__()
        self.inner = inner
        self.rules = rules
        self.rewrites = rewrites
        self.ended = False
        """Whether a condition of the file has ended the list."""
        self.ended_by_length = False
        """Whether that condition only looked at how many records the page has."""
        self.promises = False
        """Whether the API itself announced the next page: by its total, a flag or a cursor."""
        self.page_size = rules.page_size
        """The number of records in a full page, None if the file does not say it."""
        self._over = over
        self._context: Context = {}
        self._write: Write | None = None
        self._alone = False
        self._first = True
        flag = getattr(inner, "has_more_path", None)
        self._flag = flag if isinstance(flag, HasMore) else None
        total = getattr(inner, "total_path", None)
        self._total = total if isinstance(total, Total) else None
        self._params: Mapping[str, Json] = {}
        names = [value for value in vars(inner).values() if isinstance(value, str)]
        self._has_unsent = UNSENT in "".join(names)
        adds_rules = rules.stop_when or rules.stop_after_short_page or not rules.send_first
        self.is_plain = not (over or adds_rules or rewrites or self._has_unsent)

    def __deepcopy__(self, memo: dict[int, Any]) -> FrameworkPaginator:
        over = None if self._over is None else Over(self._over.expression)
        if over is not None:
            memo[id(self._over)] = over
        return FrameworkPaginator(
            self._copied_inner(memo), self.rules, over, rewrites=self.rewrites
        )

    def _copied_inner(self, memo: dict[int, Any]) -> BasePaginator:
        """Return dlt's paginator for another list; of its paths only those that learn are copied.

        A deep copy of all of them takes longer than parsing a page.
        """
        copied = copy.copy(self.inner)
        for name, value in vars(copied).items():
            if isinstance(value, (Over, Total, HasMore)):
                vars(copied)[name] = copy.deepcopy(value, memo)
        return copied

    def begin(self, context: Context, write: Write) -> Context:
        """Start a list; return the context of its first request."""
        self._write = write
        if not self._alone:
            self.inner.init_request(requests.Request())
        self._context = {**context, "paginator": self._values(sent=True)}
        return self._context

    def alone(self, value: int) -> FrameworkPaginator:
        """Return a paginator that requests only the page of this number or offset."""
        made = FrameworkPaginator(copy.copy(self.inner), self.rules, rewrites=self.rewrites)
        made._context, made._alone, made._first = self._context, True, False
        assert isinstance(made.inner, RangePaginator)
        made.inner.initial_value = made.inner.current_value = value
        made.promises = self.promises
        return made

    @property
    def has_next_page(self) -> bool:
        """Whether another page follows."""
        return self.inner.has_next_page

    def init_request(self, request: requests.Request) -> None:
        """Prepare the first request, without the first page's value if the file says so."""
        self.inner.init_request(request)
        inner = self.inner
        if self._first and not self.rules.send_first and isinstance(inner, RangePaginator):
            if inner.param_body_path:
                take_field(request.json or {}, inner.param_body_path)
            else:
                request.params.pop(inner.param_name, None)
        _without_unsent(request)
        self._params = dict(request.params or {})

    def update_state(self, response: requests.Response, data: Any = None) -> None:
        """Read from a page whether another one follows, and which.

        `data` is a Page or a list; its length is that of the API's own list.
        """
        self._first = False
        if self.is_plain and not self._alone:
            self._read_next(response, data)
            return
        records = data.items if isinstance(data, Page) else data or []
        page = self._page(response, records)
        if self._over is not None:
            self._over.context = page
        # first: the last page need not hold a next one
        self.ended = self._ends(page, len(data) if data is not None else 0)
        if not self._alone and not self.ended:
            self._read_next(response, data)
        if self.ended or self._alone:
            end_pagination(self.inner)
        self._context = {**page, "paginator": self._values(sent=True)}

    def update_request(self, request: requests.Request) -> None:
        """Write the next page's request: its templates first, then the paginator's parameters."""
        if not self.has_next_page:
            return
        if self.rewrites and self._write is not None:
            self._write(request, self._context)
            self._write_size(request)
            self._params = dict(request.params or {})
        try:
            self.inner.update_request(request)
            if self.rules.resend_params:
                request.params = self.missing_params(request)
        except UNEXPECTED as error:
            raise self._failure(error, None) from error
        if self._has_unsent:
            _without_unsent(request)

    def shrink(self, request: requests.Request) -> bool:
        """Write the page's request again with half as many records; return whether it can be.

        It cannot for numbered pages, which would have other records then, and links.
        """
        inner, size = self.inner, (self.page_size or 0) // 2
        if size < 1 or not isinstance(inner, SHRINKABLE):
            return False
        self._resize(size)
        if self.rewrites and self._write is not None:
            self._write(request, self._context)
        self._write_size(request)
        if self._first:
            self.init_request(request)
        else:
            inner.update_request(request)
            _without_unsent(request)
        return True

    def _resize(self, size: int) -> None:
        self.page_size = size
        if isinstance(self.inner, OffsetPaginator):
            self.inner.limit = self.inner.value_step = size
        paginator = {**self._context.get("paginator", {}), "limit": size}
        self._context = {**self._context, "paginator": paginator}

    def _write_size(self, request: requests.Request) -> None:
        """Write the size of a page that is smaller now; the request has that of the file."""
        name = self.rules.page_size_param
        if name and self.is_smaller:
            request.params[name] = self.page_size

    @property
    def is_smaller(self) -> bool:
        """Whether pages are requested with fewer records than the file says."""
        return self.page_size != self.rules.page_size

    @property
    def place(self) -> Json:
        """Return the number or the reference of the next page, as JSON."""
        inner = self.inner
        if isinstance(inner, RangePaginator):
            return inner.current_value
        return next_reference(inner) if isinstance(inner, BaseReferencePaginator) else None

    def go_to(self, place: Json, *, promises: bool, page_size: int | None = None) -> None:
        """Go on with the page of this place, whose request is written already."""
        inner = self.inner
        if page_size is not None:
            self._resize(page_size)
        if isinstance(inner, RangePaginator):
            inner.current_value = place
        elif isinstance(inner, BaseReferencePaginator):
            set_next_reference(inner, place)
        self._first, self.promises = False, promises

    def missing_params(self, request: requests.Request) -> dict[str, Json]:
        """Return the parameters of the first request that the next page's URL does not have.

        Empty if the next page is not given by its URL.
        """
        if not isinstance(self.inner, BaseNextUrlPaginator):
            return {}
        named = {name for name, _ in parse_qsl(urlsplit(request.url).query, True)}
        return {name: value for name, value in self._params.items() if name not in named}

    def _read_next(self, response: requests.Response, data: Any) -> None:
        """Have dlt's paginator read a response; raise PaginatorFailure if it does not expect it."""
        inner = self.inner
        if self._flag is not None and self._is_last_without_flag(response, data):
            end_pagination(inner)
            return
        if self._total is not None:
            self._total.has_records = bool(data)
        try:
            inner.update_state(response, data)
        except UNEXPECTED as error:
            raise self._failure(error, response) from error
        self.promises = bool(inner.has_next_page) and self._is_announced

    @property
    def _is_announced(self) -> bool:
        """Whether a next page is one of which the API told, not only the next number."""
        inner = self.inner
        if isinstance(inner, RangePaginator):
            total = inner.total_path
            is_told = isinstance(total, Total) and total.is_known
            return is_told or inner.has_more_path is not None
        return self._over is None or self._over.reads_response

    def _is_last_without_flag(self, response: requests.Response, data: Any) -> bool:
        """Return whether a short page lacks the flag of `has_more_path`, which ends the list."""
        inner = self.inner
        size = inner.value_step if isinstance(inner, OffsetPaginator) else self.page_size
        is_short = size is not None and data is not None and 0 < len(data) < size
        return is_short and self._flag is not None and self._flag.of(response.json()) is None

    def says_end(self, response: requests.Response) -> bool | None:
        """Return whether a response without a list says that the list ends; None if nothing.

        A False says that more follows.
        """
        rules, inner = self.rules, self.inner
        page = self._page(response, [])
        if rules.stop_when is not None and truthy(rules.stop_when.search(page, page)):
            return True
        body = response.json()
        if self._flag is not None:
            more = self._flag.sent(body)
            return None if more is None else not more
        if isinstance(inner, RangePaginator):
            return range_ends(inner, body)
        path = getattr(inner, "cursor_path", None) or getattr(inner, "next_url_path", None)
        if path is None or isinstance(path, Over):
            return None
        found = look_up(path, body)
        return None if found is ABSENT else not found

    @property
    def is_first(self) -> bool:
        """Whether no page was read yet."""
        return self._first

    @property
    def counts(self) -> bool:
        """Whether the pages are numbered, so that no page names the next."""
        return isinstance(self.inner, RangePaginator)

    def _failure(self, error: Exception, response: requests.Response | None) -> Exception:
        if isinstance(error, (InvalidJson, ExpressionError, requests.RequestException)):
            return error
        return PaginatorFailure(self.inner, response, error)

    @property
    def begins_later(self) -> bool:
        """Whether the file asks for the pages from a later one on."""
        inner = self.inner
        return isinstance(inner, RangePaginator) and inner.initial_value != inner.base_index

    @property
    def maximum(self) -> tuple[str, int] | None:
        """The key that ends the list at a page or an offset, with its value; None without one."""
        inner = self.inner
        if isinstance(inner, RangePaginator) and inner.maximum_value is not None:
            is_offset = isinstance(inner, OffsetPaginator)
            return "maximum_offset" if is_offset else "maximum_page", int(inner.maximum_value)
        page = getattr(inner, "maximum_page", None)
        return None if page is None else ("maximum_page", int(page))

    @property
    def is_single_page(self) -> bool:
        """Whether the file says that the list has one page."""
        return isinstance(self.inner, SinglePagePaginator)

    def _values(self, *, sent: bool) -> dict[str, Json]:
        """Return the paging values, null if the type has none; with `sent` those of the request."""
        values: dict[str, Json] = dict.fromkeys(("page", "offset", "cursor"))
        values["limit"] = self.page_size
        inner = self.inner
        if isinstance(inner, RangePaginator):
            name = "offset" if isinstance(inner, OffsetPaginator) else "page"
            unsent = sent and self._first and not self.rules.send_first
            values[name] = None if unsent else inner.current_value
        elif isinstance(inner, BaseReferencePaginator):
            values["cursor"] = next_reference(inner)
        return values

    def _page(self, response: requests.Response, records: list[Any]) -> Context:
        """Return the context after a response, with the values that it was requested with."""
        if not (self.rules.stop_when or self.rewrites or self._over):
            return self._context
        return {
            **with_response(self._context, response),
            "paginator": self._values(sent=False),
            "records": records,
            "last_record": records[-1] if records else None,
        }

    def _ends(self, page: Context, count: int) -> bool:
        """Return whether a condition of the file ends the list with this page."""
        rules = self.rules
        size = self.page_size
        if rules.stop_after_short_page and size and count < size:
            self.ended_by_length = True
            return True
        stop = rules.stop_when
        if stop is None or not truthy(stop.search(page, page)):
            return False
        self.ended_by_length = is_about_length(stop)
        return True


def is_about_length(stop_when: Expression) -> bool:
    """Return whether a condition only looks at how many records the page has."""
    read = {path[0] for path in stop_when.reads(over_context=True) if path not in _OF_LENGTH}
    return not read - {"config"}


def _without_unsent(request: requests.Request) -> None:
    params = request.params
    if isinstance(params, dict):
        for name in [name for name in params if str(name).startswith(UNSENT)]:
            del params[name]


class LinkHeader(HeaderLinkPaginator):
    """The next page in a Link header; `rel` is words between blanks in any case (RFC 8288)."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:  # noqa: ARG002
        """Read the next page's URL from the header."""
        links = links_by_relation(response.headers.get("link") or "")
        set_next_reference(self, links.get(self.links_next_key.lower()) or None)


class BodyLink(JSONLinkPaginator):
    """The next page's URL in the body; an empty text or false ends the list."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Read the next page's URL from the body."""
        super().update_state(response, data)
        set_next_reference(self, next_reference(self) or None)


class HeaderCursor(HeaderCursorPaginator):
    """The next cursor in a header; an empty one ends the list."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Read the next cursor from the header."""
        super().update_state(response, data)
        set_next_reference(self, next_reference(self) or None)


class SinglePage(SinglePagePaginator):
    """One page; with `maximum_page` only the first is wanted though there may be others."""

    def __init__(self, maximum_page: int | None = None) -> None:
        super().__init__()
        self.maximum_page = maximum_page


PAGINATORS: Mapping[str, Callable[..., BasePaginator]] = {
    "page_number": PageNumberPaginator,
    "offset": OffsetPaginator,
    "cursor": JSONResponseCursorPaginator,
    "header_cursor": HeaderCursor,
    "json_link": BodyLink,
    "json_response": BodyLink,
    "header_link": LinkHeader,
    "single_page": SinglePage,
}
"""The paginator of each type, created with the other keys as arguments. `auto` is detected."""


def paginator_config(
    config: Mapping[str, Json] | None, final: Callable[[Json], Json]
) -> PaginatorConfig | None:
    """Return a paginator's mapping, filled in by `final`; None if dlt detects one."""
    if config is None or config["type"] == "auto":
        return None
    keys = paginator_types()[config["type"]]
    texts = {key: config[key] for key in (*keys.paths, *keys.context_expressions) if key in config}
    filled = {**config, **final({key: v for key, v in config.items() if key not in texts})}
    arguments = {k: v for k, v in filled.items() if k != "type" and k not in FRAMEWORK_KEYS}
    rules = from_plain(PaginationRules, {"page_size": arguments.get("limit"), **filled})
    return PaginatorConfig(config["type"], rules, arguments)


def build_paginator(
    config: PaginatorConfig | None,
    path_of: Callable[[str], Json],
    taken: frozenset[str] = frozenset(),
) -> FrameworkPaginator | None:
    """Return the paginator of a list, None if dlt detects one.

    `path_of` converts an expression over the body for dlt. `taken` is what the request's
    placeholders read of the last page (`paging_values`). Its paging values are not sent by their
    default names too, nor is a value whose name is null.
    """
    if config is None:
        return None
    keys, arguments = paginator_types()[config.kind], dict(config.arguments)
    for key in keys.paths:
        if isinstance(arguments.get(key), str):
            arguments[key] = path_of(arguments[key])
    over = None
    for expression, place in (
        (config.rules.cursor, "cursor_path"),
        (config.rules.next_url, "next_url_path"),
    ):
        if expression is not None:
            over = arguments[place] = Over(expression)
    for value in keys.values:
        names = [
            key
            for key, sent in keys.parameters.items()
            if sent == value and key not in FRAMEWORK_KEYS
        ]
        if not names or any(arguments.get(name) for name in names):
            continue
        if value in taken or names[0] in arguments:
            arguments[names[0]] = UNSENT + value
    inner = _range(config.kind, arguments) if "total_path" in keys.schemas else None
    if inner is None:
        inner = PAGINATORS[config.kind](**arguments)
    flag = getattr(inner, "has_more_path", None)
    if flag is not None:
        vars(inner)["has_more_path"] = HasMore(jsonpath.compile_path(flag))
    if isinstance(inner, RangePaginator) and inner.total_path is not None:
        rules, maximum = config.rules, inner.maximum_value
        is_optional = bool(inner.stop_after_empty_page or flag or maximum is not None)
        is_optional = is_optional or bool(rules.stop_when or rules.stop_after_short_page)
        path = jsonpath.compile_path(inner.total_path)
        inner.total_path = Total(path, is_optional=is_optional)
    return FrameworkPaginator(inner, config.rules, over, rewrites=bool(taken))


def _range(kind: str, arguments: Mapping[str, Json]) -> BasePaginator:
    """Return dlt's paginator of numbers or offsets.

    dlt refuses one that only a rule of the file ends, so `stop_after_empty_page` is set later. A
    list that starts at 1 counts from 1 if the file does not say `base_page`: dlt counts from 0 and
    misses the last record of `total` records, or the last of `total` pages.
    """
    given = {key: arguments[key] for key in arguments if arguments[key] is not None or key in _NULL}
    stops = given.pop("stop_after_empty_page", True)
    inner = PAGINATORS[kind](**given)
    assert isinstance(inner, RangePaginator)
    inner.stop_after_empty_page = bool(stops)
    if inner.initial_value == 1 and "base_page" not in given:
        inner.base_index = 1
    return inner


_NULL = ("total_path", "stop_after_empty_page")
"""Keys whose null is not dlt's default."""


def paging_values(*templates: Json) -> frozenset[str]:
    """Return what the placeholders of a request read of the last page.

    These are names below `paginator`, and the roots that only a response gives.
    """
    names: set[str] = set()
    for text in texts_of(templates):
        for part in placeholders(text):
            if part.kind != "expression":
                continue
            for path in compile_expression(part.text).reads(over_context=True):
                if path[:1] == ("paginator",):
                    names |= set(path[1:2]) or PAGING
                elif path[:1] and path[0] in PAGE_KEYS:
                    names.add(path[0])
    return frozenset(names)


def end_of(paginator: RangePaginator, body: Any) -> int | None:
    """Return the first number after the last page, by the body's total and the file, else None."""
    ends = []
    total = total_of(paginator, body)
    if total is not None:
        ends.append(total + paginator.base_index)
    if paginator.maximum_value is not None:
        ends.append(paginator.maximum_value)
    return min(ends) if ends else None


def numbers(paginator: RangePaginator, start: int, end: int) -> Iterator[int]:
    """Return the numbers from `start` up to `end`, in the paginator's steps."""
    return iter(range(start, end, paginator.value_step))
