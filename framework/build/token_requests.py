"""A request whose answer holds a token, and what goes wrong with it, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.auth import AuthBase

from framework.build.answers import own_words, status_line
from framework.build.context import Context, with_response
from framework.build.secrets import Secrets
from framework.build.templates import text_of
from framework.build.tokens import Token
from framework.build.urls import shown
from framework.build.wire import NotJson
from framework.errors import RequestError
from framework.spec.expressions import Expression, ExpressionError

Json = Any

DEFAULT_SECONDS = 3600.0


@dataclass(frozen=True)
class TokenRequest:
    """What is asked, and where the answer has the token and how long it lasts (in seconds).

    `remedy` names the settings that it is made of, for the person whom it is refused.
    """

    url: str
    token_path: Expression
    expires_in_path: Expression | None
    default_seconds: float | None
    remedy: str
    method: str = "POST"
    headers: Mapping[str, Json] = field(default_factory=dict, repr=False)
    params: Mapping[str, Json] = field(default_factory=dict, repr=False)
    json: Json = field(default=None, repr=False)
    data: Json = field(default=None, repr=False)
    auth: AuthBase | None = None


@dataclass(frozen=True)
class Given:
    """A token with the answer that gave it, as expressions see it."""

    token: Token
    body: Json
    context: Context = field(repr=False)


def ask(
    request: TokenRequest, session: requests.Session, secrets: Secrets, context: Context
) -> Given:
    """Ask for a token, which becomes a secret of the run; RequestError where none is given."""
    asked = f"the token request to {shown(request.url, secrets)}"
    try:
        response = session.request(
            request.method,
            request.url,
            headers={key: text_of(value) for key, value in request.headers.items()},
            params=request.params,
            json=request.json,
            data=request.data,
            auth=request.auth,
        )
    except requests.RequestException as error:
        raise RequestError(f"{asked} {_unanswered(error)}") from error
    if response.status_code >= 400:
        raise RequestError(_refused(asked, request, response, secrets), status=response.status_code)
    try:
        body = response.json()
    except NotJson:
        body = None
    context = with_response(context, response)
    try:
        token = request.token_path.search(body, context)
        seconds = _seconds(request, body, context)
    except ExpressionError as error:
        raise RequestError(f"{asked}: {error}") from error
    if isinstance(token, bool) or not isinstance(token, (str, int)) or token == "":
        raise RequestError(f"{asked} gave no `{request.token_path.text}`{_instead(body)}")
    secrets.add(str(token))
    return Given(Token(str(token), seconds), body, context)


def _seconds(request: TokenRequest, body: Json, context: Context) -> float | None:
    """What the answer says, or the file where that is no number."""
    if request.expires_in_path is None:
        return request.default_seconds
    try:
        return float(request.expires_in_path.search(body, context))
    except (TypeError, ValueError):
        return request.default_seconds


def _refused(
    asked: str, request: TokenRequest, response: requests.Response, secrets: Secrets
) -> str:
    words = own_words(response, secrets)
    said = f"{asked} answered {status_line(response, secrets)}" + (f": {words}" if words else "")
    if response.status_code >= 500 or response.status_code == 429:
        return f"{said}\nThe API gives no tokens at the moment: run it again later."
    if response.status_code in (404, 405):
        return f"{said}\nCheck the address that the auth of the file asks for tokens."
    return f"{said}\n{request.remedy}"


def _unanswered(error: requests.RequestException) -> str:
    text = str(error)
    if isinstance(error, requests.exceptions.Timeout):
        return "got no answer within the timeout. Run it again later, or raise client.timeout."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "failed: the server's certificate is not accepted. Check the address; a company's own "
            "authority goes into REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, requests.exceptions.ConnectionError):
        if any(part in text for part in ("NameResolution", "getaddrinfo", "Name or service")):
            return "failed: the host's name is not known. Check the address and the network."
        if "refused" in text:
            return "failed: the connection is refused. Check the address and its port."
        return "failed: the connection broke. Run it again later."
    return f"failed: {type(error).__name__}"


def _instead(body: Json) -> str:
    if isinstance(body, dict):
        return f"; its keys are {', '.join(map(str, body)) or 'none'}. Correct token_path."
    return "; its body is no JSON object. Check the address and token_path."
