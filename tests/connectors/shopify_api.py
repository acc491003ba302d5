"""Shopify's Admin API: REST with page_info links, GraphQL whose throttling comes in a 200."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tests.connectors.shopify_data import (
    LOCATIONS,
    PRICE_RULES,
    SHOP,
    checkout,
    customer,
    gid,
    order,
    transaction,
)
from tests.support.servers.web import Answer, Asked, Web

Json = dict[str, Any]

SETTINGS = {
    "shop": "example-outfitters",
    "access_token": "shpat_" + "0" * 32,
    "page_size": 2,
    "graphql_page_size": 2,
}
RESOURCES = (
    "shop",
    "locations",
    "orders",
    "order_lines",
    "order_refunds",
    "order_fulfillments",
    "order_transactions",
    "customers",
    "abandoned_checkouts",
    "draft_orders",
    "products",
    "product_variants",
    "product_metafields",
    "collections",
    "collection_products",
    "inventory_items",
    "inventory_levels",
    "price_rules",
)
HOST = "example-outfitters.myshopify.com"
BASE = "/admin/api/2026-10"

ORDERS = [
    order(3, "2026-11-10T09:00:00-05:00"),
    order(2, "2026-11-05T09:00:00-05:00", refunded=True),
    order(1, "2026-11-04T09:00:00-05:00"),
]
CUSTOMERS = [
    customer(207119551, "Pat", "2026-11-10T09:00:00-05:00"),
    customer(207119552, "Sam", "2026-11-08T08:00:00-05:00"),
]
CHECKOUTS = {
    "open": [checkout(910011, "2026-11-08T09:00:00-05:00", closed=False)],
    "closed": [checkout(910012, "2026-11-09T09:00:00-05:00", closed=True)],
}
DRAFTS = {
    "open": [
        {
            "id": 994118539,
            "admin_graphql_api_id": gid("DraftOrder", 994118539),
            "name": "#D1",
            "status": "open",
            "order_id": None,
            "customer": None,
            "email": "sam@example.com",
            "note": None,
            "tags": "",
            "currency": "USD",
            "total_price": "49.95",
            "subtotal_price": "49.95",
            "total_tax": "0.00",
            "taxes_included": False,
            "tax_exempt": False,
            "invoice_url": "https://shop.example.com/invoices/1",
            "invoice_sent_at": None,
            "completed_at": None,
            "created_at": "2026-11-08T08:00:00-05:00",
            "updated_at": "2026-11-08T08:00:00-05:00",
            "applied_discount": None,
            "line_items": [{"id": 1, "product_id": 6320101, "quantity": 1, "price": "49.95"}],
        }
    ],
    "invoice_sent": [],
    "completed": [],
}


def _product(number: int, updated: str) -> Json:
    low = {"amount": "49.95", "currencyCode": "USD"}
    return {
        "id": gid("Product", number),
        "legacyResourceId": str(number),
        "title": "Rain jacket",
        "handle": f"rain-jacket-{number}",
        "descriptionHtml": "<p>Dry.</p>",
        "vendor": "Example",
        "productType": "Jackets",
        "status": "ACTIVE",
        "tags": ["rain", "new"],
        "isGiftCard": False,
        "hasOnlyDefaultVariant": False,
        "tracksInventory": True,
        "totalInventory": 12,
        "variantsCount": {"count": 1},
        "category": {"id": gid("TaxonomyCategory", 7), "fullName": "Apparel > Outerwear"},
        "options": [
            {"id": gid("ProductOption", number), "name": "Color", "position": 1, "values": ["Blue"]}
        ],
        "priceRangeV2": {"minVariantPrice": low, "maxVariantPrice": dict(low)},
        "seo": {"title": None, "description": None},
        "onlineStoreUrl": f"https://shop.example.com/products/rain-jacket-{number}",
        "templateSuffix": None,
        "createdAt": "2026-06-01T12:00:00Z",
        "updatedAt": updated,
        "publishedAt": "2026-06-02T12:00:00Z",
    }


def _variant(product: int, updated: str) -> Json:
    number = product * 10
    return {
        "id": gid("ProductVariant", number),
        "legacyResourceId": str(number),
        "product": {"id": gid("Product", product), "legacyResourceId": str(product)},
        "title": "Blue",
        "displayName": "Rain jacket - Blue",
        "sku": f"RJ-{product}",
        "barcode": None,
        "position": 1,
        "price": "49.95",
        "compareAtPrice": None,
        "taxable": True,
        "availableForSale": True,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": 4,
        "inventoryItem": {
            "id": gid("InventoryItem", number + 1),
            "legacyResourceId": str(number + 1),
        },
        "selectedOptions": [{"name": "Color", "value": "Blue"}],
        "createdAt": "2026-06-01T12:00:00Z",
        "updatedAt": updated,
    }


_UPDATED = {
    6320101: "2026-11-10T14:00:00Z",
    6320102: "2026-11-09T14:00:00Z",
    6320103: "2026-10-01T14:00:00Z",
}
PRODUCTS = [_product(number, updated) for number, updated in _UPDATED.items()]
VARIANTS = [_variant(number, updated) for number, updated in _UPDATED.items()]
METAFIELDS = [
    {
        "id": gid("Metafield", 1063298),
        "legacyResourceId": "1063298",
        "namespace": "custom",
        "key": "fabric",
        "type": "single_line_text_field",
        "value": "waxed cotton",
        "createdAt": "2026-06-01T12:00:00Z",
        "updatedAt": "2026-06-01T12:00:00Z",
    }
]
COLLECTIONS = [
    {
        "id": gid("Collection", number),
        "legacyResourceId": str(number),
        "title": title,
        "handle": title.lower(),
        "descriptionHtml": "",
        "sortOrder": "BEST_SELLING",
        "templateSuffix": None,
        "productsCount": {"count": 3},
        "ruleSet": rules,
        "updatedAt": "2026-11-09T14:00:00Z",
    }
    for number, title, rules in (
        (841564295, "Rain", None),
        (
            841564296,
            "New",
            {
                "appliedDisjunctively": False,
                "rules": [{"column": "TAG", "relation": "EQUALS", "condition": "new"}],
            },
        ),
    )
]


def _levels(location: int) -> list[Json]:
    return [
        {
            "inventory_item_id": number * 10 + 1,
            "location_id": location,
            "available": 2,
            "updated_at": updated.replace("Z", "+00:00"),
            "admin_graphql_api_id": f"{gid('InventoryLevel', location)}?inventory_item_id={number}",
        }
        for number, updated in _UPDATED.items()
    ]


def _item(number: int) -> Json:
    return {
        "id": number,
        "admin_graphql_api_id": gid("InventoryItem", number),
        "sku": f"RJ-{number // 10}",
        "cost": "20.00",
        "tracked": True,
        "requires_shipping": True,
        "country_code_of_origin": None,
        "province_code_of_origin": None,
        "harmonized_system_code": None,
        "created_at": "2026-06-01T08:00:00-04:00",
        "updated_at": "2026-06-01T08:00:00-04:00",
    }


def refusal(asked: Asked) -> Answer | None:
    """Return what a request gets that lacks the token, or is for another store."""
    if asked.headers["host"] != HOST:
        return Answer(404, {"errors": "Not Found"})
    if asked.headers.get("x-shopify-access-token") == SETTINGS["access_token"]:
        return None
    message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
    return Answer(401, {"errors": message})


def since(records: list[Json], start: str | None, field: str) -> list[Json]:
    """Return the records that were updated at a time or after it."""
    if start is None:
        return records
    first = datetime.fromisoformat(start)
    return [one for one in records if datetime.fromisoformat(one[field]) >= first]


def paged(
    name: str, find: Callable[[Asked], list[Json] | str], allowed: tuple[str, ...] = ()
) -> Callable[[Asked], Answer]:
    """Return a REST list whose pages are linked; `find` filters, or says what is wrong."""
    lists: list[list[Json]] = []

    def handle(asked: Asked) -> Answer:
        if refused := refusal(asked):
            return refused
        known = {key for key, _ in asked.query}
        limit = int(asked.param("limit") or 50)
        if not 1 <= limit <= 250:
            return Answer(400, {"errors": {"limit": "must be between 1 and 250"}})
        page = asked.param("page_info")
        if page is not None:
            if known - {"page_info", "limit", "fields"}:
                return Answer(400, {"errors": {"page_info": "Invalid value."}})
            number, start = (int(part) for part in page.split("-"))
        else:
            if known - {"limit", *allowed}:
                return Answer(400, {"errors": f"unknown parameters: {sorted(known)}"})
            found = find(asked)
            if isinstance(found, str):
                return Answer(422, {"errors": found})
            lists.append(found)
            number, start = len(lists) - 1, 0
        records = lists[number]
        headers = {"X-Shopify-Shop-Api-Call-Limit": "1/40"}
        if start + limit < len(records):
            query = urlencode({"limit": limit, "page_info": f"{number}-{start + limit}"})
            headers["Link"] = f'<https://{HOST}{asked.path}?{query}>; rel="next"'
        return Answer(200, {name: records[start : start + limit]}, headers)

    return handle


def _whole(name: str, value: Any) -> Callable[[Asked], Answer]:
    return lambda asked: refusal(asked) or Answer(200, {name: value})


def _updated(records: list[Json]) -> Callable[[Asked], list[Json]]:
    return lambda asked: since(records, asked.param("updated_at_min"), "updated_at")


def _by_status(lists: Mapping[str, list[Json]]) -> Callable[[Asked], list[Json]]:
    return lambda asked: since(
        lists[asked.param("status") or "open"], asked.param("updated_at_min"), "updated_at"
    )


def _orders(asked: Asked) -> list[Json] | str:
    if asked.param("status") != "any":
        return "these are the open ones only"
    return since(ORDERS, asked.param("updated_at_min"), "updated_at")


def _items(asked: Asked) -> list[Json] | str:
    ids = [int(one) for one in (asked.param("ids") or "").split(",") if one]
    return [_item(one) for one in ids] if 0 < len(ids) <= 100 else "ids: 1 to 100"


def _stock(asked: Asked) -> list[Json] | str:
    ids = [int(one) for one in (asked.param("location_ids") or "").split(",") if one]
    if not 0 < len(ids) <= 50:
        return "location_ids: 1 to 50"
    found = [level for one in ids for level in _levels(one)]
    return since(found, asked.param("updated_at_min"), "updated_at")


def _transactions(asked: Asked) -> Answer:
    number = int(asked.parts["order"])
    found = [transaction(number + 8, number, "sale", "104.90")]
    return refusal(asked) or Answer(200, {"transactions": found})


def graphql(asked: Asked) -> Answer:
    """Return a page of the connection that a query names."""
    if refused := refusal(asked):
        return refused
    body = asked.json()
    query, variables = body["query"], body["variables"]
    root = re.search(r"\{\s*(\w+)", query).group(1)  # type: ignore[union-attr]
    first = variables["first"]
    if not 1 <= first <= 250:
        return Answer(200, {"errors": [{"message": "first must be 1 to 250"}]})
    search = re.fullmatch(r"updated_at:>='([^']+)'", variables.get("query") or "")
    start = search.group(1) if search else None
    records = {
        "products": since(PRODUCTS, start, "updatedAt"),
        "productVariants": since(VARIANTS, start, "updatedAt"),
        "collections": COLLECTIONS,
        "product": METAFIELDS if variables.get("product") == PRODUCTS[0]["id"] else [],
        "collection": [{key: one[key] for key in ("id", "legacyResourceId")} for one in PRODUCTS],
    }[root]
    begin = int(variables.get("after") or 0)
    end = begin + first
    nodes = records[begin:end]
    for name in {name for node in nodes for name in node}:
        assert re.search(rf"\b{name}\b", query), f"{root} did not ask for {name}"
    found = {
        "nodes": nodes,
        "pageInfo": {"hasNextPage": end < len(records), "endCursor": str(end) if nodes else None},
    }
    inner = {"product": "metafields", "collection": "products"}.get(root)
    data = {root: {inner: found} if inner else found}
    return Answer(200, {"data": data, "extensions": {"cost": cost(12, 988)}})


def cost(requested: int, available: int) -> Json:
    """Return what Shopify says of a query's points."""
    bucket = {"maximumAvailable": 1000, "currentlyAvailable": available, "restoreRate": 100}
    return {"requestedQueryCost": requested, "throttleStatus": bucket}


