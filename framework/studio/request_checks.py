"""Who may send a request to the studio: this page, with the token of this process, from this host.

A page of another origin can send requests to 127.0.0.1, and with a name that resolves to it even
read the responses. So the Host and the Origin of each request are compared with the address that
the studio listens on, and the token is asked for wherever something of the project is told.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 20_000_000
"""The largest body of a request."""
API = "/api/"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class StudioAddress:
    """Where the studio listens, and the token that its page has."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def url(self) -> str:
        """The address of the page, with the token."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    @property
    def hosts(self) -> frozenset[str]:
        """What the Host of a request may be."""
        return frozenset(f"{host}:{self.port}" for host in ("127.0.0.1", "localhost", "[::1]"))

    def refusal(self, path: str, headers: Mapping[str, list[str]]) -> tuple[int, str, str] | None:
        """Return status, message and remedy for a request that is refused, None for others."""
        host = headers.get("host", [])
        if len(host) != 1 or host[0].lower() not in self.hosts:
            return 403, "the Host of this request is not the studio's", _OPEN
        origins = headers.get("origin", [])
        if any(one.lower().removeprefix("http://") not in self.hosts for one in origins):
            return 403, "another page's requests are refused", _OPEN
        if not path.startswith(API):
            return None
        sent = headers.get("authorization", [])
        scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
        is_ours = hmac.compare_digest(token.strip().encode(), self.token.encode())
        if scheme.lower() != "bearer" or not is_ours:
            return 401, "this request does not have the token of the running studio", _OPEN
        return None


_OPEN = "open the address that `framework studio` has printed"


class RequestChecks:
    """Refuses requests that are not the page's, and sets the headers of all responses."""

    def __init__(self, app: ASGIApp, address: StudioAddress) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

        async def send_checked(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {**_HEADERS, "Content-Security-Policy": _POLICY.format(nonce=nonce)}
                names = {name.lower().encode() for name in own}
                kept = [one for one in message["headers"] if one[0].lower() not in names]
                added = [(name.encode(), value.encode()) for name, value in own.items()]
                message["headers"] = [*kept, *added]
            await send(message)

        refused = self._address.refusal(scope["path"], headers)
        if refused is None and _size(headers) > MOST_BYTES:
            refused = _too_large()
        if refused is not None:
            from framework.studio.json_answers import error_response

            await error_response(*refused)(scope, receive, send_checked)
            return
        try:
            await self._app(scope, receive, send_checked)
        except Exception as error:  # the server would print a traceback
            from framework.studio.json_answers import error_data, error_response

            status, told = error_data(error)
            await error_response(status, **told)(scope, receive, send_checked)


def _size(headers: Mapping[str, list[str]]) -> int:
    text = next(iter(headers.get("content-length", [])), "0")
    return int(text) if text.isdecimal() and len(text) < 20 else MOST_BYTES + 1


def _too_large() -> tuple[int, str, str]:
    return 413, f"the request is larger than {MOST_BYTES // 1_000_000} MB", "send less of it"


async def read_body(stream: Any) -> bytes:
    """Return a request's body. Raise ValueError if it is too large, whatever its header said."""
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError(_too_large()[1])
        parts.append(part)
    return b"".join(parts)
