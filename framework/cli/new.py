"""`framework new`: the first version of a connector file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from framework.authoring.scaffold.file_writer import write_editor_schema, write_text
from framework.authoring.scaffold.template import (
    AUTHS,
    PAGINATOR_TEMPLATES,
    ConnectorFacts,
    connector_head,
    connector_text,
    secrets_of,
    valid_draft,
)
from framework.authoring.scaffold.url_credentials import (
    UrlCredentials,
    last_segment,
    merge_credentials,
)
from framework.cli.shared_options import connectors_option
from framework.cli.terminal import visible, visible_lines, write_line
from framework.definition.finder import is_file_name
from framework.definition.graphql_query import QueryError, parse_query
from framework.definition.rules.secret_rules import is_secret_name
from framework.definition.values.naming import normalize_identifier
from framework.errors import FrameworkError, UsageError
from framework.runtime.redaction import is_credential_name
from framework.text import join_words


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
  framework new shop --base-url https://api.shop.example.com/v2 --path /orders --probe
  framework new blog --base-url https://blog.example.com/graphql --probe --auth none \\
      --graphql 'query ($after: String) { posts(after: $after) { nodes { id } pageInfo
      { hasNextPage endCursor } } }'
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
@click.option(
    "--probe/--no-probe",
    default=None,
    help="Ask the API: write selector, key, paginator and incremental from its responses.",
)
@click.option("--method", type=click.Choice(("GET", "POST")), help="Method of the requests.")
@click.option("--json", "body", metavar="JSON", help="The JSON body of a POST.")
@click.option(
    "--graphql", metavar="QUERY|@FILE", help="A GraphQL query, as a GraphQL tool has it; a POST."
)
@click.option("--operation", metavar="NAME", help="The operation of a GraphQL query with several.")
@click.option("--variables", metavar="JSON", help="Values of the variables of a GraphQL query.")
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
    probe: bool | None,
    method: str | None,
    body: str | None,
    graphql: str | None,
    variables: str | None,
    operation: str | None,
    connectors: Path | None,
) -> int:
    """Write connectors/NAME.yaml, a valid file to complete from the API's documentation.

    On a terminal you are asked for missing options; elsewhere their defaults are used. No file is
    overwritten. Requests are only sent with --probe, at most a few dozen for each path: then each
    key has its reason as a comment, and what was not proved is `to be checked`. The secret is
    looked up as that of the file is (SOURCES__NAME__TOKEN), or asked for on a terminal, and is
    never written. Exit code 1 if a path cannot be read.
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
    request, block = _request_body(body), _graphql_block(graphql, operation, variables)
    if block is not None and (request is not None or method == "GET"):
        other = "--method GET" if request is None else "--json"
        raise UsageError(f"found {other} and --graphql, which is a POST of its own; remove one")
    address = UrlCredentials.of(_check_url(base_url or _ask("Base URL of the API", "")))
    if (probe or block is not None) and not paths:
        address, paths = last_segment(address)
    given = [UrlCredentials.of(path) for path in paths or _ask_paths()]
    url = address.url
    lists = tuple(_relative_path(url, one.url) for one in given)
    credentials = merge_credentials([address, *given])
    if credentials.auth is not None and auth not in (None, credentials.auth):
        raise UsageError(
            f"found a credential in the URL, which is an auth of the type {credentials.auth}, and "
            f"--auth {auth}; remove one of them"
        )
    auth = credentials.auth or auth or (None if probe and not _is_terminal() else _ask_auth())
    if auth is None:
        auth = _auth_of_secrets(name)
    facts = ConnectorFacts(
        name,
        url,
        lists,
        auth,
        None,
        (None,),
        "auto",
        header,
        credentials.key_param,
        method or ("GET" if request is None else "POST"),
        request,
        block,
    )
    if probe is None and not (data_selector or primary_keys or paginator):
        question = "Send some requests to the API, to find records, key and pagination"
        probe = _ask(question, "n", ("y", "n")) == "y"
    if block is not None:
        with TemporaryDirectory(prefix="framework-") as root:
            draft = Path(root) / "connectors" / file.name
            write_text(draft, connector_text(facts))
            valid_draft(draft, Path(root))
    is_unread = False
    if probe:
        options = (data_selector, primary_keys, paginator)
        text, is_unread = _probed(facts, credentials.secrets, options)
    else:
        facts = replace(
            facts,
            data_selector=data_selector
            or _ask("Path of the records in a response (empty: dlt detects it)", "")
            or None,
            primary_keys=_primary_keys(primary_keys, lists),
            paginator=paginator or _ask("Pagination", "auto", tuple(PAGINATOR_TEMPLATES)),
        )
        text = connector_text(facts)
    _write_connector(file, text)
    write_editor_schema(folder.parent / "schemas")
    write_line(f"written: {file}")
    for secret in credentials.secrets:
        click.echo(
            f"the credential of the URL is not in the file: set {_variable(name, secret)}", err=True
        )
    write_line(f"next: framework validate {name}         find mistakes, without network")
    write_line(f"      framework check {name} --deep     compare the file with the API")
    return int(is_unread)


