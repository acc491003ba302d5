"""What goes wrong on the wire or with an answer, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping

import requests

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.errors import FrameworkError, RecordError, RequestError, TokenError
from framework.http.content_sniffer import sniff_format
from framework.http.response_actions import unlike
from framework.http.transport import InvalidJson, UnreadableBody
from framework.runtime.redaction import Redactor, redact_url

TRUST = (
    "A company's own authority, as a proxy that looks into the traffic has one, goes into "
    "REQUESTS_CA_BUNDLE"
)
CERTIFICATES: Mapping[str, str] = {
    "certificate has expired": (
        "the server's certificate has expired. Check this machine's clock; else only whoever runs "
        "the API can renew it."
    ),
    "not yet valid": (
        "the server's certificate is not valid yet. Check this machine's clock; else only whoever "
        "runs the API can mend it."
    ),
    "self-signed certificate in certificate chain": (
        "the server's certificate is signed by an authority that this machine does not know. "
        f"{TRUST}; else check {{address}}."
    ),
    "self-signed certificate": (
        "the server's certificate is signed by itself and by nobody else (self-signed). Check "
        "{address}; where it is your own server, name its certificate in REQUESTS_CA_BUNDLE."
    ),
    "unable to get local issuer": (
        "the server's certificate is signed by an authority that this machine does not know. "
        f"{TRUST}; else check {{address}}."
    ),
    "revoked": "the server's certificate is revoked. Only whoever runs the API can mend it.",
}
"""What is wrong with a certificate, by what OpenSSL calls it; the first that is found counts."""
NOT_FOR = re.compile(
    r"certificate is not valid for '([\w.:*-]{1,253})'|hostname '([\w.:*-]{1,253})' doesn't match"
)
PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""What OpenSSL says of a server that does not answer in TLS."""
PROXIES = "HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
UNKNOWN_HOST = ("NameResolutionError", "getaddrinfo", "Name or service", "nodename nor servname")
BROKEN: Mapping[str, str] = {
    "Temporary failure in name resolution": (
        "no host's name can be looked up at the moment. Check the network of this machine."
    ),
    **dict.fromkeys(UNKNOWN_HOST, "the host's name is not known. Check {address} and the network."),
    "refused": "the connection is refused: nothing listens there. Check {address} and its port.",
    "unreachable": "the host cannot be reached. Check {address} and the network.",
    "No route to host": "the host cannot be reached. Check {address} and the network.",
    "RemoteDisconnected": "the server closed the connection without an answer.",
    "ConnectionResetError": "the server broke the connection off.",
    "BadStatusLine": "what answers there does not speak HTTP. Check {address} and its port.",
    "UnknownProtocol": "what answers there does not speak HTTP. Check {address} and its port.",
}
"""What broke a connection, by what the innermost error says."""


def connection_error_message(error: requests.RequestException, address: str) -> str | None:
    """Cause and remedy; `address` names what holds the URL (base_url, say). None where the kind of
    error is not known."""
    cause = _cause(error, str(error))
    return None if cause is None else cause.format(address=address)


def _cause(error: requests.RequestException, text: str) -> str | None:
    if isinstance(error, requests.exceptions.SSLError):
        return _certificate(text)
    if isinstance(error, requests.exceptions.ProxyError):
        return _proxy(text)
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return f"the proxy's address cannot be read. Check {PROXIES}."
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in text:
        return "no answer within the timeout. Raise client.timeout, or ask for less."
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "redirected too often. Check {address} and the path."
    if isinstance(error, requests.exceptions.InvalidHeader):
        return "the answer has several lengths, or a header that is none."
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off before its end."
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "the answer is not compressed as its header says."
    if isinstance(error, requests.exceptions.ConnectionError):
        known = next((meaning for word, meaning in BROKEN.items() if word in text), None)
        return known or f"the connection broke: {type(error).__name__}"
    return None


def _certificate(text: str) -> str:
    known = next((meaning for word, meaning in CERTIFICATES.items() if word in text), None)
    if known is not None:
        return known
    other = NOT_FOR.search(text)
    if other is not None or "mismatch" in text:
        host = f", not for {other[1] or other[2]}" if other is not None else ""
        return f"the server's certificate is for another host{host}. Check {{address}}."
    if any(word in text for word in PLAIN):
        return (
            "what answers there does not speak TLS, as https does. Check {address}: its port, or "
            "http instead of https."
        )
    if "CERTIFICATE" in text.upper():
        return f"the server's certificate is not accepted. {TRUST}; else check {{address}}."
    return (
        "no encrypted connection could be agreed on: the server may know only an old TLS. Check "
        "{address}."
    )


