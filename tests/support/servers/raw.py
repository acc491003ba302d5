"""A server on loopback that writes bytes as a test says, right or wrong HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress


class Peer:
    """A request on a connection: its target, which one it is (from 1), and a way to write back."""

    def __init__(
        self, connection: socket.socket, target: str, number: int, over: threading.Event
    ) -> None:
        self.target = target
        self.number = number
        self._connection = connection
        self._over = over

    def send(self, *pieces: bytes) -> None:
        """Write these bytes; the client's leaving ends the play."""
        for piece in pieces:
            self._connection.sendall(piece)

    def drip(self, pieces: Iterable[bytes], pause: float = 0.02) -> None:
        """Write piece by piece with a pause after each, for as long as the server lives."""
        for piece in pieces:
            if self._over.wait(pause):
                return
            self._connection.sendall(piece)

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """A right answer with this body; `headers` are lines."""
        lines = ["Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
        self.send(head(*lines, status=status), body)

    def reset(self) -> None:
        """Break the connection off."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._connection.close()


Play = Callable[[Peer], None]


def head(*lines: str, status: str = "200 OK") -> bytes:
    """A status line and headers."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


@contextmanager
def refusing() -> Iterator[int]:
    """A port of this machine where nothing listens, kept from everybody else meanwhile."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


class Raw:
    """`with Raw(play) as server`: plays for every request; `asked` holds the targets in order, all
    of them when the block is left."""

    def __init__(self, play: Play) -> None:
        self.asked: list[str] = []
        self._play = play
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Raw:
        self._open: list[tuple[socket.socket, threading.Thread]] = []
        self._last: object = None
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with socket.socket() as last:  # accepted when all that came before are
            last.bind(("127.0.0.1", 0))
            self._last = last.getsockname()
            last.connect(("127.0.0.1", self.port))
            self._listening.join()
        self._listener.close()
        for connection, thread in self._open:
            with suppress(OSError):  # it is closed
                connection.shutdown(socket.SHUT_RDWR)  # what came is read all the same
            thread.join()

    def _listen(self) -> None:
        while True:
            connection, address = self._listener.accept()
            if address == self._last:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._open.append((connection, thread))
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                while (target := _target(connection)) is not None:
                    with self._lock:
                        self.asked.append(target)
                        number = len(self.asked)
                    self._play(Peer(connection, target, number, self._over))
        except OSError:
            return  # the client went away


def _target(connection: socket.socket) -> str | None:
    """The target of the next request, None where none comes; bodies are not read."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = connection.recv(65536)
        if not piece:
            return None
        read += piece
    return read.split(b" ", 2)[1].decode("latin-1")
