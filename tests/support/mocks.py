"""Mocks of small connectors, and what a connector reads through them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.exchange import Interaction
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_builder import open_mock
from framework.mock.mock_message import MockRequest, MockResponse
from framework.mock.mock_options import Mock, MockOptions
from framework.runtime.settings import STAND_IN
from tests.support.open_resource import Opened, opened
from tests.support.run_verbs import NOW, connector_of

Json = Any
API = "https://api.example.com"
ITEM: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}
"""The schema of the records of most mocks."""


def shop(endpoint: Mapping[str, Json], **resource: Json) -> dict[str, Json]:
    """A connector with one resource, `items`."""
    one = {
        "name": "items",
        "primary_key": "id",
        "write_disposition": "merge",
        "schema": ITEM,
        "endpoint": {"path": "/items", "data_selector": "items", **endpoint},
        **resource,
    }
    return {"client": {"base_url": API}, "resources": [one]}


def invented(folder: Path, body: Mapping[str, Json], **options: Any) -> Mock:
    """A mock of the connector with this body, its records invented."""
    connector = connector_of(folder, body)
    return open_mock(connector, MockOptions(invented=True, **{"now": NOW, **options}))


def mock_of(
    folder: Path, body: Mapping[str, Json], exchanges: Mapping[str, Json], **options: Any
) -> Mock:
    """A mock of a recording: JSON bodies, or pairs of headers and a body, by `METHOD /path`."""
    interactions = []
    for line, content in exchanges.items():
        method, _, url = line.partition(" ")
        headers, data = content if isinstance(content, tuple) else ({}, content)
        headers = {"content-type": "application/json", **headers}
        encoded = data if isinstance(data, bytes) else _json(data)
        interactions.append(
            Interaction(method, f"{API}{url}", 200, headers=tuple(headers.items()), body=encoded)
        )
    connector = connector_of(folder, body)
    cassette = Cassette(connector.name, NOW, tuple(interactions))
    return open_mock(connector, MockOptions(**options), cassette)


def _json(data: Json) -> bytes:
    return json.dumps(data).encode()


def reading(folder: Path, body: Mapping[str, Json], mock: Mock, **options: Any) -> Opened:
    """The connector opened to be read through a mock in this process."""
    adapter = MockAdapter(mock.api)
    transport = options.pop("transport", lambda _: adapter)
    secrets = dict.fromkeys(body.get("secrets", {}), STAND_IN)
    settings = {**secrets, **options.pop("settings", {})}
    return opened(folder, body, settings, now=NOW, transport=transport, **options)


def asked(mock: Mock, line: str, **headers: str) -> MockResponse:
    """The mock's response to `METHOD /path?query`."""
    method, _, url = line.partition(" ")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return mock.api.respond(MockRequest.of(method, f"{API}{url}", named, b""))
