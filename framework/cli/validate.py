"""`framework validate`: every finding of the files, with no network and no secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from framework.cli.findings_view import render_github, render_json, render_text, summary
from framework.cli.option_types import connectors_option

if TYPE_CHECKING:
    from framework.definition.finder import Location
    from framework.definition.validation import ValidationResult
    from framework.findings import Finding

Format = Literal["text", "json", "github"]
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
    """Judge the named connectors (or all own ones) and write what was found.

    Exit code 1 where there are errors, or warnings with `strict`. UsageError for an unknown name.
    """
    from framework.definition.finder import bundled_connectors, find_connector, own_connectors
    from framework.definition.validation import validate

    locations = [find_connector(name, connectors) for name in names] or own_connectors(connectors)
    findings: list[Finding] = []
    texts: dict[str, str] = {}
    for location in _once(locations):
        judged = validate(location)
        found = [*judged.findings, *(_refusals(judged) if dlt else ())]
        if found and output == "text":
            texts[location.display] = _text(location)
        findings += found
    if output == "json":
        write(render_json(findings))
    else:
        if findings and output == "github":
            write(render_github(findings))
        elif findings:
            write(render_text(findings, texts, colour=colour))
        closing = summary(findings, len(_once(locations)))
        if not names and locations == bundled_connectors():
            folder = connectors or "connectors"
            closing += f"; these are the bundled ones: there are none of your own in {folder}/"
        write(closing)
    failing = {"error", "warning"} if strict else {"error"}
    return int(any(finding.severity in failing for finding in findings))


def chosen_format(asked: str | None, environment: dict[str, str]) -> Format:
    """What was asked for; else GitHub's format where GitHub Actions runs us, else text."""
    if asked in ("text", "json", "github"):
        return asked  # type: ignore[return-value]
    return "github" if environment.get("GITHUB_ACTIONS") == "true" else "text"


def _once(locations: Sequence[Location]) -> list[Location]:
    return list({location.path.absolute(): location for location in locations}.values())


def _text(location: Location) -> str:
    from framework.definition.yaml_reader import read_document

    document, _ = read_document(location.path)
    if document is not None:
        return document.text
    try:
        with location.path.open("rb") as file:
            return file.read(1_000_000).decode("utf-8-sig")
    except (OSError, ValueError):
        return ""


def _refusals(judged: ValidationResult) -> list[Finding]:
    """What dlt says when the source is built; nothing where the file has errors anyway."""
    if judged.connector is None:
        return []
    from framework.definition.yaml_reader import read_document
    from framework.extract.dry_run import build_with_placeholders

    document, _ = read_document(judged.location.path, judged.location.display)
    if document is None:
        return []
    return [
        document.finding(pointer, "dlt-refuses", f"dlt does not take this: {message}")
        for pointer, message in build_with_placeholders(judged.connector)
    ]


@click.command(
    name="validate",
    short_help="Find what is wrong in connector files.",
    epilog="""\b
Examples:
  framework validate
  framework validate ./connectors/mine.yaml --strict
  framework validate --format github
""",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@connectors_option
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "github"]),
    help="How findings are written; github by itself in GitHub Actions, else text.",
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--dlt", is_flag=True, help="Also build each source with dlt (slower).")
def command(
    names: tuple[str, ...], connectors: Path | None, output: str | None, strict: bool, dlt: bool
) -> int:
    """Find what is wrong in connector files: all of it, without network and secrets.

    With no names: your own connectors, or the bundled ones where you have none.
    """
    return validate_files(
        names,
        connectors=connectors,
        output=chosen_format(output, dict(os.environ)),
        strict=strict,
        dlt=dlt,
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
    )
