"""One HTTP exchange of a recorded run, and its URL in parts."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

Headers = tuple[tuple[str, str], ...]
Pairs = tuple[tuple[str, str], ...]

_SAFE_IN_SEGMENT = "!$&'()*+,;=:@-._~"


@dataclass(frozen=True)
class Interaction:
    """One request and its response. Bodies carry no content encoding; header names may repeat."""

    method: str
    url: str
    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    request_headers: Headers = ()
    request_body: bytes | None = None

    @property
    def content_type(self) -> str:
        """The response's content type, empty if it has none."""
        return header_value(self.headers, "content-type")

    @property
    def is_form(self) -> bool:
        """Whether the request body is a URL-encoded form."""
        return "x-www-form-urlencoded" in header_value(self.request_headers, "content-type").lower()


def header_value(headers: Headers, name: str) -> str:
    """Return the first value of a header (lower-case name), empty if there is none."""
    return next((value for key, value in headers if key.lower() == name), "")


@dataclass(frozen=True)
class Address:
    """The decoded parts of a URL. `host` includes a port that is not the scheme's default.

    A relative URL has an empty scheme and host.
    """

    scheme: str
    host: str
    segments: tuple[str, ...]
    query: Pairs = ()
    fragment: str = ""
    user: str = ""

    @classmethod
    def of(cls, url: str) -> Address:
        """Parse an absolute or relative URL. Raise ValueError if it is not valid."""
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        scheme, host = parts.scheme.lower(), host.lower()
        default_port = {"http": ":80", "https": ":443"}.get(scheme, "")
        return cls(
            scheme,
            host.removesuffix(default_port) if default_port else host,
            tuple(unquote(segment) for segment in parts.path.split("/")),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            unquote(parts.fragment),
            unquote(user),
        )

    @property
    def origin(self) -> str:
        """Scheme and host, empty for a relative URL."""
        return f"{self.scheme}://{self.host}" if self.host else ""

    @property
    def path(self) -> str:
        """The percent-encoded path."""
        return "/".join(quote(segment, safe=_SAFE_IN_SEGMENT) for segment in self.segments)

    def __str__(self) -> str:
        user = quote(self.user, safe=":") + "@" if self.user else ""
        origin = f"{self.scheme}://{user}{self.host}" if self.host or self.scheme else ""
        query = "?" + urlencode(self.query) if self.query else ""
        fragment = "#" + quote(self.fragment, safe=_SAFE_IN_SEGMENT + "/?") if self.fragment else ""
        return f"{origin}{self.path}{query}{fragment}"


TOKEN_REQUEST_FIELDS = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_id",
        "client_secret",
        "code",
        "password",
        "refresh_token",
        "username",
    }
)
"""Form fields of a token request that differ in every run and do not affect a replay."""


def is_token_form(pairs: Pairs) -> bool:
    """Return whether a form is an OAuth token request."""
    return any(name == "grant_type" for name, _ in pairs)
