"""`python -m framework`: the command."""

from framework.cli.main import entry

if __name__ == "__main__":
    entry()
