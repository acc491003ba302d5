"""Requests that end with the run, though they are sent in a thread of their own."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from framework.errors import Interrupted
from framework.http.request_context import CURRENT, RequestContext, current_context
from framework.http.stoppable_adapter import StoppableAdapter
from framework.runtime.environment import StopSignal


class Played(BaseAdapter):
    """Does what a test says for each request."""

    def __init__(self, play: Any) -> None:
        super().__init__()
        self.play = play
        self.is_closed = False

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        return self.play()

    def close(self) -> None:
        self.is_closed = True


REQUEST = requests.Request("GET", "http://127.0.0.1/").prepare()


def test_a_response_an_error_and_the_context_pass_through() -> None:
    seen = []

    def answer() -> requests.Response:
        seen.append(current_context().resource)
        return requests.Response()

    token = CURRENT.set(RequestContext("orders"))
    try:
        adapter = StoppableAdapter(Played(answer), StopSignal())
        assert isinstance(adapter.send(REQUEST), requests.Response)
    finally:
        CURRENT.reset(token)
    assert seen == ["orders"]

    def fail() -> requests.Response:
        raise requests.ConnectionError("gone")

    inner = Played(fail)
    adapter = StoppableAdapter(inner, StopSignal())
    with pytest.raises(requests.ConnectionError):
        adapter.send(REQUEST)
    adapter.close()
    assert inner.is_closed


def test_a_stop_ends_a_request_that_hangs_and_refuses_the_next_one() -> None:
    stop, over = StopSignal(), threading.Event()
    sent = []

    def hang() -> requests.Response:
        sent.append(1)
        stop.set()
        over.wait()
        return requests.Response()

    adapter = StoppableAdapter(Played(hang), stop)
    for _ in range(2):
        with pytest.raises(Interrupted):
            adapter.send(REQUEST)
    over.set()
    assert sent == [1]
