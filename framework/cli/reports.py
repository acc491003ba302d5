"""A report shown: as the closing table, or as the JSON object of run-report.schema.json."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from framework.run.report import Report

COLOURS = {"ok": "green", "skipped": "yellow", "failed": "red", "partial": "yellow"}


def show_report(report: Report, console: Console, talk: Console) -> None:
    """The table on `console`; errors, in full, on `talk`."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("resource", "status"):
        table.add_column(name, no_wrap=True, overflow="fold")
    for name in ("rows", "requests", "retries", "warnings", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for part in report.resources.values():
        table.add_row(
            part.name,
            f"[{COLOURS[part.status]}]{part.status}[/]",
            f"{part.rows:,}",
            f"{part.requests:,}",
            f"{part.retries:,}",
            f"{len(part.warnings):,}",
            f"{part.seconds:.1f}",
        )
    console.print(table)
    for part in report.resources.values():
        if part.error and part.status == "failed":
            talk.print(
                f"error: {part.error}", highlight=False, markup=False, emoji=False, soft_wrap=True
            )
    for note in report.notes:
        talk.print(f"note: {note}", highlight=False, markup=False, emoji=False, soft_wrap=True)
    lines = [f"{report.connector}: {report.status} in {report.seconds:.1f} s"]
    if report.where:
        lines.append(f"data: {report.where}")
    if report.query:
        lines.append(f"try:  {report.query}")
    for line in lines:
        console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)


def report_json(report: Report) -> str:
    """One object on one line less readable than tables, for programs."""
    return json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
