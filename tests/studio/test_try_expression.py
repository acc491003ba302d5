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


@pytest.mark.parametrize(
    "expression",
    [
        "reverse({})",
        "upper({})",
        "{}[1:6]",
        "split({}, 'e')",
        "join('-', split({}, 'e'))",
        "starts_with({}, 's3')",
        "length({})",
    ],
)
@pytest.mark.parametrize("place", ["request", "step"])
def test_an_expression_does_not_see_a_secret(
    expression: str, place: str, web: Web, tmp_path: Path
) -> None:
    secret = "s3cretvalue-12345"
    web.on("/orders", {"orders": [{"id": 1, "echo": secret, "masked": "***"}]})
    endpoint = {
        "path": "/orders",
        "params": {"key": "{secrets.key}"},
        "data_selector": "orders",
        "paginator": "single_page",
    }
    body = {
        "secrets": {"key": {"description": "The key."}},
        "client": {"base_url": web.url},
        "resources": [{"name": "orders", "endpoint": endpoint}],
    }
    studio = Studio.of(tmp_path, body, values={"key": secret})
    studio.redactor.add(secret)
    studio.job("look", resource="orders")
    at = {"request": ("orders[0]", 1), "step": ("[0]", 0)}[place]
    found, masked = (
        studio.ask(
            "try", expression=expression.format(f"{at[0]}.{name}"), job="1", **{place: at[1]}
        )
        for name in ("echo", "masked")
    )
    assert found == masked


def test_an_expression_does_not_see_a_token(web: Web, tmp_path: Path) -> None:
    token = {"access_token": "tok-12345678", "refresh_token": "other-1234", "expires_in": 3600}
    web.on("/token", token, "POST")
    web.on("/orders", BODY)
    endpoint = {"path": "/orders", "data_selector": "orders", "paginator": "single_page"}
    body = {
        "secrets": {"id": {"description": "Id."}, "secret": {"description": "Secret."}},
        "client": {
            "base_url": web.url,
            "auth": {
                "type": "oauth2_client_credentials",
                "access_token_url": f"{web.url}/token",
                "client_id": "{secrets.id}",
                "client_secret": "{secrets.secret}",
            },
        },
        "resources": [{"name": "orders", "endpoint": endpoint}],
    }
    studio = Studio.of(tmp_path, body, values={"id": "app-1234567", "secret": "pw-1234567"})
    found = studio.job("look", resource="orders")
    number = next(one["id"] for one in found["requests"] if one["resource"] == "")
    tried = studio.ask("try", expression="reverse(refresh_token)", job="1", request=number)
    assert tried["result"] == "***"
    tried = studio.ask("try", expression="expires_in", job="1", request=number)
    assert tried["result"] == 3600
