"""Show a run's report as the closing table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console

from framework.cli.terminal import new_table, print_plain, print_table
from framework.load.report import Report
from framework.text import count_noun

SLOW_SECONDS = 1.0
"""A request that took at least this long is named among the slowest."""
MAX_SLOW_REQUESTS = 3
COLOURS = {"ok": "green", "skipped": "yellow", "failed": "red", "not_loaded": "yellow"}


def show_report(report: Report, console: Console, notes: Console | None) -> None:
    """Print the table on `console`, and errors and remarks on `notes` unless that is None."""
    table = new_table("resource", "status")
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
    print_table(console, table)
    if notes is not None:
        for line in _remarks(report):
            print_plain(notes, line)
    print_plain(console, f"{report.connector}: {report.status} in {report.seconds:.1f} s")
    if report.where:
        print_plain(console, f"data: {report.where}")
    if report.query:
        print_plain(console, f"try:  {report.query}")


def _remarks(report: Report) -> Iterator[str]:
    """Yield one line for everything that the table has no column for."""
    for part in report.resources.values():
        if part.error and part.status == "failed":
            yield f"error: {part.error}"
        elif part.error and not any(warning.message == part.error for warning in part.warnings):
            yield f"{part.name}: {part.error}"
        if part.ignored:
            yield f"{part.name}: {count_noun(part.ignored, 'response')} ignored by response_actions"
        for code, count in part.more.items():
            yield f"{part.name}: {count_noun(count, 'more warning')} like these [{code}]"
        if part.ignored_warnings:
            yield f"{part.name}: warnings ignored: {_counts(part.ignored_warnings)}"
        if part.left_out:
            yield f"{part.name}: records not loaded: {_counts(part.left_out)}"
        if part.deleted:
            yield f"{part.name}: records that the API no longer has: {part.deleted:,}"
        if part.not_asked:
            yield f"{part.name}: lists skipped: {_counts(part.not_asked)}"
    for note in report.notes:
        yield f"note: {note}"
    for request in report.slowest[:MAX_SLOW_REQUESTS]:
        if request.seconds >= SLOW_SECONDS:
            outcome = request.status or request.error
            yield f"slowest: {request.seconds:.1f} s {request.method} {request.url} ({outcome})"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
