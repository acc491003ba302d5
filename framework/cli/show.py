"""`framework show`: the connector file as it will run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.shared_options import (
    alias_option,
    connectors_option,
    format_option,
    name_argument,
    open_connector,
    set_option,
)
from framework.cli.terminal import write_json
from framework.errors import FrameworkError

if TYPE_CHECKING:
    from framework.definition.model import Connector
    from framework.runtime.settings import Settings


@click.command(
    "show",
    short_help="Show the file after defaults, merging and config.",
    epilog="""\b
Examples:
  framework show scheduling
  framework show scheduling --set scope=user --format json
""",
)
@name_argument
@connectors_option
@set_option
@alias_option
@format_option("text", "json")
def command(
    name: str,
    connectors: Path | None,
    config: Mapping[str, str],
    alias: str | None,
    form: str,
) -> int:
    """Show the RESTAPIConfig of connector NAME as plain data, with secrets masked.

    Comments at its end say how the records of each resource become rows in DuckDB, and why not
    in the fastest way.
    """
    connector = open_connector(name, connectors)
    rendered = _render(connector, config, alias)
    if form == "json":
        write_json(rendered)
    else:
        import yaml

        sys.stdout.write(yaml.safe_dump(rendered, sort_keys=False, allow_unicode=True, width=100))
        for resource, path in _paths(connector, config, alias).items():
            sys.stdout.write(f"# {resource}: path: {path}\n")
    return 0


def _paths(connector: Connector, config: Mapping[str, str], alias: str | None) -> Mapping[str, str]:
    from framework.events import ignore_event
    from framework.extract.compilation.compiler import compile_connector
    from framework.load.arrow.eligibility import load_paths
    from framework.load.destinations.profiles import profile_of
    from framework.runtime.environment import Environment
    from framework.runtime.settings import STAND_IN

    # as for a replay: no key and no certificate is read
    settings = _settings(connector, config, alias, STAND_IN)
    try:
        compiled = compile_connector(connector, settings, Environment(replay=True), ignore_event)
    except FrameworkError:  # it needs the secrets
        return {}
    return load_paths(compiled, profile_of("duckdb"))


def _settings(
    connector: Connector, config: Mapping[str, str], alias: str | None, secret: str
) -> Settings:
    """Return the settings with this text for each secret."""
    from framework.runtime.settings import resolve_settings

    given = {**dict.fromkeys(connector.secrets, secret), **config}
    return resolve_settings(connector, given, section=alias)


def _render(connector: Connector, config: Mapping[str, str], alias: str | None) -> dict[str, Any]:
    from framework.extract.compilation.render import render_config
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.redaction import MASK

    rendered = render_config(connector, _settings(connector, config, alias, MASK))
    redactor = process_redactor()
    redactor.add_logins(rendered)
    masked: dict[str, Any] = redactor.redact_data(rendered)
    return masked
