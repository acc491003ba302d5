"""`framework login`: a person allows access once, and the refresh token is stored."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.shared_options import (
    alias_option,
    connectors_option,
    name_argument,
    open_connector,
    set_option,
)
from framework.cli.terminal import visible, write_line
from framework.errors import UsageError

if TYPE_CHECKING:
    from framework.definition.model import Connector
    from framework.login.consent import Consent
    from framework.runtime.environment import Environment

STAND_IN = "not known yet"
LONGEST = 600.0
"""Seconds that a login waits for its answer."""


@click.command(
    "login",
    short_help="Allow access in the browser once, for OAuth.",
    epilog="""\b
Examples:
  framework login crm
  framework login crm --as acme           the token of one account of several
  framework login crm --device            with a code, on a machine without a browser
  framework login crm --no-browser --port 8765
""",
)
@name_argument
@connectors_option
@set_option
@alias_option
@click.option("--device", is_flag=True, help="Show a code to enter on another device.")
@click.option("--no-browser", is_flag=True, help="Show the address only.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port for the answer, if the file has no redirect_uri; 0 takes any free one.",
)
def command(
    name: str,
    connectors: Path | None,
    config: Mapping[str, str],
    alias: str | None,
    device: bool,
    no_browser: bool,
    port: int,
) -> int:
    """Ask the API for a refresh token of connector NAME (or a FILE), and store it.

    The auth of the file needs `login`. The token is written into `.dlt/secrets.toml`, which only
    you can read then, and is never shown.
    """
    connector = open_connector(name, connectors)
    from framework.login.consent import secret_of
    from framework.login.secrets_file import secrets_file, write_secret
    from framework.runtime.environment import Environment
    from framework.runtime.settings import variable_of
    from framework.runtime.signals import stop_on_signals

    environment = Environment()
    auth, consent = _consent(connector, config, alias, environment)
    secret, section = secret_of(auth), alias or connector.name
    is_device = device or consent.request.authorization_url is None
    if is_device and consent.request.device_authorization_url is None:
        raise UsageError("the login of the file has no device_authorization_url; omit --device")
    with stop_on_signals(environment.stop):
        if is_device:
            token = _by_device(consent, environment)
        else:
            token = _by_browser(consent, port, shows_only=no_browser)
    file = secrets_file()
    write_secret(file, section, secret, token)
    write_line(f"written: {visible(str(file))}, {secret} of [sources.{section}]")
    variable = variable_of(f"sources.{section}.{secret}")
    if os.environ.get(variable):
        click.echo(f"note: {variable} is set, and comes before the file; remove it", err=True)
    write_line(f"next: framework check {visible(name)}{f' --as {alias}' if alias else ''}")
    return 0


def _consent(
    connector: Connector, config: Mapping[str, str], alias: str | None, environment: Environment
) -> tuple[Mapping[str, Any], Consent]:
    """Return the auth with `login`, the one that config chooses of several, and its login."""
    from framework.definition.auth_choice import chosen_auth
    from framework.events import ignore_event
    from framework.extract.compilation.compiler import Filler, compile_connector, filled_auth
    from framework.login.consent import Consent, auths_with_login, secret_of
    from framework.runtime.context import run_context
    from framework.runtime.settings import resolve_settings

    written = list(auths_with_login(connector))
    if not written:
        raise UsageError(
            f"{connector.name} has no auth with `login`; add it to an auth of the type "
            "oauth2_refresh_token, with the authorization_url of the API"
        )
    # the token that is missing is what the login is for
    given = {**config, **{secret_of(auth): STAND_IN for auth in written}}
    settings = resolve_settings(connector, given, section=alias)
    own = (resource.endpoint.auth for resource in connector.resources)
    chosen = [chosen_auth(auth, settings.config) for auth in (connector.client.auth, *own)]
    found = next((auth for auth in chosen if auth and auth.get("login")), None)
    if found is None:
        raise UsageError("config chooses an auth without `login`; set another value with --set")
    compiled = compile_connector(connector, settings, environment, ignore_event)
    filler = Filler(run_context(settings, environment.now), compiled.redactor)
    return found, Consent.of(filled_auth(found, filler), compiled.auth_context)


def _by_browser(consent: Consent, port: int, *, shows_only: bool) -> str:
    from framework.login.authorization_code import callback_server, refresh_token

    with callback_server(consent, port) as server:
        opened = not shows_only and webbrowser.open(f"{server.address}/")
        where = "in the browser" if opened else f"at {server.address}/ in a browser on this machine"
        click.echo(f"allow access {where}; waiting for the answer, Ctrl-C ends it", err=True)
        return refresh_token(consent, server, LONGEST)


def _by_device(consent: Consent, environment: Environment) -> str:
    from framework.login.device_code import refresh_token, request_device_code

    code = request_device_code(consent)
    click.echo(
        f"open {visible(code.verification_uri)} and enter {visible(code.user_code)}; waiting, "
        "Ctrl-C ends it",
        err=True,
    )
    return refresh_token(consent, code, environment.stop.wait)
