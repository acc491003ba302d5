"""The diagram: keys, parents, nested lists; names and labels that Mermaid reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from framework.catalog.entity_diagram import MOST_ENTITIES, diagram_lines
from framework.catalog.table_facts import connector_tables
from tests.support.mocks import API
from tests.support.run_verbs import connector_of

LINE = re.compile(
    r"erDiagram|    direction LR|    [A-Za-z_]\w*( \{)?|    \}"
    r"|        [A-Za-z_]\w* [A-Za-z_]\w* (PK|FK)"
    r"|    [A-Za-z_]\w* \|\|--o\{ [A-Za-z_]\w* : \"[\w .,:()\[\]'/-]+\""
)
LIST = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}


def diagram(folder: Path, *resources: dict[str, Any]) -> tuple[list[str], int]:
    body = {"client": {"base_url": API, "paginator": "single_page"}, "resources": list(resources)}
    connector = connector_of(folder, body)
    found = diagram_lines(connector, connector_tables(connector, {}))
    assert all(LINE.fullmatch(line) for line in found[0]), found[0]
    return found


def test_keys_and_links(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "parts": LIST}}
    orders = {"name": "orders", "primary_key": "id", "write_disposition": "merge", "schema": schema}
    lines = {
        "name": "lines",
        "include_from_parent": ["id"],
        "write_disposition": "append",
        "endpoint": {
            "path": "/orders/{order}/lines",
            "params": {
                "order": {"type": "resolve", "resource": "orders", "field": "split(id, '\"')[0]"}
            },
        },
    }
    alone = {"name": "alone", "write_disposition": "replace"}
    assert diagram(tmp_path, orders, lines, alone) == (
        [
            "erDiagram",
            "    direction LR",
            '    orders ||--o{ orders__parts : "parts"',
            "    orders ||--o{ lines : \"split(id, ' ')[0]\"",
            "    orders {",
            "        bigint id PK",
            "    }",
            "    lines {",
            "        text _orders_id FK",
            "    }",
            "    alone",
        ],
        0,
    )


def test_a_large_diagram_leaves_nested_tables_out(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {f"l{number}": LIST for number in range(40)}}
    lines, left_out = diagram(
        tmp_path, {"name": "a", "write_disposition": "replace", "schema": schema}
    )
    assert left_out == 40 > MOST_ENTITIES
    assert lines == ["erDiagram", "    direction LR", "    a"]
