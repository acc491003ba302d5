"""A real HTTP server that stands in for an API's hosts, and how a run reaches it.

A module `tests.connectors.NAME_api` describes the API of the connector NAME:

- `serve(web)` puts its routes on a `Web`; the host that was asked is `asked.headers["host"]`;
- `SETTINGS` has the secrets, and the config values that have no default;
- `RESOURCES`, if it is there, names what is recorded: by default what a run selects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from framework.http.transport import LiveAdapter
from framework.runtime.environment import Environment
from framework.runtime.redaction import Redactor
from tests.support.servers.web import Web

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class VendorServer:
    """The server of an API while it runs, with the settings of an account there."""

    web: Web
    module: ModuleType

    @property
    def settings(self) -> Mapping[str, Any]:
        """The secrets and config values that a run needs."""
        return self.module.SETTINGS

    @property
    def resources(self) -> tuple[str, ...] | None:
        """The resources to record; None for those that a run selects."""
        return getattr(self.module, "RESOURCES", None)

    def environment(self, now: datetime = NOW) -> Environment:
        """Return an environment whose requests to any host arrive at the server, without waits."""
        return Environment(
            now=now, transport=lambda size: self.transport(size), waits=False, redactor=Redactor()
        )

    def transport(self, size: int) -> BaseAdapter:
        """Return an adapter that sends requests for any host to the server."""
        return _LocalAdapter(LiveAdapter(size, 10_000_000, 60), self.web.url)


@contextmanager
def vendor_server(name: str) -> Iterator[VendorServer]:
    """Serve the API of the connector."""
    module = import_module(f"tests.connectors.{name}_api")
    with Web() as web:
        module.serve(web)
        yield VendorServer(web, module)


class _LocalAdapter(BaseAdapter):
    """Sends each request to one local server; `Host` names the host that was meant."""

    def __init__(self, inner: LiveAdapter, url: str) -> None:
        super().__init__()
        self._inner = inner
        self._url = url

    def send(
        self, request: requests.PreparedRequest, *args: Any, **named: Any
    ) -> requests.Response:
        """Send the request to the server and return the response under the URL that was meant."""
        meant = urlsplit(request.url or "")
        local = request.copy()
        query = f"?{meant.query}" if meant.query else ""
        local.url = f"{self._url}{meant.path or '/'}{query}"
        local.headers["Host"] = meant.netloc
        response = self._inner.send(local, *args, **named)
        response.url, response.request = request.url or "", request
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
