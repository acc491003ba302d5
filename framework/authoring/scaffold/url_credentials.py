"""Credentials in the URL of a new connector: they become secrets, and the file has none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from framework.errors import UsageError
from framework.runtime.redacted_output import process_redactor
from framework.runtime.redaction import is_credential_name


@dataclass(frozen=True)
class UrlCredentials:
    """A URL or path without its credentials, and what they are.

    `auth` is the type of auth that sends them, None if there are none. `key_param` is the query
    parameter of an api_key.
    """

    url: str
    auth: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    key_param: str | None = None

    @classmethod
    def of(cls, url: str) -> UrlCredentials:
        """Take the credentials out of a URL, and hide them in this process's output."""
        process_redactor().add_url(url)
        try:
            parts = urlsplit(url)
        except ValueError:
            return cls(url)
        login, _, host = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        named = {name: value for name, value in parse_qsl(parts.query) if _is_literal(name, value)}
        kept = "&".join(
            pair
            for pair in parts.query.split("&")
            if unquote(pair.partition("=")[0].replace("+", " ")) not in named
        )
        clean = urlunsplit(parts._replace(netloc=host, query=kept))
        if (login and named) or len(named) > 1:
            raise UsageError(
                "found several credentials in the URL; give the URL without them, and write the "
                "auth into the file afterwards"
            )
        for secret in (*named.values(), unquote(user), unquote(password)):
            process_redactor().add_foreign(secret)
        if login:
            secrets = {"username": unquote(user), "password": unquote(password)}
            return cls(clean, "http_basic", secrets)
        for name, value in named.items():
            return cls(clean, "api_key", {"api_key": value}, name)
        return cls(url)


def merge_credentials(addresses: Sequence[UrlCredentials]) -> UrlCredentials:
    """Return the credentials of several URLs of one API. Raise UsageError if they differ."""
    found = [one for one in addresses if one.auth is not None]
    if len({(one.auth, one.key_param, *one.secrets.values()) for one in found}) > 1:
        raise UsageError("found different credentials in the URLs; give the URLs without them")
    return found[0] if found else UrlCredentials("")


def last_segment(address: UrlCredentials) -> tuple[UrlCredentials, tuple[str, ...]]:
    """Return the base URL and the path of a list's whole URL, if it has a path."""
    scheme, _, rest = address.url.partition("://")
    path, mark, query = rest.partition("?")
    above, slash, last = path.rpartition("/")
    if not slash or not last:
        return address, ()
    return replace(address, url=f"{scheme}://{above}"), (f"/{last}{mark}{query}",)


def _is_literal(name: str, value: str) -> bool:
    return is_credential_name(name) and bool(value) and "{secrets." not in value
