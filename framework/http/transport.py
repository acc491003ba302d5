"""The wire: a prepared request goes in, a whole and decoded response comes out.

Bodies are read at once, bounded after decompression, and parsed at most once. Retries, waits and
credentials are not known here.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http.client import HTTPException, LineTooLong
from http.client import HTTPResponse as HttpClientResponse
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3._collections import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection

from framework.definition.json_text import parse_json
from framework.definition.model import Client
from framework.errors import RequestError
from framework.http.decoders import Undecodable
from framework.http.request_context import Decode, current_context

MAX_LINE = 65_536
"""Bytes of one header; the standard library's own limit."""


class ResponseLimitExceeded(RequestError):
    """An answer that is over a limit. The text says nothing yet of whose answer it is."""


class _Answer(HttpClientResponse):
    """The standard library's response, read through a socket that knows the time."""

    def __init__(self, sock: Any, *arguments: Any, seconds: float, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Timed(raw, sock, seconds))

    def begin(self) -> None:
        """Read the headers."""
        try:
            super().begin()
        except LineTooLong:
            raise ResponseLimitExceeded(
                f"a line of its headers has more than {MAX_LINE:,} bytes"
            ) from None
        except HTTPException as error:
            if "got more than" in str(error):
                raise ResponseLimitExceeded("it has more than 100 headers") from None
            raise


class _Timed(io.RawIOBase):
    """A socket's bytes, until the time is over."""

    def __init__(self, raw: Any, sock: Any, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As the socket; OverLimit when the time is over."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._late()
        timeout = self._sock.gettimeout()
        if timeout is not None and timeout <= left:
            return self._raw.readinto(buffer)  # type: ignore[no-any-return]
        self._sock.settimeout(left)
        try:
            return self._raw.readinto(buffer)  # type: ignore[no-any-return]
        except TimeoutError:
            raise self._late() from None
        finally:
            self._sock.settimeout(timeout)

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()

    def _late(self) -> ResponseLimitExceeded:
        return ResponseLimitExceeded(
            f"it was not there after {self._seconds:g} s (client.max_response_time); ask for "
            "smaller pages or raise the limit"
        )


def limit_answers(pools: PoolManager, seconds: float) -> None:
    """Have every connection of these pools give an answer that many seconds in all."""
    answer = staticmethod(partial(_Answer, seconds=seconds))
    plain = type("Plain", (HTTPConnection,), {"response_class": answer})
    encrypted = type("Encrypted", (HTTPSConnection,), {"response_class": answer})
    pools.pool_classes_by_scheme = {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("EncryptedPool", (HTTPSConnectionPool,), {"ConnectionCls": encrypted}),
    }


CHUNK = 1 << 18


class InvalidJson(ValueError):
    """A body that is no JSON; `response` is whose, `reason` says why where that is known."""

    def __init__(self, response: requests.Response, reason: str = "") -> None:
        super().__init__("the body is no JSON")
        self.response = response
        self.reason = reason


class UnreadableBody(InvalidJson):
    """A body that is not of the format that the file declares; `reason` follows "the body"."""


class Response(requests.Response):
    """A response whose body is parsed once, however often it is asked for.

    `leaves`, where it is set in time, gives the body of a JSON answer without its records, or
    None.
    """

    _decode: Decode | None = None
    leaves: Callable[[bytes], Any] | None = None
    _json: Any = None
    _parsed = False
    _plain = False

    def json(self, **_: Any) -> Any:
        """The parsed body; NotJson where it is none."""
        if not self._parsed:
            if self._decode is not None and self.status_code < 400:
                self._json = self._decoded(self._decode)
            else:
                outline = self.leaves(self.content) if self.leaves is not None else None
                self._json = self.whole() if outline is None else outline
            self._parsed = True
        return self._json

    @property
    def parsed_body(self) -> bytes | None:
        """The body, where it is JSON in UTF-8 and was parsed as it is; else None."""
        return self.content if self._plain else None

    def _decoded(self, decode: Decode) -> Any:
        try:
            return decode(self)
        except Undecodable as error:
            raise UnreadableBody(self, str(error)) from None

    def whole(self) -> Any:
        """The parsed body with its records; NotJson where it is none."""
        try:
            parsed, self._plain = parse_json(self.content)
        except ValueError as error:
            return self._json_of_text(str(error))
        return parsed

    def _json_of_text(self, reason: str) -> Any:
        """The JSON of a body that is no plain UTF-8: another character set, or with a mark."""
        encoding = requests.utils.guess_json_utf(self.content) or "utf-8"  # type: ignore[no-untyped-call]
        if encoding == "utf-8" and self.encoding:
            encoding = self.encoding
        try:
            text = self.content.decode(encoding)
        except LookupError:
            raise InvalidJson(self, f"its character set {encoding} is not known") from None
        except UnicodeError:
            raise InvalidJson(self, f"it is not in {encoding}, as it says") from None
        try:
            return parse_json(text)[0]
        except ValueError as error:
            raise InvalidJson(self, reason if encoding == "utf-8" else str(error)) from None

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
    """A response as the network would have given it; `body` is already decompressed."""
    response = Response()
    response._decode = current_context().decode
    response.status_code = status
    response.reason = reason
    pairs = list(headers)
    response.headers = CaseInsensitiveDict()
    for name, value in pairs:
        known = response.headers.get(name)
        response.headers[name] = value if known is None else f"{known}, {value}"
    response.url = request.url or ""
    response.request = request
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response._content = body
    response._content_consumed = True  # type: ignore[attr-defined]
    response.raw = HTTPResponse(
        body=io.BytesIO(b""), headers=HTTPHeaderDict(pairs), status=status, preload_content=False
    )
    return response


class LiveAdapter(HTTPAdapter):
    """The network. `max_size` bounds a body in bytes after decompression, `max_seconds` the time
    from the end of a request to the end of its answer."""

    def __init__(self, connections: int, max_size: int, max_seconds: float) -> None:
        self._max_size = max_size
        self._max_seconds = max_seconds
        super().__init__(pool_connections=16, pool_maxsize=connections, pool_block=False)

    @classmethod
    def of(cls, client: Client, connections: int) -> LiveAdapter:
        """With the limits that the file gives."""
        return cls(connections, client.max_response_size, client.max_response_time.total_seconds())

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Pools whose answers come to an end."""
        super().init_poolmanager(*arguments, **named)
        limit_answers(self.poolmanager, self._max_seconds)

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        """The same behind a proxy."""
        manager = super().proxy_manager_for(*arguments, **named)
        limit_answers(manager, self._max_seconds)
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
        """Send and read the whole answer; OverLimit for one that is too large or too slow."""
        answer = super().send(
            request, stream=True, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        try:
            body = self._read(answer)
        except requests.RequestException as error:
            error.request = request  # requests leaves it out where the body is at fault
            raise
        finally:
            answer.close()
        answer._content = body
        # one of ours, with nothing copied
        answer.__class__ = Response
        whole = cast("Response", answer)
        whole._decode = current_context().decode
        return whole

    def _read(self, answer: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in answer.iter_content(CHUNK):
            size += len(part)
            if size > self._max_size:
                raise ResponseLimitExceeded(
                    f"it is larger than client.max_response_size ({self._max_size:,} bytes "
                    "after decompression); ask for smaller pages or raise the limit"
                )
            parts.append(part)
        return b"".join(parts)
