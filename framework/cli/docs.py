"""`framework docs`: a page of Markdown for each connector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework.cli.completers import complete_connectors
from framework.cli.shared_options import connectors_option, open_connector
from framework.cli.terminal import visible_lines, write_error, write_line
from framework.errors import (
    FindingsError,
    FrameworkError,
    Interrupted,
    Terminated,
    UsageError,
)
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.catalog.page_folder import CatalogPage
    from framework.definition.model import Connector

OUTPUT = Path("docs/connectors")


@click.command(
    "docs",
    short_help="Write a page about each connector.",
    epilog="""\b
Examples:
  framework docs scheduling
  framework docs --no-prove
  framework docs --check --no-prove
  framework docs ./connectors/shop.yaml --output site
""",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", shell_complete=complete_connectors)
@connectors_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUTPUT,
    show_default=True,
    metavar="DIR",
    help="Folder of the pages.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit code 1 if a page is not up to date."
)
@click.option(
    "--no-prove",
    is_flag=True,
    help="Try no histories: a page keeps what it has of a proof. Much faster.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the result, without progress.")
def command(
    names: tuple[str, ...],
    connectors: Path | None,
    output: Path,
    check: bool,
    no_prove: bool,
    quiet: bool,
) -> int:
    """Write DIR/NAME.md for each connector: tables, columns, requests, settings, limits.

    With no names: your own connectors, or the bundled ones if you have none; if there are several,
    also DIR/index.md. A page is made of the connector's file, schemas and recording, without
    network and secrets, and the same files always give the same page. Exit code 1 if a file has
    errors, or with --check if a page is not as the files give it.
    """
    from framework.catalog.page_folder import connector_page, index_page, strange_pages
    from framework.definition.finder import own_connectors
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    every = list(names) or [str(one.path) for one in own_connectors(connectors)]
    opened: list[Connector] = []
    failed = False
    for name in every:
        try:
            opened.append(open_connector(name, connectors))
        except FindingsError as error:
            write_error(str(error))
            failed = True
    unique = list({one.path.absolute(): one for one in opened}.values())
    _refuse_same_names(unique)
    pages: list[CatalogPage] = []
    stop = StopSignal()
    with stop_on_signals(stop):
        for connector in unique:
            if not quiet:
                click.echo(f"reading {connector.name}", err=True)
            try:
                page = connector_page(connector, output, stop, proves=not no_prove)
            except (Interrupted, Terminated, UsageError):
                raise
            except FrameworkError as error:  # such as a recording that is cut off
                write_error(f"{connector.name}: {error}")
                failed = True
                continue
            pages.append(page)
            if not check:
                page.write()
                _tell(page)
    if not names and len(unique) > 1 and not failed:
        index = index_page(unique, output)
        pages.append(index)
        if not check:
            index.write()
            _tell(index)
    if not check:
        return int(failed)
    stale = [f"{page.path} is not up to date" for page in pages if not page.is_same]
    if not names and not failed:
        known = [one.name for one in unique]
        stale += [f"{path} is of no connector; remove it" for path in strange_pages(known, output)]
    for line in stale:
        write_line(visible_lines(line))
    if any(not page.is_same for page in pages):
        write_line("write them with: framework docs" + (" --no-prove" if no_prove else ""))
    elif not stale:
        write_line(f"{count_noun(len(pages), 'page')} up to date")
    return int(failed or bool(stale))


def _tell(page: CatalogPage) -> None:
    write_line(f"{'unchanged' if page.is_same else 'written'}: {page.path}")


def _refuse_same_names(connectors: list[Connector]) -> None:
    """Raise UsageError if two connectors would have one page."""
    seen: dict[str, Path] = {}
    for one in connectors:
        if one.name in seen:
            raise UsageError(
                f"{seen[one.name]} and {one.path} are both called {one.name}, and would have one "
                "page; name one of them"
            )
        if one.name == "index":
            raise UsageError("a connector called index has no page: that is the index's; rename it")
        seen[one.name] = one.path
