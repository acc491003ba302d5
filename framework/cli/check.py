"""`framework check`: is the token valid, and is the file right?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.proof_view import write_proofs
from framework.cli.shared_options import (
    format_option,
    mock_option,
    name_argument,
    open_connector,
    query_options,
    request_options,
)
from framework.cli.terminal import visible, visible_lines, write_json, write_line
from framework.errors import UsageError

if TYPE_CHECKING:
    from framework.authoring.diagnose.probe import Probe
    from framework.authoring.diagnose.proof import Proof

OUTCOMES = {"readable": "yes", "refused": "no", "skipped": "skipped", "unknown": "?"}


@click.command(
    "check",
    short_help="Test the token, or with --deep the whole file.",
    epilog="""\b
Examples:
  framework check scheduling
  framework check scheduling --resources groups,routing_forms
  framework check scheduling --deep       compare the file with real responses
  framework check scheduling --deep --interactive   decide on each change that would fix it
""",
)
@name_argument
@request_options
@query_options
@click.option(
    "--deep",
    is_flag=True,
    help="Read a page or two of each resource and test selector, primary key, cursor, pagination "
    "and children.",
)
@click.option(
    "--apply",
    is_flag=True,
    help="With --deep: write each change that was tried and fixes a fault, one after the other.",
)
@click.option(
    "--interactive",
    is_flag=True,
    help="With --deep: show each change, and ask whether to write it.",
)
@mock_option
@format_option("text", "json")
def command(
    name: str,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    destination: str | None,
    dataset: str | None,
    deep: bool,
    apply: bool,
    interactive: bool,
    mock: str | None,
    form: str,
) -> int:
    """Send one request for each selected resource of connector NAME. Nothing is loaded.

    Exit code 1 if a resource is refused, or has a fault with --deep that was not fixed.
    """
    if (apply or interactive) and not deep:
        option = "--apply" if apply else "--interactive"
        raise UsageError(f"found {option} without --deep, which finds what to change; add --deep")
    connector = open_connector(name, connectors)
    if apply or interactive:
        from framework.authoring.scaffold.file_writer import refuse_bundled
        from framework.definition.finder import find_connector

        location = find_connector(name, connectors)
        refuse_bundled(location.root, location.name)
    from rich.console import Console

    from framework.authoring.diagnose.probe import probe
    from framework.cli.progress_view import Progress
    from framework.events import Event, Waiting
    from framework.load.partition_queries import query_of
    from framework.load.preflight import select_resources
    from framework.load.run_options import RunOptions
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_on_signals

    selected = select_resources(connector, resources)
    place = RunOptions(destination=destination, dataset=dataset, alias=alias)
    environment = Environment(query=query_of(connector, place))
    progress = Progress(Console(stderr=True), live=False)
    if mock is not None:
        from framework.mock.mock_run import mocked_config, mocked_environment

        environment = mocked_environment(connector, mock, environment)
        config = mocked_config(connector, config)

    def on_event(event: Event) -> None:
        """Show waits only: warnings are part of the results."""
        if isinstance(event, Waiting):
            progress(event)

    if deep:
        from framework.authoring.diagnose.diagnosis import repair
        from framework.authoring.diagnose.resource_diagnosis import LiveApi

        api = LiveApi(config, alias, environment, on_event)
        decide = _Decision(apply and not interactive, interactive)
        with stop_on_signals(environment.stop):
            proofs = list(repair(connector, selected, api, decide))
        if form == "json":
            write_json([proof.as_dict() for proof in proofs])
        else:
            write_proofs(proofs)
        return int(any(proof.outcome == "fault" for proof in proofs))
    with stop_on_signals(environment.stop):
        probes = probe(connector, selected, config, alias, environment, on_event)
    if form == "json":
        write_json([vars(one) for one in probes])
    else:
        _write_probes(probes)
    return int(any(one.outcome == "refused" for one in probes))


def _write_probes(probes: list[Probe]) -> None:
    width = max(len(one.resource) for one in probes)
    for one in probes:
        first, _, rest = one.message.partition("\n")
        write_line(
            f"{one.resource:<{width}}  {OUTCOMES[one.outcome]:<7}  {visible(first)}".rstrip()
        )
        details = [rest] * bool(rest)
        details += [f"{warning['message']} [{warning['code']}]" for warning in one.warnings]
        for detail in details:
            write_line(f"{'':<{width}}           {visible_lines(detail)}")


class _Decision:
    """Whether a change is written: each, none, or those that the user agrees to."""

    def __init__(self, writes: bool, asks: bool) -> None:
        self._writes, self._asks = writes, asks

    def __call__(self, proof: Proof) -> bool:
        """Return whether to write the change that fixes this fault."""
        if not self._asks:
            return self._writes
        click.echo(f"{proof.resource}: {visible_lines(proof.message)} [{proof.code}]", err=True)
        click.echo(visible_lines(proof.diff).rstrip("\n"), err=True)
        try:
            answer: str = click.prompt(
                "Apply this change? yes, no, all, quit",
                type=click.Choice(("y", "n", "a", "q")),
                default="n",
                show_choices=True,
                err=True,
            )
        except click.Abort as error:
            if not isinstance(error.__context__, EOFError):
                raise
            click.echo("\nthe input has ended: no further change is applied", err=True)
            answer = "q"
        self._asks = answer not in ("a", "q")
        self._writes = answer == "a"
        return answer in ("y", "a")
