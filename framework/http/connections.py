"""Connections whose answers come to an end: a time limit over the whole answer, bounded headers.

urllib3's own timeout is one for each piece: a server that sends a byte now and then keeps a request
alive for ever. Here every read of a socket knows when the answer has to be there.
"""

from __future__ import annotations

import io
import time
from functools import partial
from http.client import HTTPException, LineTooLong
from http.client import HTTPResponse as HttpClientResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from framework.errors import RequestError

MAX_LINE = 65_536
"""Bytes of one header; the standard library's own limit."""


class OverLimit(RequestError):
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
            raise OverLimit(f"a line of its headers has more than {MAX_LINE:,} bytes") from None
        except HTTPException as error:
            if "got more than" in str(error):
                raise OverLimit("it has more than 100 headers") from None
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

    def _late(self) -> OverLimit:
        return OverLimit(
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
