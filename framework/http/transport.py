"""Transport: a prepared request goes in, a whole and decoded response comes out.

Bodies are read at once, bounded after decompression, and parsed at most once. Retries, waits and
credentials are not known here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict, HTTPResponse

from framework.definition.model import Client
from framework.definition.values.json_text import (
    may_be_long_number,
    may_be_past_64_bits,
    parse_json,
    without_guard,
)
from framework.http.formats.charsets import decode_charset, is_charset
from framework.http.formats.compression import Undecodable
from framework.http.link_header import links_by_relation
from framework.http.request_context import Decode, current_context
from framework.http.urllib3_internals import (
    ResponseLimitExceeded,
    drop_cookie_source,
    header_limit,
    key_of_pool,
    limit_response_time,
)

CHUNK = 1 << 18
"""Bytes of a body that are read at once."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True)
class ListOutline:
    """What is known of a list that was not parsed: its items, of which the ends are parsed."""

    text: msgspec.Raw
    items: Sequence[msgspec.Raw]
    first: Any
    last: Any


def outline_list(body: bytes, path: tuple[str, ...]) -> tuple[dict[str, Any], ListOutline] | None:
    """Return the body's object without the list at these keys, and the list's outline.

    None if there are no items there, or the body is not an object in JSON and UTF-8.
    """
    try:
        if not body.isascii():
            body.decode()  # msgspec does not check it
        return _without_list(body, path)
    except (ValueError, RecursionError):  # msgspec's errors are among them
        return None


def _without_list(
    raw: bytes | msgspec.Raw, path: tuple[str, ...]
) -> tuple[dict[str, Any], ListOutline] | None:
    parts = _OBJECT.decode(raw)
    holder = parts.pop(path[0], None)
    if holder is None:
        return None
    others = list(parts.values())
    if len(path) > 1:
        inner = _without_list(holder, path[1:])
        if inner is None:
            return None
        rest: dict[str, Any] = {path[0]: inner[0]}
        outline, values = inner[1], _parsed(others)
    else:
        items = _LIST.decode(holder)
        if not items:
            return None
        first, last, *values = _parsed([items[0], items[-1], *others])
        rest, outline = {}, ListOutline(holder, items, first, last)
    rest.update(zip(parts, values, strict=True))
    return rest, outline


def _parsed(parts: Sequence[msgspec.Raw]) -> list[Any]:
    values: list[Any] = parse_json(b"[%b]" % b",".join(parts))[0]
    return values


class InvalidJson(ValueError):
    """A body that is not valid JSON; `reason` says why, if that is known."""

    def __init__(self, response: requests.Response, reason: str = "") -> None:
        super().__init__("the body is not valid JSON")
        self.response = response
        self.reason = reason


class UnreadableBody(InvalidJson):
    """A body that is not in the declared format; `reason` continues a sentence on "the body"."""


class Response(requests.Response):
    """A whole response, whose body is parsed once.

    It is decoded by the request context under which it was created, and has the status and headers
    of the response that it is `like`. After `outline` the parsed body lacks one list.
    """

    def __init__(self, body: bytes, like: requests.Response | None = None) -> None:
        if like is None:
            super().__init__()
        else:
            vars(self).update(vars(like))
        self._body = body
        context = current_context()
        self._decode, self._decimals = context.decode, context.decimals
        self._json: Any = None
        self._parsed = False
        self._plain = False

    @property
    def content(self) -> bytes:
        """The decompressed body."""
        return self._body

    def json(self, **_: Any) -> Any:
        """Return the parsed body; raise InvalidJson if it is not in its format."""
        if not self._parsed:
            self._json = self.parse()
            self._parsed = True
        return self._json

    def parse(self) -> Any:
        """Return the parsed body as `json` does, without remembering it."""
        if self._decode is not None and self.status_code < 400:
            return self._decoded(self._decode)
        return self.whole()

    def outline(self, path: tuple[str, ...]) -> ListOutline | None:
        """Parse the body except for the list at these keys, and return what is known of the list.

        None if the body was parsed already, is not JSON in UTF-8, or has no items there.
        """
        if self._parsed or self._decode is not None or self.status_code >= 400:
            return None
        found = outline_list(self.content, path)
        if found is None:
            return None
        self._json, outline = found
        self._parsed = True
        return outline

    def parse_part(self, part: bytes) -> Any:
        """Return a value of the body, parsed as `whole` would."""
        return parse_json(part, self._decimals)[0]

    @cached_property
    def has_long_numbers(self) -> bool:
        """Whether the body may have numbers that other parsers cut, or make of another type."""
        is_long = self._decimals is not None and may_be_long_number(self.content)
        return is_long or may_be_past_64_bits(self.content)

    @property
    def parsed_body(self) -> bytes | None:
        """The body if it is JSON in UTF-8 and was parsed unchanged, else None."""
        return self.content if self._plain else None

    def _decoded(self, decode: Decode) -> Any:
        try:
            return decode(self)
        except Undecodable as error:
            raise UnreadableBody(self, str(error)) from None

    def whole(self) -> Any:
        """Return the parsed body with its records; raise InvalidJson if it is not JSON."""
        try:
            parsed, self._plain = parse_json(self.content, self._decimals)
        except ValueError as error:
            return self._json_of_text(str(error))
        return parsed

    def _json_of_text(self, reason: str) -> Any:
        """Parse a body in another character set, or with a byte order mark or a guard before it."""
        encoding = requests.utils.guess_json_utf(self.content) or "utf-8"  # type: ignore[no-untyped-call]
        if encoding == "utf-8" and self.encoding:
            encoding = self.encoding
        try:
            text = decode_charset(self.content, encoding)
        except LookupError:
            raise InvalidJson(self, f"its character set {encoding[:40]} is unknown") from None
        except UnicodeError:
            raise InvalidJson(self, f"it is not in {encoding[:40]}, as its header says") from None
        try:
            return parse_json(without_guard(text), self._decimals)[0]
        except ValueError as error:
            raise InvalidJson(self, reason if encoding == "utf-8" else str(error)) from None

    @property
    def links(self) -> dict[Any, Any]:
        """The links of the `Link` header by relation, in lower case, each with its `url`."""
        header = self.headers.get("link") or ""
        return {rel: {"rel": rel, "url": url} for rel, url in links_by_relation(header).items()}

    @property
    def text(self) -> str:
        """The body as text; what its character set cannot decode is replaced."""
        encoding = self.encoding or "utf-8"
        try:
            return self.content.decode(encoding if is_charset(encoding) else "utf-8", "replace")
        except UnicodeError:  # some codecs replace nothing
            return self.content.decode("utf-8", "replace")

    @property
    def apparent_encoding(self) -> str:
        """UTF-8: guessing a character set costs more than parsing the page."""
        return "utf-8"


