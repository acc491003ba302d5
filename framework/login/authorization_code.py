"""Consent in a browser on this machine: authorization code with PKCE (RFC 6749, 7636, 8252).

The answer comes to a server on loopback. Its first page leads to the API's, so that no address
with a client id has to be shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import queue
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from framework.errors import TokenError, UsageError
from framework.login.consent import Consent

DONE = "You can close this window and go back to the terminal."
REFUSED = "Access was not allowed. Go back to the terminal."
UNKNOWN = "This is not the answer to the login that is waiting."


class CallbackServer(ThreadingHTTPServer):
    """Serves the first page, and receives the answer once. Loopback only."""

    daemon_threads = True

    def __init__(self, consent: Consent, port: int) -> None:
        written = urlsplit(consent.request.redirect_uri or "http://127.0.0.1/callback")
        super().__init__(("127.0.0.1", written.port or port), _Callback)
        self.state = secrets.token_urlsafe(24)
        self.verifier = secrets.token_urlsafe(48)
        self.path = written.path or "/"
        self.redirect_uri = consent.request.redirect_uri or f"{self.address}{self.path}"
        self._consent = consent
        self.answers: queue.Queue[dict[str, str]] = queue.Queue()

    @property
    def address(self) -> str:
        """The address of the first page, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def authorization_url(self) -> str:
        """The API's page, with all that the request for access has."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        params = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **self._consent.params,
        }
        url = str(self._consent.request.authorization_url)
        return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"


class _Callback(BaseHTTPRequestHandler):
    server: CallbackServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == self.server.path and ("code" in query or "error" in query):
            is_ours = hmac.compare_digest(query.get("state", ""), self.server.state)
            if not is_ours:
                self._page(400, UNKNOWN)
                return
            self._page(200, REFUSED if "error" in query else DONE)
            self.server.answers.put(query)
        elif parts.path == "/":
            self.send_response(302)
            self.send_header("Location", self.server.authorization_url)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._page(404, UNKNOWN)

    def _page(self, status: int, text: str) -> None:
        body = f"<!doctype html><title>Login</title><p>{text}</p>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing: the address of an answer has its code."""


@contextmanager
def callback_server(consent: Consent, port: int = 0) -> Iterator[CallbackServer]:
    """Serve while the block runs; raise UsageError if the port cannot be used."""
    try:
        server = CallbackServer(consent, port)
    except OSError as error:
        raise UsageError(
            f"the port of the login cannot be used: {error.strerror}; choose another --port, or "
            "end what uses it"
        ) from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refresh_token(consent: Consent, server: CallbackServer, seconds: float) -> str:
    """Wait for the answer and return the refresh token.

    Raise TokenError if access was not allowed, or if no answer came.
    """
    try:
        answer = server.answers.get(timeout=seconds)
    except queue.Empty:
        raise TokenError(
            f"no answer came within {seconds / 60:g} minutes; run the login again"
        ) from None
    for secret in (server.verifier, answer.get("code", "")):
        consent.context.redactor.add(secret)
    if "error" in answer:
        said = answer.get("error_description") or answer["error"]
        raise TokenError(f"access was not allowed: {said[:200]}")
    return consent.exchange(
        {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": server.redirect_uri,
            "code_verifier": server.verifier,
        }
    )
