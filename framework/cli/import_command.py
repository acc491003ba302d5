"""`framework import`: convert another tool's file into a connector file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.shared_options import format_option, option_group
from framework.cli.terminal import write_json, write_line
from framework.errors import FrameworkError, UsageError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.importers.import_report import ImportedConnector

_import_options = option_group(
    click.argument("file", type=click.Path(path_type=Path)),
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The connector file; by default connectors/NAME.yaml, named after FILE.",
    ),
    click.option("--force", is_flag=True, help="Replace an existing connector file."),
    format_option("text", "json"),
)


@click.group(
    "import",
    short_help="Convert another tool's file into a connector file.",
    epilog="""\b
Examples:
  framework import airbyte manifest.yaml -o connectors/shop.yaml
  framework import dlt config.json -o connectors/shop.yaml
""",
)
def command() -> None:
    """Convert an Airbyte manifest or a dlt RESTAPIConfig into a connector file.

    Everything without a counterpart is listed, and becomes a comment in the file. Exit code 1 if
    anything is missing; the file is written anyway.
    """


@command.command(
    "airbyte",
    short_help="Convert an Airbyte declarative manifest.",
    epilog="""\b
Examples:
  framework import airbyte manifest.yaml -o connectors/shop.yaml
  framework import airbyte shop.yaml --format json
""",
)
@_import_options
def airbyte(file: Path, output: Path | None, force: bool, form: str) -> int:
    """Convert FILE, an Airbyte declarative (low-code) manifest.

    Its schemas become schemas/NAME/RESOURCE.json, its inputs become `config` and `secrets`.
    """
    from framework.importers.airbyte.convert import import_airbyte

    return _import(import_airbyte, file, output, force, form)


@command.command(
    "dlt",
    short_help="Convert a dlt RESTAPIConfig in JSON or YAML.",
    epilog="""\b
Examples:
  framework import dlt config.json -o connectors/shop.yaml
""",
)
@_import_options
def dlt(file: Path, output: Path | None, force: bool, form: str) -> int:
    """Convert FILE, the RESTAPIConfig of dlt's rest_api source as JSON or YAML.

    JSONPaths become JMESPath or keep their `$`. Literal secrets become declared secrets.
    """
    from framework.importers.rest_api_config import import_restapi

    return _import(import_restapi, file, output, force, form)


def _import(
    importer: Callable[[Path, str | None], ImportedConnector],
    file: Path,
    output: Path | None,
    force: bool,
    form: str,
) -> int:
    from framework.importers.import_report import write_imported
    from framework.importers.source_files import connector_name

    target = output or Path("connectors") / f"{connector_name(file)}.yaml"
    _check_target(target, force)
    imported = importer(file, target.stem)
    files = write_imported(imported, target)
    if form == "json":
        write_json(_report(imported, files))
    else:
        _write_text(imported, files)
    return int(bool(imported.missing))


def _check_target(target: Path, force: bool) -> None:
    """Raise UsageError for an invalid file name, FrameworkError for an existing file."""
    from framework.importers.source_files import free_name

    name = free_name((target.stem,), set())
    if name != target.stem or target.suffix != ".yaml":
        raise UsageError(
            f"{target} cannot be a connector file: its name must be lower-case letters, digits "
            f"and _, ending in .yaml; write -o {target.with_name(f'{name}.yaml')}"
        )
    if target.exists() and not force:
        raise FrameworkError(f"{target} already exists; add --force to replace it, or change -o")


def _report(imported: ImportedConnector, files: list[Path]) -> dict[str, Any]:
    return {
        "connector": imported.name,
        "file": str(files[0]),
        "schemas": [str(path) for path in files[1:]],
        "resources": list(imported.resources),
        "complete": not imported.missing,
        "missing": [remark.as_dict() for remark in imported.missing],
        "notes": [remark.as_dict() for remark in imported.notes],
    }


def _write_text(imported: ImportedConnector, files: list[Path]) -> None:
    schemas = ""
    if len(files) > 1:
        schemas = f"; {count_noun(len(files) - 1, 'schema')} in {files[1].parent}"
    write_line(f"written: {files[0]}, {count_noun(len(imported.resources), 'resource')}{schemas}")
    for remark in (*imported.missing, *imported.notes):
        label = "not imported" if remark.kind == "missing" else "look"
        resource = f"{remark.resource}: " if remark.resource else ""
        write_line(f"{label}: {resource}{remark.reason} ({remark.place})")
    write_line(f"next: framework validate {imported.name} --strict")
