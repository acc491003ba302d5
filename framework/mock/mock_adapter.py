"""Adapters between a run and a mock: in this process, or at an address on this machine."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import BaseAdapter

from framework.http.transport import make_response
from framework.mock.mock_api import MockApi
from framework.mock.mock_message import MockRequest


class MockAdapter(BaseAdapter):
    """Answers requests from a mock in this process, without a socket."""

    def __init__(self, api: MockApi) -> None:
        super().__init__()
        self._api = api

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the mock's response. Raise ConnectionError for a connection that breaks."""
        found = self._api.respond(MockRequest.sent(request))
        if found.delay:
            time.sleep(found.delay)
        if found.end == "reset":
            raise requests.ConnectionError("the mock has reset the connection", request=request)
        if found.end == "truncated":
            raise requests.ConnectionError("the mock has cut the response", request=request)
        return make_response(request, found.status, "", found.headers, found.body)

    def close(self) -> None:
        """Do nothing: nothing is open."""


class DivertedAdapter(BaseAdapter):
    """Sends every request to a server on this machine, whatever host its URL names.

    The server gets the host that was meant in the headers of a reverse proxy.
    """

    def __init__(self, inner: BaseAdapter, base_url: str) -> None:
        super().__init__()
        self._inner = inner
        self._target = urlsplit(base_url)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **named: Any
    ) -> requests.Response:
        """Return the server's response, as if the URL's own host had sent it."""
        meant = urlsplit(request.url or "")
        diverted = request.copy()
        diverted.url = urlunsplit(
            meant._replace(scheme=self._target.scheme, netloc=self._target.netloc)
        )
        diverted.headers["Host"] = meant.netloc.rpartition("@")[2]
        diverted.headers["X-Forwarded-Proto"] = meant.scheme
        named["proxies"] = {}  # those of the environment are for the URL's own host
        response = self._inner.send(diverted, *args, **named)
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
