"""`framework infer`: a schema proposed from records, as a diff."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.findings_view import visible_lines
from framework.cli.option_types import looking_options
from framework.errors import FrameworkError

if TYPE_CHECKING:
    from framework.definition.model import Resource


@click.command(
    "infer",
    short_help="Propose schemas of resources from their records.",
    epilog="""\b
Examples:
  framework infer shop                        the diffs to what is declared, of all resources
  framework infer shop orders --write         into schemas/shop/orders.json
  framework infer scheduling --replay         from the cassette, no network
""",
)
@click.argument("name")
@click.argument("resources", nargs=-1, metavar="[RESOURCE]...")
@looking_options(limit=500)
@click.option(
    "--replay",
    is_flag=False,
    flag_value="",
    metavar="[CASSETTE]",
    help="Look at recorded records (cassettes/NAME.yaml, or this file).",
)
@click.option("--write", is_flag=True, help="Write the schema files, instead of showing the diff.")
def command(
    name: str,
    resources: tuple[str, ...],
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    limit: int,
    replay: str | None,
    write: bool,
) -> int:
    """Propose a JSON Schema of each RESOURCE of connector NAME from its first records; of all that
    the file selects, where none is named.

    What is declared stays; fields, types and nulls that it does not allow for are added. The
    proposal holds names and types, no values. Read it before you keep it: a field that was never
    null may be null tomorrow. Exit code 1 if a resource cannot be read or has no records.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from rich.console import Console

    from framework.api import valid_connector
    from framework.authoring.diagnose.probe import recorded_or_live
    from framework.authoring.scaffold.file_writer import refuse_bundled
    from framework.cli.progress_view import Progress
    from framework.cli.signals import signals_handled
    from framework.definition.finder import find_connector, schema_folder
    from framework.load.preflight import select_resources
    from framework.runtime.environment import StopSignal

    location = find_connector(name, connectors)
    if write:
        refuse_bundled(location.root, location.name)
    connector = valid_connector(location)
    chosen = select_resources(connector, resources or None)
    stop, folder, failed = StopSignal(), schema_folder(location), False
    on_event = Progress(Console(stderr=True), live=False)
    with signals_handled(stop):
        for resource, records in recorded_or_live(
            connector, chosen, limit, config, alias, replay, stop, on_event
        ):
            if isinstance(records, FrameworkError):
                _tell(f"error: {visible_lines(str(records))}")
            elif not records:
                _tell(f"{resource.name}: no records, so there is nothing to propose")
            else:
                _propose(resource, records, folder / f"{resource.name}.json", write)
                continue
            failed = True
    return int(failed)


def _propose(resource: Resource, records: list[dict[str, Any]], path: Path, write: bool) -> None:
    from framework.authoring.scaffold.file_writer import write_text
    from framework.authoring.scaffold.infer_schema import infer_schema

    inferred = infer_schema(records, resource.schema)
    _tell(f"{resource.name}: from {inferred.records:,} records")
    if inferred.untold:
        _tell(f"left out, null or empty in all of them: {', '.join(inferred.untold)}")
    after = _text(inferred.schema)
    before = "" if resource.schema is None else _text(resource.schema)
    if before == after:
        _tell("the declared schema holds all of them")
    elif write:
        write_text(path, after)
        _tell(f"written: {os.path.relpath(path)}")
        if resource.schema is None:
            _tell(f"it is used once the resource {resource.name} says: schema: {resource.name}")
    else:
        shown = os.path.relpath(path)
        sys.stdout.writelines(
            difflib.unified_diff(
                before.splitlines(keepends=True),
                after.splitlines(keepends=True),
                "declared" if before else "/dev/null",
                shown,
            )
        )


def _text(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
