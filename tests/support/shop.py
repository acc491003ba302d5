"""A shop's API on a `Web`, and the connector that reads it: customers; orders with an incremental,
their lines, and the lines' notes. Records are plain lists that a test changes."""

from __future__ import annotations

from typing import Any

import yaml

from tests.support.servers.web import Answer, Asked, Web

Json = Any

CONNECTOR = """
client:
  base_url: "{url}"
  retry: {{max_retries: 2, backoff_factor: 0}}
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint: {{paginator: single_page, data_selector: items}}
resources:
  - name: customers
    endpoint: {{path: /customers}}
  - name: orders
    endpoint:
      path: /orders
      incremental: {{cursor_path: at, start_param: since, initial_value: "2020-01-01T00:00:00Z",
                     watermark: run_start}}
  - name: lines
    endpoint: {{path: "/orders/{{resources.orders.id}}/lines"}}
  - name: notes
    endpoint: {{path: "/lines/{{resources.lines.id}}/notes"}}
"""


class Shop:
    """The API. `answers[path]` is given in place of the list at that path."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.answers: dict[str, Any] = {}
        self.customers = [{"id": n, "name": f"Customer {n}"} for n in (1, 2, 3)]
        self.orders = [{"id": n, "at": f"2026-11-{n:02d}T10:00:00Z"} for n in (1, 2, 3)]
        self.lines = {order["id"]: _two(int(str(order["id"])) * 10) for order in self.orders}
        every = [line["id"] for two in self.lines.values() for line in two]
        self.notes = {number: _two(number * 10) for number in every}
        for path in ("/customers", "/orders", "/orders/{id}/lines", "/lines/{id}/notes"):
            web.on(path, self._answer)

    def connector(self, **changes: dict[str, Json] | None) -> dict[str, Json]:
        """The connector's body; `changes` are merged into the resource of that name, None leaves
        it out."""
        body: dict[str, Json] = yaml.safe_load(CONNECTOR.format(url=self.web.url))
        kept = []
        for resource in body["resources"]:
            change = changes.get(resource["name"], {})
            if change is not None:
                kept.append(_merged(resource, change))
        return {**body, "resources": kept}

    def asked(self, path: str) -> list[Asked]:
        """The requests to a path."""
        return [asked for asked in self.web.asked if asked.path == path]

    def since(self) -> str | None:
        """The lower bound of the last request for orders."""
        return self.asked("/orders")[-1].param("since")

    def _answer(self, asked: Asked) -> Json:
        if asked.path in self.answers:
            return self.answers[asked.path]
        if asked.path == "/orders":
            since = asked.param("since") or ""
            return {"items": [order for order in self.orders if str(order["at"]) >= since]}
        if asked.path == "/customers":
            return {"items": self.customers}
        number = int(asked.parts["id"])
        found = self.lines if asked.path.endswith("/lines") else self.notes
        if number not in found:
            return Answer(404, {"message": "no such thing"})
        return {"items": found[number]}


def _two(number: int) -> list[dict[str, int]]:
    return [{"id": number + 1}, {"id": number + 2}]


def _merged(resource: dict[str, Json], change: dict[str, Json]) -> dict[str, Json]:
    endpoint = {**resource["endpoint"], **change.get("endpoint", {})}
    return {**resource, **change, "endpoint": endpoint}
