"""The pages of a numbered list whose end is known: which numbers, and a request for each alone.

dlt's paginators go from page to page; these ask for one page and tell how far the list goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.paginators import BasePaginator, RangePaginator

from framework.extract.pagination import Paging, Rules


def one_page(paginator: BasePaginator, value: int) -> Paging:
    """Paging that asks for the page of one number (or offset) and for no other."""
    whole = paginator if isinstance(paginator, Paging) else Paging(paginator, Rules())
    return whole.alone(value)


def end_of(paginator: RangePaginator, body: Any) -> int | None:
    """The number that no page has any more, as the body's total and the file say; None where
    neither tells."""
    ends = []
    if paginator.total_path:
        found = jsonpath.find_values(paginator.total_path, body)
        if found and str(found[0]).isdigit():
            ends.append(int(found[0]) + paginator.base_index)
    if paginator.maximum_value is not None:
        ends.append(paginator.maximum_value)
    return min(ends) if ends else None


def numbers(paginator: RangePaginator, start: int, end: int) -> Iterator[int]:
    """The numbers from `start` up to `end`, in the paginator's steps."""
    return iter(range(start, end, paginator.value_step))
