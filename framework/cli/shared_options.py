"""Options that several commands share, and the connector that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from framework.definition.model import Connector

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def option_group(*options: Decorator) -> Decorator:
    """Return one decorator that adds all options; `--help` lists them in this order."""

    def add_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add_options


def open_connector(name: str, connectors: Path | None, *, verbose: bool = False) -> Connector:
    """Return the connector of that name or file, with dlt's defaults set for a run.

    Raise UsageError for an unknown name and FindingsError if the file has errors.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults(verbose=verbose)
    from framework.api import valid_connector
    from framework.definition.finder import find_connector

    return valid_connector(find_connector(name, connectors))


def _parse_assignments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    assignments = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{value!r} is not key=value", context, parameter)
        assignments[key.strip()] = text
    return assignments


def _parse_names(
    context: click.Context,  # noqa: ARG001
    parameter: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())


def format_option(*formats: str) -> Decorator:
    """Return `--format` with these choices; the first is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Output format.",
    )


connectors_option = click.option(
    "--connectors",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of connector files; ./connectors by default.",
)
set_option = click.option(
    "--set",
    "config",
    multiple=True,
    callback=_parse_assignments,
    metavar="KEY=VALUE",
    help="Set a config entry for this run; repeatable.",
)
alias_option = click.option(
    "--as",
    "alias",
    metavar="ALIAS",
    help="Use another account: its own settings section, pipeline and dataset.",
)
resources_option = click.option(
    "--resources",
    callback=_parse_names,
    metavar="A,B",
    help="Only these resources, instead of those that the file selects.",
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N records of each resource.",
)

request_options = option_group(connectors_option, resources_option, set_option, alias_option)
"""`--connectors`, `--resources`, `--set` and `--as`, for commands that send requests."""

verbosity_options = option_group(
    click.option("-v", "--verbose", is_flag=True, help="Also print dlt's log."),
    click.option("-q", "--quiet", is_flag=True, help="Print the result, without progress."),
)

destination_options = option_group(
    connectors_option,
    alias_option,
    click.option("--destination", metavar="NAME", help="Any dlt destination; default duckdb."),
    click.option("--dataset", metavar="NAME", help="The dataset; default NAME_data."),
)
"""The place of a connector's data, named as for `run`."""


def sample_options(limit: int) -> Decorator:
    """Return the options of a command that reads some records, `limit` of them by default."""
    count = click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=limit,
        show_default=True,
        help="Number of records to read.",
    )
    return option_group(alias_option, set_option, connectors_option, count)
