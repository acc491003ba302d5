"""`framework validate`: every finding of the files, without network and secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.completers import complete_connectors
from framework.cli.findings_view import FORMATS, Format, render, summary
from framework.cli.shared_options import source_text, validate_options

if TYPE_CHECKING:
    from framework.definition.validation import ValidationResult
    from framework.findings import Finding

Write = Callable[[str], object]


def validate_files(
    names: Sequence[str],
    *,
    connectors: Path | None = None,
    output: Format = "text",
    strict: bool = False,
    dlt: bool = False,
    colour: bool = False,
    write: Write = click.echo,
) -> int:
    """Validate the named connectors (or all of your own) and write the findings.

    Return 1 if there are errors, or warnings with `strict`, else 0. Raise UsageError for an
    unknown name.
    """
    from framework.definition.finder import bundled_connectors, find_connector, own_connectors
    from framework.definition.validation import validate

    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    unique = list({location.path.absolute(): location for location in locations}.values())
    findings: list[Finding] = []
    sources: dict[str, str] = {}
    ignored = 0
    for location in unique:
        result = validate(location)
        file_findings = [*result.findings, *(_dlt_findings(result) if dlt else ())]
        if file_findings:
            sources |= {**result.queries, location.display: source_text(location)}
        findings += file_findings
        ignored += sum(result.ignored.values())
    closing = summary(findings, len(unique), ignored)
    if not names and locations == bundled_connectors():
        folder = connectors or "connectors"
        closing += f"; these are the bundled connectors, because {folder}/ has none"
    for text in render(output, findings, sources, closing, colour=colour):
        write(text)
    failing = {"error", "warning"} if strict else {"error"}
    return int(any(finding.severity in failing for finding in findings))


def choose_format(requested: str | None, environment: dict[str, str]) -> Format:
    """Return the requested format; by default github in GitHub Actions, else text."""
    for form in FORMATS:
        if form == requested:
            return form
    return "github" if environment.get("GITHUB_ACTIONS") == "true" else "text"


def _dlt_findings(result: ValidationResult) -> list[Finding]:
    """Return dlt's errors when it builds the source; none if the file has errors of its own."""
    if result.connector is None:
        return []
    from framework.definition.yaml_reader import read_document
    from framework.extract.compilation.dry_run import build_with_placeholders

    document, _ = read_document(result.location.path, result.location.display)
    if document is None:
        return []
    return [
        document.finding(pointer, "dlt-refuses", f"dlt does not accept this: {message}")
        for pointer, message in build_with_placeholders(result.connector)
    ]


@click.command(
    name="validate",
    short_help="Find mistakes in connector files.",
    epilog="""\b
Examples:
  framework validate
  framework validate ./connectors/mine.yaml --strict
  framework validate --format sarif > findings.sarif
""",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", shell_complete=complete_connectors)
@validate_options
@click.option("--dlt", is_flag=True, help="Also build each source with dlt (slower).")
def command(
    names: tuple[str, ...], connectors: Path | None, output: str | None, strict: bool, dlt: bool
) -> int:
    """Report every mistake in connector files, without network and secrets.

    With no names: your own connectors, or the bundled ones if you have none. Exit code 1 if
    there are errors.
    """
    return validate_files(
        names,
        connectors=connectors,
        output=choose_format(output, dict(os.environ)),
        strict=strict,
        dlt=dlt,
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
    )
