"""Options that several verbs share, written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

connectors_option = click.option(
    "--connectors",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of connector files, instead of ./connectors.",
)


def _assignments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{value!r} is not key=value", context, parameter)
        found[key.strip()] = text
    return found


def _names(
    context: click.Context,  # noqa: ARG001
    parameter: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())


set_option = click.option(
    "--set",
    "config",
    multiple=True,
    callback=_assignments,
    metavar="KEY=VALUE",
    help="Set a config entry for this run; may be given several times.",
)
alias_option = click.option(
    "--as",
    "alias",
    metavar="ALIAS",
    help="A second account: its own section of settings, pipeline and dataset.",
)
resources_option = click.option(
    "--resources",
    callback=_names,
    metavar="A,B",
    help="Only these resources, instead of those that the file selects.",
)


def asking_options(command: F) -> F:
    """`--resources`, `--set` and `--as`: what a verb that asks the API takes."""
    for option in (alias_option, set_option, resources_option, connectors_option):
        command = option(command)
    return command


def looking_options(limit: int) -> Callable[[F], F]:
    """What a verb takes that looks at some records; `limit` is how many, unless it is told."""

    def options(command: F) -> F:
        count = click.option(
            "--limit",
            type=click.IntRange(min=1),
            default=limit,
            show_default=True,
            help="How many records to look at.",
        )
        for option in (count, connectors_option, set_option, alias_option):
            command = option(command)
        return command

    return options


limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N records of each resource.",
)


def talk_options(command: F) -> F:
    """`-v` and `-q`."""
    command = click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")(
        command
    )
    return click.option("-v", "--verbose", is_flag=True, help="Also what dlt logs.")(command)
