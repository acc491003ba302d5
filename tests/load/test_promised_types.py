"""The promise of an incremental, held against the simulator whatever happens between runs.

Inside the window that the file promises a row equals the API's record; outside it is as last seen.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.definition.finder import find_connector
from framework.definition.model import Connector
from tests.support.run_verbs import NOW, connector_of, load, scheduling
from tests.support.simulator import Record, Simulator, World, small_world
from tests.support.simulator_truth import assert_tables_are

LAG = timedelta(days=30)
EVENTS, INVITEES = "scheduled_events", "event_invitees"


@pytest.fixture
def api() -> Iterator[Simulator]:
    with Simulator(small_world()) as simulator:
        yield simulator


class Seen:
    """What the tables must hold: each record as it was when a run's window last held it."""

    def __init__(self, world: World, ahead: timedelta) -> None:
        self._world = world
        self._ahead = ahead
        self._records: dict[str, dict[str, Record]] = {EVENTS: {}, INVITEES: {}}

    def read(self, start: datetime, now: datetime) -> None:
        """A run was made whose window begins at `start`."""
        for event in self._world.rows[EVENTS]:
            if start <= datetime.fromisoformat(event["start_time"]) <= now + self._ahead:
                self._records[EVENTS][event["uri"]] = copy.deepcopy(event)
                for who in self._world.invitees_of(event["uri"]):
                    self._records[INVITEES][who["uri"]] = copy.deepcopy(who)

    def tables(self) -> dict[str, list[Record]]:
        """The records of both tables."""
        return {name: list(records.values()) for name, records in self._records.items()}


def something_happens(world: World, chance: random.Random, now: datetime) -> None:
    """One of all that can: early, late and far-off bookings, cancellations, moves, edits."""
    events = world.rows[EVENTS]
    one = chance.choice(events)
    who = world.invitees_of(one["uri"])
    days = timedelta(hours=chance.randrange(-24 * 60, 24 * 500))
    deed = chance.randrange(8)
    if deed == 0:
        world.book(now + days, invitees=chance.randrange(3), at=now)
    elif deed == 1 and one["status"] == "active":
        world.cancel(one["uri"], reason="Ill.", at=now)
    elif deed == 2 and who:
        world.cancel_invitee(chance.choice(who)["uri"], at=now)
    elif deed == 3 and one["status"] == "active":
        world.reschedule(one["uri"], now + days, at=now)
    elif deed == 4 and who:
        world.mark_no_show(chance.choice(who)["uri"], at=now)
    elif deed == 5:
        world.edit(one["uri"], at=now, name=f"Edited {chance.random()}")
    elif deed == 6 and who:
        world.edit(chance.choice(who)["uri"], at=now, timezone="Asia/Tokyo")
    elif deed == 7:
        world.delete(one["uri"])


def in_windows(project: Path) -> Connector:
    """The connector with its events read a year ahead, in windows."""
    data: dict[str, Any] = yaml.safe_load(
        find_connector("scheduling").path.read_text(encoding="utf-8")
    )
    for resource in data["resources"]:
        # the schemas belong to the connector that comes with us
        file = (
            find_connector("scheduling").root
            / "schemas"
            / "scheduling"
            / f"{resource['name']}.json"
        )
        resource["schema"] = yaml.safe_load(file.read_text(encoding="utf-8"))
        if resource["name"] == EVENTS:
            resource["endpoint"]["incremental"] |= {
                "end_param": "max_start_time",
                "lookahead": "P365D",
                "step": "P3M",
            }
    return connector_of(project, data, "scheduling")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("windows", [False, True])
def test_rows_inside_the_window_are_the_apis_and_rows_outside_are_as_last_seen(
    api: Simulator, project: Path, seed: int, windows: bool
) -> None:
    connector = in_windows(project) if windows else scheduling()
    ahead = timedelta(days=365 if windows else 3650)
    config = {"base_url": api.base_url, "api_key": "secret", "start_date": "2026-09-01T00:00:00Z"}
    first = datetime.fromisoformat(config["start_date"])
    chance, seen = random.Random(seed), Seen(api.world, ahead)
    now = NOW
    start = first
    for _ in range(5):
        report = load(connector, project, "api_user", EVENTS, INVITEES, config=config, now=now)
        assert report.status == "ok", [part.error for part in report.resources.values()]
        seen.read(start, now)
        assert_tables_are(project, seen.tables())
        start = max(first, now - LAG)
        for _ in range(25):
            something_happens(api.world, chance, now)
        now += timedelta(hours=chance.randrange(1, 24 * 20))
    # what lies outside is put right by a range that is read again, without moving the watermark
    load(
        connector, project, EVENTS, INVITEES, config=config, now=now,
        since="2026-09-01", until="2030-01-01",
    )  # fmt: skip
    seen.read(first, now + timedelta(days=3650))
    assert_tables_are(project, seen.tables())
    before = len(api.asked("/scheduled_events"))
    load(connector, project, "api_user", EVENTS, INVITEES, config=config, now=now)
    asked = api.asked("/scheduled_events")[before]
    assert asked.query["min_start_time"] == f"{start:%Y-%m-%dT%H:%M:%SZ}"
