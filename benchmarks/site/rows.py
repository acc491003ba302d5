"""`python -m benchmarks.site.rows STYLE KIND SCHEMA DATABASE`: the facts that a tool has loaded.

Each tool keeps lists and objects in its own way (child tables, JSON, structs); the same facts are
read from each, and have to come out the same.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from benchmarks.site.facts import NULL, TABLES, Fact, Sums

STYLES = ("dlt", "dlt-json", "floor", "pyairbyte")
"""How a tool keeps what is nested: dlt's child tables and `__` (with `dlt-json` what is free-form
is JSON), DuckDB's structs and lists, or JSON."""

TEXTS = {
    "text": "({})::varchar",
    "integer": "({})::bigint::varchar",
    "number": "round(({})::double * 1000)::bigint::varchar",
    "boolean": "({})::boolean::varchar",
    "time": "epoch_us(({})::timestamptz)::varchar",
}


def loaded(style: str, kind: str, schema: str, database: str) -> Sums:
    """Return the facts of the tables of that kind of site."""
    import duckdb

    db = duckdb.connect(database, read_only=True)
    db.execute("set timezone = 'UTC'")
    found: Sums = {}
    for table in TABLES[kind]:
        named = f"{schema}.{table.name}"
        found[table.name] = _summed(db, named, (_value(style, fact) for fact in table.facts))
        for key, facts in table.lists.items():
            source, values = _items(style, named, key, facts)
            found[f"{table.name}.{key}"] = _summed(db, source, values)
    return found


def _summed(db: Any, source: str, values: Iterable[str]) -> list[Any]:
    row = ", ".join(f"coalesce({value}, '{NULL}')" for value in values)
    rows, total = db.execute(
        f"select count(*), coalesce(sum(md5_number_lower(concat_ws('|', {row}))::hugeint), 0)"
        f"::varchar from {source}"
    ).fetchone()
    return [rows, total]


def _items(style: str, table: str, key: str, facts: Iterable[Fact]) -> tuple[str, Iterable[str]]:
    if style.startswith("dlt"):
        return f"{table}__{key}", (_value(style, fact) for fact in facts)
    if style == "floor":
        items = f"(select unnest({key}) as item from {table})"
        return items, (TEXTS[fact.kind].format(f"item.{fact.path}") for fact in facts)
    items = f"(select unnest(from_json({key}, '[\"json\"]')) as item from {table})"
    return items, (TEXTS[fact.kind].format(f"item ->> '$.{fact.path}'") for fact in facts)


def _value(style: str, fact: Fact) -> str:
    head, _, rest = fact.path.partition(".")
    before, _, last = fact.path.rpartition(".")
    if style == "pyairbyte":
        read = f"{head} ->> '$.{rest}'" if rest else head
    elif style == "floor":
        read = f"to_json({before}) ->> '$.{last}'" if fact.free else fact.path
    elif fact.free and style == "dlt-json":
        read = f"{before.replace('.', '__')} ->> '$.{last}'"
    else:
        read = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", fact.path).lower().replace(".", "__")
    return TEXTS[fact.kind].format(read)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(loaded(*sys.argv[1:5])) + "\n")
