"""What is done with an answer that is not simply data: the file's actions, and errors in our words.

A hook of requests, one for each resource: called with the last answer after all attempts. It
raises what ends the list (ignored), the resource (skipped) or the run of it (failed).
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
"""The actions that ask for one more attempt."""

ONE_MISSING = (
    "Other requests of this resource were answered: where one may have nothing, say so in "
    "response_actions: {status_code: 404, action: ignore}."
)
"""What to do about a 404 on one of many."""

LONGEST = 300
"""How much of the API's own words an error repeats, in characters."""

SAID_UNDER = (
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
"""The keys that APIs say their errors in, lower case, in the order they are repeated."""

TOLD_UNDER = ("errors", "error")
"""Where a body with a status of success tells an error."""


class ResponseActions:
    """The rules of one resource. `ignored` counts the answers that an action ignored.

    `remedies` maps a status to what the person can do about it; `many` says that the resource
    makes a request for each parent or partition.
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
        self._answered = False
        self._actions = [(_statuses(action), action) for action in actions]
        self._redactor = redactor
        self._remedies = remedies
        self._context = context
        self._lock = threading.Lock()

    def wants_retry(self, response: requests.Response) -> ResponseAction | None:
        """The first action that fits, if it asks for one more attempt."""
        action = self._first(response)
        return action if action is not None and action.action in AGAIN else None

    def check(self, response: requests.Response) -> None:
        """Raise if the response is not data; RequestError in our own words for an error."""
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
        self._answered = True

    def describe(self, response: requests.Response, remedy: str | None = None) -> str:
        """Resource, method, URL, status, the API's own words, and what to do: `remedy` is the
        file's message, whose placeholders are parts of the answer."""
        request = response.request
        text = (
            f"{self.resource}: {request.method} {redact_url(request.url, self._redactor)} answered "
            f"{status_line(response, self._redactor)}"
        )
        said = own_words(response, self._redactor)
        if said:
            text += f": {said}"
        if remedy:
            remedy = self._redactor.redact(self._worded(remedy, response))
        else:
            remedy = self._remedies.get(response.status_code)
            if response.status_code == 404 and self._many and self._answered:
                remedy = ONE_MISSING
        return f"{text}\n{remedy}" if remedy else text

    def _worded(self, message: str, response: requests.Response) -> str:
        """A message with its placeholders filled in; what the answer does not hold is empty."""
        context = with_response(self._context, response)
        texts = []
        for part in parse_template(message):
            if isinstance(part, Literal):
                texts.append(part.text)
                continue
            try:
                found = evaluated(part.text, context)
            except ExpressionError:
                found = None
            texts.append("" if found is None else text_of(found))
        return "".join(texts)

    def _first(self, response: requests.Response) -> ResponseAction | None:
        """Return the first action whose conditions hold for the response."""
        for statuses, action in self._actions:
            if response.status_code in statuses and _fits(action, response, self._context):
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


def _fits(action: ResponseAction, response: requests.Response, context: Context) -> bool:
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
            # a function on a field that this body lacks: what is looked for is not there
            return False
    return True


def status_line(response: requests.Response, redactor: Redactor) -> str:
    """Status and reason; the reason is the server's own text, so masked and shortened."""
    reason = response_excerpt(redactor.redact(response.reason or ""))
    return f"{response.status_code} {reason}".rstrip()


def own_words(response: requests.Response, redactor: Redactor) -> str:
    """The API's own title and message, masked and shortened; empty where it says nothing in JSON.

    Masked first: half a secret is not found any more.
    """
    try:
        body = response.json()
    except InvalidJson:
        return ""
    return _words(body, redactor)


def unlike(response: requests.Response, redactor: Redactor) -> str:
    """What a success is made of, where what was looked for is not in it, and the error that it
    tells, as GraphQL does."""
    words = error_in(response, redactor)
    return json_shape(response.json()) + (f"; it says: {words}" if words else "")


def error_in(response: requests.Response, redactor: Redactor) -> str:
    """The error that a success tells; empty where it tells none."""
    body = response.json()
    told = {key: body.get(key) for key in TOLD_UNDER} if isinstance(body, dict) else {}
    return _words(told, redactor)


def _words(body: Any, redactor: Redactor) -> str:
    words: list[str] = []
    _gather(body, words)
    return response_excerpt(redactor.redact("; ".join(dict.fromkeys(words))))


def response_excerpt(text: str) -> str:
    """Not more of a server's text than a person reads."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _gather(body: Any, words: list[str], depth: int = 0) -> None:
    """Texts under the keys that APIs say their errors in, outermost first."""
    if isinstance(body, str) and depth:
        words.append(body)
    if depth > 3 or len(words) > 8:
        return
    if isinstance(body, list):
        for item in body[:3]:
            _gather(item, words, depth + 1)
    if not isinstance(body, dict):
        return
    said = {key.lower(): value for key, value in body.items()}
    for key in SAID_UNDER:
        value = said.get(key)
        if isinstance(value, str):
            parameter = said.get("parameter")
            named = isinstance(parameter, str) and key == "message"
            words.append(f"{parameter}: {value}" if named else value)
        elif key == "errors" and isinstance(value, dict):
            _gather_by_field(value, words, depth + 1)
        elif isinstance(value, (dict, list)):
            _gather(value, words, depth + 1)


def _gather_by_field(errors: dict[str, Any], words: list[str], depth: int) -> None:
    """`errors: {field: text or [text]}`; the same keys as elsewhere keep their meaning."""
    _gather(errors, words, depth)
    for field, value in list(errors.items())[:3]:
        texts = value if isinstance(value, list) else [value]
        if field.lower() not in SAID_UNDER and texts and isinstance(texts[0], str):
            words.append(f"{field}: {texts[0]}")
            words.extend(text for text in texts[1:3] if isinstance(text, str))
