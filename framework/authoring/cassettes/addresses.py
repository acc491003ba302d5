"""A URL taken apart and put together in one spelling, so that equal requests are equal text."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_SEGMENT = "!$&'()*+,;=:@-._~"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """A URL's parts, decoded. `host` has the port if one was written; both empty if relative."""

    scheme: str
    host: str
    segments: tuple[str, ...]
    query: Pairs = ()
    fragment: str = ""
    user: str = ""

    @classmethod
    def of(cls, url: str) -> Address:
        """Read a URL, whole or relative; ValueError where it is none."""
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        scheme, host = parts.scheme.lower(), host.lower()
        default = {"http": ":80", "https": ":443"}.get(scheme, "")
        return cls(
            scheme,
            host.removesuffix(default) if default else host,
            tuple(unquote(segment) for segment in parts.path.split("/")),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            unquote(parts.fragment),
            unquote(user),
        )

    @property
    def origin(self) -> str:
        """Scheme and host, empty for a relative one."""
        return f"{self.scheme}://{self.host}" if self.host else ""

    @property
    def path(self) -> str:
        """The path, encoded."""
        return "/".join(quote(segment, safe=_SEGMENT) for segment in self.segments)

    def __str__(self) -> str:
        user = quote(self.user, safe=":") + "@" if self.user else ""
        origin = f"{self.scheme}://{user}{self.host}" if self.host or self.scheme else ""
        query = "?" + urlencode(self.query) if self.query else ""
        fragment = "#" + quote(self.fragment, safe=_SEGMENT + "/?") if self.fragment else ""
        return f"{origin}{self.path}{query}{fragment}"


def rebase(url: str, bases: dict[str, str]) -> str:
    """The URL with a known base at its start exchanged, the longest one first."""
    for old in sorted(bases, key=len, reverse=True):
        prefix = old.rstrip("/")
        if url.startswith(prefix) and url[len(prefix) : len(prefix) + 1] in ("", "/", "?", "#"):
            return bases[old].rstrip("/") + url[len(prefix) :]
    return url
