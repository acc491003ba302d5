"""Where credentials may go: the base URL's origin and the hosts that the file allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from framework.errors import SettingsError

PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=200)  # each request asks several times
def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL, lower case, the default port filled in.

    Read as the connection reads it: another parser may see another host in an odd URL. All is
    empty in a URL that cannot be read.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        return "", "", None
    scheme = (parts.scheme or "").lower()
    host = (parts.host or "").lower().strip("[]")
    return scheme, host, parts.port or PORTS.get(scheme)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own loopback, by name or by address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_inside(host: str) -> bool:
    """Whether a host is this machine or an address of a private network, as it is written."""
    if is_loopback(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not address.is_global


def refuse_plain_http(url: str, what: str = "the base URL") -> None:
    """SettingsError where credentials would travel unencrypted: `validate` says it of an address
    that stands in the file, this of one that a config entry gives."""
    scheme, host, _ = origin(url)
    if scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"{what} goes to http://{host}: over plain http everyone on the way can read "
            "the credentials and the data. Give one that begins with https://."
        )


@dataclass(frozen=True)
class AllowedHosts:
    """The base URL's origin, and host names (or host:port) that the file adds to it.

    An added host is trusted over https only, over http where it is loopback.
    """

    base_url: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, base_url: str, hosts: Iterable[str]) -> AllowedHosts:
        """From `client.base_url` and `client.allowed_hosts`."""
        return cls(base_url, frozenset(host.lower() for host in hosts))

    def allows(self, url: str) -> bool:
        """Whether credentials may be sent to this URL."""
        scheme, host, port = there = origin(url)
        if there == origin(self.base_url):
            return True
        if scheme != "https" and not is_loopback(host):
            return False
        if f"{host}:{port}" in self.hosts:
            return True
        return host in self.hosts and (port == PORTS.get(scheme) or is_loopback(host))

    def refusal(self, url: str) -> str | None:
        """Why a URL that the API gave (a next page, a redirect) is not asked at all, or None.

        An API out in the world has no business with addresses of this machine and its network:
        asking them for it would carry what they answer across the border.
        """
        scheme, host, port = origin(url)
        if scheme not in PORTS or not host:
            return "it is no http or https address"
        if self.allows(url) or not is_inside(host) or is_inside(origin(self.base_url)[1]):
            return None
        if host in self.hosts or f"{host}:{port}" in self.hosts:
            return None
        return (
            f"{host} is an address of this machine or its network, and the base URL is not; add "
            "it to client.allowed_hosts if it belongs to the API"
        )
