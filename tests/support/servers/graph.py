"""A GraphQL API on loopback: graphql-core parses and executes every query, we have the records.

Pages, arguments and errors are therefore those of a real server: a query that does not fit the
schema is refused, a resolver that fails gives partial data.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, build_schema, graphql_sync

from tests.support.servers.web import Answer, Asked, Web

Json = Any

SCHEMA = build_schema("""
type PageInfo {
  hasNextPage: Boolean!
  endCursor: String
  hasPreviousPage: Boolean!
  startCursor: String
}
type Line { id: Int! number: Int! note: String }
type LineEdge { cursor: String! node: Line }
type LineConnection { edges: [LineEdge!]! nodes: [Line]! pageInfo: PageInfo! }
type Order { id: Int! title: String! changed: String! secretly: String
  lines(first: Int = 2, after: String): LineConnection! }
type OrderEdge { cursor: String! node: Order }
type OrderConnection { edges: [OrderEdge!]! nodes: [Order]! pageInfo: PageInfo! totalCount: Int! }
input OrderFilter { since: String  ids: [Int!]  open: Boolean }
type Shop { name: String!
  orders(first: Int, last: Int, after: String, before: String, filter: OrderFilter):
    OrderConnection! }
type Query { shop: Shop
  order(id: Int!): Order
  names: [Shop!]! }
""")


class Shop:
    """The records, and what the resolvers do: `broken` are ids of orders that cannot be read."""

    def __init__(self, count: int = 7) -> None:
        self.orders = [
            {"id": n, "title": f"Order {n}", "changed": f"2026-01-{n:02d}T00:00:00Z"}
            for n in range(1, count + 1)
        ]
        self.broken: set[int] = set()
        self.message = "the order cannot be read"
        self.requests: list[Json] = []

    def serve(self, web: Web, path: str = "/graphql") -> None:
        """Answer queries at a path, by POST only."""
        web.on(path, self._answer, "POST")

    def _answer(self, asked: Asked) -> Answer:
        body = asked.json()
        self.requests.append(body)
        result = graphql_sync(
            SCHEMA,
            body["query"],
            {"shop": self._shop(), "names": [{"name": "A"}, {"name": "B"}], "order": self._order},
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
        )
        return Answer(200, result.formatted)

    def _shop(self) -> Json:
        return {"name": "A", "orders": self._orders}

    def _order(self, _: Any, id: int) -> Json:  # noqa: A002
        return next((self._whole(one) for one in self.orders if one["id"] == id), None)

    def _orders(self, _: Any, filter: Json = None, **page: Json) -> Json:  # noqa: A002
        wanted = filter or {}
        found = [
            one
            for one in self.orders
            if one["changed"] > (wanted.get("since") or "")
            and one["id"] in (wanted.get("ids") or [one["id"]])
        ]
        return connection([self._whole(one) for one in found], **page)

    def _whole(self, order: Json) -> Json:
        if order["id"] in self.broken:
            return GraphQLError(self.message)
        lines = [{"id": order["id"] * 10 + n, "number": n} for n in range(order["id"] % 4)]
        return {**order, "lines": lambda _, **page: connection(lines, **page)}


def connection(
    records: list[Json],
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
) -> Json:
    """Return a page as Relay's specification says; a cursor is there on the last page too."""
    numbered = list(enumerate(records))
    start = int(after.removeprefix("c")) + 1 if after else 0
    end = int(before.removeprefix("c")) if before else len(records)
    page = numbered[start:end]
    page = page[:first] if last is None else page[-last:]
    return {
        "edges": [{"cursor": f"c{n}", "node": one} for n, one in page],
        "nodes": [one for _, one in page],
        "totalCount": len(records),
        "pageInfo": {
            "hasNextPage": bool(page) and page[-1][0] < len(records) - 1,
            "endCursor": f"c{page[-1][0]}" if page else None,
            "hasPreviousPage": bool(page) and page[0][0] > 0,
            "startCursor": f"c{page[0][0]}" if page else None,
        },
    }
