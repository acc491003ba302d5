"""The session of every request of a connector, with the rule of who gets credentials.

Credentials go to the base URL's origin and to `client.allowed_hosts`: not to a next-page link or a
redirect elsewhere, and not from https to http. Elsewhere a request goes out without them, and the
run says so; one that would carry a secret in its URL or body is not sent at all.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.common import logger
from requests.adapters import BaseAdapter
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from framework.errors import RequestError, SettingsError
from framework.events import EventHandler, WarningRaised
from framework.http.request_context import RequestContext, context_of, sending_for
from framework.http.urllib3_internals import ResponseLimitExceeded
from framework.runtime.redaction import Redactor, redact_url

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


_UNSENDABLE = re.compile(r"[\r\n\x00]|[^\x00-\xff]")
CREDENTIALS = ("Authorization", "Proxy-Authorization", "Cookie")


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth that adds nothing: without one, requests would send what ~/.netrc has."""
    return request


class Session(requests.Session):
    """A requests session with a timeout, bounded redirects and guarded credentials."""

    raise_for_status = False  # dlt's client looks for it

    def __init__(
        self,
        adapter: BaseAdapter,
        hosts: AllowedHosts,
        redactor: Redactor,
        timeout: float,
        on_event: EventHandler,
        user_agent: str,
    ) -> None:
        super().__init__()
        self.auth = _no_netrc
        self.params = None  # type: ignore[assignment]  # so that there is nothing to merge
        self.max_redirects = 10
        self.headers["User-Agent"] = user_agent
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self._hosts = hosts
        self._redactor = redactor
        self._timeout = timeout
        self._on_event = on_event
        self._told: set[tuple[str, str]] = set()
        self._environment: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def __deepcopy__(self, _: dict[int, Any]) -> Session:
        return self

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """The request ready to be sent, without credentials where they may not go."""
        self._refuse_address(request.url, context_of(request.hooks))
        if self._hosts.allows(request.url):
            return super().prepare_request(request)
        bare = requests.Request(
            request.method,
            request.url,
            headers=self._harmless(request.headers or {}),
            params=request.params,
            json=request.json,
            data=request.data,
            hooks=request.hooks,
        )
        prepared = super().prepare_request(bare)
        prepared.headers.pop("Cookie", None)
        self._refuse_secrets(prepared)
        self._warn_withheld(prepared, context_of(request.hooks))
        return prepared

    def fetch(self, request: requests.Request) -> requests.Response:
        """Send a request with the environment's proxies and certificates; return its response."""
        prepared = self.prepare_request(request)
        if logger.isEnabledFor(logging.INFO):
            url = redact_url(prepared.url, self._redactor)
            logger.info(f"Making {prepared.method} request to {url}")
        settings = self.merge_environment_settings(prepared.url, {}, None, None, None)
        return self.send(prepared, **settings)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """What a redirect's next hop carries: nothing of ours where it may not go."""
        context = context_of(response.request.hooks)
        self._refuse_address(prepared_request.url, context)
        if self._hosts.allows(prepared_request.url or ""):
            return
        kept = self._harmless(prepared_request.headers)
        for name in set(prepared_request.headers) - set(kept):
            del prepared_request.headers[name]
        self._refuse_secrets(prepared_request)
        self._warn_withheld(prepared_request, context)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """What the environment says of proxies and certificates, asked once for each host: it is
        half a millisecond of looking through all variables."""
        if proxies or stream is not None or verify is not None or cert is not None:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        scheme, _, rest = url.partition("://")
        host = (scheme, rest.partition("/")[0])
        found: Any = self._environment.get(host)
        if found is None:
            found = super().merge_environment_settings(url, {}, None, None, None)
            self._environment[host] = found
        return {**found, "proxies": dict(found["proxies"])}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send, with the connector's timeout where none is given."""
        context = context_of(request.hooks)
        self._refuse_unsendable(request, context)
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        try:
            with sending_for(context):
                return super().send(request, **kwargs)
        except ResponseLimitExceeded as error:
            place = f"{context.prefix}{request.method} {redact_url(request.url, self._redactor)}"
            raise RequestError(f"{place}: response exceeded a limit: {error}") from error

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where a redirect leads; RequestError where its Location cannot be read."""
        try:
            target = super().get_redirect_target(resp)
            urlsplit(target or "")
        except ValueError:  # bytes that are no text, brackets that are no address
            raise self._astray(
                context_of(resp.request.hooks), "", "its Location cannot be read"
            ) from None
        return target

    def _harmless(self, headers: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value
            for name, value in headers.items()
            if name.title() not in CREDENTIALS and not self._redactor.found_in(str(value))
        }

    def _refuse_address(self, url: str | None, context: RequestContext) -> None:
        """RequestError where the API sends us to what it may not."""
        why = self._hosts.refusal(url or "")
        if why is not None:
            raise self._astray(context, url or "", why)

    def _refuse_unsendable(
        self, request: requests.PreparedRequest, context: RequestContext
    ) -> None:
        """RequestError where a header's value is none that HTTP takes: a secret pasted with a line
        break, say."""
        for name, value in request.headers.items():
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if _UNSENDABLE.search(text):
                raise RequestError(
                    f"{context.prefix}{request.method} "
                    f"{redact_url(request.url, self._redactor)} was not sent: "
                    f"the header {name} would hold a line break, or a letter that headers do not "
                    "take. Check the secret or config entry that it is made of."
                )

    def _astray(self, context: RequestContext, url: str, why: str) -> RequestError:
        there = f" to {redact_url(url, self._redactor)}" if url else ""
        return RequestError(f"{context.prefix}refused to follow a link or redirect{there}: {why}")

    def _refuse_secrets(self, request: requests.PreparedRequest) -> None:
        body = request.body
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
        if self._redactor.found_in(request.url or "") or self._redactor.found_in(text):
            raise RequestError(
                f"refused to send a secret to {_host(request)}: it is not the base URL's host; "
                "add it to client.allowed_hosts if it belongs to the API"
            )

    def _warn_withheld(self, request: requests.PreparedRequest, context: RequestContext) -> None:
        if context.any_host:
            return
        key = (context.resource, _host(request))
        with self._lock:
            if key in self._told:
                return
            self._told.add(key)
        self._on_event(
            WarningRaised(
                context.resource,
                "credentials-withheld",
                f"{redact_url(request.url, self._redactor)} was asked without credentials: "
                f"{_host(request)} is not the base URL's host; add it to client.allowed_hosts "
                "if it belongs to the API",
            )
        )


def _host(request: requests.PreparedRequest) -> str:
    scheme, host, port = origin(request.url or "")
    return f"{scheme}://{host}:{port}"
