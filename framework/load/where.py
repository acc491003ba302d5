"""Where a run's data is, in words, and a first query to try."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from framework.definition.model import Resource
from framework.load.declared_tables import table_name
from framework.load.destinations.target import Target
from framework.load.pipeline import described
from framework.load.report import Report


def say_where(
    report: Report, target: Target, pipeline: Any, chosen: Iterable[Resource], *, before: bool
) -> None:
    """Put it into the report: nothing where there is none, neither of this run nor of one
    `before`."""
    loaded = [resource for resource in chosen if report.resources[resource.name].rows]
    if not pipeline.default_schema_name or not (loaded or before):
        return
    report.where = described(target)
    if target.kind == "filesystem":
        report.where = f"{pipeline.destination_client().config.bucket_url}/{target.dataset}"
    if not loaded:
        report.where += ", as before: this run loaded no row"
        return
    if target.kind == "filesystem":
        return
    naming = pipeline.default_schema.naming
    most = max(loaded, key=lambda resource: report.resources[resource.name].rows)
    table = f"{target.dataset}.{naming.normalize_table_identifier(table_name(most))}"
    if target.file is not None:
        # Python is there where we are; DuckDB's own command line may not be
        opened = f"duckdb.connect('{target.file.name}')"
        report.query = f"python -c \"import duckdb; {opened}.sql('from {table} limit 10').show()\""
    else:
        report.query = f"select * from {table} limit 10"
