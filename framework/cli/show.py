"""`framework show`: the file as it will run."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from framework.cli.option_types import alias_option, connectors_option, set_option


@click.command(
    "show",
    short_help="The file after defaults, merging and config.",
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
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    name: str,
    connectors: Path | None,
    config: Mapping[str, str],
    alias: str | None,
    form: str,
) -> int:
    """Show connector NAME as the RESTAPIConfig it compiles to, as plain data, secrets masked."""
    shown = _shown(name, connectors, config, alias)
    if form == "json":
        sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=2) + "\n")
    else:
        import yaml

        text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100)
        sys.stdout.write(text)
    return 0


def _shown(
    name: str, connectors: Path | None, config: Mapping[str, str], alias: str | None
) -> dict[str, Any]:
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.api import valid_connector
    from framework.definition.finder import find_connector
    from framework.extract.render import render_config
    from framework.runtime.redaction import MASK
    from framework.runtime.settings import resolve_settings

    connector = valid_connector(find_connector(name, connectors))
    given = {**dict.fromkeys(connector.secrets, MASK), **config}
    return render_config(connector, resolve_settings(connector, given, section=alias))
