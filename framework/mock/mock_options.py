"""How to mock a connector, and the mock that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from framework.definition.model import Connector
from framework.mock.faults import Rate
from framework.mock.lists.world import World
from framework.mock.mock_api import MockApi

Json = Any


@dataclass(frozen=True)
class MockOptions:
    """How to mock a connector.

    `page_size` is the most records of a page. `rows` is how many records an invented list has, and
    `seed` what they, the faults and the drift depend on. `latency` is in seconds, `faults` are
    shares by status or kind. `config` has values of entries; a secret among them is the one
    credential that is accepted. `invented` leaves a recording aside.
    """

    page_size: int | None = None
    seed: int = 0
    rows: int = 25
    latency: float = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    rate: Rate | None = None
    drift: bool = False
    config: Mapping[str, Json] = field(default_factory=dict)
    invented: bool = False
    now: datetime | None = None

    def secrets_of(self, connector: Connector) -> dict[str, str]:
        """Return the secrets among the config: the credentials that count."""
        return {name: str(self.config[name]) for name in connector.secrets if name in self.config}


@dataclass
class Mock:
    """A mock that is ready to be served. `source` says what its data is; `notes` what to know."""

    connector: Connector
    api: MockApi
    source: str
    notes: list[str]
    replayed: dict[str, str] = field(default_factory=dict)
    """The resources that are served as they were recorded, and why."""
    config: Mapping[str, Json] = field(default_factory=dict)
    """What a run against it has to set, without secrets."""

    @property
    def world(self) -> World:
        """The records that it serves."""
        return self.api.world
