"""`framework mcp`: tools for agents, which an agent's program starts."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from framework.cli.shared_options import connectors_option
from framework.errors import UsageError


@click.command(
    "mcp",
    short_help="Offer an agent tools for connectors (MCP server).",
    epilog="""\b
Examples:
  framework mcp
  framework mcp --allow-write
  framework mcp --allow-write --allow-host api.shop.example.com
""",
)
@connectors_option
@click.option("--allow-write", is_flag=True, help="Let tools write connectors and recordings.")
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="Also send requests, and credentials, to this host; repeatable.",
)
def command(connectors: Path | None, allow_write: bool, hosts: tuple[str, ...]) -> int:
    """Serve an agent on stdin and stdout: validate, check, preview, record and test connectors.

    It works in this folder, reads nothing outside it, and shows no secret. Requests go only to
    hosts that the connector files have now, and to those that --allow-host names. An agent's
    program starts this command; docs/agents.md says how. Needs the extra: [mcp].
    """
    try:
        from framework.agent_tools.mcp_server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "pygls", "lsprotocol"):
            raise
        raise UsageError(
            "tools for agents need the SDK of the Model Context Protocol; install it: "
            'pip install "rest-connector-framework[mcp]"'
        ) from None
    if sys.stdin.isatty():
        click.echo("an agent starts this command and talks to it; see docs/agents.md", err=True)
    return serve(Path.cwd(), connectors, may_write=allow_write, allowed=hosts)