def make_response(
    request: requests.PreparedRequest,
    status: int,
    reason: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
) -> Response:
    """Return a response as the network would give it; `body` is already decompressed."""
    pairs = list(headers)
    response = Response(body)
    response.status_code = status
    response.reason = reason
    response.headers = CaseInsensitiveDict()
    for name, value in pairs:
        known = response.headers.get(name)
        response.headers[name] = value if known is None else f"{known}, {value}"
    response.url = request.url or ""
    response.request = request
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = HTTPResponse(
        body=io.BytesIO(b""), headers=HTTPHeaderDict(pairs), status=status, preload_content=False
    )
    return response


class LiveAdapter(HTTPAdapter):
    """The network.

    `max_size` bounds a body in bytes after decompression, `max_seconds` the time from the end of a
    request to the end of its response.
    """

    def __init__(self, connections: int, max_size: int, max_seconds: float) -> None:
        self._max_size = max_size
        self._max_seconds = max_seconds
        self._pool_keys: dict[tuple[Any, ...], Any] = {}
        super().__init__(pool_connections=16, pool_maxsize=connections, pool_block=False)

    @classmethod
    def of(cls, client: Client, connections: int) -> LiveAdapter:
        """Return an adapter with the limits of the connector file."""
        return cls(connections, client.max_response_size, client.max_response_time.total_seconds())

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Create the pools, with a limit on the time of a response."""
        super().init_poolmanager(*arguments, **named)
        limit_response_time(self.poolmanager, self._max_seconds)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        proxies: Any = None,
        cert: Any = None,
    ) -> Any:
        """Return the pool for a request, whose key is worked out once per host without a proxy."""
        scheme, _, host, *_ = [*(request.url or "").split("/", 3), "", ""]
        known = (scheme, host, verify, cert)
        is_plain = not proxies
        pools = self.poolmanager.pools
        pool = pools.get(self._pool_keys.get(known)) if is_plain else None
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if is_plain:
                self._pool_keys[known] = key_of_pool(self.poolmanager, pool)
        return pool

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Return what tells pools apart. `cert` is an SSLContext here, which is used as it is."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, None)
        return host, pool if cert is None else {**pool, "ssl_context": cert}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002
        """Have a connection trust the authorities of this machine, beside those of its context."""
        super().cert_verify(conn, url, verify, None)  # type: ignore[no-untyped-call]

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Return what stands in the request line: the path, if there is no proxy."""
        return super().request_url(request, proxies) if proxies else request.path_url

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        """Create the pools of a proxy once, with the same limit."""
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **named)
        if is_new:
            limit_response_time(manager, self._max_seconds)
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send, and read the whole response.

        Raises ResponseLimitExceeded for one that is too large or too slow.
        """
        try:
            response = super().send(
                request, stream=True, timeout=timeout, verify=verify, cert=cert, proxies=proxies
            )
        except requests.ConnectionError as error:
            limit = header_limit(error)
            if limit is not None:
                raise ResponseLimitExceeded(limit) from None
            raise
        try:
            body = self._read(response)
            if "set-cookie" not in response.headers:
                drop_cookie_source(response.raw)
            return Response(body, like=response)
        except requests.RequestException as error:
            error.request = request  # requests leaves it out if the body is at fault
            raise
        finally:
            response.close()

    def _read(self, response: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(CHUNK):
            size += len(part)
            if size > self._max_size:
                raise ResponseLimitExceeded(
                    f"larger than client.max_response_size ({self._max_size:,} bytes after "
                    "decompression); request smaller pages or raise the limit"
                )
            parts.append(part)
        return b"".join(parts)
