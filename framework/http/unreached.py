"""Why no answer came, in words that say what to do: names, connections, certificates, proxies.

Takes an error of requests; nothing of it is quoted but host names, as urllib3 and OpenSSL nest
their errors in texts that only they can read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import requests

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


def unreached(error: requests.RequestException, address: str) -> str | None:
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
