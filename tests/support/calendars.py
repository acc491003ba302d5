"""A fleet of calendars: accounts of the scheduling API with data of their own, and their truth."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tests.support.servers.accounts import AccountServer
from tests.support.simulator import World, big_world
from tests.support.simulator_truth import SCHEMAS, assert_tables_are

ROOT = Path(__file__).parents[2]

LOADED = ("organization_memberships", "scheduled_events", "event_invitees")
FLEET = """\
version: 1
jobs:
  - connector: scheduling
    config: {{base_url: "{base_url}"}}
    resources: [{resources}]
    accounts: {{file: accounts.csv}}
    {more}
"""


def token_of(alias: str) -> str:
    """The account's token; its secret is called like the account, in upper case."""
    return f"token-of-{alias}"


def worlds(aliases: Iterable[str], events: int = 4) -> dict[str, World]:
    """The data of each account, by token."""
    return {
        token_of(alias): big_world(events + number % 3, number_from=number * 100)
        for number, alias in enumerate(aliases)
    }


def names(count: int) -> list[str]:
    """So many aliases."""
    return [f"account_{number:04}" for number in range(count)]


class Calendars:
    """A fleet file in the current folder, and the server of its accounts."""

    def __init__(self, api: AccountServer, aliases: list[str]) -> None:
        self.api = api
        self.aliases = aliases

    def world(self, alias: str) -> World:
        """The data of an account."""
        return self.api.accounts[token_of(alias)].world

    def write(self, more: str = "", resources: Iterable[str] = LOADED) -> None:
        """Write the fleet file and its accounts; `more` are further keys of the job."""
        text = FLEET.format(
            base_url=self.api.base_url, resources=", ".join(resources), more=more or "attempts: 3"
        )
        Path("fleet.yaml").write_text(text, encoding="utf-8")
        rows = [f"{alias},{alias.upper()}" for alias in self.aliases]
        lines = ["alias,secrets.api_key", *rows]
        Path("accounts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def without_rate_limit(self) -> None:
        """Use a copy of the connector without a rate limit.

        With one, a coordinator that follows a killed one waits for a minute.
        """
        body = yaml.safe_load((ROOT / "connectors" / "scheduling.yaml").read_text("utf-8"))
        del body["client"]["rate_limit"]
        del body["config"]["requests_per_minute"]
        Path("connectors").mkdir()
        text = yaml.safe_dump(body, sort_keys=False)
        Path("connectors/scheduling.yaml").write_text(text, encoding="utf-8")
        shutil.copytree(SCHEMAS, Path("schemas/scheduling"))

    def assert_loaded(self, aliases: Iterable[str] | None = None) -> None:
        """Each account's tables hold exactly its data."""
        with duckdb.connect("scheduling.duckdb", read_only=True):  # read once, and not for each
            for alias in self.aliases if aliases is None else aliases:
                wanted = {name: self.world(alias).table(name) for name in LOADED}
                assert_tables_are(Path(), wanted, f"{alias}_data")


@contextmanager
def calendars(count: int, patch: Any, events: int = 4, **server: Any) -> Iterator[Calendars]:
    """A fleet of so many accounts, whose secrets are in the environment."""
    aliases = names(count)
    for alias in aliases:
        patch.setenv(alias.upper(), token_of(alias))
    with AccountServer(worlds(aliases, events), **server) as api:
        fleet = Calendars(api, aliases)
        fleet.write()
        yield fleet


def rows_of(file: str, dataset: str, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """The rows of a table of a DuckDB file, sorted."""
    with duckdb.connect(file, read_only=True) as opened:
        return sorted(opened.sql(f"select {columns} from {dataset}.{table}").fetchall())


def kill(pid: int) -> None:
    """Kill a process, if it is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def json_lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects of a log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def by_state(report: Mapping[str, Any]) -> Mapping[str, int]:
    """The number of units by state."""
    found: Mapping[str, int] = report["units"]
    return found
