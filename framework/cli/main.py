"""The command line: click commands, each imported when it is called.

One handler turns every exception into a message and an exit code (see `framework.errors`).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from framework import __version__
from framework.cli.terminal import write_error
from framework.errors import FrameworkError
from framework.runtime.deferred_imports import defer_imports
from framework.runtime.environment_errors import environment_error
from framework.runtime.redacted_output import redacted_output

VERBS = (
    "list",
    "validate",
    "show",
    "login",
    "check",
    "run",
    "runs",
    "state",
    "record",
    "test",
    "diff",
    "preview",
    "mock",
    "prove",
    "docs",
    "new",
    "infer",
    "import",
    "fmt",
    "upgrade",
    "fleet",
    "completion",
    "lsp",
    "mcp",
    "studio",
)
GC_THRESHOLDS = (500_000, 20, 50)
"""Allocations between two garbage collections, instead of 700: importing dlt alone makes half as
many."""
HELP = "Load REST APIs that are described in YAML files: validate, run through dlt, test offline."
EPILOG = """\b
Examples:
  framework run scheduling --replay        load the bundled recording, no account needed
  framework validate                       find every mistake in your connectors, no network
  framework run scheduling                 load the real API into scheduling.duckdb
"""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that `--help` does not import dlt."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command, or None for an unknown name."""
        if cmd_name not in VERBS:
            return None
        # a module cannot be called `import`
        module = "import_command" if cmd_name == "import" else cmd_name
        command: click.Command = import_module(f"framework.cli.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command as click does; suggest a name for an unknown one."""
        import difflib

        is_unknown = bool(args) and not args[0].startswith("-") and args[0] not in VERBS
        if is_unknown and not ctx.resilient_parsing:  # a shell that completes shows no message
            near = difflib.get_close_matches(args[0], VERBS, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(VERBS)}"
            ctx.fail(f"unknown command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup,
    help=HELP,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """Do nothing: click calls this before each command."""


def entry() -> NoReturn:
    """Run the command line as a process of its own.

    A small run spends most of its time importing and exiting. Garbage collection finds nothing
    meanwhile, and the system frees the memory faster than the interpreter does.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the caller closed the stream
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
        if mode == "w":  # what its character set lacks is written as an escape
            getattr(sys, name).reconfigure(errors="backslashreplace")
    gc.set_threshold(*GC_THRESHOLDS)
    defer_imports()
    with redacted_output():
        code = main()
        with contextlib.suppress(OSError):  # the reader of the output may be gone
            sys.stdout.flush()
            sys.stderr.flush()
        atexit._run_exitfuncs()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. No output contains a secret."""
    with redacted_output():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    instruction = os.environ.get("_FRAMEWORK_COMPLETE")
    if instruction:
        from framework.cli.completion import complete

        return complete(cli, instruction)
    try:
        result = cli.main(args=argv, prog_name="framework", standalone_mode=False)
        sys.stdout.flush()  # a closed pipe must fail here, not when the interpreter exits
        return int(result or 0)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2 if isinstance(error, click.UsageError) else 1
    except (KeyboardInterrupt, click.Abort):
        write_error("interrupted")
        return 130
    except (BrokenPipeError, SystemExit):
        # the reader of the output is gone (click turns that into an exit)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except FrameworkError as error:
        write_error(str(error))
        return error.exit_code
    except Exception as error:
        message = environment_error(error)
        if message is None:
            _write_bug(error)
            return 3
        write_error(message)
        return 1


def _write_bug(error: Exception) -> None:
    """Write what a bug report needs: types and places, no values, which could be secret."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    write_error(
        f"a bug of the framework: {type(error).__name__}\n{places}\n"
        f"framework {__version__}, Python {sys.version.split()[0]}. Please open an issue with the "
        "lines above and the connector file. Data that was loaded is safe."
    )
