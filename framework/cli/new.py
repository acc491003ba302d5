"""`framework new`: the first version of a connector file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from framework.authoring.scaffold.file_writer import write_editor_schema, write_text
from framework.authoring.scaffold.template import AUTHS, PAGINATORS, ConnectorFacts, connector_text
from framework.cli.option_types import connectors_option
from framework.definition.finder import is_file_name
from framework.errors import FrameworkError, UsageError


@click.command(
    "new",
    short_help="Write the first version of a connector file.",
    epilog="""\b
Examples:
  framework new shop
  framework new shop --base-url https://api.shop.example.com/v2 --path /orders --path /customers
  framework new shop --base-url https://api.shop.example.com --path /orders --primary-key id \\
      --path /stock --primary-key shelf,sku
  framework new shop --base-url https://api.shop.example.com --path /orders --auth api_key \\
      --header X-Shop-Key --data-selector data --primary-key id --paginator page_number
""",
)
@click.argument("name")
@click.option("--base-url", metavar="URL", help="What all paths are below.")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="A list to read; repeatable.")
@click.option("--auth", type=click.Choice(AUTHS), help="How requests prove who asks.")
@click.option("--header", default="X-API-Key", show_default=True, help="The header of an api_key.")
@click.option("--data-selector", metavar="EXPR", help="Where an answer holds the records.")
@click.option(
    "--primary-key",
    "primary_keys",
    multiple=True,
    metavar="FIELD",
    help="What tells records apart; several: a,b. Once for all paths, or once for each.",
)
@click.option("--paginator", type=click.Choice(list(PAGINATORS)), help="How pages follow.")
@connectors_option
def command(
    name: str,
    base_url: str | None,
    paths: tuple[str, ...],
    auth: str | None,
    header: str,
    data_selector: str | None,
    primary_keys: tuple[str, ...],
    paginator: str | None,
    connectors: Path | None,
) -> int:
    """Write connectors/NAME.yaml: a file that `validate` takes, to be completed from the API's
    documentation. What no option says is asked for on a terminal, else left at its usual value.

    No network, and no file is overwritten.
    """
    if is_file_name(name):
        raise UsageError(f"{name!r} is a file's name, expected a connector's name such as shop")
    if not re.fullmatch(r"(?!.*__)[a-z][a-z0-9_]{0,62}", name):
        raise UsageError(
            f"{name!r} is no connector's name: lower-case letters, digits and single _, starting "
            "with a letter, such as shop"
        )
    folder = connectors or Path("connectors")
    file = folder / f"{name}.yaml"
    if file.exists():
        raise FrameworkError(f"{file} is there already; choose another name, or edit it")
    url = _base_url(base_url)
    lists = tuple(_below(url, path) for path in paths or _paths())
    answers = ConnectorFacts(
        name,
        url,
        lists,
        auth or _ask("How do requests prove who asks?", "bearer", AUTHS),
        data_selector
        or _ask("Where in an answer are the records? (empty: dlt finds it)", "")
        or None,
        _keys(primary_keys, lists),
        paginator or _ask("How do pages follow one another?", "single_page", tuple(PAGINATORS)),
        header,
    )
    _write(file, connector_text(answers))
    write_editor_schema(folder.parent / "schemas")
    sys.stdout.write(
        f"written: {file}\n"
        f"next: framework validate {name}         what is wrong with it, with no network\n"
        f"      framework check {name} --deep     what the API says to it\n"
    )
    return 0


def _base_url(given: str | None) -> str:
    url = given or _ask("The API's base URL?", "")
    if not url:
        raise UsageError("--base-url is missing, such as https://api.example.com/v1")
    if not re.match(r"https?://[^/\s]+", url):
        raise UsageError(f"--base-url is {url!r}, expected an address such as https://example.com")
    return url.rstrip("/")


def _paths() -> list[str]:
    text = _ask("Which lists shall be read? (paths, such as /users /orders)", "")
    if not text.split():
        raise UsageError("--path is missing, such as --path /users")
    return text.split()


def _below(url: str, path: str) -> str:
    path = path.removeprefix(url)
    if "://" in path.partition("?")[0]:
        raise UsageError(f"--path is {path!r}, expected a path below {url} such as /users")
    return path if path.startswith("/") else f"/{path}"


def _keys(given: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str | None, ...]:
    """The primary key of each path, or the one of all."""
    if len(given) not in (0, 1, len(paths)):
        raise UsageError(
            f"found {len(given)} --primary-key for {len(paths)} --path; give one for all, or one "
            "for each in their order"
        )
    if not given:
        given = tuple(
            _ask(f"What tells the records of {p} apart? (empty: none)", "") for p in paths
        )
    return tuple(key or None for key in given)


def _ask(question: str, default: str, choices: tuple[str, ...] = ()) -> str:
    """The answer on a terminal; elsewhere, where nobody can be asked, the default."""
    if not sys.stdin.isatty():
        return default
    kind = click.Choice(choices) if choices else None
    shown = bool(default)
    answer: str = click.prompt(question, default=default, type=kind, err=True, show_default=shown)
    return answer.strip()


def _write(file: Path, text: str) -> None:
    """Write what was judged to be right. FrameworkError where it is not, and nothing is written."""
    from framework.definition.finder import Location
    from framework.definition.validation import validate_document
    from framework.definition.yaml_reader import parse_document

    location = Location(file.stem, file, file.parent.parent, str(file))
    document, found = parse_document(text, str(file))
    if document is not None:
        found = list(validate_document(document, location, found).findings)
    errors = [finding for finding in found if finding.severity == "error"]
    if errors:
        first = errors[0]
        raise UsageError(f"these answers make no connector: {first.message} [{first.code}]")
    write_text(file, text)
