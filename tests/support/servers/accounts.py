"""Many accounts of the scheduling API behind one address, each with data and limits of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Self

from tests.support.simulator import Reply, Simulator, World
from tests.support.simulator.sockets import Server

Answer = Callable[[str, str, str | None], Reply]


class AccountServer:
    """A context manager around one server; the token says which account is asked.

    `worlds` are the accounts' data by token. `latency` is in seconds.
    """

    def __init__(
        self, worlds: Mapping[str, World], *, latency: float = 0.0, rate_limit: int = 100_000
    ) -> None:
        self.accounts = {
            token: Simulator(world, [token], latency=latency, rate_limit=rate_limit)
            for token, world in worlds.items()
        }
        self.crashes: list[BaseException] = []
        self._stranger = next(iter(self.accounts.values()))
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Where it answers, without a slash at the end."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, method: str, target: str, authorization: str | None) -> Reply:
        """The answer of the account with this token."""
        token = (authorization or "").removeprefix("Bearer ")
        return self.accounts.get(token, self._stranger).handle(method, target, authorization)

    def __enter__(self) -> Self:
        self._server = Server(self.handle, self.crashes, 0)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
