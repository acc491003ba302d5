"""Options that several commands share, and the connector that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.completers import complete_config, complete_connectors, complete_resources
from framework.errors import FindingsError

if TYPE_CHECKING:
    from framework.definition.finder import Location
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
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.secret_sources import add_settings_files

    add_settings_files(process_redactor())
    location = find_connector(name, connectors)
    try:
        return valid_connector(location)
    except FindingsError:
        source_text(location)  # findings may quote a secret that is written in the file
        raise


def source_text(location: Location) -> str:
    """Return the file's text; secrets that are written in it are masked, columns stay."""
    from framework.definition.validation import is_foreign
    from framework.definition.yaml_limits import LimitExceeded, read_limited
    from framework.definition.yaml_reader import MAX_BYTES, read_document
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.secret_sources import add_connector_file

    document, _ = read_document(location.path)
    if is_foreign(location, document):
        return ""
    if document is not None:
        text = document.text
    else:
        try:
            text = read_limited(location.path, MAX_BYTES).decode("utf-8-sig")
        except (OSError, ValueError, LimitExceeded):
            return ""
    redactor = process_redactor()
    add_connector_file(redactor, text, document and document.data)
    return redactor.redact(text, aligned=True)


def _parse_assignments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    assignments = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key.strip():
            # not quoted: it may be a secret
            raise click.BadParameter(
                f"a text of {len(value)} characters is not key=value",
                context,
                parameter,
            )
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


name_argument = click.argument("name", shell_complete=complete_connectors)
"""The connector that a command is about: its name, or a file."""

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
    shell_complete=complete_config,
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
    shell_complete=complete_resources,
    metavar="A,B",
    help="Only these resources, instead of those that the file selects.",
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N records of each resource.",
)

mock_option = click.option(
    "--mock",
    metavar="URL",
    help="Send every request to `framework mock` at this address, without the real secrets.",
)

request_options = option_group(connectors_option, resources_option, set_option, alias_option)
"""`--connectors`, `--resources`, `--set` and `--as`, for commands that send requests."""

VERBOSE = "Also print dlt's log, and how each resource's records become rows."
verbosity_options = option_group(
    click.option("-v", "--verbose", is_flag=True, help=VERBOSE),
    click.option("-q", "--quiet", is_flag=True, help="Print the result, without progress."),
)

validate_options = option_group(
    connectors_option,
    click.option(
        "--format",
        "output",
        type=click.Choice(["text", "json", "github", "sarif"]),
        help="Output format; default github in GitHub Actions, else text.",
    ),
    click.option("--strict", is_flag=True, help="Also fail on warnings."),
)
"""`--connectors`, `--format` and `--strict`, for commands that write findings of files."""

destination_options = option_group(
    connectors_option,
    alias_option,
    click.option("--destination", metavar="NAME", help="Any dlt destination; default duckdb."),
    click.option("--dataset", metavar="NAME", help="The dataset; default NAME_data."),
)
"""The place of a connector's data, named as for `run`."""

query_options = option_group(
    click.option(
        "--destination",
        metavar="NAME",
        help="Where partitions with a `query` read their values; default duckdb.",
    ),
    click.option("--dataset", metavar="NAME", help="The dataset there; default NAME_data."),
)
"""`--destination` and `--dataset`, for commands that load nothing into them."""


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
