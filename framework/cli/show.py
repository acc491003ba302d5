"""`framework show`: the connector file as it will run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from framework.cli.shared_options import (
    alias_option,
    connectors_option,
    format_option,
    open_connector,
    set_option,
)
from framework.cli.terminal import write_json


@click.command(
    "show",
    short_help="Show the file after defaults, merging and config.",
    epilog="""\b
Examples:
  framework show scheduling
  framework show scheduling --set scope=user --format json
""",
)
@click.argument("name")
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
    """Show the RESTAPIConfig of connector NAME as plain data, with secrets masked."""
    rendered = _render(name, connectors, config, alias)
    if form == "json":
        write_json(rendered)
    else:
        import yaml

        sys.stdout.write(yaml.safe_dump(rendered, sort_keys=False, allow_unicode=True, width=100))
    return 0


def _render(
    name: str, connectors: Path | None, config: Mapping[str, str], alias: str | None
) -> dict[str, Any]:
    connector = open_connector(name, connectors)
    from framework.extract.compilation.render import render_config
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.redaction import MASK
    from framework.runtime.settings import resolve_settings

    settings = {**dict.fromkeys(connector.secrets, MASK), **config}
    rendered = render_config(connector, resolve_settings(connector, settings, section=alias))
    redactor = process_redactor()
    redactor.add_logins(rendered)
    masked: dict[str, Any] = redactor.redact_data(rendered)
    return masked
