"""The tables of the ledger, and the rows of one run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from framework import __version__
from framework.load.report import EndedRun, Report, ResourceReport
from framework.runtime.redaction import Redactor
from framework.text import count_noun, cut

Row = dict[str, Any]
DataType = Literal["text", "bigint", "double", "timestamp"]

RUNS = "_framework_runs"
RESOURCES = "_framework_runs__resources"
LEDGER_SCHEMA = "framework_ledger"
"""The name of dlt's schema of the tables, where dlt loads them."""
COUNTS: dict[str, DataType] = {
    "seconds": "double",
    "rows_loaded": "bigint",
    "requests": "bigint",
    "retries": "bigint",
    "waited": "double",
    "bytes_read": "bigint",
    "warnings": "text",
    "error": "text",
}
"""Columns of both tables. `warnings` is a JSON object of counts by code."""
LEDGER_TABLES: dict[str, dict[str, DataType]] = {
    RUNS: {
        "id": "text",
        "connector": "text",
        "connector_hash": "text",
        "alias": "text",
        "framework_version": "text",
        "started": "timestamp",
        "ended": "timestamp",
        "status": "text",
        "resumes": "text",
        **COUNTS,
    },
    RESOURCES: {
        "run_id": "text",
        "position": "bigint",
        "resource": "text",
        "status": "text",
        **COUNTS,
    },
}
"""Columns of each table with dlt's data types."""

LONGEST_ERROR = 2_000
"""Characters of an error."""


def ledger_rows(ended: EndedRun, connector_hash: str) -> dict[str, list[Row]]:
    """Return the rows of one run by table, with every column of the table.

    A run that only its resources made fail has the error of the first of them.
    """
    report = ended.report
    parts = list(report.resources.values())
    resources: list[Row] = [
        {
            "run_id": report.id,
            "position": position,
            "resource": part.name,
            "status": part.status,
            "seconds": round(part.seconds, 3),
            "rows_loaded": part.rows,
            "requests": part.requests,
            "retries": part.retries,
            "waited": round(part.waited, 3),
            "bytes_read": part.bytes,
            "warnings": _json(part.warning_counts),
            "error": _text(part.error, ended.redactor),
        }
        for position, part in enumerate(parts)
    ]
    warnings = Counter(warning.code for warning in report.warnings)
    for part in parts:
        warnings += part.warning_counts
    sums = ("rows_loaded", "requests", "retries", "waited", "bytes_read")
    run = {
        "id": report.id,
        "connector": report.connector,
        "connector_hash": connector_hash,
        "alias": ended.alias,
        "framework_version": __version__,
        "started": report.started,
        # not the clock: it may have been set back meanwhile
        "ended": report.started + timedelta(seconds=report.seconds),
        "status": report.status,
        "resumes": report.resumes,
        "seconds": round(report.seconds, 3),
        **{name: sum(row[name] for row in resources) for name in sums},
        "warnings": _json(warnings),
        "error": _text(_error_of(report, parts), ended.redactor),
    }
    return {RUNS: [run], RESOURCES: resources}


def _error_of(report: Report, parts: list[ResourceReport]) -> str | None:
    if report.error is not None:
        return report.error
    failed = [part for part in parts if part.status == "failed"]
    if not failed:
        return None
    others = len(failed) - 1
    more = f" ({count_noun(others, 'more resource')} failed)" if others else ""
    return f"{failed[0].error or failed[0].name}{more}"


def _json(counts: Mapping[str, int]) -> str:
    return json.dumps(dict(sorted(counts.items())))


def _text(text: str | None, redactor: Redactor) -> str | None:
    """Return a text that any destination takes, without secrets."""
    if text is None:
        return None
    storable = text.replace("\0", "").encode("utf-8", "backslashreplace").decode()
    return cut(redactor.redact(storable), LONGEST_ERROR)
