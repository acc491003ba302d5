"""`framework fleet`: run connectors for many accounts, and long backfills."""

from __future__ import annotations

import click

from framework.cli.fleet_plan_verbs import plan, validate
from framework.cli.fleet_run_verbs import retry, run, run_unit, status


@click.group(
    "fleet",
    short_help="Run many accounts and long backfills.",
    epilog="""\b
Examples:
  framework fleet validate fleet.yaml
  framework fleet plan fleet.yaml
  framework fleet run fleet.yaml --on processes:4
  framework fleet status fleet.yaml
""",
)
def command() -> None:
    """Run the connectors of a fleet file for many accounts, and for long times in windows."""


for one in (validate, plan, run, status, retry, run_unit):
    command.add_command(one)
