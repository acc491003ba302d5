"""What a response says of its own failure: the API's words, and signs that a success is none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote_plus

import requests

from framework.http.transport import InvalidJson
from framework.runtime.redaction import Redactor
from framework.text import json_shape

Json = Any

_EXPIRED = re.compile(
    r"(?i)(?:token|session|jwt|login|credentials?|authentication)\W(?:.{0,30}\W)?expired"
    r"|expired\W(?:.{0,20}\W)?(?:token|session|jwt|login|credentials?)"
)
_OTHER_TOKEN = re.compile(r"(?i)(?:page|paging|pagination|cursor|continuation|next|sync|scroll)")
"""Words of an expired token that belongs to a list."""
EXPIRED = (
    "If the token has expired, have it renewed after such responses: `renew_on` in the auth names "
    "them, by status or body. If a new token was refused too, check the credentials. Replace a "
    "token that is a setting."
)

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
    "errormessage",
    "error_message",
    "errmsg",
    "faultstring",
)
"""Keys of error messages in API responses, lower case, in the order of repetition."""

_ERROR_KEYS = frozenset(
    [
        "error",
        "errors",
        "err",
        "errormessage",
        "errormessages",
        "errormsg",
        "errmsg",
        "errorcode",
        "errcode",
        "errordescription",
        "errordetail",
        "errordetails",
        "exception",
        "fault",
        "faultstring",
        "failure",
    ]
)
"""Keys under which a success reports an error, lower case without separators."""
REPORT_KEYS = frozenset(["error", "errors", "Error", "Errors"])
"""Keys of an error beside records."""
_FLAG_KEYS = frozenset(["success", "ok", "succeeded", "successful", "issuccess"])
"""Keys that are false in a failure."""
_STATUS_KEYS = frozenset(
    ["status", "state", "stat", "result", "type", "object", "code", "statuscode"]
)
"""Keys that name a failure, or a number of 400 and above."""
_ECHO_KEYS = frozenset(
    [
        "message",
        "msg",
        "detail",
        "details",
        "title",
        "reason",
        "description",
        "requestid",
        "traceid",
        "correlationid",
        "timestamp",
        "path",
        "instance",
        "documentationurl",
        "help",
        "url",
    ]
)
"""Keys that an error has besides."""
_HEADER_KEYS = frozenset(["meta", "metadata", "response", "result", "status", "header", "head"])
"""Keys of objects that describe the response."""
_NO_ERROR = frozenset(("", "0", "200", "false", "none", "null", "no", "ok", "success", "no error"))
_FAILURES = frozenset(["error", "errored", "fail", "failed", "failure", "timeout", "unavailable"])
_UNFINISHED = frozenset(
    (
        *("pending", "processing", "queued", "running", "in_progress", "in progress", "inprogress"),
        *("accepted", "started", "preparing", "not_ready", "notready", "not ready"),
    )
)


def own_words(response: requests.Response, redactor: Redactor) -> str:
    """Return the API's own error message, redacted and shortened; empty if there is none in JSON.

    Redacted first: half a secret would not be recognized.
    """
    try:
        body = response.json()
    except InvalidJson:
        return ""
    return error_words(body, redactor)


def unlike(response: requests.Response, redactor: Redactor) -> str:
    """Describe the shape of a success that lacks an expected part, and any error it reports."""
    words = error_in(response, redactor)
    return json_shape(response.json()) + (f"; it says: {words}" if words else "")


def error_in(response: requests.Response, redactor: Redactor) -> str:
    """Return the error that a successful response reports, as GraphQL does; else nothing."""
    body = response.json()
    has_error = any(_failure(part, "", is_head) for part, is_head in _objects(body))
    return error_words(body, redactor) if has_error else ""


def reports_error(body: Json, records: Collection[str] = ()) -> bool:
    """Return whether an object has an error beside records, which are under the keys `records`."""
    return isinstance(body, dict) and any(
        key not in records and _is_error(key, body.get(key)) for key in REPORT_KEYS
    )


def failure_in(response: requests.Response) -> str:
    """Return why a success without records is none, to follow "the response"; empty if it is one.

    Looks at the outer object and the objects in it. A word that the request sent is an echo.
    """
    if response.status_code == 202:
        return "is a 202: the API has accepted the request and has no result yet"
    sent = _sent(response)
    parts = _objects(response.json())
    return next((why for part, is_head in parts if (why := _failure(part, sent, is_head))), "")


def is_only_error(value: Json) -> bool:
    """Return whether an object is an error and nothing else, so not a record."""
    if not isinstance(value, dict) or not _failure(value, "", True):
        return False
    known = _ERROR_KEYS | _FLAG_KEYS | _STATUS_KEYS | _ECHO_KEYS
    return all(_plain(key) in known for key in value)


def response_excerpt(text: str) -> str:
    """Shorten a server's text to what a person reads."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def says_expired(words: str) -> bool:
    """Return whether the API's words say that a token expired, other than a list's position."""
    return bool(_EXPIRED.search(words)) and not _OTHER_TOKEN.search(words)


def _sent(response: requests.Response) -> str:
    request = response.request
    body = (
        request.body
        if isinstance(request.body, str)
        else (request.body or b"").decode("utf-8", "replace")
    )
    return f"{unquote_plus(request.url or '')} {body}".lower()


def _objects(body: Json) -> Iterator[tuple[dict[str, Json], bool]]:
    """Yield the outer object and those in it, each with whether its status is the response's."""
    if isinstance(body, dict):
        yield body, True
        for key, value in body.items():
            if isinstance(value, dict):
                yield value, _plain(key) in _HEADER_KEYS


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace("@", "")


def _is_error(key: str, value: Json) -> bool:
    if _plain(key) not in _ERROR_KEYS:
        return False
    return value.strip().lower() not in _NO_ERROR if isinstance(value, str) else bool(value)


def _failure(part: dict[str, Json], sent: str, is_head: bool) -> str:
    for key, value in part.items():
        name, word = _plain(key), str(value).strip().lower()
        if _is_error(key, value):
            return "reports an error"
        if name in _FLAG_KEYS and word == "false":
            return f"says that `{name}` is false"
        if not is_head or name not in _STATUS_KEYS or isinstance(value, (dict, list)):
            continue
        if word.isdigit() and 400 <= int(word) < 1_000_000 and name != "type":
            return f"says that `{name}` is {word}"
        if word in _FAILURES | _UNFINISHED and f"={word}" not in sent and f'"{word}"' not in sent:
            return f"says that `{name}` is {word}"
    return ""


def error_words(body: Any, redactor: Redactor) -> str:
    """Return the texts under MESSAGE_KEYS of a value, redacted and shortened."""
    words: list[str] = []
    _collect(body, words)
    return response_excerpt(redactor.redact("; ".join(dict.fromkeys(words))))


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
