"""`check --deep` and `infer` on answers of every kind: formats, bodies, jobs, partitions, lists."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from framework.authoring.diagnose.diagnosis import diagnose
from framework.cli.main import main
from framework.events import ignore_event
from framework.runtime.environment import Environment
from tests.support.run_verbs import connector_of
from tests.support.servers.web import Answer, Asked, Web

Json = Any
ROWS = [{"id": n, "name": f"private-{n}", "shop": n % 2} for n in range(1, 9)]
LINES = "".join(f'{{"id": {row["id"]}, "name": "{row["name"]}"}}\n' for row in ROWS)
CSV = "id;name\n" + "".join(f"{row['id']};{row['name']}\n" for row in ROWS)
XML = "<rows>" + "".join(f'<row id="{row["id"]}"/>' for row in ROWS) + "</rows>"
GRAPHQL = "query ($after: Int) { rows(after: $after) { items { id } next } }"


def graph(asked: Asked) -> Json:
    """Two records a page, its cursor in the variables."""
    at = int(asked.json()["variables"].get("after") or 0)
    following = at + 2 if at + 2 < len(ROWS) else None
    return {"data": {"rows": {"items": ROWS[at : at + 2], "next": following}}}


def resource(name: str, **endpoint: Json) -> Json:
    return {"name": name, "endpoint": {"path": f"/{name}", **endpoint}}


RESOURCES = [
    resource("lines", response_format="jsonl"),
    resource("csv", response_format={"type": "csv", "delimiter": ";"}),
    {**resource("xml", response_format="xml", data_selector="rows.row"), "primary_key": "@id"},
    resource("packed", response_format={"type": "jsonl", "compression": "gzip"}),
    resource(
        "graph",
        method="POST",
        json={"query": GRAPHQL.replace("{", "{{").replace("}", "}}"),
              "variables": {"after": "{paginator.cursor}"}},
        data_selector="data.rows.items",
        paginator={"type": "cursor", "cursor_path": "data.rows.next"},
    ),
    resource(
        "export",
        method="POST",
        response_format="csv",
        export={
            "status": "/jobs/{job.id}",
            "ready": "state == 'done'",
            "download": "{response.url}",
        },
    ),
    {
        **resource("parts", params={"shop": "{partition.shop}"}),
        "partitions": [{"name": "shop", "values": [0, 1, 2, 3, 4, 5]}],
    },
    resource("lists", data_selector="[orders, returns][]"),
]  # fmt: skip


@pytest.fixture
def shop(web: Web, project: Path) -> Json:
    web.on("/lines", Answer(200, LINES))
    web.on("/csv", Answer(200, CSV))
    web.on("/xml", Answer(200, XML))
    web.on("/packed", Answer(200, gzip.compress(LINES.encode())))
    web.on("/graph", graph, method="POST")
    web.on("/export", {"id": "j1"}, method="POST")
    web.on("/jobs/j1", {"state": "done", "url": f"{web.url}/file"})
    web.on("/file", Answer(200, CSV.replace(";", ",")))
    web.on("/parts", lambda asked: [row for row in ROWS if str(row["shop"]) == asked.param("shop")])
    web.on("/lists", {"orders": ROWS[:3], "returns": ROWS[3:]})
    return connector_of(
        project,
        {
            "client": {"base_url": web.url},
            "resource_defaults": {
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {"paginator": "single_page", "data_selector": "@"},
            },
            "resources": RESOURCES,
        },
    )


def test_a_true_file_has_no_fault_in_any_kind_of_answer(shop: Json, web: Web) -> None:
    found = list(diagnose(shop, shop.resources, {}, None, Environment(), ignore_event))
    assert [one for one in found if one.outcome == "fault"] == []
    proved = {one.resource for one in found if (one.about, one.outcome) == ("primary_key", "ok")}
    assert proved == {one["name"] for one in RESOURCES}
    assert "private-" not in str(found)
    paged = [one.resource for one in found if (one.about, one.outcome) == ("paginator", "ok")]
    assert paged == ["graph"]
    assert len([one for one in web.asked if one.path == "/parts"]) == 3


def test_infer_proposes_a_schema_of_every_kind_of_answer(
    shop: Json,
    web: Web,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["infer", "shop", "--write"]) == 0
    assert "private-" not in "".join(capsys.readouterr())
    written = {path.stem: path.read_text("utf-8") for path in (project / "schemas").rglob("*.json")}
    written.pop("connector.schema", None)
    assert written.keys() == {one["name"] for one in RESOURCES}
    assert all('"id"' in text or '"@id"' in text for text in written.values())
    web.on("/lines", Answer(404, {}))
    assert main(["infer", "shop", "lines", "csv"]) == 1
    out, err = capsys.readouterr()
    assert "error: lines: GET" in err
    assert "schemas/shop/csv.json" in out
