"""A project with a connector, and the server of its API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.run_verbs import Json
from tests.support.servers.web import Answer, Asked, Web

TOKEN = "tkn/4711+secret=0815"
ORDERS = [{"id": number, "name": f"order {number}"} for number in range(1, 8)]


@pytest.fixture
def shop_api(web: Web) -> Web:
    """An API of orders in pages, which wants a token."""

    def orders(asked: Asked) -> Json:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"error": f"{asked.headers.get('authorization')} is not known"})
        page = int(asked.param("page", "1") or 1)
        part = ORDERS[(page - 1) * 3 : page * 3]
        return {"data": {"orders": part}, "page": page, "pages": 3}

    web.on("/orders", orders)
    return web


@pytest.fixture
def workplace(project: Path) -> Path:
    """The project's folder, below a folder of the test's own."""
    folder = project / "work"
    (folder / "connectors").mkdir(parents=True)
    return folder


def shop_body(base_url: str, **resource: Json) -> dict[str, Json]:
    """A connector of the API above, which selects from the wrong place unless told otherwise."""
    one = {
        "name": "orders",
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {
            "path": "/orders",
            "data_selector": "orders",
            "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"},
        },
        **resource,
    }
    return {
        "secrets": {"token": {}},
        "client": {
            "base_url": base_url,
            "auth": {"type": "bearer", "token": "{secrets.token}"},
            "retry": {"max_retries": 0},
        },
        "resources": [one],
    }
