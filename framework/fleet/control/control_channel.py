"""One connection between the coordinator and a unit: JSON messages over TCP, authenticated.

Framing and the exchange of challenges, by which each side proves that it knows the key, are those
of `multiprocessing.connection`. Nothing is pickled, and nothing is encrypted: no secret is sent.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge

import orjson

from framework.fleet.control.control_messages import Message

HEARTBEAT = 1.0
"""Seconds between two messages by which a unit says that it lives."""
SILENCE = 10.0
"""Seconds without a message after which the other side counts as gone."""
LONGEST_SEND = 5.0
"""Seconds after which a message that the other side does not read is an error."""
MAX_MESSAGE = 1 << 20
"""Bytes of the longest message."""


class ChannelClosed(Exception):
    """The connection has ended, or has sent what is not a message."""


class KeyRefused(ChannelClosed):
    """The two sides have different keys."""


class ControlChannel:
    """One connection. `send` and `receive` may be called by different threads."""

    def __init__(self, connected: socket.socket) -> None:
        # the messages are small, and each is awaited
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setblocking(True)
        self._socket = connected
        self._set_timeout(socket.SO_SNDTIMEO, LONGEST_SEND)
        self._connection = Connection(os.dup(connected.fileno()))
        self._sending = threading.Lock()

    def set_timeout(self, seconds: float) -> None:
        """Have `receive` raise after so many seconds without a byte; 0: never."""
        self._set_timeout(socket.SO_RCVTIMEO, seconds)

    def _set_timeout(self, option: int, seconds: float) -> None:
        whole = int(seconds)
        value = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, option, value)

    def authenticate(self, key: bytes, *, listens: bool) -> None:
        """Prove to each other that both sides know the key; the side that listens begins.

        Raise KeyRefused if the other side has another one, or ChannelClosed.
        """
        steps = (deliver_challenge, answer_challenge)
        try:
            for step in steps if listens else reversed(steps):
                step(self._connection, key)
        except AuthenticationError as error:
            raise KeyRefused(str(error)) from None
        except (OSError, EOFError, AssertionError, ValueError) as error:
            raise ChannelClosed(str(error)) from None

    def send(self, message: Message | bytes) -> None:
        """Send a message, or one that is encoded already. Raise ChannelClosed."""
        data = message if isinstance(message, bytes) else orjson.dumps(message)
        try:
            with self._sending:
                self._connection.send_bytes(data)
        except OSError as error:
            self.shut_down()  # a part may have been sent
            raise ChannelClosed(str(error)) from None

    def receive(self) -> Message:
        """Return the next message. Raise ChannelClosed."""
        try:
            message = orjson.loads(self._connection.recv_bytes(MAX_MESSAGE))
        except (OSError, EOFError, ValueError) as error:
            raise ChannelClosed(str(error)) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise ChannelClosed("not a message")
        return message

    def end_sending(self) -> None:
        """Have the other side see the end; what it still sends, and its own end, are received."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def shut_down(self) -> None:
        """End the connection for both sides; a thread that receives is woken."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the connection. Called by the thread that receives, or after it has ended."""
        self.shut_down()
        with self._sending:
            self._connection.close()
            self._socket.close()


def connect(host: str, port: int, key: bytes, seconds: float) -> ControlChannel:
    """Return an authenticated connection to the coordinator.

    Raise OSError, KeyRefused or ChannelClosed, each after at most `seconds` of silence.
    """
    channel = ControlChannel(socket.create_connection((host, port), seconds))
    channel.set_timeout(seconds)
    try:
        channel.authenticate(key, listens=False)
    except ChannelClosed:
        channel.close()
        raise
    return channel
