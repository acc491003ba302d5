"""Four ways to begin a connector, each against a real server or a real file."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from tests.cli.test_examples import MANIFEST
from tests.support.servers.raw import Peer, Raw
from tests.support.servers.web import Answer, Asked, Web
from tests.support.studio_client import StudioClient, running_studio

TOKEN = "tok+4f1c/8a66e2=="


@pytest.fixture
def studio(project: Path) -> Iterator[StudioClient]:
    with running_studio(project) as one:
        yield one


def connector(project: Path, name: str) -> Connector:
    result = validate(find_connector(name, project / "connectors"))
    assert result.connector is not None, result.findings
    return result.connector


def serve(web: Web, where: str) -> None:
    """A list of 45 orders by offset, for those who have the token."""

    def answer(asked: Asked) -> object:
        sent = {
            "bearer": asked.headers.get("authorization", "").removeprefix("Bearer "),
            "header": asked.headers.get("x-shop-key"),
            "param": asked.param("shop_key"),
        }[where]
        if sent != TOKEN:
            return Answer(401, {"error": f"found {sent}"})
        offset, limit = int(asked.param("offset", "0") or 0), int(asked.param("limit", "20") or 20)
        orders = [{"id": n, "name": f"order {n}"} for n in range(1, 46)]
        return {"data": orders[offset : offset + limit], "total": 45}

    web.on("/v1/orders", answer)


@pytest.mark.parametrize(
    ("where", "auth"),
    [("bearer", "bearer"), ("header", {"header": "X-Shop-Key"}), ("param", {"param": "shop_key"})],
)
def test_a_connector_begins_with_the_url_of_a_list(
    studio: StudioClient, project: Path, web: Web, where: str, auth: object
) -> None:
    serve(web, where)
    url = f"{web.url}/v1/orders"
    job = studio.job("start", kind="url", url=url, token=TOKEN, auth=auth, name="shop")
    assert job["state"] == "done", job
    assert job["result"]["name"] == "shop"
    assert any("orders" in note for note in job["result"]["notes"])
    orders = connector(project, "shop").resource("orders")
    assert orders.endpoint.path == "/orders"
    text = studio.get("file", name="shop").json()["text"]
    assert yaml.safe_load(text)["resources"][0]["endpoint"]["data_selector"] == "data"
    judged = studio.post("judge", name="shop", text=text).json()
    assert [one["is_set"] for one in judged["secrets"]] == [True]
    look = studio.job(
        kind="look", name="shop", text=text, resource="orders", source="live", pages=2
    )
    assert look["state"] == "done", look
    assert look["result"]["tables"][0]["row_count"] > 0
    encoded = base64.b64encode(TOKEN.encode()).decode()
    written = [path.read_text("utf-8") for path in project.rglob("*.yaml")]
    for secret in (TOKEN, quote(TOKEN, safe=""), encoded):
        assert secret not in str((job, look, judged, written))


def test_a_credential_in_the_url_is_a_secret(studio: StudioClient, project: Path, web: Web) -> None:
    serve(web, "param")
    url = f"{web.url}/v1/orders?shop_key={quote(TOKEN, safe='')}"
    job = studio.job("start", kind="url", url=url.replace("shop_key", "api_key"), name="shop")
    assert job["state"] == "failed"  # the API wants another name
    assert TOKEN not in str(job)
    assert quote(TOKEN, safe="") not in str(job)
    assert not (project / "connectors" / "shop.yaml").exists()


def test_a_wrong_token_writes_nothing(studio: StudioClient, project: Path, web: Web) -> None:
    serve(web, "bearer")
    url = f"{web.url}/v1/orders"
    job = studio.job(
        "start", kind="url", url=url, token="wrong-token-1", auth="bearer", name="shop"
    )
    assert job["state"] == "failed"
    assert "401" in job["error"]["message"]
    assert "wrong-token-1" not in str(job)
    assert not (project / "connectors").exists() or not [*(project / "connectors").iterdir()]


def test_a_start_at_a_server_that_hangs_is_stopped(studio: StudioClient) -> None:
    asked = threading.Event()

    def hang(peer: Peer) -> None:
        asked.set()
        peer.drip([b""] * 10_000, 0.02)

    with Raw(hang) as server:
        started = studio.post("start", kind="url", url=f"{server.url}/orders", name="shop")
        job = started.json()["job"]
        assert asked.wait(60)
        assert studio.http.delete(f"/api/jobs/{job}").status_code == 200
        assert studio.jobs._job(job).ended.wait(30)
    assert studio.get(f"jobs/{job}").json()["state"] == "stopped"


OPENAPI = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: https://api.shop.example.com/v1}]
paths:
  /orders:
    get:
      responses:
        "200":
          description: Orders.
          content:
            application/json:
              schema:
                type: array
                items: {type: object, properties: {id: {type: integer}, name: {type: string}}}
"""


def test_a_connector_begins_with_a_description(
    studio: StudioClient, project: Path, web: Web
) -> None:
    job = studio.job("start", kind="openapi", text=OPENAPI, name="shop")
    assert job["state"] == "done", job
    assert [one.name for one in connector(project, "shop").resources] == ["orders"]
    assert (project / "schemas" / "shop" / "orders.json").is_file()
    web.on("/openapi.yaml", Answer(200, OPENAPI))
    job = studio.job("start", kind="openapi", url=f"{web.url}/openapi.yaml", name="other")
    assert job["state"] == "done", job
    for body in ({}, {"text": "a", "url": "b"}, {"url": "/etc/passwd"}, {"url": "file:///etc/x"}):
        job = studio.job("start", kind="openapi", name="third", **body)
        assert job["state"] == "failed"
    job = studio.job("start", kind="openapi", text="nothing: here", name="third")
    assert job["state"] == "failed"
    assert "framework-studio-" not in str(job)


def test_a_connector_begins_with_a_manifest(studio: StudioClient, project: Path) -> None:
    job = studio.job("start", kind="airbyte", text=MANIFEST, name="shop")
    assert job["state"] == "done", job
    assert connector(project, "shop").resources
    assert studio.job("start", kind="airbyte", text="a: [", name="other")["state"] == "failed"


def test_a_connector_begins_with_a_bundled_one(studio: StudioClient, project: Path) -> None:
    job = studio.job("start", kind="bundled", **{"from": "scheduling"}, name="mine")
    assert job["result"] == {"name": "mine", "notes": []}
    assert connector(project, "mine").name == "mine"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "nothing", "name": "shop"}, 400),
        ({"kind": "bundled", "from": "scheduling", "name": "../x"}, 400),
        ({"kind": "bundled", "from": "scheduling"}, 400),
        ({"name": "shop"}, 400),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(
    studio: StudioClient, body: dict[str, object], status: int
) -> None:
    assert studio.post("start", **body).status_code == status


def test_a_name_that_is_taken_is_refused(studio: StudioClient) -> None:
    body = {"kind": "bundled", "from": "scheduling", "name": "mine"}
    assert studio.job("start", **body)["state"] == "done"
    assert studio.post("start", **body).status_code == 409
