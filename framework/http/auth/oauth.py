"""Tokens on requests: obtained when first needed, stored, renewed when they expire.

One thread obtains a token while others wait. A 401, or what `renew_on` names, renews the token
once and repeats the request.
If the API refuses the new token too, it is not renewed again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from requests.auth import AuthBase

from framework.definition.expressions.function import type_name
from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.errors import RequestError, TokenError
from framework.http.auth.placement import AppliedAuth, PutToken
from framework.http.error_messages import connection_error_message
from framework.http.error_reports import own_words, response_excerpt
from framework.http.formats.decoders import sniff_format
from framework.http.response_actions import status_line
from framework.http.transport import InvalidJson
from framework.runtime.context import Context, with_response
from framework.runtime.redaction import Redactor, redact_url
from framework.runtime.templates import text_of

Json = Any

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Token:
    """A token, valid for `seconds`; None if it does not expire."""

    text: str
    seconds: float | None = None


IsRefusal = Callable[[requests.Response], bool]
"""Returns whether a response says that the token of its request has expired."""


def is_unauthorized(response: requests.Response) -> bool:
    """Return whether the status is 401."""
    return response.status_code == UNAUTHORIZED


def token_auth(
    obtain: Callable[[], Token],
    put: PutToken,
    redactor: Redactor,
    first: str | None = None,
    is_refusal: IsRefusal = is_unauthorized,
) -> AuthConfigBase:
    """Return an auth that puts a token from `obtain` on requests; `first` is one to start with."""
    return AppliedAuth(RenewedToken(obtain, put, redactor, first, is_refusal).apply)


class RenewedToken:
    """The current token of an auth, shared by all threads."""

    def __init__(
        self,
        obtain: Callable[[], Token],
        put: PutToken,
        redactor: Redactor,
        first: str | None,
        is_refusal: IsRefusal,
    ) -> None:
        self._is_refusal = is_refusal
        self._obtain = obtain
        self._put = put
        self._redactor = redactor
        self._lock = threading.Lock()
        self._token = first
        self._number = 0
        self._expires: float | None = None
        self._renewable = True

    def apply(self, request: requests.PreparedRequest) -> None:
        """Put a valid token on the request."""
        number, token = self._current()
        self._put(request, token)
        # after the copy of hooks that each request has: see requests' own digest auth
        hook = partial(self._retry_refused, number, token)
        request.register_hook("response", hook)  # type: ignore[no-untyped-call]

    def _current(self) -> tuple[int, str]:
        """Return the token and its number: in a replay all tokens have the same text."""
        with self._lock:
            is_expired = self._expires is not None and time.monotonic() >= self._expires
            if self._token is None or is_expired:
                self._renew()
            return self._number, self._token or ""

    def _renew(self) -> str:
        token = self._obtain()
        self._redactor.add(token.text)
        self._token = token.text
        self._number += 1
        self._expires = None if token.seconds is None else time.monotonic() + token.seconds
        return token.text

    def _replace(self, refused: int) -> str | None:
        """Return the token to retry with, None if there is no other."""
        with self._lock:
            if self._number != refused:
                return self._token  # another request has renewed it meanwhile
            if not self._renewable:
                return None
            self._renewable = False
            return self._renew()

    def _retry_refused(
        self, number: int, token: str, response: requests.Response, **options: Any
    ) -> requests.Response:
        """Repeat a request whose token the API refused: a response hook."""
        if not self._is_refusal(response):
            if response.status_code < 400:
                with self._lock:
                    self._renewable = self._renewable or self._number == number
            return response
        request = response.request
        adapter = getattr(response, "connection", None)
        # a request that a redirect sent to another host carries no token, and gets none
        if adapter is None or not _carries(request, token):
            return response
        renewed = self._replace(number)
        if renewed is None:
            return response
        repeated = request.copy()
        self._put(repeated, renewed)
        following: requests.Response = adapter.send(repeated, **options)
        following.history.append(response)
        following.request = repeated
        if following.status_code < 400 and not self._is_refusal(following):
            with self._lock:
                self._renewable = True
        return following


def _carries(request: requests.PreparedRequest, token: str) -> bool:
    body = request.body or ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    probe = Redactor()
    probe.add(token)
    parts = (request.url or "", text, *(str(value) for value in request.headers.values()))
    return any(probe.found_in(part) or token in part for part in parts)


@dataclass(frozen=True)
class TokenRequest:
    """A request for a token, and where the response holds the token and its lifetime in seconds.

    `remedy` names the settings to check if the API refuses the request.
    """

    url: str
    token_path: Expression
    expires_in_path: Expression | None
    lifetime: timedelta | None
    remedy: str
    method: str = "POST"
    headers: Mapping[str, Json] = field(default_factory=dict, repr=False)
    params: Mapping[str, Json] = field(default_factory=dict, repr=False)
    json: Json = field(default=None, repr=False)
    data: Json = field(default=None, repr=False)
    auth: AuthBase | None = None


@dataclass(frozen=True)
class TokenResponse:
    """A token, and the response that holds it as expressions see it."""

    token: Token
    body: Json
    context: Context = field(repr=False)


def request_token(
    request: TokenRequest,
    session: requests.Session,
    redactor: Redactor,
    context: Context,
    recorded: str | None = None,
) -> TokenResponse:
    """Send a token request and return the token, which becomes a secret of the run.

    A `recorded` token wins over the response's. Raise TokenError if the response holds none.
    """
    source = f"the token request to {redact_url(request.url, redactor)}"
    response, body = send_request(request, session, source, "the address in its auth")
    if response.status_code >= 400:
        raise TokenError(_refusal(source, request, response, redactor), status=response.status_code)
    context = with_response(context, response)
    try:
        token = recorded or request.token_path.search(body, context)
        seconds = request.expires_in_path and request.expires_in_path.search(body, context)
    except ExpressionError as error:
        raise TokenError(f"{source}: {error}") from error
    problem = _token_problem(token)
    if problem:
        found = f"{source} returned {problem} at `{request.token_path.text}`"
        raise TokenError(f"{found}{_body_hint(response, body, redactor)}")
    redactor.add(str(token))
    return TokenResponse(Token(str(token), _lifetime(source, request, seconds)), body, context)


def send_request(
    request: TokenRequest, session: requests.Session, source: str, address: str
) -> tuple[requests.Response, Json]:
    """Return the response and the JSON in it, None for another body.

    Raise TokenError without a response; `source` names the request, `address` its setting.
    """
    try:
        response = session.request(
            request.method.upper(),
            request.url,
            headers={key: text_of(value) for key, value in request.headers.items()},
            params=request.params,
            json=request.json,
            data=request.data,
            auth=request.auth,
        )
    except requests.RequestException as error:
        cause = connection_error_message(error, address) or type(error).__name__
        raise TokenError(f"{source}: {cause}") from error
    except RequestError as error:
        raise TokenError(f"{source} failed: {error}") from error
    try:
        return response, response.json()
    except InvalidJson:
        return response, None


def _token_problem(token: Json) -> str:
    """Return what was found in place of a token, empty if it is one."""
    if token is None or token == "":
        return "nothing"
    if isinstance(token, bool) or not isinstance(token, (str, int)):
        return f"a JSON {type_name(token)}, expected a text,"
    is_header_text = str(token).isascii() and str(token).isprintable()
    return "" if is_header_text else "a text with line breaks or letters that no header takes"


def _lifetime(source: str, request: TokenRequest, value: Json) -> float | None:
    """Return the token's lifetime in seconds: the response's, else the file's."""
    if value is None or request.expires_in_path is None:
        return None if request.lifetime is None else request.lifetime.total_seconds()
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if seconds > 0 and math.isfinite(seconds):
        return seconds
    found = f"a JSON {type_name(value)}, expected a number of seconds"
    if not math.isnan(seconds):
        found = f"{response_excerpt(str(value))}, so it has already expired"
    raise TokenError(
        f"{source} returned a token and, at `{request.expires_in_path.text}`, {found}. Correct "
        "expires_in_path; if the API gives no lifetime, write a number: "
        'expires_in_path: "`3600`"'
    )


def _refusal(
    source: str, request: TokenRequest, response: requests.Response, redactor: Redactor
) -> str:
    words = own_words(response, redactor)
    status = f"{source} returned {status_line(response, redactor)}"
    message = f"{status}: {words}" if words else status
    if response.status_code >= 500 or response.status_code == 429:
        return f"{message}\nThe API issues no tokens at the moment: run again later."
    if response.status_code in (404, 405):
        return f"{message}\nCheck the token URL in the auth of the connector file."
    return f"{message}\n{request.remedy}"


def _body_hint(response: requests.Response, body: Json, redactor: Redactor) -> str:
    """Return what a response without a token holds, and what to do."""
    words = own_words(response, redactor)
    if isinstance(body, dict):
        keys = response_excerpt(redactor.redact(", ".join(map(str, body)))) or "none"
        message = f" and its message is: {words}." if words else "."
        return f"; its keys are {keys}{message} Correct token_path."
    if body is not None:
        return f"; its body is a JSON {type_name(body)}. Correct token_path."
    form = sniff_format(response.content)
    found = "The body is not valid JSON" if form is None else f"The body looks like {form.name}"
    return f". {found}. Check the token URL and token_path of the auth."
