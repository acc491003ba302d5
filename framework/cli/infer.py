"""`framework infer`: propose record schemas, as a diff."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.completers import complete_resource
from framework.cli.shared_options import name_argument, open_connector, sample_options
from framework.cli.terminal import is_utf_8, write_error
from framework.errors import FrameworkError

if TYPE_CHECKING:
    from framework.definition.model import Resource


@click.command(
    "infer",
    short_help="Propose record schemas from live or recorded records.",
    epilog="""\b
Examples:
  framework infer shop                        diffs against the declared schemas
  framework infer shop orders --write         write schemas/shop/orders.json
  framework infer scheduling --replay         read the cassette, without network
""",
)
@name_argument
@click.argument("resources", nargs=-1, metavar="[RESOURCE]...", shell_complete=complete_resource)
@sample_options(limit=500)
@click.option(
    "--replay",
    is_flag=False,
    flag_value="",
    metavar="[CASSETTE]",
    help="Read a recording; default cassettes/NAME.yaml.",
)
@click.option("--write", is_flag=True, help="Write the schema files instead of printing diffs.")
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
    """Propose a JSON Schema for each RESOURCE of connector NAME from its first records.

    With no RESOURCE: all that the file selects. The declared schema stays; fields, types and
    nulls that it does not allow are added. The proposal contains names and types, no values.
    Review it: a field that was never null may be null tomorrow. Exit code 1 if a resource cannot
    be read or has no records.
    """
    connector = open_connector(name, connectors)
    from rich.console import Console

    from framework.authoring.diagnose.probe import recorded_or_live
    from framework.authoring.scaffold.file_writer import refuse_bundled
    from framework.cli.progress_view import Progress
    from framework.definition.finder import find_connector, schema_folder
    from framework.load.preflight import select_resources
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    location = find_connector(name, connectors)
    if write:
        refuse_bundled(location.root, location.name)
    selected = select_resources(connector, resources or None)
    stop, folder, failed = StopSignal(), schema_folder(location), False
    on_event = Progress(Console(stderr=True), live=False)
    with stop_on_signals(stop):
        for resource, records in recorded_or_live(
            connector, selected, limit, config, alias, replay, stop, on_event
        ):
            if isinstance(records, FrameworkError):
                write_error(str(records))
            elif not records:
                _note(f"{resource.name}: no records, so no schema to propose")
            else:
                _propose(resource, records, folder / f"{resource.name}.json", write)
                continue
            failed = True
    return int(failed)


def _propose(resource: Resource, records: list[dict[str, Any]], path: Path, write: bool) -> None:
    from framework.authoring.scaffold.file_writer import write_text
    from framework.authoring.scaffold.schema_proposal import propose_schema

    proposal = propose_schema(records, resource.schema, is_ascii=not is_utf_8(sys.stdout))
    _note(f"{resource.name}: from {proposal.records:,} records")
    if proposal.undecided:
        _note(f"omitted, always null or empty: {', '.join(proposal.undecided)}")
    if proposal.is_covered:
        _note("the declared schema covers all records")
    elif write:
        write_text(path, proposal.after)
        _note(f"written: {os.path.relpath(path)}")
        if resource.schema is None:
            _note(f"to use it, add `schema: {resource.name}` to the resource {resource.name}")
    else:
        sys.stdout.write(proposal.diff(os.path.relpath(path)))


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")
