"""Ledgers of units: their units, and a process that writes one until it is killed.

`python -m tests.support.ledgers hold|write LOCATION` holds a ledger. With `write` it runs round
after round, and prints each attempt once its end is stored.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from framework.fleet.unit_state.unit_ledger import UnitLedger, open_ledger
from framework.fleet.unit_state.unit_tables import LedgerUnit, Outcome

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def unit(name: str, position: int = 0, *, day: int | None = None, **more: Any) -> LedgerUnit:
    """A unit of an account, or one window of it."""
    window = (None, None) if day is None else (f"2026-01-{day:02}", f"2026-01-{day + 1:02}")
    made = LedgerUnit(
        id=name,
        job="shops",
        connector="shop",
        account=name.partition("@")[0],
        resources=("customers", "orders"),
        since=window[0],
        until=window[1],
        dataset=f"shop_{name}",
        destination="postgres",
        position=position,
    )
    return replace(made, **more)


def units(*names: str) -> list[LedgerUnit]:
    """Units without a window, in this order."""
    return [unit(name, position) for position, name in enumerate(names)]


def after(seconds: float) -> datetime:
    """A time after NOW."""
    return NOW + timedelta(seconds=seconds)


def report(requests: int = 3, rows: int = 10, **more: Any) -> dict[str, Any]:
    """A run's report, as far as the ledger reads it."""
    part = {"name": "orders", "rows": rows, "requests": requests, "warnings": [], "error": None}
    head = {"connector": "shop", "status": "ok", "error": None, "warnings": [], "notes": []}
    return {**head, "slowest_requests": [], "resources": [part], **more}


def run_unit(
    ledger: UnitLedger, name: str, outcome: Outcome = "done", at: float = 0, **more: Any
) -> None:
    """One attempt at a unit, of one second."""
    attempt = ledger.start(name, "worker", after(at))
    ledger.finish(attempt, outcome, after(at + 1), **more)


@contextmanager
def other_process(verb: str, location: Path | str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the ledger, or writes it; killed at the end."""
    words = [sys.executable, "-m", "tests.support.ledgers", verb, str(location)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


WRITTEN = [unit(f"account{n}", n) for n in range(8)]
WRITTEN += [unit(f"account{n % 4}@{n}", 8 + n, day=1 + n) for n in range(8)]


def _write(ledger: UnitLedger, chance: random.Random) -> None:
    outcomes: tuple[Outcome, ...] = ("done", "done", "done", "failed", "lost", "interrupted")
    with ledger.hold(datetime.now(UTC), wait=30) as held:
        print("held", flush=True)
        while True:
            now = datetime.now(UTC)
            some = chance.sample(WRITTEN, 12)
            (held.retry if chance.random() < 0.3 else held.begin)(some, now)
            while names := ledger.next_units(3, now):
                attempts = [ledger.start(name, "worker", now) for name in names]
                held.beat(now)
                for attempt in attempts:
                    outcome = chance.choice(outcomes)
                    again = now if chance.random() < 0.5 else None
                    told = report(chance.randrange(9), chance.randrange(9))
                    ledger.add_requests({("shop", 1): told["resources"][0]["requests"]})
                    ledger.finish(attempt, outcome, now, report=told, not_before=again)
                    print(attempt.unit, attempt.round, attempt.number, outcome, flush=True)


def _main(verb: str, location: str) -> None:
    with open_ledger(location) as ledger:
        if verb == "write":
            _write(ledger, random.Random())
        with ledger.hold(datetime.now(UTC)):
            print("held", flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
