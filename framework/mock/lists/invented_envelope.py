"""The body around invented records: what a data_selector reads, with no recording to go by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from framework.definition.expressions.jmespath_expression import (
    ExpressionError,
    compile_expression,
    value_of,
)
from framework.errors import SettingsError
from framework.extract.paging.next_page_signs import list_place
from framework.extract.paging.paging_fields import Total
from framework.extract.paging.selectors import JmesPath
from framework.mock.mock_message import Pairs
from framework.mock.pages.envelope import Envelope, RecordedPage, put, without_records
from framework.mock.pages.inverse import NoInverse, inverse
from framework.mock.pages.routes import Route
from framework.runtime.context import without_secrets

Json = Any
CONTENT_TYPES = {"json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv"}
_BODY_PATHS = ("cursor_path", "next_url_path", "has_more_path")


def invented_envelope(route: Route) -> Envelope:
    """Return the envelope of a resource's pages. Raise SettingsError if the selector has none."""
    endpoint = route.plan.endpoint
    names, is_whole = list_place(endpoint)
    if endpoint.data_selector is None:
        names, is_whole = (("data",) if _reads_body(route) else ()), True
    body: dict[str, Json] = {}
    if names:
        put(body, names, [])
    kind = CONTENT_TYPES.get(endpoint.response_format.kind, "application/xml")
    headers: Pairs = (("Content-Type", kind),)
    if is_whole:
        sample = RecordedPage(without_records(body, names), headers, 200, 1, 0, 0, True)
        return Envelope(tuple(names), is_single(route), [sample])
    selector = _Selected(route)
    return Envelope((), False, [RecordedPage(selector([]), headers, 200, 1, 0, 0, True)], selector)


class _Selected:
    """Makes bodies in which a selector finds records. Raise SettingsError if it cannot."""

    def __init__(self, route: Route) -> None:
        plan = route.plan
        self._context: Mapping[str, Json] = without_secrets(plan.context)
        written = str(getattr(plan.endpoint.data_selector, "text", plan.endpoint.data_selector))
        problem = SettingsError(
            f"{route.resource}: no body can be invented for the data_selector `{written}`; "
            "record a cassette"
        )
        text = written
        if not isinstance(plan.selector, JmesPath):  # JSONPath
            text = re.sub(r"\.\.\w.*|\[\?.*", "?", written.removeprefix("$").lstrip("."))
        try:
            self._tree = compile_expression(text).tree
            trial: list[Json] = [{"id": 1}, {"id": 2}]
            body = self(trial)
        except (ExpressionError, NoInverse):
            raise problem from None
        found = value_of(self._tree, body, self._context)
        if not isinstance(plan.selector, JmesPath):
            found = [match.value for match in plan.selector.find(body)]
        if [_bare(one) for one in found or ()] != trial:
            raise problem

    def __call__(self, records: Sequence[Json]) -> Json:
        """Return the body of a page with these records."""
        return inverse(self._tree, list(records))


def _bare(record: Json) -> Json:
    """Return a trial's record without what a filter asks for."""
    return {"id": record.get("id")} if isinstance(record, dict) else record


def is_single(route: Route) -> bool:
    """Return whether a path is that of one object: its last word is a variable or no plural."""
    if route.paginator is None or not route.paginator.is_single_page:
        return False
    last = route.plan.endpoint.path.rstrip("/").rpartition("/")[2]
    return last.startswith("{") or (bool(last) and not last.endswith("s"))


def _reads_body(route: Route) -> bool:
    """Return whether the paginator reads the body, which is an object then."""
    total = getattr(route.inner, "total_path", None)
    return isinstance(total, Total) or any(getattr(route.inner, name, None) for name in _BODY_PATHS)
