"""Runs against a mock: every request goes to it, and secrets are stand-ins."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from framework.authoring.cassettes.replayer import recorded_query
from framework.definition.model import Connector
from framework.errors import FrameworkError, UsageError
from framework.http.session import is_loopback, origin
from framework.http.transport import LiveAdapter
from framework.load.run_options import RunOptions
from framework.mock.mock_adapter import DivertedAdapter
from framework.runtime.environment import Environment
from framework.runtime.settings import STAND_IN

Json = Any
_SECONDS = 2.0
"""Until a server on this machine has accepted a connection."""


def mocked_environment(
    connector: Connector, base_url: str, environment: Environment
) -> Environment:
    """Return an environment whose requests all go to the mock at this address.

    Raise UsageError for an address that is not on this machine, FrameworkError if nothing listens
    there: a mock that is not started is not worth the retries of a run.
    """
    scheme, host, port = origin(base_url)
    if scheme != "http" or not is_loopback(host):
        raise UsageError(
            f"found --mock {base_url}, expected an address on this machine such as "
            "http://127.0.0.1:8080; `framework mock NAME` prints it"
        )
    try:
        socket.create_connection((host.strip("[]"), port or 80), _SECONDS).close()
    except OSError:
        raise FrameworkError(
            f"no mock listens at {base_url}; start one with `framework mock {connector.name} "
            f"--port {port}`, and pass the address that it prints"
        ) from None
    client = connector.client
    return replace(
        environment,
        transport=lambda size: DivertedAdapter(LiveAdapter.of(client, size), base_url),
        query=recorded_query(connector),
    )


def mocked_config(connector: Connector, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return config in which secrets that are not given are stand-ins: none leaves this process."""
    return {**dict.fromkeys(connector.secrets, STAND_IN), **given}


def mocked_options(connector: Connector, options: RunOptions) -> RunOptions:
    """Return options of a run whose rows stay apart from those of the real API."""
    name = connector.name
    return replace(
        options,
        config=mocked_config(connector, options.config),
        file=options.file or f"{name}_mock.duckdb",
        dataset=options.dataset or f"{options.alias or name}_mock_data",
    )
