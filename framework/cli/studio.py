"""`framework studio`: a local page to write, try and run connectors."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from urllib.parse import quote

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option
from framework.cli.terminal import write_line
from framework.errors import UsageError

_EXTRA = ("starlette", "uvicorn", "pygls", "lsprotocol", "anyio", "h11")


@click.command(
    "studio",
    short_help="Open a local page to write and try connectors.",
    epilog="""\b
Examples:
  framework studio
  framework studio scheduling
  framework studio --no-browser --port 8123
""",
)
@click.argument("name", required=False, shell_complete=complete_connectors)
@connectors_option
@click.option(
    "--port",
    type=click.IntRange(min=0, max=65_535),
    default=0,
    metavar="N",
    help="The port on 127.0.0.1; by default a free one.",
)
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def command(name: str | None, connectors: Path | None, port: int, no_browser: bool) -> int:
    """Serve the studio for the project in this folder, at NAME if it is given.

    The address is printed with a token, without which nothing of the project is told. Only this
    machine can open it. Ctrl-C ends it, and stops what is running: the exit code is then 130.
    Needs the extra: [studio].
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    try:
        from framework.studio.studio_server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise UsageError(
            "the studio needs starlette, uvicorn and pygls; install them: "
            'pip install "rest-connector-framework[studio]"'
        ) from None
    from framework.runtime.redacted_output import process_redactor
    from framework.workspace.project_folder import ProjectFolder

    folder = ProjectFolder.of(Path.cwd(), connectors)
    if name is not None:
        name = folder.location(name).name

    def on_ready(url: str) -> None:
        address = f"{url}&name={quote(name)}" if name else url
        write_line(address)
        click.echo("Ctrl-C ends it", err=True)
        if not no_browser:
            webbrowser.open(address)

    return 130 if serve(folder, process_redactor(), port, on_ready) else 0
