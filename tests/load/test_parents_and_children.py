"""All at once: answers in any order, failures, small buffers, windows, children of many parents."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.extract.lists import parent_child as kept
from framework.load import record_sink
from framework.load.arrow import arrow_sink, temporary_files
from tests.support.run_verbs import NOW, connector_of, everything, load, tables
from tests.support.servers.web import Answer, Asked, Web
from tests.support.slow_params import quick_first

Json = Any
RATE = 0.25
"""Of all requests, those that fail."""
PAGE = 3


class Crowd:
    """Answers leave in another order than requests came: each waits until some later ones have
    left, or until nobody comes any more."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._left = 0
        self._changed = threading.Condition()

    def pass_through(self) -> float:
        """Wait for one's turn; gives a number for what becomes of the request."""
        with self._changed:
            until = self._left + self._chance.randrange(4)
            fate = self._chance.random()
            self._changed.wait_for(lambda: self._left >= until, timeout=0.01)
            self._left += 1
            self._changed.notify_all()
            return fate


class Shop:
    """Orders with lines, and lines with notes. What changes, changes its order's time."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._crowd = Crowd(self._chance)
        self.orders: dict[int, dict[str, Json]] = {}
        self.lines: dict[int, list[dict[str, Json]]] = {}
        self.notes: dict[str, list[dict[str, Json]]] = {}
        self.failures = 0
        for number in range(1, 61):
            self._write(number, NOW - timedelta(minutes=self._chance.randrange(60 * 24 * 80)))

    def something_happens(self, now: datetime) -> None:
        """Some orders change, some are new; all before `now`."""
        last = max(self.orders)
        changed = self._chance.sample(sorted(self.orders), 12)
        for number in (*changed, *range(last + 1, last + 6)):
            self._write(number, now - timedelta(minutes=self._chance.randrange(1, 60 * 20)))

    def _write(self, number: int, at: datetime) -> None:
        text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        total = self._chance.randrange(1000)
        self.orders[number] = {"id": number, "changed": text, "total": total}
        lines = self.lines.setdefault(number, [])
        if not lines or self._chance.random() < 0.5:
            for _ in range(self._chance.randrange(8)):
                lines.append({"id": f"{number}-{len(lines)}"})
        for line in lines:
            line["count"] = self._chance.randrange(100)
            self.notes[line["id"]] = [
                {"id": f"{line['id']}-{n}", "text": f"note {self._chance.random()}"}
                for n in range(len(self.notes.get(line["id"], ())), 2)
            ] + self.notes.get(line["id"], [])

    def serve(self, web: Web) -> None:
        """Put the lists on a server, each with its failures."""
        web.on("/orders", self._answered(self._orders))
        web.on("/orders/{id}/lines", self._answered(lambda a: self.lines[int(a.parts["id"])]))
        web.on("/lines/{id}/notes", self._answered(lambda a: self.notes[a.parts["id"]]))

    def _orders(self, asked: Asked) -> list[dict[str, Json]]:
        since, until = asked.param("since") or "", asked.param("until") or "9"
        found = [one for one in self.orders.values() if since <= one["changed"] <= until]
        return sorted(found, key=lambda one: one["changed"])

    def _answered(self, listed: Callable[[Asked], list[dict[str, Json]]]) -> Any:
        def handle(asked: Asked) -> Json:
            fate = self._crowd.pass_through() / RATE
            if fate < 1:
                self.failures += 1
                if fate < 0.3:
                    return Answer(drop=True)
                if fate < 0.5:
                    return Answer(200, b'{"items": [', length=5000)
                return Answer(429 if fate < 0.75 else 503, {}, {"Retry-After": "0"})
            page = int(asked.param("page") or 1)
            items = listed(asked)
            return {
                "items": items[(page - 1) * PAGE : page * PAGE],
                "pages": -(-len(items) // PAGE),
            }

        return handle


def connector(url: str, in_flight: int, declared: bool) -> dict[str, Json]:
    text, number = {"type": "string"}, {"type": "integer"}
    schemas = {
        "orders": {"id": number, "changed": {**text, "format": "date-time"}, "total": number},
        "lines": {"id": text, "count": number},
        "notes": {"id": text, "text": text},
    }
    endpoints: dict[str, Json] = {
        "orders": {
            "incremental": {
                "cursor_path": "changed",
                "initial_value": "2026-09-01T00:00:00Z",
                "start_param": "since",
                "end_param": "until",
                "step": "P9D",
            }
        },
        "lines": {"path": "/orders/{resources.orders.id}/lines"},
        "notes": {"path": "/lines/{resources.lines.id}/notes"},
    }
    return {
        "client": {
            "base_url": url,
            "max_in_flight": in_flight,
            "retry": {"max_retries": 20, "backoff_factor": 0},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "data_selector": "items",
                "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"},
            },
        },
        "resources": [
            {
                "name": name,
                "endpoint": endpoint,
                **({"schema": {"type": "object", "properties": schemas[name]}} if declared else {}),
            }
            for name, endpoint in endpoints.items()
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "in_flight", "declared"), quick_first((2, 8, False), (1, 2, True), (3, 20, True))
)
def test_whatever_comes_together_the_tables_are_the_truth(
    web: Web,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    in_flight: int,
    declared: bool,
) -> None:
    print(f"seed {seed}")
    for module in (record_sink, temporary_files, kept):
        monkeypatch.setattr(module, "IN_MEMORY", 200)
    monkeypatch.setattr(arrow_sink, "BATCH_RECORDS", 5)
    monkeypatch.setattr(temporary_files, "TABLE_ROWS", 7)
    shop = Shop(seed)
    shop.serve(web)
    made = connector_of(project, connector(web.url, in_flight, declared))
    for number in range(3):
        now = NOW + timedelta(days=number)
        if number:
            shop.something_happens(now)
        report = load(made, project, now=now)
        assert report.status == "ok", {n: p.error for n, p in report.resources.items()}
        truth = {
            "orders": list(shop.orders.values()),
            "lines": [line for lines in shop.lines.values() for line in lines],
            "notes": [note for notes in shop.notes.values() for note in notes],
        }
        assert rows_of(project) == {name: by_id(records) for name, records in truth.items()}
    assert shop.failures > 100
    assert len({asked.param("since") for asked in web.asked if asked.path == "/orders"}) > 9
    assert everything(project).keys() == truth.keys()


def rows_of(project: Path) -> dict[str, list[dict[str, Json]]]:
    """The tables' rows as the API writes them."""
    with tables(project) as found:
        return {
            name: by_id(
                {
                    key: value if not isinstance(value, datetime) else f"{value:%Y-%m-%dT%H:%M:%SZ}"
                    for key, value in row.items()
                    if not key.startswith("_dlt")
                }
                for row in found.rows(name)
            )
            for name in found.names()
        }


def by_id(records: Any) -> list[dict[str, Json]]:
    return sorted(records, key=lambda record: str(record["id"]))
