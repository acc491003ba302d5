"""`framework check`: may the token read it?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.findings_view import visible, visible_lines
from framework.cli.option_types import asking_options

if TYPE_CHECKING:
    from framework.authoring.diagnose.proof import Proof

MARKS = {"readable": "yes", "refused": "no", "skipped": "skipped", "unknown": "?"}


@click.command(
    "check",
    short_help="Is the token right, what may it read?",
    epilog="""\b
Examples:
  framework check scheduling
  framework check scheduling --resources groups,routing_forms
  framework check scheduling --deep       is what the file says true?
""",
)
@click.argument("name")
@asking_options
@click.option(
    "--deep",
    is_flag=True,
    help="Read a page or two of each, and prove selector, key, cursor, paging and children.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    name: str,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    deep: bool,
    form: str,
) -> int:
    """Ask each selected resource of connector NAME once; nothing is loaded.

    Exit code 1 when one of them is refused, or with --deep has a fault.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from rich.console import Console

    from framework.api import valid_connector
    from framework.authoring.diagnose.probe import probe
    from framework.cli.progress_view import Progress
    from framework.cli.signals import signals_handled
    from framework.definition.finder import find_connector
    from framework.events import Event, Waiting
    from framework.load.preflight import select_resources
    from framework.runtime.environment import Environment

    connector = valid_connector(find_connector(name, connectors))
    chosen = select_resources(connector, resources)
    environment, progress = Environment(), Progress(Console(stderr=True), live=False)

    def on_event(event: Event) -> None:
        """Warnings are told with what was found."""
        if isinstance(event, Waiting):
            progress(event)

    if deep:
        from framework.authoring.diagnose.diagnosis import diagnose

        with signals_handled(environment.stop):
            proofs = list(diagnose(connector, chosen, config, alias, environment, on_event))
        return _show_proofs(proofs, form)
    with signals_handled(environment.stop):
        looked = probe(connector, chosen, config, alias, environment, on_event)
    if form == "json":
        _print_json([vars(one) for one in looked])
    else:
        width = max(len(one.resource) for one in looked)
        for one in looked:
            first, _, rest = one.message.partition("\n")
            line = f"{one.resource:<{width}}  {MARKS[one.outcome]:<7}  {visible(first)}".rstrip()
            sys.stdout.write(line + "\n")
            more = [rest] * bool(rest)
            more += [f"{told['message']} [{told['code']}]" for told in one.warnings]
            for text in more:
                sys.stdout.write(f"{'':<{width}}           {visible_lines(text)}\n")
    return int(any(one.outcome == "refused" for one in looked))


def _show_proofs(proofs: list[Proof], form: str) -> int:
    if form == "json":
        _print_json([vars(one) for one in proofs])
    else:
        width = max(len(one.about) for one in proofs)
        for number, one in enumerate(proofs):
            if number == 0 or proofs[number - 1].resource != one.resource:
                sys.stdout.write(f"{one.resource}\n")
            message = visible_lines(one.message).replace("\n", f"\n  {'':<{width + 11}}")
            code = f" [{one.code}]" if one.code else ""
            sys.stdout.write(f"  {one.outcome:<7}  {one.about:<{width}}  {message}{code}\n")
            if one.remedy:
                sys.stdout.write(f"  {'':<7}  {'':<{width}}  -> {one.remedy}\n")
            for line in visible_lines(one.diff).splitlines():
                sys.stdout.write(f"  {'':<7}  {'':<{width}}     {line}\n")
    return int(any(one.outcome == "fault" for one in proofs))


def _print_json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
