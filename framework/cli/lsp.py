"""`framework lsp`: a language server for connector files, which an editor starts."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from framework.errors import UsageError


@click.command(
    "lsp",
    short_help="Help an editor with connector files (language server).",
    epilog="""\b
Examples:
  framework lsp
""",
)
def command() -> int:
    """Serve an editor on stdin and stdout: findings while you type, completion, renames.

    An editor starts this command; docs/editors.md says how. Needs the extra: [lsp].
    """
    try:
        from framework.language_server.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise UsageError(
            "the language server needs pygls; install it: "
            'pip install "rest-connector-framework[lsp]"'
        ) from None
    if sys.stdin.isatty():
        click.echo("an editor starts this command and talks to it; see docs/editors.md", err=True)
    # nothing else may come between the protocol's messages, so any other output goes to stderr;
    # secrets are masked message by message, since the redacted stdout would change their length
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        try:
            return serve(sys.stdin.buffer, output)
        finally:
            with contextlib.suppress(OSError, ValueError):  # the client has closed it
                os.dup2(output.fileno(), 1)
