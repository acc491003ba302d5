"""The command: verbs, each in a module of its own that is imported when it is called.

One handler for everything that ends badly; exit codes as in `errors`.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from framework import __version__
from framework.cli.findings_view import visible_lines
from framework.errors import FrameworkError

VERBS = (
    "list",
    "validate",
    "show",
    "check",
    "run",
    "state",
    "record",
    "test",
    "preview",
    "new",
    "infer",
    "import",
)
COLLECTED = (500_000, 20, 50)
"""How many objects are made between two searches for garbage, instead of 700: importing dlt makes
half as many."""
HELP = "One YAML file per REST API: proved right, run through dlt, replayed from recordings."
EPILOG = """\b
Examples:
  framework run scheduling --replay        load the bundled recording, no account needed
  framework validate                       every finding of your connectors, no network
  framework run scheduling                 load the real API into scheduling.duckdb
"""


class Verbs(click.Group):
    """The verbs, imported one by one: `--help` and `validate` have no time to import dlt."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order in which they are met."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb's command, or None for an unknown verb."""
        if cmd_name not in VERBS:
            return None
        # a module cannot be called `import`
        module = "import_command" if cmd_name == "import" else cmd_name
        command: click.Command = import_module(f"framework.cli.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Click's own, with "did you mean" for a misspelt verb."""
        import difflib

        if args and not args[0].startswith("-") and args[0] not in VERBS:
            near = difflib.get_close_matches(args[0], VERBS, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(VERBS)}"
            ctx.fail(f"there is no verb {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=Verbs, help=HELP, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """The group of all verbs; click calls it before each."""


def entry() -> NoReturn:
    """The process of the command line. A small run is mostly importing and ending: Python searches
    for garbage meanwhile, of which there is none, and at the end takes down object by object what
    the system takes back at once."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    gc.set_threshold(*COLLECTED)
    code = main()
    with contextlib.suppress(OSError):  # whoever read it may be gone
        sys.stdout.flush()
        sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        outcome = cli.main(args=argv, prog_name="framework", standalone_mode=False)
        _flush()
        return int(outcome or 0)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2 if isinstance(error, click.UsageError) else 1
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return 130
    except (BrokenPipeError, SystemExit):
        # whoever read our output has gone (which click turns into an exit); nothing more can be
        # said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except FrameworkError as error:
        _say(str(error))
        return error.exit_code
    except Exception as error:
        known = _no_bug(error)
        if known is None:
            _say_bug(error)
            return 3
        _say(known)
        return 1


def _flush() -> None:
    """Meet a closed pipe here and not at the interpreter's end."""
    sys.stdout.flush()


def _no_bug(error: Exception) -> str | None:
    """What the person's disk or settings are to blame for; None for a bug."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the output cannot be written: {error.strerror}"
    if type(error).__name__ == "TomlProviderReadException":  # dlt's, which is not imported here
        files = " or ".join(filter(os.path.exists, getattr(error, "full_paths", ())))
        place = re.search(r"at (line \d+) col", str(error))
        if place is None:
            return f"{files} cannot be read: it has to be a text in UTF-8 that you may read"
        return f'{files} is no TOML in {place[1]}: a setting is NAME = "TEXT", with the quotes'
    return None


def _say(message: str) -> None:
    """The message, without what a file or an API could do to the terminal."""
    click.echo("error: " + visible_lines(message), err=True)


def _say_bug(error: Exception) -> None:
    """What a report of the bug needs: kinds and places; values could be secret."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    places = "\n".join(
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[-12:]
    )
    click.echo(
        f"error: a bug of the framework: {type(error).__name__}\n{places}\n"
        f"framework {__version__}, Python {sys.version.split()[0]}. Please open an issue with the "
        "lines above and the connector file; nothing that was loaded is lost.",
        err=True,
    )
