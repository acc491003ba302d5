"""`framework import`: convert another tool's file into a connector file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.import_proof import check_against, prove_import
from framework.cli.import_recordings import curl, har, postman
from framework.cli.import_target import check_target, target_options, write_report
from framework.cli.proof_view import write_proofs
from framework.cli.shared_options import option_group, set_option
from framework.cli.terminal import write_json, write_line
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.importers.import_report import ImportedConnector
    from framework.importers.openapi.openapi_import import ListedOperation

_import_options = option_group(
    click.argument("file", type=click.Path(path_type=Path)), target_options
)


@click.group(
    "import",
    short_help="Convert another tool's file into a connector file.",
    epilog="""\b
Examples:
  framework import airbyte manifest.yaml -o connectors/shop.yaml
  framework import dlt config.json -o connectors/shop.yaml
  framework import openapi https://api.example.com/openapi.json -o connectors/shop.yaml
  framework import har recording.har -o connectors/shop.yaml
""",
)
def command() -> None:
    """Convert a description in OpenAPI, recorded requests, a manifest of Airbyte or a dlt config.

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


@command.command(
    "openapi",
    short_help="Convert a description in OpenAPI 3 or Swagger 2.0.",
    epilog="""\b
Examples:
  framework import openapi shop.yaml --list
  framework import openapi shop.yaml -o connectors/shop.yaml --paths '/orders*'
  framework import openapi https://api.example.com/openapi.json --exclude '/internal/*'
  framework import openapi shop.yaml --prove live
""",
)
@click.argument("source", metavar="FILE|URL")
@target_options
@click.option("--paths", multiple=True, metavar="PATTERN", help="Only these paths; repeatable.")
@click.option("--tags", multiple=True, metavar="TAG", help="Only these tags; repeatable.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Not these paths; repeatable.")
@click.option("--list", "only_list", is_flag=True, help="List the operations; write nothing.")
@click.option("--allow-remote", is_flag=True, help="Follow references to documents of the web.")
@click.option(
    "--prove",
    "against",
    metavar="URL|live",
    help="Compare the file with responses of the API (live), or of a mock at URL, and write each "
    "change that was tried and helps, as check --deep --apply does.",
)
@set_option
def openapi(
    source: str,
    output: Path | None,
    force: bool,
    form: str,
    paths: tuple[str, ...],
    tags: tuple[str, ...],
    exclude: tuple[str, ...],
    only_list: bool,
    allow_remote: bool,
    against: str | None,
    config: Mapping[str, str],
) -> int:
    """Convert FILE or URL, the description of an API: OpenAPI 3.0, 3.1 or Swagger 2.0.

    Each guess has its reason as a comment; `to be checked` marks what the description leaves open.
    Patterns are those of a shell; a path stands for all paths below it too.
    """
    from framework.importers.api_guesses.list_catalog import Choice
    from framework.importers.import_report import write_imported
    from framework.importers.openapi.openapi_import import (
        OpenApiOptions,
        import_openapi,
        list_openapi,
        name_from,
    )

    check_against(against, config)
    options = OpenApiOptions(Choice(paths, tags, exclude), allow_remote)
    if only_list:
        rows = list_openapi(source, options)
        if form == "json":
            write_json([row.as_dict() for row in rows])
        else:
            _write_operations(rows)
        return 0
    target = output or Path("connectors") / f"{name_from(source)}.yaml"
    check_target(target, force)
    imported = import_openapi(source, target.stem, options)
    files = write_imported(imported, target)
    if against is None or not imported.resources:
        return write_report(imported, files, form)
    if form == "json":
        from framework.importers.openapi.settled_checks import without_settled

        proofs, settled = prove_import(target, against, config)
        more = {"proofs": [proof.as_dict() for proof in proofs]}
        code = write_report(without_settled(imported, settled), files, form, more)
    else:  # the report comes first: the API may refuse to be asked
        code = write_report(imported, files, form)
        proofs, settled = prove_import(target, against, config)
        write_proofs(proofs)
        if settled:
            write_line(f"settled: {count_noun(len(settled), 'check')}; the comments are gone")
    return int(bool(code) or any(proof.outcome == "fault" for proof in proofs))


def _write_operations(rows: list[ListedOperation]) -> None:
    for row in rows:
        place = f"{row.method} {row.path}"
        if row.resource is None:
            write_line(f"{place}: left out, {row.reason}")
            continue
        selector = f" in {row.selector}" if row.selector else ""
        parents = f", below {', '.join(row.parents)}" if row.parents else ""
        write_line(f"{place}: {row.resource}{selector}, {row.paginator}{parents}")


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
    check_target(target, force)
    imported = importer(file, target.stem)
    files = write_imported(imported, target)
    return write_report(imported, files, form)


command.add_command(har)
command.add_command(curl)
command.add_command(postman)