def _probed(
    facts: ConnectorFacts,
    secrets: Mapping[str, str],
    options: tuple[str | None, tuple[str, ...], str | None],
) -> tuple[str, bool]:
    """Return the file that the API's responses give, and whether a list could not be read.

    Tells what was found.
    """
    names = ("--data-selector", "--primary-key", "--paginator")
    for option, value in zip(names, options, strict=True):
        if value:
            raise UsageError(f"found {option} with --probe, which finds it; remove one of them")
    from rich.console import Console

    from framework.authoring.diagnose.resource_diagnosis import LiveApi
    from framework.cli.progress_view import Progress
    from framework.events import Event, Waiting
    from framework.importers.survey.connector_survey import survey_connector
    from framework.importers.survey.resource_survey import ListRequest
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_on_signals

    environment, progress = Environment(), Progress(Console(stderr=True), live=False)

    def on_event(event: Event) -> None:
        """Show waits only: warnings are what is looked for."""
        if isinstance(event, Waiting):
            progress(event)

    head = connector_head(facts)
    config = {**_ask_secrets(facts.name, head, secrets), **secrets}
    requests = [
        ListRequest(resource, facts.endpoint(path))
        for resource, path in zip(facts.names, facts.paths, strict=True)
    ]
    try:
        with stop_on_signals(environment.stop):
            found = survey_connector(head, requests, LiveApi(config, None, environment, on_event))
    except FrameworkError as error:
        if facts.auth == "none" and getattr(error, "code", None) == "auth-refused":
            raise FrameworkError(f"{str(error).rstrip('.')}. {_no_secret(facts.name)}") from None
        raise
    for survey in found.resources:
        name = survey.resource["name"]
        parts = [join_words(survey.proved, None)] if survey.proved else []
        if survey.doubts:
            parts.append(f"to be checked: {join_words(dict.fromkeys(survey.doubts), None)}")
        click.echo(visible(f"{name}: {'; '.join(parts)}"), err=True)
    for resource, reason in found.errors.items():
        click.echo(f"{resource} was not read: {visible_lines(str(reason))}", err=True)
    return found.text, bool(found.errors)


def _ask_secrets(name: str, head: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that nothing sets, as they are typed on a terminal."""
    if not _is_terminal():
        return {}
    from framework.runtime.redacted_output import process_redactor
    from framework.runtime.settings import has_value

    asked = {}
    for secret in head.get("secrets", {}):
        if secret in known or has_value(name, secret):
            continue
        asked[secret] = _ask(f"The secret {secret} (not shown, not written)", "", hidden=True)
        process_redactor().add(asked[secret])
        click.echo(f"to use the file, set {_variable(name, secret)}", err=True)
    return {secret: value for secret, value in asked.items() if value}


def _auth_of_secrets(name: str) -> str:
    """Return the auth whose secrets are set, `none` if there are none."""
    from framework.runtime.settings import has_value

    for auth in AUTHS:
        secrets = secrets_of(auth)
        if secrets and all(has_value(name, secret) for secret in secrets):
            return auth
    return "none"


def _no_secret(name: str) -> str:
    variables = [_variable(name, secret) for secret in ("token", "api_key")]
    return f"No secret is set: set {variables[0]}, or {variables[1]} with --auth api_key"


def _variable(name: str, secret: str) -> str:
    return f"SOURCES__{name}__{secret}".upper()


def _request_body(body: str | None) -> Any:
    """Return the JSON body that the file has; None for none."""
    return None if body is None else _without_secrets("--json", body)


def _graphql_block(
    query: str | None, operation: str | None, variables: str | None
) -> dict[str, Any] | None:
    """Return the `graphql` block of the requests; None for none."""
    if query is None:
        for option, value in (("--variables", variables), ("--operation", operation)):
            if value is not None:
                raise UsageError(f"found {option} without --graphql, to which it belongs")
        return None
    text = _query(query)
    try:
        parse_query(text, operation)
    except QueryError as error:
        first = error.mistakes[0]
        message = first.message.replace("write `operation: NAME`", "add --operation NAME")
        raise UsageError(
            f"--graphql: line {first.line}, column {first.column}: {message}"
        ) from None
    block: dict[str, Any] = {"query": text}
    if operation is not None:
        block["operation"] = operation
    if variables is not None:
        block["variables"] = _without_secrets("--variables", variables)
        if not isinstance(block["variables"], dict):
            raise UsageError("--variables is not a JSON object, such as '{\"first\": 100}'")
    return block


def _without_secrets(option: str, text: str) -> Any:
    """Return JSON that holds no credential."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} is not valid JSON: {error}") from None
    literal = next(_secret_keys(data), None)
    if literal is not None:
        raise UsageError(
            f"found the credential `{literal}` in {option}, and it would stand in the file; write "
            f'"{{secrets.{normalize_identifier(literal)}}}" in its place'
        )
    return data


def _secret_keys(data: Any) -> Iterator[str]:
    """Yield the keys of a body that have the name and not the placeholder of a secret."""
    for key, value in data.items() if isinstance(data, dict) else ():
        is_text = isinstance(value, str) and "{secrets." not in value
        if is_text and value and (is_credential_name(key) or is_secret_name(key)):
            yield key
        yield from _secret_keys(value)
    for value in data if isinstance(data, list) else ():
        yield from _secret_keys(value)


def _query(text: str) -> str:
    """Return the query, read from a file if it is `@FILE`."""
    if not text.startswith("@"):
        return text.strip()
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"--graphql {text} cannot be read: {reason}") from None


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _ask_auth() -> str:
    return _ask("Authentication", "bearer", AUTHS)


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


def _ask(
    question: str, default: str, choices: tuple[str, ...] = (), *, hidden: bool = False
) -> str:
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
            hide_input=hidden,
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
