"""`framework check`: is the token valid, and is the file right?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.shared_options import format_option, mock_option, open_connector, request_options
from framework.cli.terminal import visible, visible_lines, write_json, write_line

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
""",
)
@click.argument("name")
@request_options
@click.option(
    "--deep",
    is_flag=True,
    help="Read a page or two of each resource and test selector, primary key, cursor, pagination "
    "and children.",
)
@mock_option
@format_option("text", "json")
def command(
    name: str,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    deep: bool,
    mock: str | None,
    form: str,
) -> int:
    """Send one request for each selected resource of connector NAME. Nothing is loaded.

    Exit code 1 if a resource is refused, or has a fault with --deep.
    """
    connector = open_connector(name, connectors)
    from rich.console import Console

    from framework.authoring.diagnose.probe import probe
    from framework.cli.progress_view import Progress
    from framework.events import Event, Waiting
    from framework.load.preflight import select_resources
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_on_signals

    selected = select_resources(connector, resources)
    environment, progress = Environment(), Progress(Console(stderr=True), live=False)
    if mock is not None:
        from framework.mock.mock_run import mocked_config, mocked_environment

        environment = mocked_environment(connector, mock, environment)
        config = mocked_config(connector, config)

    def on_event(event: Event) -> None:
        """Show waits only: warnings are part of the results."""
        if isinstance(event, Waiting):
            progress(event)

    if deep:
        from framework.authoring.diagnose.diagnosis import diagnose

        with stop_on_signals(environment.stop):
            proofs = list(diagnose(connector, selected, config, alias, environment, on_event))
        if form == "json":
            write_json([_as_json(proof) for proof in proofs])
        else:
            _write_proofs(proofs)
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


def _as_json(proof: Proof) -> dict[str, object]:
    return {name: value for name, value in vars(proof).items() if name != "patches"}


def _write_proofs(proofs: list[Proof]) -> None:
    width = max(len(proof.about) for proof in proofs)
    resource = None
    for proof in proofs:
        if proof.resource != resource:
            resource = proof.resource
            write_line(resource)
        message = visible_lines(proof.message).replace("\n", f"\n  {'':<{width + 11}}")
        code = f" [{proof.code}]" if proof.code else ""
        write_line(f"  {proof.outcome:<7}  {proof.about:<{width}}  {message}{code}")
        indent = f"  {'':<7}  {'':<{width}}"
        if proof.remedy:
            write_line(f"{indent}  -> {proof.remedy}")
        for line in visible_lines(proof.diff).splitlines():
            write_line(f"{indent}     {line}")
