"""Expressions that are tried on what a look has kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import UsageError
from tests.support.servers.web import Web
from tests.support.studio_jobs import Studio

pytestmark = pytest.mark.usefixtures("project")

Json = Any
BODY = {"orders": [{"id": n, "tags": ["a", "b"], "url": f"/orders/{n}"} for n in range(300)]}


@pytest.fixture
def studio(web: Web, tmp_path: Path) -> Studio:
    """A studio that has looked into one page."""
    web.on("/orders", BODY)
    endpoint = {"path": "/orders", "data_selector": "orders", "paginator": "single_page"}
    resource = {
        "name": "orders",
        "endpoint": endpoint,
        "processing_steps": [{"filter": "id < `2`"}],
    }
    body = {"client": {"base_url": web.url}, "resources": [resource]}
    studio = Studio.of(tmp_path, body)
    studio.job("look", resource="orders")
    return studio


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("length(orders)", 300),
        ("orders[1].tags", ["a", "b"]),
        ("split(orders[2].url, '/')[-1]", "2"),
        ("nothing.at.all", None),
        ("context().response.orders[0].id", 0),
    ],
)
def test_an_expression_works_on_the_whole_body(
    expression: str, result: Json, studio: Studio
) -> None:
    tried = studio.ask("try", expression=expression, job="1", request=1)
    assert tried["error"] is None
    assert tried["result"] == result


def test_an_expression_works_on_the_records_of_a_step(studio: Studio) -> None:
    selected = studio.ask("try", expression="length(@)", job="1", step=0)
    filtered = studio.ask("try", expression="[].id", job="1", step=1)
    assert selected["result"] == 100
    assert filtered["result"] == [0, 1]


def test_a_long_list_is_cut_and_counted(studio: Studio) -> None:
    tried = studio.ask("try", expression="orders", job="1", request=1)
    assert len(tried["result"]) == 200
    assert tried["count"] == 300
    assert tried["is_cut"]


@pytest.mark.parametrize(
    "expression",
    [
        "orders[",
        "nothing()",
        "length(orders[0].id)",
        "split(orders[0].url)",
        " | ".join(["[@, @]"] * 40),
        "sum(orders[].url)",
    ],
)
def test_a_wrong_expression_is_an_error_in_the_result(expression: str, studio: Studio) -> None:
    tried = studio.ask("try", expression=expression, job="1", request=1)
    assert tried["error"]
    assert tried["result"] is None


@pytest.mark.parametrize(
    "place",
    [
        {"request": 9},
        {"step": 9},
        {"step": -1},
        {},
        {"request": True},
        {"job": "9", "request": 1},
        {"expression": "", "request": 1},
        {"expression": "a" * 20_000, "request": 1},
    ],
)
def test_a_wrong_request_is_refused(place: dict[str, Json], studio: Studio) -> None:
    with pytest.raises(UsageError):
        studio.ask("try", **{"expression": "@", "job": "1", **place})


def test_a_result_holds_no_secret(web: Web, studio: Studio) -> None:
    studio.redactor.add("/orders/299")
    tried = studio.ask("try", expression="orders[-1].url", job="1", request=1)
    assert tried["result"] == "***"
