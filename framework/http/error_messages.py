"""Messages for transport errors and unusable responses: cause and remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping

import requests

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.errors import FrameworkError, RecordError, RequestError, TokenError
from framework.http.error_reports import unlike
from framework.http.formats.decoders import sniff_format
from framework.http.transport import InvalidJson, UnreadableBody
from framework.runtime.redaction import Redactor, redact_url

TRUST = (
    "If a company proxy inspects the traffic, name its certificate authority in "
    "REQUESTS_CA_BUNDLE; if the API has an authority of its own, in client.tls.ca"
)
CERTIFICATES: Mapping[str, str] = {
    "certificate has expired": (
        "the server's certificate has expired. Check this machine's clock; otherwise only the "
        "API's operator can renew it."
    ),
    "not yet valid": (
        "the server's certificate is not valid yet. Check this machine's clock; otherwise only "
        "the API's operator can fix it."
    ),
    "self-signed certificate in certificate chain": (
        "the server's certificate is signed by an authority that this machine does not know. "
        f"{TRUST}; otherwise check {{address}}."
    ),
    "self-signed certificate": (
        "the server's certificate is self-signed. Check {address}; if it is your own server, name "
        "its certificate in client.tls.ca or in REQUESTS_CA_BUNDLE."
    ),
    "unable to get local issuer": (
        "the server's certificate is signed by an authority that this machine does not know. "
        f"{TRUST}; otherwise check {{address}}."
    ),
    "revoked": "the server's certificate is revoked. Only the API's operator can fix it.",
}
"""Messages by OpenSSL's name of what is wrong with a certificate; the first match counts."""
_NOT_OURS = "the API does not accept the certificate in client.tls: {}. Give the one that it knows."
REFUSED: Mapping[str, str] = {
    "ALERT CERTIFICATE REQUIRED": (
        "the API requires a certificate of the client: declare client.tls with its cert and key."
    ),
    "ALERT UNKNOWN CA": _NOT_OURS.format("it does not know the authority that signed it"),
    "ALERT CERTIFICATE EXPIRED": _NOT_OURS.format("it has expired"),
    "ALERT CERTIFICATE REVOKED": _NOT_OURS.format("it is revoked"),
    "ALERT BAD CERTIFICATE": _NOT_OURS.format("it is not what the API expects"),
    "ALERT CERTIFICATE UNKNOWN": _NOT_OURS.format("it is not what the API expects"),
    "ALERT HANDSHAKE FAILURE": (
        "the API refuses the connection: it may require a certificate of the client (client.tls), "
        "or support only an old TLS version. Check {address}."
    ),
    "EOF OCCURRED": (
        "the server has ended the connection before it was encrypted: it may require a certificate "
        "of the client (client.tls), or be busy. Check {address}."
    ),
}
"""Messages by how the server ends a TLS handshake."""
NOT_FOR = re.compile(
    r"certificate is not valid for '([\w.:*-]{1,253})'|hostname '([\w.:*-]{1,253})' doesn't match"
)
PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""OpenSSL's names for a response that is not TLS."""
PROXIES = "HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
UNKNOWN_HOST = ("NameResolutionError", "getaddrinfo", "Name or service", "nodename nor servname")
BROKEN: Mapping[str, str] = {
    "Temporary failure in name resolution": (
        "the host name cannot be looked up at the moment. Check this machine's network."
    ),
    **dict.fromkeys(UNKNOWN_HOST, "the host's name is not known. Check {address} and the network."),
    "refused": "the connection is refused: nothing listens there. Check {address} and its port.",
    "unreachable": "the host cannot be reached. Check {address} and the network.",
    "No route to host": "the host cannot be reached. Check {address} and the network.",
    "RemoteDisconnected": "the server closed the connection without a response.",
    "ConnectionResetError": "the server closed the connection.",
    "BadStatusLine": "the server does not speak HTTP. Check {address} and its port.",
    "UnknownProtocol": "the server does not speak HTTP. Check {address} and its port.",
}
"""Messages by a part of the innermost error's text."""


def connection_error_message(error: requests.RequestException, address: str) -> str | None:
    """Return cause and remedy, None for an unknown kind of error.

    `address` names the setting that holds the URL, such as base_url.
    """
    cause = _cause(error, str(error))
    return None if cause is None else cause.format(address=address)


