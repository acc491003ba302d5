"""The floor: fetch with urllib3, orjson, DuckDB's own JSON reader. Nothing is typed, merged,
retried or remembered. `floor.py WORK BASE_URL DATABASE`."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import orjson
import urllib3

work, base, database = sys.argv[1:4]
children = work.endswith("children")
pool = urllib3.PoolManager(maxsize=20, headers={"Authorization": "Bearer secret"})


def get(path: str) -> bytes:
    """The body of one answer."""
    return pool.request("GET", base + path).data


def cursor_list(path: str, out) -> list[dict]:
    """All pages of a list, a line each; the records."""
    token, records = None, []
    while True:
        body = get(f"{path}?count=100" + (f"&page_token={token}" if token else ""))
        out.write(body + b"\n")
        page = orjson.loads(body)
        if children:
            records += page["collection"]
        token = page["pagination"]["next_page_token"]
        if token is None:
            return records


def load(table: str, file: Path, key: str = "collection") -> None:
    """One table of the pages in a file."""
    db.execute(
        f"create table {table} as select unnest({key}, recursive := false) as r from "
        f"read_json('{file}', format='newline_delimited')"
    )
    db.execute(f"create or replace table {table} as select r.* from {table}")


folder = Path(database).parent
db = duckdb.connect(database)
if work == "numbered":
    file = folder / "contacts.jsonl"
    with file.open("wb") as out, ThreadPoolExecutor(16) as threads:
        first = get("/contacts?page=1")
        out.write(first + b"\n")
        rest = range(2, orjson.loads(first)["total_pages"] + 1)
        for body in threads.map(lambda page: get(f"/contacts?page={page}"), rest):
            orjson.loads(body)
            out.write(body + b"\n")
    load("contacts", file, "contacts")
elif work == "small":
    for name in ("groups", "members", "event_types"):
        with (folder / f"{name}.jsonl").open("wb") as out:
            cursor_list(f"/{name}", out)
        load(name, folder / f"{name}.jsonl")
elif work == "wide":
    with (folder / "readings.jsonl").open("wb") as out:
        cursor_list("/readings", out)
    load("readings", folder / "readings.jsonl")
else:
    if work.startswith(("bundled", "inferred")):
        orjson.loads(get("/users/me"))
    file = folder / "events.jsonl"
    with file.open("wb") as out:
        events = cursor_list("/scheduled_events", out)
    load("scheduled_events", file)
    if children:
        paths = [f"/scheduled_events/{e['uri'].rsplit('/', 1)[-1]}/invitees" for e in events]
        file = folder / "invitees.jsonl"
        with file.open("wb") as out, ThreadPoolExecutor(20) as threads:
            for body in threads.map(get, paths):
                orjson.loads(body)
                out.write(body + b"\n")
        load("event_invitees", file)
