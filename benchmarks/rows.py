"""`python -m benchmarks.rows PEER KIND DATABASE`: what a peer has loaded, as counts and checksums.

Each peer keeps lists and objects in its own way (child tables, JSON, structs); the same facts are
asked of each, and have to come out the same.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.works import OURS, PREVIOUS

CHECKSUM = "bit_xor(hash(concat_ws('|', {columns})))::varchar"
LISTS = ("event_memberships", "event_guests", "questions_and_answers")
TIME = "epoch_ms({column}::timestamptz)"


def facts(peer: str, kind: str, database: str) -> dict[str, Any]:
    """The facts about the tables of that kind of work."""
    import duckdb

    db = duckdb.connect(database, read_only=True)
    db.execute("set timezone = 'UTC'")
    ours = "numbered_data" if kind == "numbered" else "events_data"
    schema = {"floor": "main", OURS: ours, PREVIOUS: ours}.get(peer, "events_data")
    found: dict[str, Any] = {}
    for table in _TABLES[kind]:
        named = f"{schema}.{table}"
        if table == "scheduled_events":
            found |= _events(db, peer, named)
        elif table == "event_invitees":
            found |= _one(db, "invitees", named, ["uri", "email", "name", "event"], "created_at")
        else:
            found |= _one(db, table, named, ["uri", "name", "position", "active"], "created_at")
    return found


_TABLES = {
    "events": ("scheduled_events",),
    "children": ("scheduled_events", "event_invitees"),
    "numbered": ("contacts",),
    "small": ("groups", "members", "event_types"),
}


def _one(db: Any, name: str, table: str, columns: list[str], time: str) -> dict[str, Any]:
    values = [*columns, TIME.format(column=time)]
    checksum = CHECKSUM.format(columns=", ".join(f"({value})::varchar" for value in values))
    rows, sum_ = db.execute(f"select count(*), {checksum} from {table}").fetchone()
    return {name: [rows, sum_]}


def _events(db: Any, peer: str, table: str) -> dict[str, Any]:
    reading = {
        "floor": ("location.join_url", "invitees_counter.total"),
        "pyairbyte": ("location ->> '$.join_url'", "invitees_counter ->> '$.total'"),
    }
    url, total = reading.get(peer, ("location__join_url", "invitees_counter__total"))
    columns = ["uri", "name", "status", url, total]
    found = _one(db, "scheduled_events", table, columns, "start_time")
    for name in LISTS:
        if peer == "floor":
            query = f"select sum(len({name})) from {table}"
        elif peer == "pyairbyte":
            query = f"select sum(json_array_length({name})) from {table}"
        else:
            query = f"select count(*) from {table}__{name}"
        found[name] = [int(db.execute(query).fetchone()[0]), None]
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts(*sys.argv[1:4])) + "\n")
