"""`framework prove`: does a connector file keep its promise, whatever happens to an account?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from framework.cli.shared_options import (
    connectors_option,
    format_option,
    name_argument,
    open_connector,
    resources_option,
    set_option,
)
from framework.cli.terminal import visible_lines, write_json, write_line


def _assumptions(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> list[Any]:
    """Return what `--assume` states."""
    from framework.prove.history.api_traits import Assumption

    try:
        return [Assumption.parse(value) for value in values]
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


@click.command(
    "prove",
    short_help="Look for histories of an account in which rows get lost or doubled.",
    epilog="""\b
Examples:
  framework prove scheduling
  framework prove shop --resources orders --histories 100 --seed 7
  framework prove shop --assume orders.late=P2D --assume start=exclusive
  framework prove ./connectors/shop.yaml --strict --format json
""",
)
@name_argument
@connectors_option
@resources_option
@set_option
@click.option(
    "--runs",
    type=click.IntRange(2, 10),
    default=3,
    show_default=True,
    help="The most runs of a history.",
)
@click.option(
    "--histories",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Histories that are tried for each question and resource.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="What the histories depend on."
)
@click.option(
    "--assume",
    "assumptions",
    multiple=True,
    callback=_assumptions,
    metavar="[RESOURCE.]TRAIT=VALUE",
    help="State how the API behaves: edits=moves|keeps|event, start= or end=inclusive|exclusive, "
    "order=asc|desc|none, late=DURATION; repeatable.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 for assumptions too.")
@click.option(
    "--no-confirm",
    is_flag=True,
    help="Do not repeat what was found by runs into DuckDB.",
)
@format_option("text", "json")
@click.option("-q", "--quiet", is_flag=True, help="Print the result, without progress.")
def command(
    name: str,
    connectors: Path | None,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    runs: int,
    histories: int,
    seed: int,
    assumptions: list[Any],
    strict: bool,
    no_confirm: bool,
    form: str,
    quiet: bool,
) -> int:
    """Play invented histories of an account through the mock of connector NAME (or a FILE).

    Records are added, edited and deleted between runs and while pages are read, in ties, late, and
    by clocks that differ. The smallest history in which a table is not what the file promises is
    told in three lines, with a change of the file that helps.

    A fault breaks the promise. An assumption does, if the API is not as the file needs it; --assume
    states how it is. A limit is declared by the file, or has every file of its kind. Exit code 0
    without faults, else 1. Needs no network and no secrets.
    """
    connector = open_connector(name, connectors)
    from framework.cli.prove_view import proof_data, render_proof
    from framework.prove.connector_proof import ProofOptions
    from framework.prove.prover import prove
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    options = ProofOptions(
        resources=resources,
        runs=runs,
        histories=histories,
        seed=seed,
        config=config,
        assumptions=assumptions,
        confirms=not no_confirm,
    )
    stop = StopSignal()

    def say(resource: str) -> None:
        if not quiet:
            click.echo(f"trying {resource}", err=True)

    with stop_on_signals(stop):
        proof = prove(connector, options, stop, say)
    if form == "json":
        write_json(proof_data(proof))
    else:
        write_line(visible_lines(render_proof(proof)))
    return int(bool(proof.of("fault") or (strict and proof.of("assumption"))))
