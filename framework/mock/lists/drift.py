"""Drift: records that change, appear and vanish while a list is paged. A seed repeats it."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from framework.definition.values.datetimes import TimeError, read_time, same_format, write_time
from framework.mock.faults import chance
from framework.mock.lists.world import ListKey, World
from framework.mock.pages.routes import Route
from framework.runtime.field_paths import ABSENT, get_field, put_field

Json = Any
Change = Literal["changed", "appeared", "vanished", "none"]
_CHANGES: Sequence[tuple[float, Change]] = (
    (0.35, "changed"),
    (0.6, "appeared"),
    (0.75, "vanished"),
)


@dataclass
class Drift:
    """Changes a list after each of its pages. `on_change` is told of each, with the record."""

    world: World
    seed: int = 0
    on_change: Callable[[ListKey, Change, Json], None] = lambda *_: None
    _steps: Counter[ListKey] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def after_page(self, key: ListKey, route: Route) -> None:
        """Let the list move on by one step, which the seed and the number of its pages decide."""
        with self._lock:
            self._steps[key] += 1
            step = self._steps[key]
            point = chance(self.seed, key.resource, key.identity, step)
            change: Change = next((name for share, name in _CHANGES if point < share), "none")
            records = self.world.records(key)
            if not records or change == "none" or not isinstance(records[0].data, dict):
                return
            number = int(
                chance(self.seed, key.resource, key.identity, step, "which") * len(records)
            )
            chosen = records[number]
            if change == "vanished":
                self.world.remove(key, chosen.place)
                self.on_change(key, change, chosen.data)
                return
            data = copy.deepcopy(chosen.data)
            others = [record.data for record in records]
            _touch(data, others, route, step)
            if change == "changed":
                self.world.replace(key, chosen.place, data)
            else:
                every = list(self.world.every(key.resource))
                for name in route.plan.resource.primary_key or ("id",):
                    put_field(data, name, _new_key(name, data, every, step))
                self.world.insert(key, data)
            self.on_change(key, change, data)


def _new_key(name: str, data: Json, others: Sequence[Json], step: int) -> Json:
    """Return a key of the same type that no record has."""
    value = get_field(data, name)
    if isinstance(value, int):
        known = [get_field(one, name) for one in others if isinstance(one, dict)]
        return max(one for one in known if isinstance(one, int)) + 1
    return f"drift{step}" if value in (ABSENT, None) else f"{value}-drift{step}"


def _touch(data: Json, others: Sequence[Json], route: Route, step: int) -> None:
    """Move a record's cursor past those of the others, and change one of its texts."""
    incremental = route.plan.endpoint.incremental
    cursor = None if incremental is None else incremental.cursor_path
    if cursor is not None:
        known = [get_field(one, cursor) for one in others if isinstance(one, dict)]
        moved = _later([one for one in known if one is not ABSENT], step)
        if moved is not None:
            put_field(data, cursor, moved)
    keys = {*route.plan.resource.primary_key, "id", "uri", "url", cursor}
    for name, value in data.items():
        is_plain = isinstance(value, str) and value[:1].isalpha()
        if is_plain and name not in keys and "://" not in value and "@" not in value:
            data[name] = f"{value.split(' (', 1)[0]} (changed {step})"
            return


def _later(values: Sequence[Json], step: int) -> Json:
    """Return a value after all of these: a number, or a time in their format; else None."""
    numbers = [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    if numbers:
        return max(numbers) + step
    moments = []
    for value in values:
        try:
            moments.append(read_time(value, (same_format(value), "iso"))[0])
        except TimeError:
            continue
    if not moments:
        return None
    form = same_format(next(value for value in values if value))
    return write_time(max(moments) + timedelta(seconds=step), form)
