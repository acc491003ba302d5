"""`framework fleet validate` and `plan`: what is wrong with a fleet file, and what it costs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.shared_options import (
    connectors_option,
    format_option,
    source_text,
    validate_options,
)
from framework.cli.terminal import write_error, write_json, write_line
from framework.errors import FindingsError

if TYPE_CHECKING:
    from framework.fleet.jobs.fleet_file import Fleet, FleetResult

MOST_REFUSALS = 5
"""Quotas that are named; the rest are counted."""


LEDGER_VARIABLE = "FRAMEWORK_FLEET_LEDGER"

ledger_option = click.option(
    "--ledger",
    envvar=LEDGER_VARIABLE,
    metavar="FILE|URL",
    help="Where the state of units is kept: an SQLite file (default FILE.ledger.sqlite in this "
    f"folder) or a PostgreSQL URL. A URL with a password belongs into {LEDGER_VARIABLE}.",
)

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.command(
    "validate",
    short_help="Find mistakes in a fleet file.",
    epilog="""\b
Examples:
  framework fleet validate fleet.yaml
  framework fleet validate fleet.yaml --strict --format json
""",
)
@file_argument
@validate_options
def validate(file: Path, connectors: Path | None, output: str | None, strict: bool) -> int:
    """Report every mistake in fleet FILE, its accounts and its connectors.

    Needs no network and no secrets. Exit code 1 if there are errors.
    """
    from framework.cli.findings_view import render, summary
    from framework.cli.validate import choose_format
    from framework.fleet.jobs.fleet_file import read_fleet

    result = read_fleet(file, connectors)
    form = choose_format(output, dict(os.environ))
    sources = _sources(file, result)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    closing = summary(result.findings, result.files)
    for text in render(form, result.findings, sources, closing, colour=colour):
        write_line(text)
    failing = {"error", "warning"} if strict else {"error"}
    return int(any(one.severity in failing for one in result.findings))


@click.command(
    "plan",
    short_help="List the units of a fleet, and what they will cost.",
    epilog="""\b
Examples:
  framework fleet plan fleet.yaml
  framework fleet plan fleet.yaml --units --workers 8
  framework fleet plan fleet.yaml --format json
""",
)
@file_argument
@connectors_option
@ledger_option
@click.option("--units", is_flag=True, help="Also list every unit.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Estimate the time for N units at once; default one for each core.",
)
@format_option("text", "json")
def plan(
    file: Path,
    connectors: Path | None,
    ledger: str | None,
    units: bool,
    workers: int | None,
    form: str,
) -> int:
    """Show how many units of fleet FILE are left, and the requests and minutes they will take.

    Estimates come from the ledger of units, from runs that the destination has a record of, or
    from the connector's cassette. Exit code 1 if a daily quota of a connector cannot hold the
    requests.
    """
    fleet = open_fleet(file, connectors)
    from rich.console import Console

    from framework.cli.fleet_view import plan_json, show_plan
    from framework.fleet.fleet_run import plan_with_ledger

    place = ledger_place(file, ledger)
    planned = plan_with_ledger(fleet, place, workers=workers or os.cpu_count() or 1)
    if form == "json":
        write_json(plan_json(planned))
    else:
        show_plan(planned, Console(), units=units)
        for refusal in planned.refusals[:MOST_REFUSALS]:
            write_error(refusal)
        if len(planned.refusals) > MOST_REFUSALS:
            write_error(f"{len(planned.refusals) - MOST_REFUSALS:,} more quotas are exceeded")
    return int(bool(planned.refusals))


def ledger_place(file: Path, ledger: str | None) -> Path | str:
    """Return the path or the URL of a fleet's ledger of units; the redactor learns a password."""
    from framework.runtime.redacted_output import process_redactor

    if ledger is not None and "://" in ledger:
        process_redactor().add_url(ledger)
        return ledger
    if ledger is not None:
        return Path(ledger)
    return Path.cwd() / f"{file.stem}.ledger.sqlite"


def open_fleet(file: Path, connectors: Path | None, *, verbose: bool = False) -> Fleet:
    """Return the fleet of a file, with dlt's defaults set for runs.

    Raise FindingsError if the file, its accounts or its connectors have errors.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults(verbose=verbose)
    from framework.fleet.jobs.fleet_file import read_fleet
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.secret_sources import add_settings_files

    add_settings_files(process_redactor())
    result = read_fleet(file, connectors)
    if result.fleet is None:
        _sources(file, result)  # findings may quote a secret that is written in a file
        raise FindingsError(result.findings, "the fleet file")
    return result.fleet


def _sources(file: Path, result: FleetResult) -> dict[str, str]:
    """Return the texts that findings may show: secrets masked, and no file of accounts."""
    from framework.definition.yaml_reader import MAX_BYTES, read_document, read_text
    from framework.fleet.jobs.accounts import written_secrets
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.secret_sources import add_connector_file

    found = {one.path for one in result.findings}
    sources = {one.display: source_text(one) for one in result.connectors if one.display in found}
    redactor = process_redactor()
    document, _ = read_document(file)
    if document is not None:
        for secret in written_secrets(document.data):
            redactor.add_foreign(secret)
        sources[str(file)] = redactor.redact(document.text, aligned=True)
    elif (text := read_text(file, str(file), MAX_BYTES)[0]) is not None:
        add_connector_file(redactor, text)
        sources[str(file)] = redactor.redact(text, aligned=True)
    return sources
