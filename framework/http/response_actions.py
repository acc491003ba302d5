"""Response actions: what happens to a response that is not data, and messages for error statuses.

One check per resource, made on the last response after all attempts. It raises what ends the list
(ignore), skips the resource (skip_resource) or fails it (fail).
"""

from __future__ import annotations

import threading
from collections.abc import Container
from typing import Any

import requests
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.expressions.placeholders import Literal, parse_template
from framework.definition.expressions.value_functions import truthy
from framework.definition.model import ResponseAction
from framework.errors import RequestError, ResourceSkipped
from framework.http.transport import InvalidJson
from framework.runtime.context import Context, with_response
from framework.runtime.redaction import Redactor, redact_url
from framework.runtime.templates import evaluated, text_of
from framework.text import json_shape

AGAIN = ("retry", "rate_limited")
"""The actions that ask for another attempt."""

ONE_MISSING = (
    "Other requests of this resource succeeded: if one may have no records, say so in "
    "response_actions: {status_code: 404, action: ignore}."
)
"""What to do about a 404 on one of many."""

LONGEST = 300
"""Characters of the API's own message that an error repeats."""

MESSAGE_KEYS = (
    "title",
    "error",
    "error_description",
    "message",
    "msg",
    "detail",
    "details",
    "errors",
    "errormessages",
)
"""Keys of error messages in API responses, lower case, in the order of repetition."""

ERROR_KEYS = ("errors", "error")
"""Keys under which a successful response reports an error."""


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

    def wants_retry(self, response: requests.Response) -> ResponseAction | None:
        """Return the first action that matches, if it asks for another attempt."""
        action = self._first(response)
        return action if action is not None and action.action in AGAIN else None

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
        if action is not None and (action.action == "fail" or action.action in AGAIN):
            raise RequestError(self.describe(response, action.message), status=response.status_code)
        if response.status_code >= 400:
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
        if remedy:
            remedy = self._redactor.redact(self._filled(remedy, response))
        else:
            remedy = self._remedies.get(response.status_code)
            if response.status_code == 404 and self._many and self._has_succeeded:
                remedy = ONE_MISSING
        return f"{text}\n{remedy}" if remedy else text

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
        else:
            first = int(code[0]) * 100
            statuses.update(range(first, first + 100))
    return statuses or range(1000)


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


def own_words(response: requests.Response, redactor: Redactor) -> str:
    """Return the API's own error message, redacted and shortened; empty if there is none in JSON.

    Redacted first: half a secret would not be recognized.
    """
    try:
        body = response.json()
    except InvalidJson:
        return ""
    return _words(body, redactor)


def unlike(response: requests.Response, redactor: Redactor) -> str:
    """Describe the shape of a success that lacks an expected part, and any error it reports."""
    words = error_in(response, redactor)
    return json_shape(response.json()) + (f"; it says: {words}" if words else "")


def error_in(response: requests.Response, redactor: Redactor) -> str:
    """Return the error that a successful response reports, as GraphQL does; else nothing."""
    body = response.json()
    errors = {key: body.get(key) for key in ERROR_KEYS} if isinstance(body, dict) else {}
    return _words(errors, redactor)


def _words(body: Any, redactor: Redactor) -> str:
    words: list[str] = []
    _collect(body, words)
    return response_excerpt(redactor.redact("; ".join(dict.fromkeys(words))))


def response_excerpt(text: str) -> str:
    """Shorten a server's text to what a person reads."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _collect(body: Any, words: list[str], depth: int = 0) -> None:
    """Collect texts under MESSAGE_KEYS, outermost first."""
    if isinstance(body, str) and depth:
        words.append(body)
    if depth > 3 or len(words) > 8:
        return
    if isinstance(body, list):
        for item in body[:3]:
            _collect(item, words, depth + 1)
    if not isinstance(body, dict):
        return
    fields = {key.lower(): value for key, value in body.items()}
    for key in MESSAGE_KEYS:
        value = fields.get(key)
        if isinstance(value, str):
            parameter = fields.get("parameter")
            named = isinstance(parameter, str) and key == "message"
            words.append(f"{parameter}: {value}" if named else value)
        elif key == "errors" and isinstance(value, dict):
            _collect_by_field(value, words, depth + 1)
        elif isinstance(value, (dict, list)):
            _collect(value, words, depth + 1)


def _collect_by_field(errors: dict[str, Any], words: list[str], depth: int) -> None:
    """Collect from `errors: {field: text or [text]}`; MESSAGE_KEYS keep their meaning."""
    _collect(errors, words, depth)
    for field, value in list(errors.items())[:3]:
        texts = value if isinstance(value, list) else [value]
        if field.lower() not in MESSAGE_KEYS and texts and isinstance(texts[0], str):
            words.append(f"{field}: {texts[0]}")
            words.extend(text for text in texts[1:3] if isinstance(text, str))
