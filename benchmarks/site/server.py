"""`python -m benchmarks.site.server INDEX`: a site on loopback, in a process of its own.

HTTP/1.1 with kept connections, straight on asyncio's transports. It prints its address and serves
until its standard input closes. `/_requests` tells how many requests came since it was last asked;
`/_hold?N` lets the Nth from then on wait for ever, and `/_held` tells whether one waits.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import mmap
import socket
import sys
from pathlib import Path
from urllib.parse import parse_qs

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
BUFFER = 1 << 20


class Offer:
    """The site, mapped into memory, and a count of answers."""

    def __init__(self, index: Path, latency: float) -> None:
        site = json.loads(index.read_text())
        places: dict[str, tuple[int, int]] = site["places"]
        self._headers = "".join(f"{k}: {v}\r\n" for k, v in site["headers"].items()).encode()
        with index.with_suffix(".bin").open("rb") as bodies:
            self._bodies = memoryview(mmap.mmap(bodies.fileno(), 0, access=mmap.ACCESS_READ))
        self._places = {key.encode(): place for key, place in places.items()}
        for start, length in self._places.values():
            bytes(self._bodies[start : start + length : 4096])  # every memory page is read once
        self.latency = latency
        self._answered = 0
        self._hold = 0

    def control(self, path: bytes, query: bytes) -> bytes:
        """The response to one of the benchmark's own requests."""
        told = self._answered
        if path == b"/_requests":
            self._answered = 0
        elif path == b"/_hold":
            self._answered, self._hold = 0, int(query)
        else:
            told = int(bool(self._hold) and self._answered >= self._hold)
        body = b"%d" % told
        return OK % (b"", len(body)) + body

    def answer(self, target: bytes) -> tuple[bytes, memoryview | None] | None:
        """Head and body for a request's target; None if it is held."""
        path, _, query = target.partition(b"?")
        if path.startswith(b"/_"):
            return self.control(path, query), None
        self._answered += 1
        if self._hold and self._answered >= self._hold:
            return None
        if query:
            asked = parse_qs(query.decode())
            value = asked.get("page_token") or asked.get("page")
            if value:
                path = b"%b?%b" % (path, value[0].encode())
        place = self._places.get(path)
        if place is None:
            return MISSING, None
        start, length = place
        return OK % (self._headers, length), self._bodies[start : start + length]


class Connection(asyncio.Protocol):
    """One kept connection: requests without bodies, answered in their order."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a send buffer that takes a whole page, and for no delay."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request, after the latency."""
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            target = self._unread.split(b" ", 2)[1]
            self._unread = self._unread[end + 4 :]
            if self._offer.latency and not target.startswith(b"/_"):
                self._loop.call_later(self._offer.latency, self._write, target)
            else:
                self._write(target)

    def _write(self, target: bytes) -> None:
        answer = self._offer.answer(target)
        if answer is None or self._transport is None or self._transport.is_closing():
            return
        head, body = answer
        self._transport.write(head if body is None else b"".join((head, body)))


async def serve(offer: Offer) -> None:
    """Listen on a free port, say where, and end with standard input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(offer), "127.0.0.1", 0, backlog=256)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(prog="benchmarks.site.server", description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    asyncio.run(serve(Offer(given.index, given.latency)))


if __name__ == "__main__":
    main()
