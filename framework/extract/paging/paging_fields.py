"""The fields of a body by which an API says where its list ends: a total, and a flag for more."""

from __future__ import annotations

from typing import Any

from dlt.sources.helpers.rest_client.paginators import RangePaginator
from jsonpath_ng import DatumInContext, JSONPath

from framework.extract.paging.selectors import look_up
from framework.runtime.field_paths import ABSENT

Json = Any

NO_END = 2**62
"""The total of a list whose API does not know it: no number of a page reaches it."""


class Total(JSONPath):
    """A total's path that remembers the total of an earlier page if a page has none.

    `is_optional` means that a null, a negative number or a 0 beside records, for a total that the
    API does not know, leaves the end to other keys.
    """

    def __init__(self, path: JSONPath, *, is_optional: bool = False) -> None:
        self._path = path
        self._is_optional = is_optional
        self.has_records = False
        """Whether the page of the total has records, beside which a 0 is no total."""
        self._known: Json = None

    @property
    def is_known(self) -> bool:
        """Whether a page had a total."""
        return self._known is not None

    def of(self, body: Json) -> Json:
        """Return the total of a page or of an earlier one, as the API writes it, else None."""
        found = look_up(self._path, body)
        if found is not ABSENT and not self._is_unknown(found):
            self._known = found
        return self._known

    def _is_unknown(self, total: Json) -> bool:
        text = str(total)
        return total is None or text[:1] in ("", "-") or (text == "0" and self.has_records)

    def find(self, datum: Any) -> list[DatumInContext]:
        """Return the total for dlt, which expects one on every page."""
        body = datum.value if isinstance(datum, DatumInContext) else datum
        total = self.of(body)
        if total is None and self._is_optional and look_up(self._path, body) is not ABSENT:
            total = NO_END
        return [] if total is None else [DatumInContext(total)]

    def __str__(self) -> str:
        return str(self._path)

    __repr__ = __str__


class HasMore(JSONPath):
    """The path of a flag: 1 and 0 count, null is false, and so is a flag that is omitted later."""

    def __init__(self, path: JSONPath) -> None:
        self._path = path
        self._was_seen = False

    def sent(self, body: Json) -> Json:
        """Return the flag that a page has, None if it has none."""
        found = look_up(self._path, body)
        if found is ABSENT:
            return None
        if found is None or found == "":
            return False
        return bool(found) if found in (0, 1) else found

    def of(self, body: Json) -> Json:
        """Return the flag of a page, None if the API omits it and never sent it."""
        flag = self.sent(body)
        if flag is None:
            return False if self._was_seen else None
        self._was_seen = True
        return flag

    def find(self, datum: Any) -> list[DatumInContext]:
        """Return the flag for dlt, which expects true or false on every page."""
        flag = self.of(datum.value if isinstance(datum, DatumInContext) else datum)
        return [] if flag is None else [DatumInContext(flag)]

    def __str__(self) -> str:
        return str(self._path)

    __repr__ = __str__


def range_ends(inner: RangePaginator, body: Json) -> bool | None:
    """Return whether a body says that no page follows the one of the current number."""
    total = total_of(inner, body)
    return None if total is None else inner.current_value >= total + inner.base_index


def total_of(paginator: RangePaginator, body: Json) -> int | None:
    """Return the total of a list as a number, None if the API does not say it."""
    if not isinstance(paginator.total_path, Total):
        return None
    total = str(paginator.total_path.of(body))
    return int(total) if total.isdigit() else None
