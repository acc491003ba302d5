"""A report shown: as the closing table, or as the JSON object of run-report.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from framework.cli.findings_view import visible_lines
from framework.load.report import Report
from framework.text import count_noun

WORTH_NAMING = 1.0
"""Seconds from which the closing text names a request among the slowest."""
NAMED = 3
_ANY_WIDTH = 10_000

COLOURS = {"ok": "green", "skipped": "yellow", "failed": "red", "not_loaded": "yellow"}


def show_report(report: Report, console: Console, talk: Console | None) -> None:
    """The table on `console`; errors, in full, and what else there is to say on `talk`."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("resource", "status"):
        table.add_column(name, no_wrap=True, overflow="fold")
    for name in ("rows", "requests", "retries", "warnings", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for part in report.resources.values():
        table.add_row(
            part.name,
            f"[{COLOURS[part.status]}]{part.status.replace('_', ' ')}[/]",
            f"{part.rows:,}",
            f"{part.requests:,}",
            f"{part.retries:,}",
            f"{len(part.warnings) + part.more.total():,}",
            f"{part.seconds:.1f}",
        )
    print_whole(table, console)
    for line in _told(report) if talk is not None else ():
        assert talk is not None
        talk.print(visible_lines(line), highlight=False, markup=False, emoji=False, soft_wrap=True)
    lines = [f"{report.connector}: {report.status} in {report.seconds:.1f} s"]
    if report.where:
        lines.append(f"data: {report.where}")
    if report.query:
        lines.append(f"try:  {report.query}")
    for line in lines:
        console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_whole(table: Table, console: Console) -> None:
    """The table as wide as it is: a narrow terminal folds its lines, and a log has them whole."""
    wide = console.options.update_width(_ANY_WIDTH)
    table.width = Measurement.get(console, wide, table).maximum
    console.print(table, crop=False)


def _told(report: Report) -> Iterator[str]:
    """What the table has no column for."""
    for part in report.resources.values():
        if part.error and part.status == "failed":
            yield f"error: {part.error}"
        elif part.error and not any(one.message == part.error for one in part.warnings):
            yield f"{part.name}: {part.error}"
        if part.ignored:
            answers = "answer was" if part.ignored == 1 else "answers were"
            yield f"{part.name}: {part.ignored:,} {answers} ignored, as response_actions say"
        for code, count in part.more.items():
            yield f"{part.name}: {count_noun(count, 'more warning')} like these [{code}]"
        if part.left_out:
            counts = ", ".join(f"{what} {count:,}" for what, count in part.left_out.items())
            yield f"{part.name}: records read and not loaded: {counts}"
        if part.not_asked:
            counts = ", ".join(f"{what} {count:,}" for what, count in part.not_asked.items())
            yield f"{part.name}: lists not asked for: {counts}"
    for note in report.notes:
        yield f"note: {note}"
    slow = [one for one in report.slowest[:NAMED] if one.seconds >= WORTH_NAMING]
    for one in slow:
        yield f"slowest: {one.seconds:.1f} s {one.method} {one.url} ({one.status or one.error})"


def report_json(report: Report) -> str:
    """One object on one line less readable than tables, for programs."""
    return json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
