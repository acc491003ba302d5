"""Processes that send requests under one budget, for tests that kill them and their coordinator."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from multiprocessing import forkserver
from typing import Any

import pytest

from framework.errors import Interrupted
from framework.fleet.control.control_client import ControlClient, CoordinatorGone, UnitStopped
from framework.fleet.control.control_server import ControlServer
from framework.http.limits.rate_limit import LimitTerms, RateLimiter
from framework.runtime.environment import StopSignal
from tests.support.processes import FORKS, LONGEST, ROOT

KEY, SALT = b"a key of this test", b"salt"
GONE, STOPPED = 11, 12
"""Exit codes of a unit whose coordinator is gone, and of one that is stopped."""


def terms(requests: int | None = None, per: float = 60.0, **more: Any) -> LimitTerms:
    """The terms of a shop's API, with other values for some."""
    usual = {
        "scope": "credential",
        "secrets": {"key": "a secret of the shop"},
        "per_day": None,
        "max_in_flight": None,
    }
    return LimitTerms("shop", requests=requests, per=per, **{**usual, **more})


@contextmanager
def processes(*targets: tuple[Any, tuple[Any, ...]]) -> Iterator[list[Any]]:
    """Run functions in processes of their own, which are gone at the end."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
    started = [FORKS.Process(target=target, args=arguments) for target, arguments in targets]
    for process in started:
        process.start()
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.join(LONGEST)
            process.close()


def run_unit(address: tuple[str, int], number: int, port: int, limit: LimitTerms) -> None:
    """Send requests on four threads until the coordinator says stop, or is gone."""
    stop = StopSignal()
    with ControlClient(address, KEY, f"unit {number}", 1, stop=stop) as client:
        limiter = RateLimiter(4, None, stop, shared=client.shared_limit(limit))

        def log_wait(seconds: float, why: str) -> None:
            client.log({"waits_for": why})

        def send() -> None:
            web = HTTPConnection("127.0.0.1", port)
            try:
                while True:
                    stop.check()
                    limiter.acquire(log_wait)
                    try:
                        web.request("GET", f"/{number}")
                        response = web.getresponse()
                        response.read()
                        if response.status == 429:
                            limiter.pause(float(response.headers["Retry-After"]), "a 429")
                    finally:
                        limiter.release(None)
            except Interrupted:
                return

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    codes = {CoordinatorGone: GONE, UnitStopped: STOPPED}
    sys.stdout.flush()
    os._exit(codes[type(stop.error)])  # type: ignore[index]


def run_coordinator(told: Any) -> None:
    """Serve until killed; the address goes out through a pipe."""
    from framework.fleet.control.budgets import Budgets

    with ControlServer(Budgets(), "127.0.0.1", 0, KEY, salt=SALT) as server:
        told.send(server.address)
        threading.Event().wait()


def load_on(address: tuple[str, int], place: str, loaded: Any) -> None:
    """Load into a place for ever, whatever signal comes; `loaded` has the time of the last row."""
    from framework.fleet.workers.unit_run import end_run
    from framework.runtime.signals import stop_on_signals

    def load() -> None:
        while True:
            loaded.value = time.monotonic()

    stop, loading = StopSignal(), threading.Thread(target=load, daemon=True)
    with (
        stop_on_signals(stop),
        ControlClient(address, KEY, "a", 1, stop=stop, on_gone=end_run) as client,
        client.destination_turn(place),
    ):
        loading.start()
        while True:
            with suppress(KeyboardInterrupt):
                loading.join()  # as a driver waits for its server
