"""Where an imported connector is written, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.shared_options import format_option, option_group
from framework.cli.terminal import write_json, write_line
from framework.errors import FrameworkError, UsageError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.importers.import_report import ImportedConnector

target_options = option_group(
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


def write_report(
    imported: ImportedConnector,
    files: list[Path],
    form: str,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Say what was written and what to look at; return the exit code.

    `more` are further results: keys of the JSON report, and lines of the text.
    """
    if form == "json":
        write_json({**_report(imported, files), **(more or {})})
    else:
        _write_text(imported, files, more or {})
    return int(bool(imported.missing))


def check_target(target: Path, force: bool) -> None:
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


def _write_text(imported: ImportedConnector, files: list[Path], more: Mapping[str, Any]) -> None:
    schemas = ""
    if len(files) > 1:
        schemas = f"; {count_noun(len(files) - 1, 'schema')} in {files[1].parent}"
    write_line(f"written: {files[0]}, {count_noun(len(imported.resources), 'resource')}{schemas}")
    for line in more.values():
        write_line(str(line))
    for remark in (*imported.missing, *imported.notes):
        label = "not imported" if remark.kind == "missing" else "look"
        resource = f"{remark.resource}: " if remark.resource else ""
        write_line(f"{label}: {resource}{remark.reason} ({remark.place})")
    write_line(f"next: framework validate {imported.name} --strict")
