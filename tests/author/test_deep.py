"""`check --deep`: faults that only the live API shows, each with what would mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.author.deep import Proof, prove
from framework.build.events import unwatched
from framework.build.world import World
from framework.cli.main import main
from tests.run.running import connector_of
from tests.servers.web import Answer, Asked, Web

Json = Any
ROWS = [
    {"id": n, "group": n % 2, "updated_at": f"2026-01-0{n}T00:00:00Z", "note": "private-note"}
    for n in range(1, 7)
]


@pytest.fixture(autouse=True)
def _in_project(project: Path) -> None:
    """Nothing that a test writes is outside its own folder."""


def paged(asked: Asked) -> Answer:
    """Two records a page, page numbers from 1."""
    page = int(asked.param("page", "1") or 1)
    rows = ROWS[2 * page - 2 : 2 * page]
    following = page + 1 if 2 * page < len(ROWS) else None
    return Answer(200, {"data": {"rows": rows}, "meta": {"next": following, "total": len(ROWS)}})


def proofs(
    web: Web, project: Path, answer: Callable[[Asked], Answer], **endpoint: Json
) -> dict[str, Proof]:
    web.on("/rows", answer)
    numbered = {"type": "page_number", "base_page": 1, "total_path": None}
    asked = {"path": "/rows", "data_selector": "data.rows", "paginator": numbered, **endpoint}
    key = asked.pop("primary_key", "id")
    resource = {
        "name": "rows",
        "primary_key": key,
        "write_disposition": "merge",
        "endpoint": {name: value for name, value in asked.items() if value is not None},
    }
    return looked_at(project, {"client": {"base_url": web.url}, "resources": [resource]})


def looked_at(project: Path, body: Json) -> dict[str, Proof]:
    connector = connector_of(project, body)
    found = list(prove(connector, connector.resources, {}, None, World(), unwatched))
    assert "private-note" not in str(found)
    return {f"{one.resource}.{one.about}": one for one in found}


def test_a_file_that_is_true_has_no_fault(web: Web, project: Path) -> None:
    cursor = {"cursor_path": "updated_at", "start_param": "since", "initial_value": "2026-01-01"}
    found = proofs(web, project, paged, incremental=cursor)
    assert {name: one.outcome for name, one in found.items()} == {
        "rows.data_selector": "ok",
        "rows.primary_key": "ok",
        "rows.cursor_path": "ok",
        "rows.paginator": "ok",
    }
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("endpoint", "about", "remedy"),
    [
        ({"data_selector": "data.items"}, "data_selector", "data_selector: data.rows"),
        ({"primary_key": "group"}, "primary_key", "primary_key: id"),
        ({"primary_key": "uuid"}, "primary_key", "primary_key: id"),
        (
            {"incremental": {"cursor_path": "changed", "start_param": "since"}},
            "cursor_path",
            "cursor_path: updated_at",
        ),
        ({"paginator": "single_page"}, "paginator", "meta.next or meta.total"),
    ],
)
def test_a_fault_is_told_with_what_mends_it(
    endpoint: Json, about: str, remedy: str, web: Web, project: Path
) -> None:
    if "incremental" in endpoint:
        endpoint["incremental"] |= {
            "initial_value": "2026-01-01",
            "on_cursor_value_missing": "include",
        }
    found = proofs(web, project, paged, **endpoint)[f"rows.{about}"]
    assert found.outcome == "fault"
    assert remedy in found.remedy


def test_a_parameter_that_the_api_does_not_read_is_told(web: Web, project: Path) -> None:
    misnamed = {"type": "page_number", "page_param": "p", "base_page": 1, "total_path": None}
    found = proofs(web, project, paged, paginator=misnamed)["rows.request"]
    assert found.outcome == "fault"
    assert "Check the paginator" in found.message


def test_a_child_is_asked_for_three_parents_and_a_wrong_binding_is_told(
    web: Web, project: Path
) -> None:
    web.on("/rows", lambda _: Answer(200, ROWS))
    web.on("/rows/{id}/parts", lambda asked: Answer(200, [{"id": f"p{asked.parts['id']}"}]))
    web.on("/rows/{id}/tags", lambda _: Answer(404, {"message": "no such row"}))

    def child(name: str, field: str) -> Json:
        return {
            "name": name,
            "primary_key": "id",
            "endpoint": {
                "path": f"/rows/{{resources.rows.{field}}}/{name}",
                "paginator": "single_page",
            },
        }

    rows = {"name": "rows", "endpoint": {"path": "/rows", "paginator": "single_page"}}
    body = {
        "client": {"base_url": web.url},
        "resource_defaults": {"write_disposition": "merge", "primary_key": "id"},
        "resources": [rows, child("parts", "id"), child("tags", "group")],
    }
    found = looked_at(project, body)
    assert found["parts.parent"].outcome == "ok"
    assert len([one for one in web.asked if one.path.endswith("/parts")]) == 3
    assert found["tags.request"].outcome == "fault"
    assert "`group` of rows" in found["tags.request"].remedy


def test_the_command_shows_each_proof_and_fails_for_a_fault(
    web: Web, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/rows", lambda _: Answer(200, {"results": ROWS, "more": 1}))
    options = ["--path", "/rows", "--auth", "none", "--primary-key", "id"]
    assert main(["new", "shop", "--base-url", web.url, *options, "--data-selector", "items"]) == 0
    capsys.readouterr()
    assert main(["check", "shop", "--deep"]) == 1
    assert "-> data_selector: results" in capsys.readouterr().out
    file = project / "connectors" / "shop.yaml"
    file.write_text(file.read_text("utf-8").replace("items", "results"), "utf-8")
    assert main(["check", "shop", "--deep"]) == 0
    assert "primary_key" in capsys.readouterr().out