def throttled() -> Answer:
    """Return the refusal of a query for which the bucket has too few points: status 200."""
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return Answer(200, {"errors": [error], "extensions": {"cost": cost(252, 52)}})


def _once(before: Answer, then: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    left = [before]
    return lambda asked: left.pop() if left else then(asked)


def serve(web: Web) -> None:
    """Put the API's routes on the server; the first list of orders and of products is throttled."""
    changed = ("updated_at_min",)
    slow = Answer(
        429,
        {"errors": "Exceeded 2 calls per second for api client."},
        {"Retry-After": "2.0", "X-Shopify-Shop-Api-Call-Limit": "40/40"},
    )
    lists = {
        "orders": _once(slow, paged("orders", _orders, ("status", *changed))),
        "customers": paged("customers", _updated(CUSTOMERS), changed),
        "checkouts": paged("checkouts", _by_status(CHECKOUTS), ("status", *changed)),
        "draft_orders": paged("draft_orders", _by_status(DRAFTS), ("status", *changed)),
        "price_rules": paged("price_rules", _updated(PRICE_RULES), changed),
        "inventory_items": paged("inventory_items", _items, ("ids",)),
        "inventory_levels": paged("inventory_levels", _stock, ("location_ids", *changed)),
        "shop": _whole("shop", SHOP),
        "locations": _whole("locations", LOCATIONS),
        "orders/{order}/transactions": _transactions,
    }
    for path, handler in lists.items():
        web.on(f"{BASE}/{path}.json", handler, "GET")
    web.on(f"{BASE}/graphql.json", _once(throttled(), graphql), "POST")
