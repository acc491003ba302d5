"""`framework import`: a connector file made of another tool's file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.errors import FrameworkError, UsageError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.importers.import_report import ImportedConnector


def _options(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option(
            "--format", "form", type=click.Choice(["text", "json"]), default="text",
            help="How the report is written.",
        ),
        click.option("--force", is_flag=True, help="Write over a connector file that is there."),
        click.option(
            "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
            help="The connector file; where it is not given, connectors/NAME.yaml after FILE.",
        ),
        click.argument("file", type=click.Path(path_type=Path)),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(
    "import",
    short_help="Make a connector file of another tool's.",
    epilog="""\b
Examples:
  framework import airbyte manifest.yaml -o connectors/shop.yaml
  framework import dlt config.json -o connectors/shop.yaml
""",
)
def command() -> None:
    """Make a connector file of an Airbyte manifest or of a dlt RESTAPIConfig.

    What has no counterpart is listed here and stands as a comment in the file. Exit code 1 if
    anything is missing; the file is written all the same.
    """


@command.command(
    "airbyte",
    short_help="From an Airbyte declarative manifest.",
    epilog="""\b
Examples:
  framework import airbyte manifest.yaml -o connectors/shop.yaml
  framework import airbyte shop.yaml --format json
""",
)
@_options
def airbyte(file: Path, output: Path | None, force: bool, form: str) -> int:
    """Translate FILE, an Airbyte declarative (low-code) manifest.

    Its schemas become schemas/NAME/RESOURCE.json, its inputs `config` and `secrets`.
    """
    from framework.importers.airbyte.convert import import_airbyte
    from framework.importers.source_files import connector_name

    return _run(import_airbyte, connector_name, file, output, force, form)


@command.command(
    "dlt",
    short_help="From a dlt RESTAPIConfig in JSON or YAML.",
    epilog="""\b
Examples:
  framework import dlt config.json -o connectors/shop.yaml
""",
)
@_options
def dlt(file: Path, output: Path | None, force: bool, form: str) -> int:
    """Translate FILE, the RESTAPIConfig of dlt's rest_api source as JSON or YAML.

    JSONPaths become JMESPath, or keep their `$`; secrets that are written out are asked for.
    """
    from framework.importers.rest_api_config import import_restapi
    from framework.importers.source_files import connector_name

    return _run(import_restapi, connector_name, file, output, force, form)


def _run(
    importer: Callable[[Path, str | None], ImportedConnector],
    named: Callable[[Path], str],
    file: Path,
    output: Path | None,
    force: bool,
    form: str,
) -> int:
    from framework.importers.import_report import write_imported

    target = output or Path("connectors") / f"{named(file)}.yaml"
    _check(target, force)
    imported = importer(file, target.stem)
    written = write_imported(imported, target)
    if form == "json":
        sys.stdout.write(
            json.dumps(_report(imported, written), ensure_ascii=False, indent=2) + "\n"
        )
    else:
        sys.stdout.write(_text(imported, written))
    return int(bool(imported.missing))


def _check(target: Path, force: bool) -> None:
    from framework.importers.source_files import free_name

    if free_name((target.stem,), set()) != target.stem or target.suffix != ".yaml":
        better = target.with_name(f"{free_name((target.stem,), set())}.yaml")
        raise UsageError(
            f"{target} cannot be a connector's file: the file is named after the connector, in "
            f"lower-case letters, digits and _; write -o {better}"
        )
    if target.exists() and not force:
        raise FrameworkError(
            f"{target} is there already; write --force to replace it, or another -o"
        )


def _report(imported: ImportedConnector, written: list[Path]) -> dict[str, Any]:
    return {
        "connector": imported.name,
        "file": str(written[0]),
        "schemas": [str(path) for path in written[1:]],
        "resources": list(imported.resources),
        "complete": not imported.missing,
        "missing": [remark.as_dict() for remark in imported.missing],
        "notes": [remark.as_dict() for remark in imported.notes],
    }


def _text(imported: ImportedConnector, written: list[Path]) -> str:
    lines = [f"written: {written[0]}, {count_noun(len(imported.resources), 'resource')}"]
    if len(written) > 1:
        folder = written[1].parent
        lines[0] += f"; {count_noun(len(written) - 1, 'schema')} in {folder}"
    for one in (*imported.missing, *imported.notes):
        word = "not imported" if one.kind == "missing" else "look"
        where = f"{one.resource}: " if one.resource else ""
        lines.append(f"{word}: {where}{one.reason} ({one.place})")
    lines.append(f"next: framework validate {imported.name} --strict")
    return "\n".join(lines) + "\n"
