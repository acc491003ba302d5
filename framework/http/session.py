"""The session of a connector, and the rule of who gets credentials.

Credentials go to the base URL's origin and to `client.allowed_hosts`: not to a next-page link or a
redirect elsewhere, and not from https to http. Other hosts get requests without credentials and
the run warns; a request with a secret in its URL or body is not sent to them at all.
"""

from __future__ import annotations

import logging
import re
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from dlt.common import logger
from requests.adapters import BaseAdapter
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from framework.errors import RequestError, SettingsError
from framework.events import EventHandler, WarningRaised
from framework.http.request_context import CURRENT, RequestContext, context_of
from framework.http.signatures import drop_signature, sign_redirect
from framework.http.urllib3_internals import ResponseLimitExceeded
from framework.runtime.redaction import Redactor, redact_url

PORTS = {"http": 80, "https": 443}
_HTTP_PREFIX = re.compile(r"http://([^/?#]*?)(?::80)?(?=[/?#]|$)", re.IGNORECASE)
_PLAIN_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:-]+(?=/)")
"""The beginning of a URL in which all parsers see the same host, whatever follows."""


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL, in lower case and with the default port.

    Parsed as the connection parses it: another parser may see another host in an odd URL. All are
    empty for a URL that is not valid.
    """
    plain = _PLAIN_ORIGIN.match(url)
    return _parsed_origin(url if plain is None else plain[0])


@lru_cache(maxsize=200)  # each request needs it several times
def _parsed_origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = parse_url(url)
    except LocationParseError:
        return "", "", None
    scheme = (parts.scheme or "").lower()
    host = (parts.host or "").lower().strip("[]")
    return scheme, host, parts.port or PORTS.get(scheme)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's loopback, by name or by address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_inside(host: str) -> bool:
    """Return whether a host is this machine or an address of a private network, as written."""
    if is_loopback(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not address.is_global


def refuse_plain_http(url: str, what: str = "the base URL") -> None:
    """Raise SettingsError if credentials would travel unencrypted.

    `validate` reports this for a URL in the connector file, this function for one from config.
    """
    scheme, host, _ = origin(url)
    if scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"{what} goes to http://{host}: over plain http everyone on the way can read "
            "the credentials and the data. Use one that begins with https://."
        )


@dataclass(frozen=True)
class AllowedHosts:
    """The base URL's origin, and the hosts (or host:port) that the connector file adds.

    An added host is trusted over https only, or over http if it is loopback.
    """

    base_url: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, base_url: str, hosts: Iterable[str]) -> AllowedHosts:
        """Return those of `client.base_url` and `client.allowed_hosts`."""
        return cls(base_url, frozenset(host.lower() for host in hosts))

    @cached_property
    def _own(self) -> tuple[str, str, int | None]:
        return origin(self.base_url)

    def allows(self, url: str) -> bool:
        """Return whether credentials may be sent to this URL."""
        scheme, host, port = origin(url)
        if scheme not in PORTS or not host:
            return False
        if (scheme, host, port) == self._own:
            return True
        if scheme != "https" and not is_loopback(host):
            return False
        if f"{host}:{port}" in self.hosts:
            return True
        return host in self.hosts and (port == PORTS.get(scheme) or is_loopback(host))

    def over_https(self, url: str) -> str:
        """Return a URL of the base URL's host with https if the base URL has https.

        APIs behind a load balancer write their own links with http, which credentials must not
        use; what the base URL serves over https is never requested in plain http.
        """
        if url[:7].lower() != "http://" or self._own[0] != "https":
            return url
        secure = _HTTP_PREFIX.sub(r"https://\1", url, count=1)
        return secure if origin(secure) == self._own else url

    def remedy(self, url: str) -> str:
        """Return why a URL gets no credentials, and what to do if it belongs to the API."""
        scheme, host, port = origin(url)
        if scheme == "http" and not is_loopback(host):
            return (
                "its scheme is http, and credentials are sent over https only. If the API serves "
                "it over https, correct the link: `next_url: \"replace(response.next, 'http://', "
                "'https://')\"`, for example"
            )
        address = host if port == PORTS.get(scheme) else f"{host}:{port}"
        if host == self._own[1]:
            reason = f"{scheme}://{host}:{port} is another port or scheme than the base URL's"
        else:
            reason = f"{scheme}://{host}:{port} is not the base URL's host"
        return f"{reason}; add {address} to client.allowed_hosts if it belongs to the API"

    def refusal(self, url: str) -> str | None:
        """Return why a URL from the API (a next page, a redirect) is not requested, or None.

        A public API must not make this machine send requests to itself or its network: their
        responses would be loaded as the API's data.
        """
        scheme, host, port = origin(url)
        if scheme not in PORTS or not host:
            return "it is not an http or https URL"
        if self.allows(url) or not is_inside(host) or is_inside(self._own[1]):
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
    """Add nothing: without an auth, requests would send the credentials of ~/.netrc."""
    return request


_PLAIN_URL = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
"""A URL in which nothing is to be encoded or to be normalized."""


class _PreparedRequest(requests.PreparedRequest):
    """A prepared request that does not do what changes nothing in a plain request."""

    def prepare_url(self, url: Any, params: Any) -> None:
        """Write the URL with its parameters; parse it only if something may be unusual in it."""
        if type(params) is dict and set(map(type, params.values())) <= {str, int}:
            params = urlencode(params)
            if _PLAIN_URL.fullmatch(url):
                self.url = f"{url}?{params}" if params else url
                return
        super().prepare_url(url, params)

    def prepare_cookies(self, cookies: Any) -> None:
        """Keep the cookies, and write their header."""
        if isinstance(cookies, RequestsCookieJar) and not cookies:
            self._cookies = cookies
        else:
            super().prepare_cookies(cookies)


class Session(requests.Session):
    """A requests session with a timeout, bounded redirects and guarded credentials.

    `tls` is used with the hosts that may receive credentials, and with no other.
    """

    raise_for_status = False  # dlt's client looks for it

    def __init__(
        self,
        adapter: BaseAdapter,
        hosts: AllowedHosts,
        redactor: Redactor,
        timeout: float,
        on_event: EventHandler,
        user_agent: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self.auth = _no_netrc
        self.params = None  # type: ignore[assignment]  # nothing to merge into each request
        self.max_redirects = 10
        self.headers["User-Agent"] = user_agent
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self._hosts = hosts
        self._is_https = origin(hosts.base_url)[0] == "https"
        self._redactor = redactor
        self._timeout = timeout
        self._tls = tls
        self._on_event = on_event
        self._warned: set[tuple[str, str]] = set()
        self._host_settings: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def __deepcopy__(self, _: dict[int, Any]) -> Session:
        return self

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request, without credentials if they must not go to its host."""
        if self._is_https and request.url[:5] != "https":
            request.url = self._hosts.over_https(request.url)
        if self._hosts.allows(request.url):
            return self._prepared(request)
        context = context_of(request.hooks)
        self._refuse_address(request.url, context)
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
        self._warn_withheld(prepared, context)
        return prepared

    def _prepared(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request as requests does, if there is nothing unusual in it.

        Merging headers, parameters and cookies in requests takes a tenth of a request's processor
        time, since it looks for each method of a protocol in each of them.
        """
        if self.cookies or request.cookies or self.hooks["response"] or request.files:
            return super().prepare_request(request)
        merged = {}
        for source in (self.headers, request.headers or {}):
            for name, value in source.items():
                merged[name.lower()] = name, value
        headers = {}
        for name, value in merged.values():
            if value is not None:
                headers[name] = value
        prepared = _PreparedRequest()
        prepared.prepare(
            method=(request.method or "").upper(),
            url=request.url,
            data=request.data,
            json=request.json,
            headers=headers,
            params=request.params,
            auth=self.auth if request.auth is None else request.auth,
            cookies=RequestsCookieJar(),
            hooks=request.hooks,
        )
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
        """Remove credentials from a redirect's next request if they must not go to its host."""
        if self._hosts.allows(prepared_request.url or ""):
            sign_redirect(prepared_request)
            return
        drop_signature(prepared_request)
        context = context_of(response.request.hooks)
        self._refuse_address(prepared_request.url, context)
        harmless = self._harmless(prepared_request.headers)
        for name in set(prepared_request.headers) - set(harmless):
            del prepared_request.headers[name]
        self._refuse_secrets(prepared_request)
        self._warn_withheld(prepared_request, context)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Return proxies and certificates from the environment, looked up once per host.

        The look-up searches all variables, which takes half a millisecond.
        """
        if proxies or stream is not None or verify is not None or cert is not None:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        scheme, _, rest = url.partition("://")
        host = (scheme, rest.partition("/")[0])
        settings: Any = self._host_settings.get(host)
        if settings is None:
            settings = super().merge_environment_settings(url, {}, None, None, None)
            self._host_settings[host] = settings
        return {**settings, "proxies": dict(settings["proxies"])}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send, with the resource's timeout or the connector's if none is given."""
        context = context_of(request.hooks)
        self._refuse_unsendable(request, context)
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout if context.timeout is None else context.timeout
        if self._tls is not None:
            # for each request of its own: requests would show the certificate to redirects, too
            kwargs["cert"] = self._tls if self._hosts.allows(request.url or "") else None
        # the context is current for everything below the session
        token = CURRENT.set(context)
        try:
            return super().send(request, **kwargs)
        except ResponseLimitExceeded as error:
            place = f"{context.prefix}{request.method} {redact_url(request.url, self._redactor)}"
            raise RequestError(f"{place}: response exceeded a limit: {error}") from error
        finally:
            CURRENT.reset(token)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return a redirect's target; raise RequestError if its Location is not valid."""
        try:
            target = super().get_redirect_target(resp)
            urlsplit(target or "")
            target = target and self._hosts.over_https(target)
        except ValueError:  # bytes that are not text, brackets without an IPv6 address
            raise self._refusal(
                context_of(resp.request.hooks), "", "its Location is not valid"
            ) from None
        return target

    def _harmless(self, headers: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value
            for name, value in headers.items()
            if name.title() not in CREDENTIALS and not self._redactor.found_in(str(value))
        }

    def _refuse_address(self, url: str | None, context: RequestContext) -> None:
        """Raise RequestError for a URL that the API must not send us to."""
        why = self._hosts.refusal(url or "")
        if why is not None:
            raise self._refusal(context, url or "", why)

    def _refuse_unsendable(
        self, request: requests.PreparedRequest, context: RequestContext
    ) -> None:
        """Raise RequestError for a header value that HTTP forbids: a line break, say."""
        whole = ""
        for value in request.headers.values():
            whole += value.decode("latin-1") if isinstance(value, bytes) else value
        if not _UNSENDABLE.search(whole):
            return
        for name, value in request.headers.items():
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if _UNSENDABLE.search(text):
                raise RequestError(
                    f"{context.prefix}{request.method} "
                    f"{redact_url(request.url, self._redactor)} was not sent: "
                    f"the header {name} has a line break, or a character that is not allowed in "
                    "headers. Check the secret or config entry that it is made of."
                )

    def _refusal(self, context: RequestContext, url: str, why: str) -> RequestError:
        there = f" to {redact_url(url, self._redactor)}" if url else ""
        return RequestError(f"{context.prefix}refused to follow a link or redirect{there}: {why}")

    def _refuse_secrets(self, request: requests.PreparedRequest) -> None:
        body = request.body
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
        if self._redactor.found_in(request.url or "") or self._redactor.found_in(text):
            raise RequestError(
                f"refused to send a secret to {_host(request)}: "
                f"{self._hosts.remedy(request.url or '')}"
            )

    def _warn_withheld(self, request: requests.PreparedRequest, context: RequestContext) -> None:
        if context.any_host:
            return
        key = (context.resource, _host(request))
        with self._lock:
            if key in self._warned:
                return
            self._warned.add(key)
        self._on_event(
            WarningRaised(
                context.resource,
                "credentials-withheld",
                f"{redact_url(request.url, self._redactor)} was requested without credentials: "
                f"{self._hosts.remedy(request.url or '')}",
            )
        )


def _host(request: requests.PreparedRequest) -> str:
    scheme, host, port = origin(request.url or "")
    return f"{scheme}://{host}:{port}"