def _cause(error: requests.RequestException, text: str) -> str | None:
    if isinstance(error, requests.exceptions.SSLError):
        return _certificate(text)
    if isinstance(error, requests.exceptions.ProxyError):
        return _proxy(text)
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return f"the proxy's URL is not valid. Check {PROXIES}."
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in text:
        return "no response within the timeout. Raise client.timeout, or request less."
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "too many redirects. Check {address} and the path."
    if isinstance(error, requests.exceptions.InvalidHeader):
        return "the response has conflicting Content-Length values or an invalid header."
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the response was cut off before its end."
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "the response is not compressed as its header says."
    if isinstance(error, requests.exceptions.ConnectionError):
        known = next((meaning for word, meaning in BROKEN.items() if word in text), None)
        return known or f"the connection failed: {type(error).__name__}"
    return None


def _certificate(text: str) -> str:
    refused = next((meaning for word, meaning in REFUSED.items() if word in text.upper()), None)
    if refused is not None:
        return refused
    known = next((meaning for word, meaning in CERTIFICATES.items() if word in text), None)
    if known is not None:
        return known
    other = NOT_FOR.search(text)
    if other is not None or "mismatch" in text:
        host = f", not for {other[1] or other[2]}" if other is not None else ""
        return f"the server's certificate is for another host{host}. Check {{address}}."
    if any(word in text for word in PLAIN):
        return (
            "the server does not speak TLS, which https needs. Check {address}: its port, or http "
            "instead of https."
        )
    if "CERTIFICATE" in text.upper():
        return f"the server's certificate is not accepted. {TRUST}; otherwise check {{address}}."
    return (
        "no encrypted connection can be negotiated: the server may support only an old TLS "
        "version. Check {address}."
    )


def _proxy(text: str) -> str:
    if "Tunnel connection failed: 407" in text:
        return (
            "the proxy requires a user and a password: write them into its URL, "
            f"http://USER:PASSWORD@HOST:PORT. Check {PROXIES}."
        )
    if any(word in text for word in UNKNOWN_HOST):
        return f"the proxy's host name is not known. Check {PROXIES}."
    if "Tunnel connection failed" in text:
        return f"the proxy does not allow connections to that host. Check {PROXIES}."
    return f"the proxy does not respond. Check {PROXIES}."


NO_NUMBER = re.compile(r"it holds (NaN|Infinity), which JSON does not have")
NAN_AS_NULL = (
    "The body holds WORD, which JSON does not have. To read it as null, write `response_format: "
    "{type: json, nan_as_null: true}`."
)
SUPPORTED_ENCODINGS = ("gzip", "deflate", "identity", "x-gzip")
"""Values of Content-Encoding whose bodies are decompressed."""


class PaginatorFailure(Exception):
    """A paginator cannot read a response; `cause` is the error that it raised."""

    def __init__(
        self, paginator: object, response: requests.Response | None, cause: Exception
    ) -> None:
        super().__init__(str(cause))
        self.paginator = paginator
        self.response = response
        self.cause = cause


def translate_error(error: Exception, resource: str, redactor: Redactor) -> FrameworkError | None:
    """Return the error as a FrameworkError, None for an unknown one: a bug."""
    if isinstance(error, ExpressionError):
        return RecordError(f"{resource}: {error}")
    if isinstance(error, TokenError):
        return RequestError(f"{resource}: {error}", status=error.status)
    if isinstance(error, FrameworkError):
        return error
    if isinstance(error, UnreadableBody):
        text, status = _unreadable_body(error, resource, redactor), error.response.status_code
        return RequestError(text, status=status, code="format-differs")
    if isinstance(error, InvalidJson):
        text, status = _invalid_json(error, resource, redactor), error.response.status_code
        return RequestError(text, status=status, code="format-differs")
    if isinstance(error, requests.RequestException):
        return RequestError(_transport_error(error, resource, redactor))
    if isinstance(error, PaginatorFailure):
        return RequestError(
            f"{resource}: {_pagination_failure(error, redactor)}", code="next-unreadable"
        )
    return None


