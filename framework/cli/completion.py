"""`framework completion`: the script that makes a shell complete commands, names and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class, shell_complete

from framework.cli.terminal import write_line

PROGRAM = "framework"
VARIABLE = "_FRAMEWORK_COMPLETE"
"""What a shell sets when it asks for completions; click's name for it."""


@click.command(
    "completion",
    short_help="Print a shell's completion script.",
    epilog="""\b
Examples:
  framework completion bash > ~/.local/share/bash-completion/completions/framework
  framework completion zsh > ~/.zfunc/_framework
  framework completion fish > ~/.config/fish/completions/framework.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the script that completes commands, options, and the names in your files.

    Bash must be 4.4 or later. In ~/.bashrc, and in ~/.zshrc after compinit, a line such as
    eval "$(framework completion bash)" does the same.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click has all three
    completion = kind(click.Group(), {}, PROGRAM, VARIABLE)
    # click's script for fish cuts a completion at each comma, and --resources takes a list
    template = completion.source_template.replace('split ","', 'split --max 1 ","')
    write_line(template % completion.source_vars())
    return 0


def complete(cli: click.Command, instruction: str) -> int:
    """Write the completions that a shell asks for by `bash_complete`; return the exit code."""
    return shell_complete(cli, {}, PROGRAM, VARIABLE, instruction)
