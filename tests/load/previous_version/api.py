"""The API of `shop.yaml` on each of three days. Imports nothing of the framework."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def records(day: int, path: str, since: str | None = None) -> list[Record]:
    """Return what GET path lists on this day (1, 2 or 3), from `since` on."""
    parts = path.strip("/").split("/")
    found = _customers(day) if path == "/customers" else _list_of(day, parts)
    if path == "/notes":  # its watermark is the start of the run, which is any time
        return found
    return [record for record in found if since is None or record["at"] >= since]


def _customers(day: int) -> list[Record]:
    # on day 2 only customer 2 changes; customer 4 is new
    changed = {2: 2, 3: 3}
    return [
        {
            "id": number,
            "name": f"Customer {number}",
            "updated_at": _at(changed.get(number, 1) if changed.get(number, 1) <= day else 1),
        }
        for number in (1, 2, 3, 4)
        if number < 4 or day > 1
    ]


def _list_of(day: int, parts: list[str]) -> list[Record]:
    name, owner = parts[-1], int(parts[1]) if len(parts) > 1 else 0
    if name == "addresses":
        return [{"id": owner, "city": f"City {owner} of day {day}", "at": _at(day)}]
    found = []
    for number in range(1, 2 * day + 2):
        # 2 days share the time of their border: records 2 and 3, then 4 and 5
        record: Record = {"id": 100 * owner + number, "at": _at((number + 1) // 2)}
        if owner == 0 or name == "visits":
            record["note"] = f"{name} {number}, as of day {day if number == 2 else 1}"
        if name == "orders":
            record["lines"] = [{"sku": f"sku {line}", "count": line} for line in range(number % 3)]
        if name in ("products", "movements"):
            del record["note"]
            record |= {
                "price": number + 0.5,
                "size": {"width": number, "height": day if number == 2 else 1},
                "labels": [f"label {label}" for label in range(number % 3)],
                "parts": [{"name": "part", "count": number}],
            }
        found.append(record)
    return found


def _at(day: int) -> str:
    return f"2026-11-{day:02d}T10:00:00Z"
