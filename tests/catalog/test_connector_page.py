"""Pages of small connectors, and of connectors whose texts want to be more than texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.catalog.connector_page import mark_of
from framework.catalog.page_folder import connector_page
from framework.catalog.proof_block import BEGIN, END
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.runtime.environment import StopSignal
from tests.catalog.markdown_pages import (
    headings,
    recorded_connector,
    table_below,
    tables,
    tokens,
)
from tests.support.mocks import API
from tests.support.run_verbs import connector_of

pytestmark = pytest.mark.usefixtures("project")
ORDERS: dict[str, Any] = {
    "name": "orders",
    "primary_key": "id",
    "write_disposition": "merge",
    "schema": {
        "type": "object",
        "description": "An order.",
        "properties": {
            "id": {"type": "integer", "description": "Its number."},
            "mail": {"type": "string"},
            "updated_at": {"type": "string", "format": "date-time"},
        },
    },
    "endpoint": {
        "params": {"limit": 2, "since": "{incremental.start_value}"},
        "data_selector": "items",
        "paginator": {"type": "json_link", "next_url_path": "next"},
        "incremental": {"cursor_path": "updated_at", "initial_value": "2026-01-01T00:00:00Z"},
    },
}
LINES: dict[str, Any] = {
    "name": "lines",
    "write_disposition": "append",
    "endpoint": {
        "path": "/orders/{order}/lines",
        "params": {"order": {"type": "resolve", "resource": "orders", "field": "id"}},
        "data_selector": "items",
        "paginator": "single_page",
        "response_actions": [
            {"status_code": 403, "action": "skip_resource", "message": "Not in this plan."}
        ],
    },
}
SHOP: dict[str, Any] = {
    "description": "Orders of a shop.",
    "caveat": "Not tried.",
    "config": {"region": {"type": "string", "enum": ["eu", "us"], "default": "eu"}},
    "secrets": {"token": {"description": "A token with the scope `read`."}},
    "client": {
        "base_url": API,
        "headers": {"X-Region": "{config.region}"},
        "auth": {"type": "bearer", "token": "{secrets.token}"},
        "rate_limit": {"requests": 100, "per": "PT1M"},
    },
    "resources": [ORDERS, LINES],
}
TIMES = ["2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z"]
FIRST = "/orders?limit=2&since=2026-01-01T00%3A00%3A00Z"


def responses(mail: str = "person1@example.com") -> dict[str, Any]:
    """Two pages of orders, and the lines of each."""
    orders = [
        {"id": number, "mail": mail, "updated_at": time} for number, time in enumerate(TIMES, 1)
    ]
    return {
        FIRST: {"items": orders[:2], "next": f"{API}/orders?page=2"},
        "/orders?page=2": {"items": orders[2:], "next": None},
        **{
            f"/orders/{number}/lines": {"items": [{"sku": f"s{number}", "tags": ["a"]}]}
            for number in (1, 2, 3)
        },
    }


def page_of(connector: Connector, *, proves: bool = False) -> str:
    return connector_page(connector, Path("docs"), StopSignal(), proves=proves).text


@pytest.fixture
def shop(project: Path) -> Connector:
    body = {**SHOP, "client": {**SHOP["client"]}}
    return recorded_connector(project, body, responses())


def test_a_page_says_what_is_loaded_and_how(shop: Connector) -> None:
    page = page_of(shop)
    assert page.splitlines()[:6] == [
        "# shop",
        "",
        mark_of("shop"),
        "",
        "> **Not tried.**",
        "",
    ]
    assert headings(page) == [
        "shop",
        "Start",
        "What it loads",
        "How the tables belong together",
        "Requests and time",
        "Settings and secrets",
        "What is told when the API refuses",
        "What runs do not see",
        "Tables",
        "Table orders",
        "Table lines",
        "Table lines__tags",
    ]
    assert "export SOURCES__SHOP__TOKEN=..." in page
    assert "framework run shop --replay" in page
    assert table_below(page, "## What it loads")[1:] == [
        [
            "orders",
            "An order.",
            "incremental by updated_at, sent as since; merged by id",
            "",
            "yes",
        ],
        ["lines", "", "with the records of orders that a run reads; appended", "orders", "yes"],
    ]
    assert table_below(page, "## Settings and secrets")[1:] == [
        ["SOURCES__SHOP__TOKEN", "secret", "", "A token with the scope read."],
        ["region (SOURCES__SHOP__REGION)", "eu or us", "eu", ""],
    ]
    assert table_below(page, "## What is told when the API refuses")[1:] == [
        ["403", "the resource is skipped, the run goes on", "Not in this plan.", "lines"]
    ]


def test_requests_are_counted_on_the_recording(shop: Connector) -> None:
    page = page_of(shop)
    rows = table_below(page, "## Requests and time")[1:]
    assert [row[2:] for row in rows] == [["2", "1", "5,000", "1"], ["3", "0", "10,000", "0"]]
    assert "The recording has 6 records: 5 requests in the first run, 1 request in a run" in page
    assert (
        "15,000 requests (2.5 hours); a next one that finds nothing new takes about 1 request (less"
        in page
    )


def test_rows_of_the_recording_are_samples(shop: Connector) -> None:
    page = page_of(shop)
    orders = tables(page.split("### Table `orders`")[1])
    assert orders[0][1] == ["id (key)", "bigint", "Its number.", "id"]
    assert orders[1] == [
        ["id", "mail", "updated_at"],
        ["1", "person1@example.com", "2026-02-01T00:00:00.000000Z"],
        ["2", "person1@example.com", "2026-02-02T00:00:00.000000Z"],
        ["3", "person1@example.com", "2026-02-03T00:00:00.000000Z"],
    ]
    assert "Without a schema: these are the columns of the recording." in page


def test_an_address_that_is_not_invented_is_left_out(project: Path) -> None:
    page = page_of(recorded_connector(project, SHOP, responses("ada@lovelace.dev")))
    assert "lovelace" not in page
    assert "(an e-mail address)" in page


def test_the_same_files_give_the_same_page(shop: Connector, project: Path) -> None:
    page = page_of(shop, proves=True)
    assert "- **limit**, `orders`: records are deleted (`deletes`)" in page
    assert page_of(shop, proves=True) == page
    assert str(project) not in page


def test_without_a_recording_and_schemas_there_is_a_page(project: Path) -> None:
    bare = {
        "client": {"base_url": API, "paginator": "single_page"},
        "resources": [{"name": "things", "write_disposition": "replace"}],
    }
    page = page_of(connector_of(project, bare))
    assert "--replay" not in page
    assert "No run was measured: there is no recording." in page
    assert "Without a schema: the columns are those of the records." in page
    assert "The file declares no rate limit, so" in page
    assert BEGIN in page.splitlines()


def test_a_recording_that_does_not_fit_is_told(shop: Connector, project: Path) -> None:
    changed = {**SHOP, "resources": [{**ORDERS, "endpoint": {"paginator": "single_page"}}]}
    page = page_of(connector_of(project, changed))
    assert "No run was measured: orders: GET https://api.example.com/orders is not in" in page


def test_a_recording_that_is_broken_is_an_error(shop: Connector, project: Path) -> None:
    (project / "cassettes" / "shop.expected.yaml").write_text("tables: 1\n")
    with pytest.raises(CassetteError, match="does not contain expected tables"):
        page_of(shop)


NASTY = (
    "<script>alert(1)</script> | x | `|` \\| **b** [a](javascript:b) ![c](https://d.example.com)"
    f"\n\n# H\n\n```\n{BEGIN}\n{END}\n<!-- -->\n\x1b[31m\u202e"
)


def hostile() -> dict[str, Any]:
    """A connector each of whose texts wants to break out."""
    schema = {
        "type": "object",
        "description": NASTY,
        "properties": {
            "id": {"type": "integer", "description": NASTY},
            NASTY[:60]: {"type": "string", "description": NASTY},
            "list": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"a|b`c": {"type": "string", "description": NASTY}},
                },
            },
        },
    }
    action = {"status_code": 403, "content": NASTY, "action": "fail", "message": NASTY}
    return {
        "description": NASTY,
        "caveat": NASTY,
        "config": {
            "a": {"type": "string", "default": NASTY, "description": NASTY},
            "b": {"type": "string", "enum": [NASTY], "default": NASTY},
        },
        "secrets": {"token": {"description": NASTY}},
        "client": {
            "base_url": API,
            "auth": {"type": "bearer", "token": "{secrets.token}"},
            "headers": {"X-A": "{config.a}", "X-B": "{config.b}"},
            "paginator": "single_page",
        },
        "resources": [
            {
                "name": "things",
                "primary_key": "id",
                "write_disposition": "merge",
                "schema": schema,
                "endpoint": {
                    "path": "/a|b`c/<b>",
                    "data_selector": "items[?a == '<b>|`']",
                    "response_actions": [action],
                },
                "processing_steps": [{"set": {"x|y": "'<b>|`'"}}],
            }
        ],
    }


def test_no_text_of_a_file_breaks_out(project: Path) -> None:
    page = page_of(connector_of(project, hostile()))
    found = tokens(page)
    kinds = {token.type for token in found}
    assert not kinds & {"html_inline", "image", "hr", "ordered_list_open"}
    links = [token.attrs["href"] for token in found if token.type == "link_open"]
    assert links == ["#settings-and-secrets"]  # our own
    assert all(
        token.content.strip() in (mark_of("shop"), BEGIN, END)
        for token in found
        if token.type == "html_block"
    )
    assert headings(page)[0] == "shop"
    assert "H" not in headings(page)
    assert [token.info for token in found if token.type == "fence"] == ["sh", "mermaid"]
    assert all(len(row) == len(table[0]) for table in tables(page) for row in table)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.splitlines().count(BEGIN) == page.splitlines().count(END) == 1
    assert len(tables(page)) == 6
