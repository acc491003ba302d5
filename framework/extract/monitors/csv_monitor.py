"""Warn of CSV rows that are hardly records: units, types, a second header, a total."""

from __future__ import annotations

import re
from typing import Any

from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.read_options import ReadOptions

Json = Any
NUMBER = re.compile(r"[+-]?(\d[\d ,.']*|\.\d+)([eE][+-]?\d+)?%?")
NO_VALUE = re.compile(r"[\s.?-]*|n/?a|nan|null|none|unknown", re.IGNORECASE)
TOTAL = re.compile(r"((grand|sub)[ -]?)?totals?:?|sum:?|summe:?", re.IGNORECASE)
SAMPLE = 20
"""Rows that are compared with the first one."""


class CsvMonitor:
    """Watch the pages of one list whose responses are CSV."""

    def __init__(self, resource: str, options: ReadOptions) -> None:
        self._resource = resource
        self._watch = options.on_event

    @classmethod
    def of(cls, plan: Plan, options: ReadOptions) -> CsvMonitor | None:
        """Return a monitor, or None if there is no CSV or a step of the file selects its rows."""
        steps = {step.kind for step in plan.resource.steps}
        if plan.endpoint.response_format.kind != "csv" or steps & {"filter", "yield_map"}:
            return None
        return cls(plan.resource.name, options)

    def on_page(self, page: Page) -> None:
        """Check the first and the last row of a response."""
        rows = [row for row in page.items if isinstance(row, dict)]
        if len(rows) > 2 and is_heading(rows[0], rows[1 : SAMPLE + 1]):
            self._warn("the first row below the header looks like units, types or a second header")
        if len(rows) > 1 and is_total(rows[-1]):
            self._warn("the last row looks like a total")

    def _warn(self, problem: str) -> None:
        message = (
            f"{problem}, and not like a record, but is loaded as one. If it is none, leave it out "
            "with `skip_after_header` or `skip_footer` in response_format, or with a `filter`"
        )
        self._watch(WarningRaised(self._resource, "csv-row-odd", message))


def is_heading(first: dict[str, Json], others: list[dict[str, Json]]) -> bool:
    """Return whether every column that holds numbers begins with a text in place of one.

    False if no column holds numbers. Texts for a missing value do not count.
    """
    numeric = 0
    for name, value in first.items():
        rest = [row[name] for row in others if row.get(name)]
        if len(rest) < 2 or not all(_matches(NUMBER, one) for one in rest):
            continue
        if value is None or _matches(NO_VALUE, value) or _matches(NUMBER, value):
            return False
        numeric += 1
    return numeric > 0


def is_total(row: dict[str, Json]) -> bool:
    """Return whether the first value of a row is the word total."""
    first = next((value for value in row.values() if value), None)
    return first is not None and _matches(TOTAL, first)


def _matches(pattern: re.Pattern[str], value: Json) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value.strip()) is not None
