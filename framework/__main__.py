"""Run the command line: `python -m framework`."""

from framework.cli.main import entry

if __name__ == "__main__":
    entry()
