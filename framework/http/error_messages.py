"""What goes wrong on the wire or with an answer, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from dlt.extract.incremental.exceptions import (
    IncrementalCursorInvalidCoercion,
    IncrementalCursorPathHasValueNone,
    IncrementalCursorPathMissing,
)
from jsonpath_ng.exceptions import JSONPathError

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.errors import FrameworkError, RequestError
from framework.http.auth.token_requests import TokenError
from framework.http.content_sniffer import look_of
from framework.http.response_actions import unlike
from framework.http.transport import NotJson, Unread
from framework.http.unreached import unreached
from framework.runtime.outcomes import RecordError
from framework.runtime.redaction import Secrets
from framework.runtime.urls import shown

UNPACKED = ("gzip", "deflate", "identity", "x-gzip")
"""What is said of a body that we can unpack."""
UNREADABLE = (ValueError, TypeError, AttributeError)
"""What dlt's paginators raise on an answer of another shape than they expect."""


def in_our_words(error: Exception, resource: str, secrets: Secrets) -> FrameworkError | None:
    """The error as one of ours, or None where it is none that we know: a bug."""
    if isinstance(error, ExpressionError):
        return RecordError(f"{resource}: {error}")
    if isinstance(error, TokenError):
        return RequestError(f"{resource}: {error}", status=error.status)
    if isinstance(error, FrameworkError):
        return error
    if isinstance(error, Unread):
        text, status = _not_read(error, resource, secrets), error.response.status_code
        return RequestError(text, status=status, code="format-differs")
    if isinstance(error, NotJson):
        text, status = _not_json(error, resource, secrets), error.response.status_code
        return RequestError(text, status=status, code="format-differs")
    if isinstance(error, requests.RequestException):
        return RequestError(_wire(error, resource, secrets))
    if isinstance(error, (IncrementalCursorPathMissing, IncrementalCursorPathHasValueNone)):
        return RecordError(
            f"{resource}: a record has no value at the incremental's cursor_path "
            f"`{error.json_path}`; correct the path, or say what to do with such records with "
            "`on_cursor_value_missing: include` or `exclude`"
        )
    if isinstance(error, IncrementalCursorInvalidCoercion):
        return RecordError(
            f"{resource}: the values at the incremental's cursor_path `{error.cursor_path}` "
            "cannot be compared with its initial_value; write initial_value as the API writes "
            "the field"
        )
    if isinstance(error, JSONPathError):
        return RequestError(
            f"{resource}: no paginator is declared, and the answer has its next page under keys "
            "that cannot be guessed from. Declare it: `paginator: {type: json_link, "
            "next_url_path: '\"a key\".next'}`, for example."
        )
    if isinstance(error, UNREADABLE) and (given := _given_to_paginator(error)):
        return RequestError(
            f"{resource}: {_unpaged(error, given, secrets)}", code="next-unreadable"
        )
    return None


def _wire(error: requests.RequestException, resource: str, secrets: Secrets) -> str:
    request = error.request
    url = shown(getattr(request, "url", None), secrets)
    place = f"{resource}: {getattr(request, 'method', None) or 'request to'} {url}"
    cause = unreached(error, "base_url")
    if cause is None:
        cause = f"{type(error).__name__}: {secrets.redact(str(error))[:200]}"
    return f"{place}: {cause}"


def _not_json(error: NotJson, resource: str, secrets: Secrets) -> str:
    response = error.response
    kind = response.headers.get("Content-Type", "no Content-Type").split(";")[0]
    size = len(response.content)
    what = f"{kind}, {size:,} bytes" if size else "an empty body"
    packed = response.headers.get("Content-Encoding")
    if size and packed and packed.lower() not in UNPACKED:
        what += f", packed as {packed[:40]}, which is not read"
    return (
        f"{resource}: {response.request.method} {shown(response.request.url, secrets)} answered "
        f"{response.status_code} with a body that is no JSON ({what})\n{_hint(error, kind, size)}"
    )


def _not_read(error: Unread, resource: str, secrets: Secrets) -> str:
    response = error.response
    kind = response.headers.get("Content-Type", "no Content-Type").split(";")[0]
    return (
        f"{resource}: {response.request.method} {shown(response.request.url, secrets)} answered "
        f"{response.status_code} ({kind}, {len(response.content):,} bytes): the body {error.reason}"
    )


def _hint(error: NotJson, kind: str, size: int) -> str:
    """What a body that is no JSON often means."""
    status = error.response.status_code
    if not size and status < 300:
        return (
            "Where that means that there is nothing, say so in response_actions: "
            f"{{status_code: {status}, action: ignore}}."
        )
    if 300 <= status < 400:
        return "It is a redirect that leads nowhere. Check base_url and the path."
    look = look_of(error.response.content)
    if look is not None and look.reads not in (None, "json"):
        return f"It looks like {look.name}: write `response_format: {look.reads}` in the endpoint."
    if "html" in kind or (look is not None and "HTML" in look.name):
        return "Check base_url and the path: an HTML page often means a login or a wrong address."
    if "json" in kind and error.reason:
        return f"The answer is cut or broken: {error.reason}."
    return (
        "Check base_url and the path; what is no JSON needs a `response_format` (csv, jsonl, xml "
        "or text)."
    )


def _given_to_paginator(error: Exception) -> dict[str, Any]:
    """The paginator that failed and what it was given, by dlt's names; empty for other errors."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith("rest_client/paginators.py"):
            return dict(trace.tb_frame.f_locals)
        trace = trace.tb_next
    return {}


def _unpaged(error: Exception, given: Mapping[str, Any], secrets: Secrets) -> str:
    """What the paginator does not find in the answer; dlt's own message repeats the whole body."""
    paginator, response = given.get("self"), given.get("response")
    text = str(error)
    for option in ("total_path", "has_more_path"):
        path = getattr(paginator, option, None)
        if path is None or (f"`{path}`" not in text and f"'{path}'" not in text):
            continue
        if response is not None and "not found" in text:
            what = f"finds nothing in the answer; {unlike(response, secrets)}"
        else:
            kind = "whole number" if option == "total_path" else "true or false"
            what = f"finds what is no {kind}"
        remedy = f"Write the path of the answer's own: `{option}: PATH`"
        if option == "total_path":
            remedy += ", or `total_path: null` where the API tells no total"
        return f"the paginator's {option} `{path}` {what}\n{remedy}."
    if not isinstance(error, ValueError):
        text = "the next page's URL is no text"
    return (
        f"the paginator cannot read the answer: {text}\n"
        "Correct the paginator's paths; `total_path: null` where the API tells no total."
    )
