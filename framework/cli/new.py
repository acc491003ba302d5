"""`framework new`: the first version of a connector file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from click.core import ParameterSource

from framework.authoring.scaffold.file_writer import write_editor_schema, write_text
from framework.authoring.scaffold.template import (
    AUTHS,
    PAGINATOR_TEMPLATES,
    ConnectorFacts,
    connector_head,
    connector_text,
    valid_draft,
)
from framework.authoring.scaffold.url_credentials import (
    UrlCredentials,
    last_segment,
    merge_credentials,
)
from framework.cli.completers import complete_connectors
from framework.cli.new_copy import write_connector_copy
from framework.cli.new_questions import (
    ask,
    ask_auth,
    ask_paths,
    ask_primary_keys,
    ask_secrets,
    auth_of_secrets,
    check_url,
    is_terminal,
    relative_path,
    secret_variable,
)
from framework.cli.new_request import graphql_block, request_body
from framework.cli.shared_options import connectors_option
from framework.cli.terminal import visible, visible_lines, write_line
from framework.definition.finder import is_file_name
from framework.errors import FrameworkError, UsageError
from framework.text import join_words


@click.command(
    "new",
    short_help="Write the first version of a connector file.",
    epilog="""\b
Examples:
  framework new shop
  framework new shop --base-url https://api.shop.example.com/v2 --path /orders --path /customers
  framework new meetings --from scheduling
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
@click.option(
    "--from",
    "source",
    metavar="NAME|FILE",
    shell_complete=complete_connectors,
    help="Copy a connector, bundled or your own, with its schemas.",
)
@click.option("--recording", is_flag=True, help="With --from: copy its recording too.")
@connectors_option
@click.pass_context
def command(
    context: click.Context,
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
    source: str | None,
    recording: bool,
    connectors: Path | None,
) -> int:
    """Write connectors/NAME.yaml, a valid file to complete from the API's documentation.

    With --from it is a copy of another connector, complete as that is.

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
    if source is not None:
        _refuse_others(context)
        return write_connector_copy(source, name, connectors, folder, recording=recording)
    if recording:
        raise UsageError("found --recording without --from, to which it belongs")
    if file.exists():
        raise FrameworkError(f"{file} already exists; choose another name, or edit the file")
    request, block = request_body(body), graphql_block(graphql, operation, variables)
    if block is not None and (request is not None or method == "GET"):
        other = "--method GET" if request is None else "--json"
        raise UsageError(f"found {other} and --graphql, which is a POST of its own; remove one")
    address = UrlCredentials.of(check_url(base_url or ask("Base URL of the API", "")))
    if (probe or block is not None) and not paths:
        address, paths = last_segment(address)
    given = [UrlCredentials.of(path) for path in paths or ask_paths()]
    url = address.url
    lists = tuple(relative_path(url, one.url) for one in given)
    credentials = merge_credentials([address, *given])
    if credentials.auth is not None and auth not in (None, credentials.auth):
        raise UsageError(
            f"found a credential in the URL, which is an auth of the type {credentials.auth}, and "
            f"--auth {auth}; remove one of them"
        )
    auth = credentials.auth or auth or (None if probe and not is_terminal() else ask_auth())
    if auth is None:
        auth = auth_of_secrets(name)
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
        probe = ask(question, "n", ("y", "n")) == "y"
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
            or ask("Path of the records in a response (empty: dlt detects it)", "")
            or None,
            primary_keys=ask_primary_keys(primary_keys, lists),
            paginator=paginator or ask("Pagination", "auto", tuple(PAGINATOR_TEMPLATES)),
        )
        text = connector_text(facts)
    _write_connector(file, text)
    write_editor_schema(folder.parent / "schemas")
    write_line(f"written: {file}")
    for secret in credentials.secrets:
        click.echo(
            f"the credential of the URL is not in the file: set {secret_variable(name, secret)}",
            err=True,
        )
    write_line(f"next: framework validate {name}         find mistakes, without network")
    write_line(f"      framework check {name} --deep     compare the file with the API")
    return int(is_unread)


def _refuse_others(context: click.Context) -> None:
    """Raise UsageError for options that describe a new file, beside --from."""
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in ("name", "source", "recording", "connectors")
        and context.get_parameter_source(str(parameter.name)) == ParameterSource.COMMANDLINE
    ]
    if given:
        raise UsageError(
            f"found {join_words(given, None)} beside --from, which copies a file as it is; remove "
            f"{'it' if len(given) == 1 else 'them'}, and change the copy"
        )


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
    config = {**ask_secrets(facts.name, head, secrets), **secrets}
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


def _no_secret(name: str) -> str:
    variables = [secret_variable(name, secret) for secret in ("token", "api_key")]
    return f"No secret is set: set {variables[0]}, or {variables[1]} with --auth api_key"


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
