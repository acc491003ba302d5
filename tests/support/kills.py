"""Runs killed at random moments while the account behind the API changes, then held against it.

`python -m tests.support.kills --kills 1000 --seed 7` is the long soak; tests do fifty.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import isolated
from tests.support.processes import command
from tests.support.run_verbs import NOW
from tests.support.simulator import TABLES, Simulator, small_world
from tests.support.simulator_truth import SCHEMAS, assert_tables_are

ROOT = Path(__file__).parents[2]
LOADED = (*TABLES[:6], "activity_log_entries", "outgoing_communications")
"""Merged, appended and replaced."""


class Account:
    """A connector in a folder, the API that it reads, and what happens there."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.world = small_world()
        self.counts: Counter[str] = Counter()
        self._told = 0
        write_connector(folder)

    def settings(self, api: Simulator) -> dict[str, str]:
        """The environment of a run."""
        return {
            "SOURCES__SCHEDULING__API_KEY": "secret",
            "SOURCES__SCHEDULING__BASE_URL": api.base_url,
        }

    def something_happens(self) -> None:
        """People book, cancel, reschedule and edit, within what the connector looks back to."""
        world, choice = self.world, self.random.choice
        late = str(NOW - timedelta(days=25))
        recent = [e for e in world.rows["scheduled_events"] if e["start_time"] > late]
        active = [e for e in recent if e["status"] == "active"]
        at = NOW + timedelta(seconds=self._told)
        for _ in range(self.random.randint(1, 4)):
            event = choice(active)
            what = self.random.randrange(6)
            if what == 0:
                start = NOW + timedelta(hours=self.random.randint(-400, 4000))
                world.book(start, invitees=self.random.randint(0, 3), at=at)
            elif what == 1 and event["status"] == "active":
                world.cancel(event["uri"], reason="Ill.", at=at)
            elif what == 2 and event["status"] == "active":
                start = NOW + timedelta(hours=self.random.randint(24, 900))
                world.reschedule(event["uri"], start, at=at)
            elif what == 3:
                guest = {"email": "late@example.com", "created_at": event["created_at"]}
                guest["updated_at"] = event["created_at"]
                world.edit(event["uri"], event_guests=[guest] * self.random.randint(0, 3), at=at)
            elif what == 4:
                kind = choice(world.rows["event_types"])
                world.edit(kind["uri"], name=f"Renamed {self._told}", at=at)
            else:
                self._tell(at)

    def _tell(self, at: Any) -> None:
        """One more line in the log, and one message more or less."""
        self._told += 1
        log, sent = self.world.rows["activity_log_entries"], self.world.rows[LOADED[-1]]
        entry = {**log[0], "uri": f"{log[0]['uri']}-{self._told}"}
        entry["occurred_at"] = (at + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        log.append(entry)
        if len(sent) > 2 and self.random.random() < 0.5:
            del sent[self.random.randrange(len(sent))]
        else:
            sent.append({**sent[0], "subject": f"Message {self._told}"})

    def killed(self, longest: float, most: int) -> bool:
        """One run, killed at a random time or operation; whether it was killed before its end."""
        by_time = self.random.random() < 0.5
        at = 1 << 60 if by_time else self.random.randint(1, most)
        os.environ["KILL_AT"] = str(at)
        with command(self.folder, "run", "scheduling", "-q", hook="die at an operation") as run:
            if by_time:
                run.process.join(self.random.uniform(0, longest))
                run.process.kill()
            code, _, said = run.ended()
        for line in said.splitlines():
            if line.startswith("note: "):
                self.counts[line] += 1
        assert code in (0, -9), said
        self.counts["killed" if code else "ended"] += 1
        return code != 0

    def whole(self) -> int:
        """One run that is left alone, and its tables are the truth; its number of operations."""
        os.environ["KILL_AT"] = "0"
        with command(self.folder, "run", "scheduling", "-q", hook="die at an operation") as run:
            code, _, said = run.ended()
        assert code == 0, said
        for line in said.splitlines():
            if line.startswith("note: "):
                self.counts[line.split(":")[1].strip()[:40]] += 1
        assert_tables_are(self.folder, {name: self.world.table(name) for name in LOADED})
        return int((self.folder / "operations").read_text(encoding="utf-8"))

    def folder_lost(self) -> None:
        """The working folder is gone, as in a container that is made anew."""
        shutil.rmtree(self.folder / "dlt", ignore_errors=True)
        self.counts["working folder lost"] += 1


def write_connector(folder: Path) -> None:
    """The bundled connector, with the log appended and messages replaced."""
    body = yaml.safe_load((ROOT / "connectors" / "scheduling.yaml").read_text(encoding="utf-8"))
    for resource in body["resources"]:
        resource["selected"] = resource["name"] in LOADED
        if resource["name"] == "activity_log_entries":
            resource["write_disposition"] = "append"
            incremental = resource["endpoint"]["incremental"]
            del incremental["watermark"], incremental["lag"]
    file = folder / "connectors" / "scheduling.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    shutil.copytree(SCHEMAS, folder / "schemas" / "scheduling")


def soak(folder: Path, seed: int, kills: int, patched: pytest.MonkeyPatch) -> Counter[str]:
    """So many killed runs, compared with the truth after every few; what happened how often."""
    account = Account(folder, seed)
    longest, most = 1.5, 600
    with Simulator(account.world) as api:
        for name, value in account.settings(api).items():
            patched.setenv(name, value)
        patched.setenv("KILL_AT", "0")
        while account.counts["killed"] < kills:
            for _ in range(account.random.randint(1, 5)):
                account.something_happens()
                account.killed(longest, most)
                if account.random.random() < 0.1:
                    account.folder_lost()
            account.something_happens()
            began = time.monotonic()
            most = max(account.whole(), 100)
            longest = time.monotonic() - began
            print(f"seed {seed}: {account.counts['killed']} kills, all tables are the truth")
    return account.counts


def main() -> int:
    """The long soak, by hand."""
    parser = argparse.ArgumentParser(prog="tests.support.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        isolated(Path(folder), patched)
        counts = soak(Path(folder), given.seed, given.kills, patched)
    for what, count in sorted(counts.items()):
        sys.stdout.write(f"{count:6} {what}\n")
    sys.stdout.write(f"every table equalled the truth; {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
