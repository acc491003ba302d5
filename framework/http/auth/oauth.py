"""A token on requests: obtained when it is first needed, kept, renewed when it ends.

One thread obtains it while others wait. An answer of 401 in mid-run renews it once and asks again;
a new token that is refused too is not renewed anew.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from requests.auth import AuthBase

from framework.definition.expressions.function import type_name
from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.errors import RequestError, TokenError
from framework.http.auth.placement import Place
from framework.http.content_sniffer import sniff_format
from framework.http.error_messages import connection_error_message
from framework.http.response_actions import own_words, response_excerpt, status_line
from framework.http.transport import InvalidJson
from framework.runtime.context import Context, with_response
from framework.runtime.dlt_internals import mark_resolved
from framework.runtime.redaction import Redactor, redact_url
from framework.runtime.templates import text_of

Json = Any


UNAUTHORIZED = 401


@dataclass(frozen=True)
class Token:
    """`seconds` is how long it is good for, None where it has no end."""

    text: str
    seconds: float | None = None


class TokenAuth(AuthConfigBase):
    """Puts the token that `obtain` gives where `place` says. `first` is one to begin with."""

    def __init__(
        self,
        obtain: Callable[[], Token],
        place: Place,
        secrets: Redactor,
        first: str | None = None,
    ) -> None:
        super().__init__()
        self._obtain = obtain
        self._place = place
        self._secrets = secrets
        self._lock = threading.Lock()
        self._token = first
        self._number = 0
        self._ends: float | None = None
        self._renewable = True
        mark_resolved(self)

    def __deepcopy__(self, _: dict[int, Any]) -> TokenAuth:
        # dlt copies a config before it validates it
        return self

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with a token that is good."""
        number, token = self._current()
        self._place(request, token)
        # after the copy of hooks that each request has: see requests' own digest auth
        request.register_hook("response", partial(self._answered, number, token))  # type: ignore[no-untyped-call]
        return request

    def _current(self) -> tuple[int, str]:
        """The token, and which one it is: in a replay all have the same text."""
        with self._lock:
            if self._token is None or (self._ends is not None and time.monotonic() >= self._ends):
                self._renew()
            return self._number, self._token or ""

    def _renew(self) -> str:
        fresh = self._obtain()
        self._secrets.add(fresh.text)
        self._token = fresh.text
        self._number += 1
        self._ends = None if fresh.seconds is None else time.monotonic() + fresh.seconds
        return fresh.text

    def _after_refusal(self, refused: int) -> str | None:
        """The token to ask with again; None where there is nothing more to try."""
        with self._lock:
            if self._number != refused:
                return self._token  # another request has renewed it meanwhile
            if not self._renewable:
                return None
            self._renewable = False
            return self._renew()

    def _answered(
        self, number: int, token: str, response: requests.Response, **options: Any
    ) -> requests.Response:
        """A response hook: asks again with a new token where the old one is refused."""
        if response.status_code != UNAUTHORIZED:
            if response.status_code < 400:
                with self._lock:
                    self._renewable = self._renewable or self._number == number
            return response
        request = response.request
        adapter = getattr(response, "connection", None)
        # what went on to another host by a redirect carries no token, and gets none
        if adapter is None or not _carries(request, token):
            return response
        fresh = self._after_refusal(number)
        if fresh is None:
            return response
        again = request.copy()
        self._place(again, fresh)
        answer: requests.Response = adapter.send(again, **options)
        answer.history.append(response)
        answer.request = again
        if answer.status_code < 400:
            with self._lock:
                self._renewable = True
        return answer


def _carries(request: requests.PreparedRequest, token: str) -> bool:
    body = request.body or ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    probe = Redactor()
    probe.add(token)
    places = (request.url or "", text, *(str(value) for value in request.headers.values()))
    return any(probe.found_in(place) or token in place for place in places)


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
class TokenResponse:
    """A token with the answer that gave it, as expressions see it."""

    token: Token
    body: Json
    context: Context = field(repr=False)


def request_token(
    request: TokenRequest,
    session: requests.Session,
    secrets: Redactor,
    context: Context,
    recorded: str | None = None,
) -> TokenResponse:
    """Ask for a token, which becomes a secret of the run; TokenError where none is given.

    `recorded` is the token whatever the answer is: no cassette holds the one that it gave.
    """
    asked = f"the token request to {redact_url(request.url, secrets)}"
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
        cause = connection_error_message(error, "the address in its auth") or type(error).__name__
        raise TokenError(f"{asked}: {cause}") from error
    except RequestError as error:
        raise TokenError(f"{asked} failed: {error}") from error
    if response.status_code >= 400:
        raise TokenError(_refused(asked, request, response, secrets), status=response.status_code)
    try:
        body = response.json()
    except InvalidJson:
        body = None
    context = with_response(context, response)
    try:
        token = recorded or request.token_path.search(body, context)
        seconds = request.expires_in_path and request.expires_in_path.search(body, context)
    except ExpressionError as error:
        raise TokenError(f"{asked}: {error}") from error
    wrong = _wrong(token)
    if wrong:
        gave = f"{asked} gave {wrong} at `{request.token_path.text}`"
        raise TokenError(f"{gave}{_instead(response, body, secrets)}")
    secrets.add(str(token))
    return TokenResponse(Token(str(token), _seconds(asked, request, seconds)), body, context)


def _wrong(token: Json) -> str:
    """What was found that is no token, empty where it is one."""
    if token is None or token == "":
        return "nothing"
    if isinstance(token, bool) or not isinstance(token, (str, int)):
        return f"no text but a JSON {type_name(token)}"
    fits = str(token).isascii() and str(token).isprintable()
    return "" if fits else "a text with line breaks or letters that no header takes"


def _seconds(asked: str, request: TokenRequest, given: Json) -> float | None:
    """How long the token is good for, as the answer says, or the file where it says nothing."""
    if given is None or request.expires_in_path is None:
        return request.default_seconds
    try:
        seconds = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if seconds > 0 and math.isfinite(seconds):
        return seconds
    found = f"no number of seconds but a JSON {type_name(given)}"
    if not math.isnan(seconds):
        found = f"{response_excerpt(str(given))}, so it ends as it comes"
    raise TokenError(
        f"{asked} gave a token and, at `{request.expires_in_path.text}`, {found}. Correct "
        "expires_in_path; where the API tells no time, a number will do: "
        'expires_in_path: "`3600`"'
    )


def _refused(
    asked: str, request: TokenRequest, response: requests.Response, secrets: Redactor
) -> str:
    words = own_words(response, secrets)
    said = f"{asked} answered {status_line(response, secrets)}" + (f": {words}" if words else "")
    if response.status_code >= 500 or response.status_code == 429:
        return f"{said}\nThe API gives no tokens at the moment: run it again later."
    if response.status_code in (404, 405):
        return f"{said}\nCheck the address that the auth of the file asks for tokens."
    return f"{said}\n{request.remedy}"


def _instead(response: requests.Response, body: Json, secrets: Redactor) -> str:
    """What the answer has in the token's place, and what to do."""
    words = own_words(response, secrets)
    if isinstance(body, dict):
        keys = response_excerpt(secrets.redact(", ".join(map(str, body)))) or "none"
        said = f" and says: {words}." if words else "."
        return f"; its keys are {keys}{said} Correct token_path."
    if body is not None:
        return f"; its body is a JSON {type_name(body)}. Correct token_path."
    look = sniff_format(response.content)
    looks = "It is no JSON" if look is None else f"It looks like {look.name}"
    return f". {looks}. Check the address in its auth and token_path."
