"""Response actions: what happens to a response that is not data, and messages for error statuses.

One check per resource, made on the last response after all attempts. It raises what ends the list
(ignore), skips the resource (skip_resource), reads the list anew (restart), asks for less
(shrink_page, shrink_window) or fails it (fail).
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

from framework.definition.converter import parse_action
from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.expressions.placeholders import Literal, parse_template
from framework.definition.expressions.value_functions import truthy
from framework.definition.model import SHRINKING, TIMEOUT, ResponseAction
from framework.errors import (
    ListRestart,
    PageTooLarge,
    RequestError,
    ResourceSkipped,
    WindowTooLarge,
)
from framework.http.error_reports import EXPIRED, own_words, response_excerpt, says_expired
from framework.http.transport import InvalidJson
from framework.runtime.context import Context, with_response
from framework.runtime.redaction import Redactor, redact_url
from framework.runtime.templates import evaluated, text_of

REFUSED_WAIT = "framework_refused_wait"
"""Attribute of a response: why the wait that it asks for was not begun."""

AGAIN = ("retry", "rate_limited")
"""The actions that ask for another attempt."""

RAISED: Mapping[str, type[RequestError]] = {
    "restart": ListRestart,
    "shrink_page": PageTooLarge,
    "shrink_window": WindowTooLarge,
    **dict.fromkeys(("fail", *AGAIN), RequestError),
}
"""What an action raises that ends its request with an error."""

ONE_MISSING = (
    "Other requests of this resource succeeded: if one may have no records, say so in "
    "response_actions: {status_code: 404, action: ignore}."
)
"""What to do about a 404 on one of many."""
ENCODED = {
    "%3A%2F%2F": (
        "The path holds a whole URL, sent as one part of the path. To request the URL of a "
        'record as it is, use `export: {download: {url: "{parent.FIELD}"}}`.'
    ),
    "%2F": (
        "A `/` of a value is sent as %2F, as one part of the path. If the value is itself a path, "
        "write it as an expression, which keeps each `/`: \"{trim_left(parent.FIELD, '/')}\"."
    ),
}
"""What to do if the path holds a URL or a path of a record, percent-encoded."""


class ResponseConditions:
    """Conditions as a file writes them: statuses, or mappings like those of `response_actions`."""

    def __init__(self, written: Iterable[int | Mapping[str, Any]], context: Context) -> None:
        self._context = context
        self._conditions = [(_statuses(one), one) for one in map(_condition, written)]

    def hold_for(self, response: requests.Response) -> bool:
        """Return whether one of the conditions holds."""
        return any(
            response.status_code in statuses and _matches(one, response, self._context)
            for statuses, one in self._conditions
        )


def _condition(written: int | Mapping[str, Any]) -> ResponseAction:
    conditions = {"status_code": written} if isinstance(written, int) else written
    return parse_action({**conditions, "action": "retry"})


class ResponseActions:
    """The response actions of one resource; `ignored` counts the responses that one ignored.

    `remedies` maps a status to what the user can do about it; `many` says that the resource makes
    a request for each parent or partition.
    """

    def __init__(
        self,
        resource: str,
        actions: tuple[ResponseAction, ...],
        redactor: Redactor,
        remedies: dict[int, str],
        context: Context,
        many: bool = False,
    ) -> None:
        self.resource = resource
        self.ignored = 0
        self._many = many
        self._has_succeeded = False
        self._actions = [(_statuses(action), action) for action in actions]
        self._redactor = redactor
        self._remedies = remedies
        self._context = context
        self._lock = threading.Lock()

    def wants_another(self, response: requests.Response) -> ResponseAction | None:
        """Return the first action that matches, if it asks for another request."""
        action = self._first(response)
        return action if action is not None and action.action in (*AGAIN, *SHRINKING) else None

    def on_timeout(self, request: requests.PreparedRequest) -> None:
        """Raise if an action asks for less when no response came in time."""
        for _, action in self._actions:
            if TIMEOUT in action.status_codes:
                url = redact_url(request.url, self._redactor)
                text = f"{self.resource}: no response to {request.method} {url} within the timeout"
                raise RAISED[action.action](text)

    def check(self, response: requests.Response) -> None:
        """Raise if the response is not data: RequestError for a failure."""
        if response.is_redirect:
            return
        action = self._first(response)
        if action is not None and action.action == "ignore":
            with self._lock:
                self.ignored += 1
            raise IgnoreResponseException
        if action is not None and action.action == "skip_resource":
            raise ResourceSkipped(self.resource, self.describe(response, action.message))
        if action is not None:
            error = RAISED[action.action]
            raise error(self.describe(response, action.message), status=response.status_code)
        if response.status_code >= 400 or REFUSED_WAIT in vars(response):
            raise RequestError(self.describe(response), status=response.status_code)
        self._has_succeeded = True

    def describe(self, response: requests.Response, remedy: str | None = None) -> str:
        """Return resource, method, URL, status, the API's own message, and a remedy.

        `remedy` is the connector file's message; its placeholders read the response.
        """
        request = response.request
        text = (
            f"{self.resource}: {request.method} {redact_url(request.url, self._redactor)} returned "
            f"{status_line(response, self._redactor)}"
        )
        message = own_words(response, self._redactor)
        if message:
            text += f": {message}"
        refused: str | None = vars(response).get(REFUSED_WAIT)
        if refused is not None:
            text += f". {refused}"
        if remedy:
            remedy = self._redactor.redact(self._filled(remedy, response))
        elif refused is None:
            remedy = self._remedy(response, message)
        return f"{text}\n{remedy}" if remedy else text

    def _remedy(self, response: requests.Response, words: str) -> str | None:
        """Return what to do about a status, by the API's own words if they say why."""
        status = response.status_code
        if status != 401 and says_expired(words):
            return EXPIRED
        if status == 404 and self._many and self._has_succeeded:
            return ONE_MISSING
        if status in (400, 404) and self._many:
            path = urlsplit(response.request.url or "").path
            encoded = next((why for sign, why in ENCODED.items() if sign in path), None)
            if encoded is not None:
                return encoded
        return self._remedies.get(status)

    def _filled(self, message: str, response: requests.Response) -> str:
        """Fill the placeholders of a message; what the response lacks is empty."""
        context = with_response(self._context, response)
        texts = []
        for part in parse_template(message):
            if isinstance(part, Literal):
                texts.append(part.text)
                continue
            try:
                value = evaluated(part.text, context)
            except ExpressionError:
                value = None
            texts.append("" if value is None else text_of(value))
        return "".join(texts)

    def _first(self, response: requests.Response) -> ResponseAction | None:
        """Return the first action whose conditions hold for the response."""
        for statuses, action in self._actions:
            if response.status_code in statuses and _matches(action, response, self._context):
                return action
        return None


def _statuses(action: ResponseAction) -> Container[int]:
    """Return the statuses that an action accepts: all if it names none, `4xx` is a hundred."""
    statuses: set[int] = set()
    for code in action.status_codes:
        if code.isdigit():
            statuses.add(int(code))
        elif code != TIMEOUT:
            first = int(code[0]) * 100
            statuses.update(range(first, first + 100))
    return statuses if action.status_codes else range(1000)


def _matches(action: ResponseAction, response: requests.Response, context: Context) -> bool:
    """Return whether all conditions but that on the status hold."""
    if action.content is not None and action.content not in response.text:
        return False
    for name, text in action.headers.items():
        if text not in response.headers.get(name, ""):
            return False
    if action.body is not None:
        try:
            if action.body.contextual:
                context = with_response(context, response)
            return truthy(action.body.search(response.json(), context))
        except (InvalidJson, ExpressionError):
            # a function on a field that this body lacks: the body does not match
            return False
    return True


def status_line(response: requests.Response, redactor: Redactor) -> str:
    """Return status and reason; the reason is the server's text, so redacted and shortened."""
    reason = response_excerpt(redactor.redact(response.reason or ""))
    return f"{response.status_code} {reason}".rstrip()
