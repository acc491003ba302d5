"""`framework infer`: a schema proposed from records, as a diff."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from framework.cli.options import alias_option, connectors_option, set_option


@click.command(
    "infer",
    short_help="Propose a resource's schema from its records.",
    epilog="""\b
Examples:
  framework infer shop orders                 the diff to what is declared
  framework infer shop orders --replay        from the cassette, no network
  framework infer shop orders --write         into schemas/shop/orders.json
""",
)
@click.argument("name")
@click.argument("resource")
@alias_option
@set_option
@connectors_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="How many records to look at.",
)
@click.option(
    "--replay",
    is_flag=False,
    flag_value="",
    metavar="[CASSETTE]",
    help="Look at recorded records (cassettes/NAME.yaml, or this file).",
)
@click.option("--write", is_flag=True, help="Write the schema file, instead of showing the diff.")
def command(
    name: str,
    resource: str,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    limit: int,
    replay: str | None,
    write: bool,
) -> int:
    """Propose a JSON Schema of RESOURCE of connector NAME from its first records.

    What is declared stays; fields, types and nulls that it does not allow for are added. The
    proposal holds names and types, no values. Read it before you keep it: a field that was never
    null may be null tomorrow.
    """
    from framework.run.quiet import set_defaults

    set_defaults()
    from framework.author.inferring import infer_schema
    from framework.author.peek import recorded_or_live
    from framework.author.written import write_text
    from framework.build.door import judged
    from framework.build.events import unwatched
    from framework.build.world import Stop
    from framework.cli.signals import heard
    from framework.run.selection import select
    from framework.spec.locate import locate, schema_folder

    location = locate(name, connectors)
    connector = judged(location)
    (chosen,) = select(connector, (resource,))
    stop = Stop()
    with heard(stop):
        records = recorded_or_live(connector, chosen, limit, config, alias, replay, stop, unwatched)
    if not records:
        sys.stderr.write(f"{resource}: no records, so there is nothing to propose\n")
        return 1
    inferred = infer_schema(records, chosen.schema)
    path = schema_folder(location) / f"{resource}.json"
    _tell(f"{resource}: from {inferred.records:,} records")
    if inferred.untold:
        _tell(f"left out, null or empty in all of them: {', '.join(inferred.untold)}")
    after = _text(inferred.schema)
    if write:
        write_text(path, after)
        _tell(f"written: {path}")
        if chosen.schema is None:
            _tell(f"it is used once the resource {resource} says: schema: {resource}")
        return 0
    before = "" if chosen.schema is None else _text(chosen.schema)
    if before == after:
        _tell("the declared schema holds all of them")
    diff = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "declared" if before else "/dev/null",
        str(path),
    )
    sys.stdout.writelines(diff)
    return 0


def _text(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
