"""Warn of CSV rows that are hardly records: units, types, a second header, a total."""

from __future__ import annotations

import csv
import re
from typing import Any

from framework.definition.model import ResponseFormat
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.read_options import ReadOptions
from framework.http.formats.csv_records import footer_rows

Json = Any
NUMBER = re.compile(r"[+-]?(\d[\d ,.']*|\.\d+)([eE][+-]?\d+)?%?")
NO_VALUE = re.compile(r"[\s.?-]*|n/?a|nan|null|none|unknown", re.IGNORECASE)
TOTAL = re.compile(r"((grand|sub)[ -]?)?totals?:?|sum:?|summe:?", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.,Z+-]+)?|\d\d?[./]\d\d?[./]\d{2,4}( [\d:]+)?")
SAMPLE = 20
"""Rows that are compared with the first one."""
TAIL = 1 << 16
"""Bytes at the end of a body in which its footer is."""


class CsvMonitor:
    """Watch the pages of one list whose responses are CSV."""

    def __init__(self, resource: str, form: ResponseFormat, options: ReadOptions) -> None:
        self._resource = resource
        self._form = form
        self._watch = options.on_event

    @classmethod
    def of(cls, plan: Plan, options: ReadOptions) -> CsvMonitor | None:
        """Return a monitor, or None if there is no CSV or a step of the file selects its rows."""
        steps = {step.kind for step in plan.resource.steps}
        if plan.endpoint.response_format.kind != "csv" or steps & {"filter", "yield_map"}:
            return None
        return cls(plan.resource.name, plan.endpoint.response_format, options)

    def on_page(self, page: Page) -> None:
        """Check the first and the last row of a response."""
        rows = [row for row in page.items if isinstance(row, dict)]
        if len(rows) > 2 and is_heading(rows[0], rows[1 : SAMPLE + 1]):
            self._warn("the first row below the header looks like units, types or a second header")
        if len(rows) > 1 and is_total(rows[-1]):
            self._warn("the last row looks like a total")
        if self._form.skip_footer and any(is_record(one, rows) for one in self._footer(page)):
            self._watch(
                WarningRaised(
                    self._resource,
                    "csv-footer-odd",
                    "a line that `skip_footer` leaves out looks like a record. If this response "
                    "has no footer, leave totals out with a `filter` in place of `skip_footer`",
                )
            )

    def _footer(self, page: Page) -> list[list[str]]:
        if page.response is None or self._form.compression != "none":
            return []
        tail = page.response.content[-TAIL:]
        try:
            return footer_rows(self._form, tail.decode(self._form.encoding or "utf-8", "replace"))
        except (csv.Error, LookupError):
            return []

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


def is_record(row: list[str], records: list[dict[str, Json]]) -> bool:
    """Return whether a row has a number or a date in each column that has nothing else.

    The first column must be one of these.
    """
    columns = zip(*(one.values() for one in records[:SAMPLE]), strict=True)
    kinds = [
        next((kind for kind in (NUMBER, DATE) if all(_matches(kind, v) for v in values)), None)
        for values in columns
    ]
    if not kinds or kinds[0] is None or len(row) != len(kinds):
        return False
    return all(kind is None or _matches(kind, v) for kind, v in zip(kinds, row, strict=True))


def _matches(pattern: re.Pattern[str], value: Json) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value.strip()) is not None
