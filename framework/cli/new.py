"""`framework new`: the first version of a connector file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from framework.authoring.scaffold.file_writer import write_editor_schema, write_text
from framework.authoring.scaffold.template import (
    AUTHS,
    PAGINATOR_TEMPLATES,
    ConnectorFacts,
    connector_text,
)
from framework.cli.shared_options import connectors_option
from framework.cli.terminal import write_line
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
@click.option("--base-url", metavar="URL", help="The URL that all paths are relative to.")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="A list to read; repeatable.")
@click.option("--auth", type=click.Choice(AUTHS), help="Authentication of requests.")
@click.option("--header", default="X-API-Key", show_default=True, help="The header of an api_key.")
@click.option("--data-selector", metavar="EXPR", help="Path of the records in a response.")
@click.option(
    "--primary-key",
    "primary_keys",
    multiple=True,
    metavar="FIELD",
    help="Field that identifies a record, or several: a,b. Once for all paths, or once per path.",
)
@click.option(
    "--paginator", type=click.Choice(list(PAGINATOR_TEMPLATES)), help="Pagination of the lists."
)
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
    """Write connectors/NAME.yaml, a valid file to complete from the API's documentation.

    On a terminal you are asked for missing options; elsewhere their defaults are used. Sends no
    request and overwrites no file.
    """
    if is_file_name(name):
        raise UsageError(f"found the file name {name!r}, expected a connector's name such as shop")
    if not re.fullmatch(r"(?!.*__)[a-z][a-z0-9_]{0,62}", name):
        raise UsageError(
            f"{name!r} is not a valid connector name; use lower-case letters, digits and single "
            "_, starting with a letter, such as shop"
        )
    folder = connectors or Path("connectors")
    file = folder / f"{name}.yaml"
    if file.exists():
        raise FrameworkError(f"{file} already exists; choose another name, or edit the file")
    url = _check_url(base_url or _ask("Base URL of the API", ""))
    lists = tuple(_relative_path(url, path) for path in paths or _ask_paths())
    facts = ConnectorFacts(
        name,
        url,
        lists,
        auth or _ask("Authentication", "bearer", AUTHS),
        data_selector
        or _ask("Path of the records in a response (empty: dlt detects it)", "")
        or None,
        _primary_keys(primary_keys, lists),
        paginator or _ask("Pagination", "auto", tuple(PAGINATOR_TEMPLATES)),
        header,
    )
    _write_connector(file, connector_text(facts))
    write_editor_schema(folder.parent / "schemas")
    write_line(f"written: {file}")
    write_line(f"next: framework validate {name}         find mistakes, without network")
    write_line(f"      framework check {name} --deep     compare the file with the API")
    return 0


def _check_url(url: str) -> str:
    if not url:
        raise UsageError("--base-url is missing, such as https://api.example.com/v1")
    if not re.match(r"https?://[^/\s]+", url):
        raise UsageError(f"--base-url is {url!r}, expected a URL such as https://example.com")
    return url.rstrip("/")


def _ask_paths() -> list[str]:
    paths = _ask("Paths of the lists to read, such as /users /orders", "").split()
    if not paths:
        raise UsageError("--path is missing, such as --path /users")
    return paths


def _relative_path(url: str, path: str) -> str:
    path = path.removeprefix(url)
    if "://" in path.partition("?")[0]:
        raise UsageError(f"--path is {path!r}, expected a path below {url} such as /users")
    return path if path.startswith("/") else f"/{path}"


def _primary_keys(keys: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return one primary key for each path, or one for all of them."""
    if len(keys) not in (0, 1, len(paths)):
        raise UsageError(
            f"found {len(keys)} --primary-key for {len(paths)} --path; give one for all, or one "
            "for each in the same order"
        )
    if not keys:
        keys = tuple(_ask(f"Primary key of {path} (empty: none)", "") for path in paths)
    return tuple(key or None for key in keys)


def _ask(question: str, default: str, choices: tuple[str, ...] = ()) -> str:
    """Return the answer given on a terminal, or the default if there is no terminal."""
    if not sys.stdin.isatty():
        return default
    try:
        answer: str = click.prompt(
            question,
            default=default,
            type=click.Choice(choices) if choices else None,
            err=True,
            show_default=bool(default),
        )
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise UsageError(
                f"the input ended at the question `{question}`; answer it, or give every option "
                "(framework new --help)"
            ) from None
        raise
    return answer.strip()


def _write_connector(file: Path, text: str) -> None:
    """Write the file if it is valid; raise UsageError and write nothing if not."""
    from framework.definition.finder import Location
    from framework.definition.validation import validate_document
    from framework.definition.yaml_reader import parse_document

    location = Location(file.stem, file, file.parent.parent, str(file))
    document, findings = parse_document(text, str(file))
    if document is not None:
        findings = list(validate_document(document, location, findings).findings)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise UsageError(
            f"these options make no valid connector: {errors[0].message} [{errors[0].code}]"
        )
    write_text(file, text)
