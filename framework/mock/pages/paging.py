"""Pages of a list, in the paginator of the file: which records, and what leads to the next page.

What a page says of the next one is proved by the connector's own paginator before it is sent: it
must go on after each page but the last.
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import (
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    OffsetPaginator,
    RangePaginator,
    SinglePagePaginator,
)

from framework.definition.expressions.jmespath_expression import (
    Expression,
    ExpressionError,
    compile_expression,
)
from framework.definition.model import ResponseFormat
from framework.extract.page import Page
from framework.extract.paging.pagination import UNSENT
from framework.extract.paging.selectors import JmesPath, within
from framework.http.formats.decoders import encode_body
from framework.http.request_context import CURRENT
from framework.http.transport import make_response
from framework.mock.lists.world import ListKey, WorldRecord
from framework.mock.mock_message import MockRequest, MockResponse, Pairs, json_bytes
from framework.mock.pages.envelope import (
    ABSENT,
    ENDED,
    ROLES,
    Envelope,
    Leaf,
    PageFacts,
    RecordedPage,
    leaf_value,
    leaves_of,
    paths_in,
    set_leaf,
    with_link,
)
from framework.mock.pages.routes import Route
from framework.runtime.context import without_secrets
from framework.runtime.templates import text_of

Json = Any
TOKEN = re.compile(r"mock-([0-9a-f]{8})-(\d+)")
"""What leads to the next page: the list, and the place of the last record that was served."""
TOKEN_PARAM = "page_token"
"""The parameter of links to the next page, if the file names none."""
ALL = 1 << 40
"""A page that holds every record."""
NOT_SENT = frozenset(
    ("content-length", "content-encoding", "transfer-encoding", "connection", "date", "keep-alive")
)
_NUMBERS = ("pages", "total_number", "total", "number", "next_number", "count", "start", "left")
_BY_TYPE: Mapping[type, Sequence[str]] = {
    bool: ("flag", "last_flag"),
    int: (*_NUMBERS, "flag", "last_flag"),
    str: ("token", "link", "flag", "last_flag", *_NUMBERS),
    type(None): ("token", "link", "flag", "last_flag", "next_number"),
}
"""The roles that a leaf may have by the type of its recorded value."""


class UnknownPage(Exception):
    """A request names a page that the mock never gave."""


@dataclass
class Pager:
    """The pages of one route's lists. `cap` is the most records of a page, None as recorded.

    `unit` is the page size of the recording, None if it had no second page.
    """

    route: Route
    envelope: Envelope
    client: RESTClient
    cap: int | None = None
    unit: int | None = None
    _references: dict[tuple[ListKey, str], int] = field(default_factory=dict)
    _unsolved: set[bool] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Give the leaves that the paginator reads their roles."""
        roles, inner = self.envelope.roles, self.route.inner
        for attribute, role in (
            ("total_path", "total_number"),
            ("has_more_path", "flag"),
            ("cursor_path", "token"),
            ("next_url_path", "link"),
        ):
            leaf = _plain_leaf(getattr(inner, attribute, None))
            if leaf is not None:
                roles[leaf] = role
        if isinstance(inner, HeaderCursorPaginator):
            roles["header", inner.cursor_key.lower()] = "token"
        self.envelope.learn()

    def size(self, request: MockRequest) -> int:
        """Return the number of records in a full page of this request."""
        inner = self.route.inner
        if inner is None or isinstance(inner, SinglePagePaginator):
            return ALL
        texts = [text for _, text, _ in self.route.values(request, "size")]
        asked = next((int(text) for text in texts if text.isdigit() and int(text)), None)
        fixed = self.route.fixed_size
        if fixed is not None:
            return asked or fixed or self.unit or ALL
        return min(asked or ALL, self.cap or (ALL if asked else self.unit or ALL))

    def start(
        self, key: ListKey, request: MockRequest, records: Sequence[WorldRecord], size: int
    ) -> int:
        """Return the position of the page's first record. Raise UnknownPage for another cursor."""
        token = TOKEN.search(request.text)
        if token is not None:
            after = int(token[2])
            return bisect_right(records, after, key=_place)
        if self.route.is_numbered:
            inner: Any = self.route.inner
            number = self._number(request, len(records), size)
            steps = 0 if number is None else number - inner.initial_value
            return max(steps if isinstance(inner, OffsetPaginator) else steps * size, 0)
        for _, text, expression in self.route.values(request, "page"):
            if not text or (expression and _paging_text(expression, 0, size) == text):
                continue  # the first page: the file's own value stands where a cursor will be
            after = self._references.get((key, text), -1)
            if after >= 0:
                return bisect_right(records, after, key=_place)
            if not self._may_begin(expression):
                raise UnknownPage(text)
        return 0

    def _may_begin(self, expression: str | None) -> bool:
        """Return whether a place for the page also takes what the first page is requested by.

        That is a value of the file or of the parent, or the token that the last run has kept.
        """
        if self.route.plan.endpoint.sync_token is not None:
            return True
        return expression is not None and "resources" in expression

    def _number(self, request: MockRequest, total: int, size: int) -> int | None:
        """Return the number or offset of the page, None if the request has none."""
        inner: Any = self.route.inner
        for _, text, expression in self.route.values(request, "page"):
            if expression is None:
                if text.lstrip("-").isdigit():
                    return int(text)
                continue
            count = min(total // max(min(size, total), 1) + 3, 100_000)
            for step in range(count):
                number = inner.initial_value + step * inner.value_step
                if _paging_text(expression, number, size) == text:
                    return int(number)
        return None

    def respond(
        self,
        key: ListKey,
        request: MockRequest,
        records: Sequence[WorldRecord],
        own: Sequence[RecordedPage],
    ) -> MockResponse:
        """Return the page of a list that a request is for."""
        size = self.size(request)
        start = self.start(key, request, records, size)
        rows = records[start : start + size]
        facts = self._facts(key, request, records, start, size, rows)
        draft = _Draft(self, request, rows, self.envelope.sample(own, is_last=facts.is_last), facts)
        response = draft.response()
        if self.route.paginator is None or isinstance(self.route.inner, SinglePagePaginator):
            return response
        if not self._is_right(draft, response):
            response = self._solved(draft) or response
        if not self.route.is_numbered:
            following = draft.following(response)
            if following is not None and following[0]:
                self._remember(key, text_of(following[1]), facts, rows)
        return response

    def _remember(
        self, key: ListKey, reference: str, facts: PageFacts, rows: Sequence[WorldRecord]
    ) -> None:
        """Keep where a cursor leads on that the connector makes of what it reads."""
        if rows and not (facts.token and facts.token in reference):
            self._references[key, reference] = rows[-1].place

    def _facts(
        self,
        key: ListKey,
        request: MockRequest,
        records: Sequence[WorldRecord],
        start: int,
        size: int,
        rows: Sequence[WorldRecord],
    ) -> PageFacts:
        inner, total = self.route.inner, len(records)
        is_last = start + size >= total
        first = inner.initial_value if isinstance(inner, RangePaginator) else 1
        number = start // size + first
        pages = max(-(-total // size), 1)
        total_number = total
        if isinstance(inner, RangePaginator):
            counted = total if isinstance(inner, OffsetPaginator) else pages
            total_number = counted + inner.initial_value - inner.base_index
            if isinstance(inner, OffsetPaginator):
                number = start // size + 1
        token = link = ""
        if not is_last and rows:
            token = f"mock-{key.digest}-{rows[-1].place}"
            link = self._link(request, token)
        return PageFacts(start, len(rows), total, size, number, total_number, is_last, token, link)

    def _link(self, request: MockRequest, token: str) -> str:
        """Return the next page's URL; it is relative if recorded ones are."""
        inner: Any = self.route.inner
        param = getattr(inner, "cursor_param", None)
        if not isinstance(param, str) or param.startswith(UNSENT):
            param = TOKEN_PARAM
        pairs = [
            (name, value)
            for name, value in request.query
            if name != param
            and self.route.uses.get(("query", name)) != "page"
            and ("query", name) not in self.route.credentials
        ]
        query = urlencode([*pairs, (param, token)])
        return f"{request.origin}{request.path}?{query}"

    def _is_right(self, draft: _Draft, response: MockResponse) -> bool:
        """Return whether the connector's paginator goes on after each page but the last."""
        following, facts = draft.following(response), draft.facts
        if following is None:
            return False
        has_next, reference = following
        if facts.is_last or self.route.is_numbered:
            return has_next is not facts.is_last
        return has_next and facts.token in str(reference)

    def _solved(self, draft: _Draft) -> MockResponse | None:
        """Find a leaf whose value makes the page right, and keep its role; None if there is none.

        A page that leads on, but by what its records hold, is right too.
        """
        facts = draft.facts
        if facts.is_last in self._unsolved:
            return None
        for leaf, role in self._candidates(draft.sample):
            response = draft.response((leaf, role))
            if self._is_right(draft, response):
                is_end = facts.is_last and role in ENDED
                self.envelope.roles[leaf] = "until_end" if is_end else role
                return response
        following = draft.following(draft.response())
        if following is None or following[0] is facts.is_last:
            self._unsolved.add(facts.is_last)
        return None

    def _candidates(self, sample: RecordedPage) -> Iterator[tuple[Leaf, str]]:
        leaves: dict[Leaf, Json] = {}
        for leaf in paths_in(self._reads(), self.envelope.place):
            leaves[leaf] = leaf_value(sample.body, sample.headers, leaf)
        for leaf, value in (
            *leaves_of(sample.body, ("body",)),
            *((("header", name.lower()), text) for name, text in sample.headers),
        ):
            if len(leaf) > 1:
                leaves.setdefault(leaf, value)
        for leaf, value in leaves.items():
            kind = type(None) if value is ABSENT else type(value)
            for role in _BY_TYPE.get(kind, ()):
                if self.envelope.roles.get(leaf) != role:
                    yield leaf, role

    def _reads(self) -> list[tuple[Any, ...]]:
        """Return the paths that the paginator's expressions read, from the context."""
        paginator, inner = self.route.paginator, self.route.inner
        if paginator is None:
            return []
        rules = paginator.rules
        paths: list[tuple[Any, ...]] = []
        for expression in (rules.cursor, rules.next_url, rules.stop_when):
            if expression is not None:
                paths += expression.reads(over_context=True)
        for attribute in ("cursor_path", "next_url_path", "total_path", "has_more_path"):
            expression = _expression(getattr(inner, attribute, None))
            if expression is not None:
                paths += [("response", *path) for path in expression.reads(over_context=True)]
        return paths


@dataclass
class _Draft:
    """One page that is being made; `rows` are its records, `sample` is what it is made like."""

    pager: Pager
    request: MockRequest
    rows: Sequence[WorldRecord]
    sample: RecordedPage
    facts: PageFacts

    def response(self, trial: tuple[Leaf, str] | None = None) -> MockResponse:
        """Return the page; a `trial` gives a leaf another role."""
        pager, sample, facts = self.pager, self.sample, self.facts
        envelope, route = pager.envelope, pager.route
        body = envelope.body(sample, [row.data for row in self.rows])
        headers = [pair for pair in sample.headers if pair[0].lower() not in NOT_SENT]
        body, headers = envelope.edited(body, headers, facts, sample)
        if trial is not None:
            leaf, role = trial
            if not (facts.is_last and role in ENDED):
                was = leaf_value(sample.body, sample.headers, leaf)
                set_leaf(body, headers, leaf, ROLES[role](facts, None if was is ABSENT else was))
            else:
                set_leaf(body, headers, leaf, ABSENT if leaf[0] == "header" else None)
        if isinstance(route.inner, HeaderLinkPaginator):
            headers = with_link(headers, route.inner.links_next_key, facts.link)
        return encoded(route.plan.endpoint.response_format, sample.status, body, tuple(headers))

    def following(self, response: MockResponse) -> tuple[bool, Json] | None:
        """Return whether the connector goes on after this page, and by what; None if it fails."""
        route = self.pager.route
        paginator = copy.deepcopy(route.paginator)
        assert paginator is not None
        context = without_secrets(route.plan.context)
        current = CURRENT.set(route.plan.requests)
        try:
            answer = make_response(
                requests.Request("GET", f"{self.request.origin}{self.request.path}").prepare(),
                response.status,
                "",
                response.headers,
                response.body,
            )
            paginator.begin({**context, **route.plan.context}, lambda *_: None)
            inner: Any = paginator.inner
            if isinstance(inner, RangePaginator):
                is_offset = isinstance(inner, OffsetPaginator)
                steps = self.facts.start if is_offset else self.facts.start // self.facts.size
                paginator.go_to(inner.initial_value + steps, promises=False)
            data = [row.data for row in self.rows]
            items = [] if paginator.is_plain else selected(self.pager, answer)
            paginator.update_state(answer, Page.of(items, response=answer, elements=data))
            return paginator.has_next_page, paginator.place
        except Exception:  # whatever it is: a run would end with it
            return None
        finally:
            CURRENT.reset(current)


def selected(pager: Pager, response: requests.Response) -> list[Json]:
    """Return the items that the connector's selector finds in a response."""
    plan = pager.route.plan
    selector = within(plan.selector, without_secrets(plan.context))
    if isinstance(selector, JmesPath):
        items = selector.expression.search(response.json(), without_secrets(plan.context))
        return [] if items is None else items if isinstance(items, list) else [items]
    client: Any = pager.client
    if selector is None:
        selector = client.detect_data_selector(response)
    found: list[Json] = client.extract_response(response, selector)
    return found


def encoded(form: ResponseFormat, status: int, body: Json, headers: Pairs) -> MockResponse:
    """Return a response with a body in the file's format. Raise Undecodable if there is none."""
    data = json_bytes(body) if form == ResponseFormat() else encode_body(form, body)
    kind = next((text for name, text in headers if name.lower() == "content-type"), None)
    if kind is not None and "charset" in kind.lower() and form.encoding is None:
        others = tuple(pair for pair in headers if pair[0].lower() != "content-type")
        headers = (*others, ("Content-Type", f"{kind.partition(';')[0]}; charset=utf-8"))
    return MockResponse(status, data, headers)


def _place(record: WorldRecord) -> int:
    return record.place


def _paging_text(expression: str, number: int, size: int) -> str | None:
    values = {"page": number, "offset": number, "limit": size, "cursor": None}
    try:
        value = compile_expression(expression).search({"paginator": values}, {"paginator": values})
    except ExpressionError:
        return None
    return None if value is None else text_of(value)


def _expression(path: Any) -> Expression | None:
    """Return the JMESPath of one of a paginator's paths, None if it has none over the body."""
    path = getattr(path, "_path", path)
    if isinstance(path, JmesPath):
        return path.expression
    text = str(path).removeprefix("$.") if path is not None else ""
    if not re.fullmatch(r"[\w.]+", text):
        return None
    try:
        return compile_expression(text)
    except ExpressionError:
        return None


def _plain_leaf(path: Any) -> Leaf | None:
    """Return the leaf at a paginator's path, None if the path is more than names."""
    if path is None or hasattr(path, "reads_response"):
        return None
    expression = _expression(path)
    names = () if expression is None else expression.names
    return ("body", *names) if names else None
