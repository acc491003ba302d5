"""The records of an invented store, as Shopify's Admin API shows them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def gid(kind: str, number: int) -> str:
    """Return the id of a record in GraphQL."""
    return f"gid://shopify/{kind}/{number}"


def _money(amount: str) -> Json:
    one = {"amount": amount, "currency_code": "USD"}
    return {"shop_money": one, "presentment_money": dict(one)}


def _address(first: str, last: str) -> Json:
    return {
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "company": None,
        "address1": "1 Example Street",
        "address2": "",
        "city": "Springfield",
        "zip": "62701",
        "province": "Illinois",
        "province_code": "IL",
        "country": "United States",
        "country_code": "US",
        "phone": None,
        "latitude": 39.8,
        "longitude": -89.65,
    }


SHOP: Json = {
    "id": 690933842,
    "name": "Example Outfitters",
    "email": "owner@example.com",
    "customer_email": "help@example.com",
    "domain": "shop.example.com",
    "myshopify_domain": "example-outfitters.myshopify.com",
    "country_code": "US",
    "currency": "USD",
    "enabled_presentment_currencies": ["USD", "CAD"],
    "iana_timezone": "America/New_York",
    "timezone": "(GMT-05:00) America/New_York",
    "weight_unit": "kg",
    "taxes_included": False,
    "plan_name": "basic",
    "plan_display_name": "Basic",
    "shop_owner": "Olive Owner",
    "phone": None,
    "address1": "1 Example Street",
    "address2": None,
    "city": "Springfield",
    "zip": "62701",
    "province": "Illinois",
    "primary_locale": "en",
    "primary_location_id": 655441491,
    "password_enabled": False,
    "setup_required": False,
    "created_at": "2024-01-02T10:00:00-05:00",
    "updated_at": "2026-11-01T10:00:00-04:00",
}

LOCATIONS: list[Json] = [
    {
        "id": number,
        "name": name,
        "active": True,
        "legacy": False,
        "address1": "1 Example Street",
        "address2": None,
        "city": "Springfield",
        "zip": "62701",
        "province": "Illinois",
        "province_code": "IL",
        "country": "US",
        "country_code": "US",
        "country_name": "United States",
        "localized_country_name": "United States",
        "localized_province_name": "Illinois",
        "phone": None,
        "created_at": "2024-01-02T10:00:00-05:00",
        "updated_at": "2024-01-02T10:00:00-05:00",
        "admin_graphql_api_id": gid("Location", number),
    }
    for number, name in ((655441491, "Main store"), (655441492, "Warehouse"))
]


def _line(number: int, product: int, quantity: int, price: str) -> Json:
    return {
        "id": number,
        "admin_graphql_api_id": gid("LineItem", number),
        "product_id": product,
        "variant_id": product * 10,
        "title": "Rain jacket",
        "variant_title": "Blue",
        "name": "Rain jacket - Blue",
        "sku": f"RJ-{product}",
        "vendor": "Example",
        "quantity": quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": 0,
        "fulfillment_status": "fulfilled",
        "fulfillment_service": "manual",
        "price": price,
        "price_set": _money(price),
        "total_discount": "0.00",
        "total_discount_set": _money("0.00"),
        "discount_allocations": [{"amount": "5.00", "discount_application_index": 0}],
        "tax_lines": [{"title": "IL tax", "price": "3.10", "rate": 0.0625}],
        "taxable": True,
        "gift_card": False,
        "requires_shipping": True,
        "grams": 400,
        "properties": [],
        "variant_inventory_management": "shopify",
        "product_exists": True,
    }


def transaction(number: int, order: int, kind: str, amount: str) -> Json:
    """Return a payment of an order."""
    return {
        "id": number,
        "order_id": order,
        "parent_id": None if kind == "sale" else number - 1,
        "kind": kind,
        "status": "success",
        "amount": amount,
        "currency": "USD",
        "gateway": "bogus",
        "source_name": "web",
        "payment_id": f"#{order}.1",
        "message": "Success",
        "error_code": None,
        "authorization": None,
        "test": True,
        "user_id": None,
        "device_id": None,
        "location_id": None,
        "receipt": {"paid_amount": amount},
        "created_at": "2026-11-02T10:20:00-05:00",
        "processed_at": "2026-11-02T10:20:00-05:00",
        "admin_graphql_api_id": gid("OrderTransaction", number),
    }


def _refund(order: int) -> Json:
    return {
        "id": order + 5,
        "order_id": order,
        "note": "too small",
        "restock": True,
        "user_id": None,
        "refund_line_items": [
            {
                "id": order + 6,
                "line_item_id": order + 1,
                "location_id": 655441491,
                "quantity": 1,
                "restock_type": "return",
                "subtotal": 44.9,
                "total_tax": 3.1,
            }
        ],
        "transactions": [
            {
                name: value
                for name, value in transaction(order + 9, order, "refund", "48.00").items()
                if name
                in (
                    "id",
                    "order_id",
                    "parent_id",
                    "kind",
                    "status",
                    "amount",
                    "currency",
                    "gateway",
                    "created_at",
                    "processed_at",
                )
            }
        ],
        "order_adjustments": [],
        "created_at": "2026-11-05T09:00:00-05:00",
        "processed_at": "2026-11-05T09:00:00-05:00",
        "admin_graphql_api_id": gid("Refund", order + 5),
    }


def _fulfillment(order: int, name: str) -> Json:
    return {
        "id": order + 4,
        "order_id": order,
        "name": f"{name}.1",
        "status": "success",
        "shipment_status": "delivered",
        "service": "manual",
        "location_id": 655441492,
        "tracking_company": "Example Post",
        "tracking_number": f"EP{order}",
        "tracking_numbers": [f"EP{order}"],
        "tracking_url": f"https://post.example.com/EP{order}",
        "tracking_urls": [f"https://post.example.com/EP{order}"],
        "line_items": [{"id": order + 1, "quantity": 2, "sku": "RJ-1"}],
        "created_at": "2026-11-03T09:00:00-05:00",
        "updated_at": "2026-11-04T09:00:00-05:00",
        "admin_graphql_api_id": gid("Fulfillment", order + 4),
    }


def order(number: int, updated: str, *, refunded: bool = False) -> Json:
    """Return the order of this number, from 1."""
    key = 450789000 + number * 100
    name = f"#{1000 + number}"
    return {
        "id": key,
        "admin_graphql_api_id": gid("Order", key),
        "name": name,
        "order_number": 1000 + number,
        "number": number,
        "confirmation_number": f"CONF{number}",
        "created_at": "2026-11-02T10:15:00-05:00",
        "processed_at": "2026-11-02T10:15:00-05:00",
        "updated_at": updated,
        "closed_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "financial_status": "partially_refunded" if refunded else "paid",
        "fulfillment_status": "fulfilled",
        "test": False,
        "confirmed": True,
        "currency": "USD",
        "presentment_currency": "USD",
        "total_price": "104.90",
        "subtotal_price": "94.90",
        "total_line_items_price": "99.90",
        "total_discounts": "5.00",
        "total_tax": "6.20",
        "total_outstanding": "0.00",
        "current_total_price": "56.90" if refunded else "104.90",
        "total_price_set": _money("104.90"),
        "total_shipping_price_set": _money("10.00"),
        "taxes_included": False,
        "total_weight": 800,
        "source_name": "web",
        "location_id": None,
        "customer_locale": "en-US",
        "order_status_url": f"https://shop.example.com/orders/{number}/authenticate?key=made-up",
        "email": "pat@example.com",
        "note": None,
        "tags": "wholesale, vip",
        "payment_gateway_names": ["bogus"],
        "note_attributes": [{"name": "gift", "value": "yes"}],
        "discount_codes": [{"code": "AUTUMN", "amount": "5.00", "type": "fixed_amount"}],
        "discount_applications": [
            {
                "type": "discount_code",
                "code": "AUTUMN",
                "value": "5.0",
                "value_type": "fixed_amount",
                "target_type": "line_item",
                "target_selection": "all",
                "allocation_method": "across",
            }
        ],
        "tax_lines": [{"title": "IL tax", "price": "6.20", "rate": 0.0625}],
        "shipping_lines": [
            {
                "id": key + 3,
                "title": "Standard",
                "code": "STD",
                "price": "10.00",
                "discounted_price": "10.00",
                "source": "shopify",
                "carrier_identifier": None,
                "tax_lines": [],
            }
        ],
        "customer": {
            "id": 207119551,
            "email": "pat@example.com",
            "first_name": "Pat",
            "last_name": "Doe",
            "state": "enabled",
            "tags": "",
            "currency": "USD",
            "created_at": "2025-05-05T12:00:00-04:00",
            "updated_at": updated,
        },
        "billing_address": _address("Pat", "Doe"),
        "shipping_address": _address("Pat", "Doe"),
        "line_items": [_line(key + 1, 6320101, 2, "49.95")],
        "refunds": [_refund(key)] if refunded else [],
        "fulfillments": [_fulfillment(key, name)],
    }


def customer(number: int, first: str, updated: str) -> Json:
    """Return a customer."""
    home = {"id": number + 1, "customer_id": number, **_address(first, "Doe")}
    return {
        "id": number,
        "admin_graphql_api_id": gid("Customer", number),
        "email": f"{first.lower()}@example.com",
        "first_name": first,
        "last_name": "Doe",
        "phone": None,
        "state": "enabled",
        "verified_email": True,
        "orders_count": 1,
        "total_spent": "104.90",
        "currency": "USD",
        "last_order_id": 450789100,
        "last_order_name": "#1001",
        "note": None,
        "tags": "",
        "tax_exempt": False,
        "tax_exemptions": [],
        "email_marketing_consent": {
            "state": "subscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": "2025-05-05T12:00:00-04:00",
        },
        "default_address": dict(home),
        "addresses": [{"default": True, **home}],
        "created_at": "2025-05-05T12:00:00-04:00",
        "updated_at": updated,
    }


def checkout(number: int, updated: str, *, closed: bool) -> Json:
    """Return an abandoned checkout."""
    return {
        "id": number,
        "token": f"token{number}",
        "name": f"#{number}",
        "email": "sam@example.com",
        "abandoned_checkout_url": f"https://shop.example.com/checkouts/ac/{number}/recover",
        "completed_at": None,
        "closed_at": updated if closed else None,
        "created_at": "2026-11-08T08:00:00-05:00",
        "updated_at": updated,
        "currency": "USD",
        "presentment_currency": "USD",
        "total_price": "59.95",
        "subtotal_price": "49.95",
        "total_tax": "0.00",
        "taxes_included": False,
        "source_name": "web",
        "discount_codes": [],
        "line_items": [{"key": "k1", "product_id": 6320101, "variant_id": 63201010, "quantity": 1}],
        "customer": {"id": 207119552, "email": "sam@example.com", "first_name": "Sam"},
    }


PRICE_RULES: list[Json] = [
    {
        "id": 507328175,
        "admin_graphql_api_id": gid("PriceRule", 507328175),
        "title": "AUTUMN",
        "value": "-5.0",
        "value_type": "fixed_amount",
        "target_type": "line_item",
        "target_selection": "all",
        "allocation_method": "across",
        "allocation_limit": None,
        "customer_selection": "all",
        "once_per_customer": False,
        "usage_limit": 100,
        "starts_at": "2026-09-01T00:00:00-04:00",
        "ends_at": None,
        "entitled_product_ids": [],
        "entitled_collection_ids": [],
        "created_at": "2026-08-30T08:00:00-04:00",
        "updated_at": "2026-08-30T08:00:00-04:00",
    }
]