def _proxy(text: str) -> str:
    if "407" in text:
        return (
            "the proxy wants a user and a password: they stand in its address, "
            f"http://USER:PASSWORD@HOST:PORT. Check {PROXIES}."
        )
    if any(word in text for word in UNKNOWN_HOST):
        return f"the proxy's name is not known. Check {PROXIES}."
    if "Tunnel connection failed" in text:
        return f"the proxy lets nothing through to that host. Check {PROXIES}."
    return f"the proxy does not answer. Check {PROXIES}."


UNPACKED = ("gzip", "deflate", "identity", "x-gzip")
"""What is said of a body that we can unpack."""


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
    """The error as one of ours, or None where it is none that we know: a bug."""
    if isinstance(error, ExpressionError):
        return RecordError(f"{resource}: {error}")
    if isinstance(error, TokenError):
        return RequestError(f"{resource}: {error}", status=error.status)
    if isinstance(error, FrameworkError):
        return error
    if isinstance(error, UnreadableBody):
        text, status = _not_read(error, resource, redactor), error.response.status_code
        return RequestError(text, status=status, code="format-differs")
    if isinstance(error, InvalidJson):
        text, status = _not_json(error, resource, redactor), error.response.status_code
        return RequestError(text, status=status, code="format-differs")
    if isinstance(error, requests.RequestException):
        return RequestError(_wire(error, resource, redactor))
    if isinstance(error, PaginatorFailure):
        return RequestError(f"{resource}: {_unpaged(error, redactor)}", code="next-unreadable")
    return None


def _wire(error: requests.RequestException, resource: str, redactor: Redactor) -> str:
    request = error.request
    url = redact_url(getattr(request, "url", None), redactor)
    place = f"{resource}: {getattr(request, 'method', None) or 'request to'} {url}"
    cause = connection_error_message(error, "base_url")
    if cause is None:
        cause = f"{type(error).__name__}: {redactor.redact(str(error))[:200]}"
    return f"{place}: {cause}"


def _not_json(error: InvalidJson, resource: str, redactor: Redactor) -> str:
    response = error.response
    kind = response.headers.get("Content-Type", "no Content-Type").split(";")[0]
    size = len(response.content)
    what = f"{kind}, {size:,} bytes" if size else "an empty body"
    packed = response.headers.get("Content-Encoding")
    if size and packed and packed.lower() not in UNPACKED:
        what += f", packed as {packed[:40]}, which is not read"
    return (
        f"{resource}: {response.request.method} "
        f"{redact_url(response.request.url, redactor)} answered "
        f"{response.status_code} with a body that is no JSON ({what})\n{_hint(error, kind, size)}"
    )


def _not_read(error: UnreadableBody, resource: str, redactor: Redactor) -> str:
    response = error.response
    kind = response.headers.get("Content-Type", "no Content-Type").split(";")[0]
    return (
        f"{resource}: {response.request.method} "
        f"{redact_url(response.request.url, redactor)} answered "
        f"{response.status_code} ({kind}, {len(response.content):,} bytes): the body {error.reason}"
    )


def _hint(error: InvalidJson, kind: str, size: int) -> str:
    """What a body that is no JSON often means."""
    status = error.response.status_code
    if not size and status < 300:
        return (
            "Where that means that there is nothing, say so in response_actions: "
            f"{{status_code: {status}, action: ignore}}."
        )
    if 300 <= status < 400:
        return "It is a redirect that leads nowhere. Check base_url and the path."
    look = sniff_format(error.response.content)
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


def _unpaged(failure: PaginatorFailure, redactor: Redactor) -> str:
    """Say what the paginator does not find; dlt's own message repeats the whole body."""
    paginator, response, text = failure.paginator, failure.response, str(failure.cause)
    for option in ("total_path", "has_more_path"):
        path = getattr(paginator, option, None)
        if path is None or (f"`{path}`" not in text and f"'{path}'" not in text):
            continue
        if response is not None and "not found" in text:
            what = f"finds nothing in the answer; {unlike(response, redactor)}"
        else:
            kind = "whole number" if option == "total_path" else "true or false"
            what = f"finds what is no {kind}"
        remedy = f"Write the path of the answer's own: `{option}: PATH`"
        if option == "total_path":
            remedy += ", or `total_path: null` where the API tells no total"
        return f"the paginator's {option} `{path}` {what}\n{remedy}."
    if not isinstance(failure.cause, ValueError):
        text = "the next page's URL is no text"
    return (
        f"the paginator cannot read the answer: {text}\n"
        "Correct the paginator's paths; `total_path: null` where the API tells no total."
    )
