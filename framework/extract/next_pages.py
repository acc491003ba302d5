"""dlt's paginators where APIs say their next page in other ways than dlt reads.

A relation of a `Link` header is one of several words, in any case; an empty text is no next page;
a total that the first page alone tells holds for the others.
"""

from __future__ import annotations

from typing import Any

from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    RangePaginator,
)
from jsonpath_ng import DatumInContext, JSONPath
from requests import Response
from requests.utils import parse_header_links

Json = Any


class LinkHeader(HeaderLinkPaginator):
    """`rel` as in RFC 8288: words between blanks, in any case."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:  # noqa: ARG002
        """Look for the next page's URL in the header."""
        wanted = self.links_next_key.lower()
        found = (
            link["url"]
            for link in parse_header_links(response.headers.get("link") or "")
            if wanted in _relation(link).lower().split()
        )
        self._next_reference = next(found, None) or None


class BodyLink(JSONLinkPaginator):
    """No next page where the body says it by an empty text or false."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Look for the next page's URL in the body."""
        super().update_state(response, data)
        self._next_reference = self._next_reference or None


class HeaderCursor(HeaderCursorPaginator):
    """No next page where the header is empty."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Look for the next cursor in the header."""
        super().update_state(response, data)
        self._next_reference = self._next_reference or None


class Total(JSONPath):
    """A total's path that gives what an earlier page told where this one tells none."""

    def __init__(self, path: Any) -> None:
        self._path = path
        self._known: list[DatumInContext] = []

    def find(self, datum: Any) -> list[DatumInContext]:
        """What the path gives, as a list of one or none."""
        found = [one for one in self._path.find(datum) if one.value is not None]
        self._known = found or self._known
        return self._known

    def __str__(self) -> str:
        return str(self._path)

    __repr__ = __str__


def widened(paginator: BasePaginator | None) -> BasePaginator | None:
    """The paginator, taught what dlt's does not read."""
    if type(paginator) is HeaderLinkPaginator:
        return LinkHeader(paginator.links_next_key)
    if type(paginator) is JSONLinkPaginator:
        return BodyLink(paginator.next_url_path)
    if type(paginator) is HeaderCursorPaginator:
        return HeaderCursor(paginator.cursor_key, paginator.cursor_param)
    if isinstance(paginator, RangePaginator) and paginator.total_path is not None:
        paginator.total_path = Total(jsonpath.compile_path(paginator.total_path))
    return paginator


def _relation(link: dict[str, str]) -> str:
    return next((value for name, value in link.items() if name.lower() == "rel"), "")
