"""The inner parts of urllib3 and http.client that bound the time and the headers of a response.

Neither library has an option for the total time of a response. urllib3 lets each pool name its
connection class, and http.client lets each connection name its response class: both are used here
and nowhere else. A new major version is admitted by `tests/http/test_urllib3_internals.py`.

Headers as servers usually write them are read without the parser of e-mails that http.client uses,
which takes a tenth of a request's processor time.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from http.client import HTTPMessage, HTTPResponse, parse_headers
from typing import Any

import requests
import urllib3

from framework.errors import FrameworkError, RequestError

TESTED = "2"
"""The major version of urllib3 that these parts were tested with."""
MAX_LINE = 65_536
"""Bytes of one header line; http.client's own limit."""


class ResponseLimitExceeded(RequestError):
    """A response exceeded a limit. The message does not name the request yet."""


def check_version(version: str) -> None:
    """Raise FrameworkError if this version of urllib3 is not one that was tested."""
    if version.partition(".")[0] != TESTED:
        raise FrameworkError(
            f"found urllib3 {version}, expected version {TESTED}: responses cannot be bounded in "
            f"time with another one; run `pip install 'urllib3>={TESTED},<{int(TESTED) + 1}'`"
        )


check_version(urllib3.__version__)  # type: ignore[attr-defined]


def limit_response_time(pools: urllib3.PoolManager, seconds: float) -> None:
    """Give every response of these pools that many seconds in all, headers and body together.

    Raises ResponseLimitExceeded from within urllib3 when the time is over. Works on the pool
    classes that the manager has, so that those of a SOCKS proxy stay.
    """

    def limited(pool: Any) -> type:
        attributes = {"response_class": staticmethod(_response_within(seconds))}
        connection = type("LimitedConnection", (pool.ConnectionCls,), attributes)
        return type("LimitedPool", (pool,), {"ConnectionCls": connection})

    classes = pools.pool_classes_by_scheme
    pools.pool_classes_by_scheme = {scheme: limited(pool) for scheme, pool in classes.items()}


def header_limit(error: requests.ConnectionError) -> str | None:
    """Return which of http.client's limits on headers ended a request, None for other errors."""
    text = str(error)
    if "LineTooLong" in text:
        return f"a header line has more than {MAX_LINE:,} bytes"
    return "more than 100 headers" if "got more than 100 headers" in text else None


def key_of_pool(pools: urllib3.PoolManager, pool: Any) -> Any:
    """Return the key of a pool in its manager, None if the manager has dropped it already."""
    return next((key for key in pools.pools.keys() if pools.pools.get(key) is pool), None)  # noqa: SIM118


def drop_cookie_source(raw: Any) -> None:
    """Have requests find no cookies in a response that was read to its end and sets none.

    It looks through http.client's response for them, twice.
    """
    if isinstance(raw, urllib3.HTTPResponse):
        raw._original_response = None


def _response_within(seconds: float) -> Callable[..., HTTPResponse]:
    """Return a `response_class` whose responses read through a `_TimedReader`."""

    def response(sock: Any, *arguments: Any, **named: Any) -> HTTPResponse:
        made = _FinalResponse(sock, *arguments, **named)
        made.fp = io.BufferedReader(_TimedReader(made.fp.detach(), sock, seconds))
        return made

    return response


_PLAIN_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5]\d\d) ([\t -~]*)\r\n((?:[!#$%&'*+.^_`|~\w-]+:[\t -~]*\r\n){1,90})\r\n"
)
"""Status, reason and headers that all parsers read alike: one line each, in ASCII."""
_NO_BODY = (204, 304)


class _FinalResponse(HTTPResponse):
    """A response after those that only say that it is coming; http.client skips 100 alone."""

    def begin(self) -> None:
        """Read the status and the headers; without http.client's parser if they are plain."""
        head = None if self.headers is not None else _PLAIN_HEAD.match(self.fp.peek())
        headers: dict[str, str] = {}
        message = HTTPMessage()
        lines: list[str] = head[3].decode("ascii").split("\r\n")[:-1] if head else []
        for line in lines:
            name, _, value = line.partition(":")
            value = value.lstrip(" \t")
            message.set_raw(name, value)
            headers.setdefault(name.lower(), value)
        if head is None or not headers.get("content-length", "0").isdecimal():
            super().begin()
            return
        self.fp.read(head.end())
        self.code = self.status = int(head[1])
        self.reason = head[2].decode("ascii").strip()
        self.version = 11
        self.headers = self.msg = message
        self.chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if self.chunked:
            self.chunk_left = None
        self.length = None
        if self.status in _NO_BODY or self._method == "HEAD":
            self.length = 0
        elif not self.chunked and "content-length" in headers:
            self.length = int(headers["content-length"])
        closes = "close" in headers.get("connection", "").lower()
        self.will_close = closes or (not self.chunked and self.length is None)

    def _read_status(self) -> tuple[str, int, str]:
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        while 101 < status[1] < 200:
            parse_headers(self.fp)
            status = super()._read_status()  # type: ignore[misc]
        return status


class _TimedReader(io.RawIOBase):
    """A socket's bytes; raises ResponseLimitExceeded once the time is over."""

    def __init__(self, raw: Any, sock: Any, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read like the socket, but wait no longer than the time that is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self._too_late()
        timeout = self._sock.gettimeout()
        if timeout is not None and timeout <= left:
            return self._raw.readinto(buffer)  # type: ignore[no-any-return]
        self._sock.settimeout(left)
        try:
            return self._raw.readinto(buffer)  # type: ignore[no-any-return]
        except TimeoutError:
            raise self._too_late() from None
        finally:
            self._sock.settimeout(timeout)

    def close(self) -> None:
        """Close the socket's reader."""
        self._raw.close()
        super().close()

    def _too_late(self) -> ResponseLimitExceeded:
        return ResponseLimitExceeded(
            f"not complete after {self._seconds:g} s (client.max_response_time); request smaller "
            "pages or raise the limit"
        )