def _transport_error(error: requests.RequestException, resource: str, redactor: Redactor) -> str:
    request = error.request
    url = redact_url(getattr(request, "url", None), redactor)
    place = f"{resource}: {getattr(request, 'method', None) or 'request to'} {url}"
    cause = connection_error_message(error, "base_url")
    if cause is None:
        cause = f"{type(error).__name__}: {redactor.redact(str(error))[:200]}"
    return f"{place}: {cause}"


def _invalid_json(error: InvalidJson, resource: str, redactor: Redactor) -> str:
    response = error.response
    kind = response.headers.get("Content-Type", "no Content-Type").split(";")[0]
    size = len(response.content)
    what = f"{kind}, {size:,} bytes" if size else "an empty body"
    encoding = response.headers.get("Content-Encoding")
    if size and encoding and encoding.lower() not in SUPPORTED_ENCODINGS:
        what += f", compressed with {encoding[:40]}, which is not supported"
    return (
        f"{resource}: {_request_line(response, redactor)} with a body that is not valid JSON "
        f"({what})\n{_hint(error, kind, size)}"
    )


def _unreadable_body(error: UnreadableBody, resource: str, redactor: Redactor) -> str:
    response = error.response
    kind = response.headers.get("Content-Type", "no Content-Type").split(";")[0]
    return (
        f"{resource}: {_request_line(response, redactor)} ({kind}, {len(response.content):,} "
        f"bytes): the body {error.reason}"
    )


def _request_line(response: requests.Response, redactor: Redactor) -> str:
    request = response.request
    return f"{request.method} {redact_url(request.url, redactor)} returned {response.status_code}"


def _hint(error: InvalidJson, kind: str, size: int) -> str:
    """Say what a body that is not JSON often means."""
    status = error.response.status_code
    if status == 202:
        return (
            "The API has accepted the request and has no result yet: repeat it, by "
            "response_actions: {status_code: 202, action: retry}."
        )
    if status == 304:
        return (
            "Nothing has changed since the version that a header of the request names. Remove that "
            "header, or keep the rows by response_actions: {status_code: 304, action: "
            "skip_resource}."
        )
    if not size and status < 300:
        return (
            "If that means that there are no records, say so in response_actions: "
            f"{{status_code: {status}, action: ignore}}."
        )
    if 300 <= status < 400:
        return "It is a redirect without a target. Check base_url and the path."
    sniffed = sniff_format(error.response.content)
    if sniffed is not None and sniffed.reads not in (None, "json"):
        return (
            f"It looks like {sniffed.name}: write `response_format: {sniffed.reads}` in the "
            "endpoint."
        )
    if "html" in kind or (sniffed is not None and "HTML" in sniffed.name):
        return "Check base_url and the path: an HTML page often means a login page or a wrong URL."
    no_number = NO_NUMBER.search(error.reason or "")
    if no_number is not None:
        return NAN_AS_NULL.replace("WORD", no_number[1])
    if "json" in kind and error.reason:
        return f"The body is truncated or damaged: {error.reason}."
    return (
        "Check base_url and the path; a body that is not JSON needs a `response_format` (csv, "
        "jsonl, xml or text)."
    )


def _pagination_failure(failure: PaginatorFailure, redactor: Redactor) -> str:
    """Say what the paginator does not find; dlt's own message repeats the whole body."""
    paginator, response, text = failure.paginator, failure.response, str(failure.cause)
    for option in ("total_path", "has_more_path"):
        path = getattr(paginator, option, None)
        if path is None or (f"`{path}`" not in text and f"'{path}'" not in text):
            continue
        if response is not None and "not found" in text:
            what = f"finds nothing in the response; {unlike(response, redactor)}"
        else:
            kind = "a whole number" if option == "total_path" else "true or false"
            what = f"finds a value that is not {kind}"
        remedy = f"Write the path that the API uses: `{option}: PATH`"
        if option == "total_path":
            remedy += ", or `total_path: null` if the API sends no total"
        return f"the paginator's {option} `{path}` {what}\n{remedy}."
    if not isinstance(failure.cause, ValueError):
        text = "the next page's URL is not text"
    return (
        f"the paginator cannot read the response: {text}\n"
        "Correct the paginator's paths; write `total_path: null` if the API sends no total."
    )
