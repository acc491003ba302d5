"""`framework check`: may the token read it?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from framework.cli.options import asking_options

MARKS = {"readable": "yes", "refused": "no", "skipped": "skipped", "unknown": "?"}


@click.command(
    "check",
    short_help="Is the token right, what may it read?",
    epilog="""\b
Examples:
  framework check scheduling
  framework check scheduling --resources groups,routing_forms
""",
)
@click.argument("name")
@asking_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    name: str,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    form: str,
) -> int:
    """Ask each selected resource of connector NAME once; nothing is loaded.

    Exit code 1 when one of them is refused.
    """
    from framework.run.quiet import set_defaults

    set_defaults()
    from framework.author.peek import look_at
    from framework.build.door import judged
    from framework.build.events import unwatched
    from framework.build.world import World
    from framework.cli.signals import heard
    from framework.run.selection import select
    from framework.spec.locate import locate

    connector = judged(locate(name, connectors))
    chosen = select(connector, resources)
    world = World()
    with heard(world.stop):
        looked = look_at(connector, chosen, config, alias, world, unwatched)
    if form == "json":
        _print_json([vars(one) for one in looked])
    else:
        width = max(len(one.resource) for one in looked)
        for one in looked:
            first, _, rest = one.message.partition("\n")
            line = f"{one.resource:<{width}}  {MARKS[one.outcome]:<7}  {first}".rstrip()
            sys.stdout.write(line + "\n")
            if rest:
                sys.stdout.write(f"{'':<{width}}           {rest}\n")
    return int(any(one.outcome == "refused" for one in looked))


def _print_json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
