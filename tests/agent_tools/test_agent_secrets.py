"""No answer holds a secret, in no spelling, whatever the API and the file say."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.agent_tools.conftest import TOKEN, shop_body
from tests.support.agent import Agent, agent
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Asked, Web

PASSWORD = 'a password & of a "base"'
SPELLINGS = sorted(
    {
        TOKEN,
        quote(TOKEN),
        quote(TOKEN, safe=""),
        quote_plus(TOKEN),
        b64encode(TOKEN.encode()).decode(),
        b64encode(TOKEN.encode()).decode().rstrip("="),
        urlsafe_b64encode(TOKEN.encode()).decode(),
        TOKEN.encode().hex(),
        PASSWORD,
        quote(PASSWORD),
        PASSWORD.replace('"', '\\"'),
        b64encode(PASSWORD.encode()).decode(),
    }
)


@pytest.fixture
def echo(web: Web) -> Web:
    """An API that returns what it was sent, in every spelling, in bodies, headers and errors."""

    def everything(_: Asked) -> dict[str, object]:
        every = [{"id": number, "echo": text} for number, text in enumerate(SPELLINGS)]
        return {"orders": [*every, {"id": 99, TOKEN: {"deep": [TOKEN]}}]}

    def with_headers(asked: Asked) -> Answer:
        return Answer(200, everything(asked), {"X-Echo": TOKEN, "Set-Cookie": f"s={quote(TOKEN)}"})

    web.on("/orders", with_headers)
    web.on("/refused", lambda _: Answer(403, {"error": " ".join(SPELLINGS)}))
    web.on("/odd", lambda _: Answer(200, " ".join(SPELLINGS)))
    return web


@pytest.fixture
def one(workplace: Path, echo: Web) -> Iterator[Agent]:
    body = shop_body(echo.url)
    first = body["resources"][0]
    first["endpoint"] = {"path": "/orders", "data_selector": "orders", "paginator": "single_page"}
    for name in ("refused", "odd"):
        endpoint = {"path": f"/{name}?at={{secrets.token}}", "paginator": "single_page"}
        body["resources"].append(
            {"name": name, "write_disposition": "replace", "endpoint": endpoint}
        )
    write_connector(workplace, body)
    (workplace / ".dlt").mkdir()
    (workplace / ".dlt" / "secrets.toml").write_text(
        f"[sources.shop]\ntoken = '{TOKEN}'\n[destination.postgres]\ncredentials.password = "
        f"'{PASSWORD}'\n",
        "utf-8",
    )
    with agent(workplace, "--allow-write") as started:
        yield started
        said = started.everything
    for spelling in SPELLINGS:
        assert spelling not in said
        # as JSON inside JSON has it
        assert spelling.replace("\\", "\\\\").replace('"', '\\"') not in said


def test_records_and_responses(one: Agent) -> None:
    seen = one.call("preview", connector="shop", resource="orders", limit=50)
    assert len(seen["records"]) == len(SPELLINGS) + 1
    # the last characters of Base64 also depend on what follows
    assert {record.get("echo", "***").rstrip("=")[:4] for record in seen["records"]} <= {
        "***",
        "***U",
    }
    for resource in ("orders", "refused", "odd"):
        found = one.call("preview", connector="shop", resource=resource, raw=True)
        assert "***" in found["raw"]["body"]
        one.result("preview", connector="shop", resource=resource)


def test_errors_and_proofs(one: Agent) -> None:
    one.result("check", connector="shop", resources=["orders", "refused", "odd"])
    one.result("check", connector="shop", deep=False)
    one.result("record", connector="shop", resources=["orders"])
    one.result("record", connector="shop", resources=["odd"])
    one.result("show", connector="shop")
    assert "***" in one.error("read_file", file=TOKEN)
    one.error("show", connector=f"shop {TOKEN}")
    one.error("preview", connector="shop", resource=TOKEN)
    one.error("preview", connector="shop", resource="orders", limit=TOKEN)
    one.error("preview", connector="shop", resource="orders", config={TOKEN: 1})
    one.error(TOKEN)


def test_an_entry_that_is_no_secret_any_more_stays_masked(one: Agent, workplace: Path) -> None:
    read = one.call("read_file", file="shop")
    text = read["text"].replace("secrets:\n  token: {}", "config:\n  token: {type: string}")
    text = text.replace("  auth:\n    type: bearer\n    token: '{secrets.token}'\n", "")
    text = text.replace("{secrets.token}", "{config.token}")
    one.call("write_connector", file="shop", text=text, revision=read["revision"])
    shown = one.call("show", connector="shop")
    assert "at=***" in str(shown["config"])
    one.result("preview", connector="shop", resource="orders", raw=True)
    one.result("check", connector="shop")


def test_a_secret_in_a_file_is_masked_and_not_lost(one: Agent, workplace: Path) -> None:
    file = workplace / "connectors" / "shop.yaml"
    text = file.read_text("utf-8").replace("'{secrets.token}'", "written-in-4711", 1)
    file.write_text(text, "utf-8")
    read = one.call("read_file", file="shop")
    assert "written-in-4711" not in read["text"]
    arguments = {"file": "shop", "text": read["text"], "revision": read["revision"]}
    assert "secret" in one.error("write_connector", **arguments)
    one.result("validate")
    (workplace / "other.json").write_text('{"api_key": "written-in-4712"}', "utf-8")
    one.call("read_file", file="other.json")
    assert "written-in" not in one.everything
    assert file.read_text("utf-8") == text


def test_a_setting_that_no_file_names_is_not_looked_up(one: Agent) -> None:
    read = one.call("read_file", file="shop")
    added = "config:\n  x: {type: string, key: destination.postgres.credentials.password}\nclient:"
    text = read["text"].replace("client:", added, 1)
    one.call("write_connector", file="shop", text=text, revision=read["revision"])
    for tool in ("show", "mock", "check"):
        assert "destination" in one.error(tool, connector="shop")
