"""Made-up objects in the shapes of Stripe's API; times are seconds since 1970."""

from __future__ import annotations

from typing import Any

Json = Any
DAY = 86_400
NOON = 1_795_176_000
"""2026-11-20 12:00 in UTC, when the recording is made."""


def ago(days: float) -> int:
    """Return the time that many days before the recording."""
    return NOON - int(days * DAY)


def _listed(url: str, records: list[Json], has_more: bool = False) -> Json:
    return {"object": "list", "data": records, "has_more": has_more, "url": url}


def _address(city: str) -> Json:
    return {
        "city": city,
        "country": "SE",
        "line1": "Example Street 1",
        "line2": None,
        "postal_code": "111 22",
        "state": None,
    }


def _customer(number: int, name: str, days: float) -> Json:
    return {
        "id": f"cus_Ex{number:010}",
        "object": "customer",
        "address": _address("Stockholm"),
        "balance": -500 if number == 2 else 0,
        "created": ago(days),
        "currency": "eur",
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": f"person{number}@example.com",
        "invoice_prefix": f"EX{number:06}",
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
        "livemode": False,
        "metadata": {"crm_id": f"c-{number}"},
        "name": name,
        "next_invoice_sequence": 2,
        "phone": None,
        "preferred_locales": ["sv"],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _price(number: int, product: str, amount: int, interval: str | None) -> Json:
    recurring = {
        "interval": interval,
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return {
        "id": f"price_Ex{number:010}",
        "object": "price",
        "active": number != 3,
        "billing_scheme": "per_unit",
        "created": ago(400),
        "currency": "eur",
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": recurring if interval else None,
        "tax_behavior": "exclusive",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _product(number: int, name: str) -> Json:
    return {
        "id": f"prod_Ex{number:010}",
        "object": "product",
        "active": True,
        "created": ago(401),
        "default_price": f"price_Ex{number:010}",
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": "txcd_10000000",
        "type": "service",
        "unit_label": None,
        "updated": ago(30),
        "url": None,
    }


def _subscription(number: int, customer: str, status: str, days: float) -> Json:
    ended = ago(5) if status == "canceled" else None
    item = {
        "id": f"si_Ex{number:010}",
        "object": "subscription_item",
        "created": ago(days),
        "current_period_end": ago(days) + 30 * DAY,
        "current_period_start": ago(days),
        "discounts": [],
        "metadata": {},
        "price": PRICES[0],
        "quantity": 2,
        "subscription": f"sub_Ex{number:010}",
        "tax_rates": [],
    }
    return {
        "id": f"sub_Ex{number:010}",
        "object": "subscription",
        "billing_cycle_anchor": ago(days),
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": ended,
        "cancellation_details": {
            "comment": None,
            "feedback": "too_expensive" if ended else None,
            "reason": "cancellation_requested" if ended else None,
        },
        "collection_method": "charge_automatically",
        "created": ago(days),
        "currency": "eur",
        "customer": customer,
        "days_until_due": None,
        "default_payment_method": "pm_Ex0000000001",
        "description": None,
        "discounts": [],
        "ended_at": ended,
        "items": _listed(f"/v1/subscription_items?subscription=sub_Ex{number:010}", [item]),
        "latest_invoice": "in_Ex0000000001",
        "livemode": False,
        "metadata": {},
        "pause_collection": None,
        "pending_update": None,
        "schedule": None,
        "start_date": ago(days),
        "status": status,
        "test_clock": None,
        "trial_end": None,
        "trial_start": None,
    }


def _line(number: int, invoice: str) -> Json:
    return {
        "id": f"il_Ex{number:010}",
        "object": "line_item",
        "amount": 1900,
        "currency": "eur",
        "description": "1 × Example plan (at €19.00 / month)",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": "sub_Ex0000000001",
                "subscription_item": "si_Ex0000000001",
            },
            "type": "subscription_item_details",
        },
        "period": {"end": ago(-20), "start": ago(10)},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": "price_Ex0000000001", "product": "prod_Ex0000000001"},
            "type": "price_details",
            "unit_amount_decimal": "1900",
        },
        "quantity": 1,
        "subtotal": 1900,
        "taxes": [],
    }


def _invoice(number: int, days: float, lines: list[Json]) -> Json:
    paid = number == 1
    total = sum(line["amount"] for line in lines)
    return {
        "id": f"in_Ex{number:010}",
        "object": "invoice",
        "account_country": "SE",
        "account_name": "Example AB",
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": total if paid else 0,
        "amount_remaining": 0 if paid else total,
        "amount_shipping": 0,
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": not paid,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": ago(days),
        "currency": "eur",
        "customer": "cus_Ex0000000001",
        "customer_address": _address("Stockholm"),
        "customer_email": "person1@example.com",
        "customer_name": "Example Bakery",
        "customer_phone": None,
        "customer_tax_exempt": "none",
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": ago(days),
        "ending_balance": 0,
        "footer": None,
        "hosted_invoice_url": f"https://invoice.example.com/i/{number}",
        "invoice_pdf": f"https://pay.example.com/invoice/{number}/pdf",
        # An invoice contains ten lines.
        "lines": _listed(f"/v1/invoices/in_Ex{number:010}/lines", lines[:10], len(lines) > 10),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None if paid else ago(-2),
        "number": f"EX000001-000{number}",
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": "sub_Ex0000000001"},
            "type": "subscription_details",
        },
        "period_end": ago(days),
        "period_start": ago(days + 30),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "paid" if paid else "open",
        "status_transitions": {
            "finalized_at": ago(days),
            "marked_uncollectible_at": None,
            "paid_at": ago(days) if paid else None,
            "voided_at": None,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": None,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_taxes": [],
    }


def _charge(number: int, days: float, *, refunded: bool) -> Json:
    return {
        "id": f"ch_Ex{number:010}",
        "object": "charge",
        "amount": 3800,
        "amount_captured": 3800,
        "amount_refunded": 3800 if refunded else 0,
        "application": None,
        "application_fee_amount": None,
        "balance_transaction": f"txn_Ex{number:010}",
        "billing_details": {
            "address": _address("Stockholm"),
            "email": "person1@example.com",
            "name": "Example Bakery",
            "phone": None,
        },
        "captured": True,
        "created": ago(days),
        "currency": "eur",
        "customer": "cus_Ex0000000001",
        "description": "Subscription update",
        "disputed": number == 2,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_Ex{number:010}",
        "payment_method": "pm_Ex0000000001",
        "payment_method_details": {
            "card": {"brand": "visa", "exp_month": 12, "exp_year": 2030, "last4": "4242"},
            "type": "card",
        },
        "receipt_email": None,
        "receipt_url": f"https://pay.example.com/receipts/{number}",
        "refunded": refunded,
        "shipping": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    }


def _payment_intent(number: int, days: float, status: str) -> Json:
    return {
        "id": f"pi_Ex{number:010}",
        "object": "payment_intent",
        "amount": 3800,
        "amount_capturable": 0,
        "amount_received": 3800 if status == "succeeded" else 0,
        "application_fee_amount": None,
        "canceled_at": ago(3) if status == "canceled" else None,
        "cancellation_reason": "abandoned" if status == "canceled" else None,
        "capture_method": "automatic",
        "client_secret": f"pi_Ex{number:010}_secret_example",
        "confirmation_method": "automatic",
        "created": ago(days),
        "currency": "eur",
        "customer": "cus_Ex0000000001",
        "description": None,
        "last_payment_error": None,
        "latest_charge": f"ch_Ex{number:010}" if status == "succeeded" else None,
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "payment_method": "pm_Ex0000000001",
        "payment_method_types": ["card"],
        "receipt_email": None,
        "setup_future_usage": None,
        "statement_descriptor": None,
        "status": status,
        "transfer_group": None,
    }


def _refund(number: int, days: float, status: str) -> Json:
    return {
        "id": f"re_Ex{number:010}",
        "object": "refund",
        "amount": 3800,
        "balance_transaction": "txn_Ex0000000003",
        "charge": "ch_Ex0000000001",
        "created": ago(days),
        "currency": "eur",
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": "pi_Ex0000000001",
        "reason": "requested_by_customer",
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


def _payout(number: int, days: float, status: str) -> Json:
    return {
        "id": f"po_Ex{number:010}",
        "object": "payout",
        "amount": 7010,
        "arrival_date": ago(days - 2) // DAY * DAY,
        "automatic": True,
        "balance_transaction": "txn_Ex0000000004",
        "created": ago(days),
        "currency": "eur",
        "description": "STRIPE PAYOUT",
        "destination": "ba_Ex0000000001",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": status,
        "type": "bank_account",
    }


def _balance_transaction(number: int, days: float) -> Json:
    return {
        "id": f"txn_Ex{number:010}",
        "object": "balance_transaction",
        "amount": 3800,
        "available_on": ago(days - 7),
        "balance_type": "payments",
        "created": ago(days),
        "currency": "eur",
        "description": None,
        "exchange_rate": None,
        "fee": 82,
        "fee_details": [
            {
                "amount": 82,
                "application": None,
                "currency": "eur",
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ],
        "net": 3718,
        "reporting_category": "charge",
        "source": f"ch_Ex{number:010}",
        "status": "available",
        "type": "charge",
    }


def _coupon(number: int) -> Json:
    return {
        "id": f"EXAMPLE{number:03}",
        "object": "coupon",
        "amount_off": None,
        "created": ago(200 + number),
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": 10.5,
        "redeem_by": None,
        "times_redeemed": number,
        "valid": True,
    }


def _dispute() -> Json:
    return {
        "id": "du_Ex0000000001",
        "object": "dispute",
        "amount": 3800,
        "balance_transactions": [],
        "charge": "ch_Ex0000000002",
        "created": ago(4),
        "currency": "eur",
        "evidence": {"customer_name": "Example Bakery", "customer_email_address": None},
        "evidence_details": {
            "due_by": ago(-5),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": "pi_Ex0000000002",
        "payment_method_details": {"card": {"brand": "visa"}, "type": "card"},
        "reason": "fraudulent",
        "status": "needs_response",
    }


def _checkout_session() -> Json:
    return {
        "id": "cs_test_Ex0000000001",
        "object": "checkout.session",
        "amount_subtotal": 1900,
        "amount_total": 1900,
        "cancel_url": None,
        "client_reference_id": "cart-1",
        "client_secret": None,
        "created": ago(12),
        "currency": "eur",
        "customer": "cus_Ex0000000001",
        "customer_details": {"email": "person1@example.com", "name": "Example Bakery"},
        "customer_email": None,
        "expires_at": ago(11),
        "invoice": None,
        "livemode": False,
        "locale": "sv",
        "metadata": {},
        "mode": "subscription",
        "payment_intent": None,
        "payment_link": None,
        "payment_status": "paid",
        "status": "complete",
        "subscription": "sub_Ex0000000001",
        "success_url": "https://shop.example.com/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
    }


def _portal_session() -> Json:
    return {
        "id": "bps_Ex0000000001",
        "object": "billing_portal.session",
        "created": ago(0.4),
        "customer": "cus_Ex0000000001",
        "livemode": False,
        "return_url": "https://example.com/account",
        "url": "https://billing.stripe.com/p/session/made_up",
    }


def event(number: int, kind: str, days: float, changed: Json) -> Json:
    """Return the event of a change."""
    return {
        "id": f"evt_Ex{number:010}",
        "object": "event",
        "api_version": "2020-08-27",
        "created": ago(days),
        "data": {"object": changed},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


PRICES = [
    _price(1, "prod_Ex0000000001", 1900, "month"),
    _price(2, "prod_Ex0000000002", 4900, None),
    _price(3, "prod_Ex0000000002", 3900, None),
]
_CUSTOMERS = [
    _customer(1, "Example Bakery", 300),
    _customer(2, "Example Garage", 100),
    _customer(3, "Example School", 0.5),
]
_SUBSCRIPTIONS = [
    _subscription(1, "cus_Ex0000000001", "active", 290),
    _subscription(2, "cus_Ex0000000002", "canceled", 90),
]
_INVOICES = [
    _invoice(1, 10, [_line(number, "in_Ex0000000001") for number in range(1, 13)]),
    _invoice(2, 1.5, [_line(13, "in_Ex0000000002")]),
]
_CHARGES = [_charge(1, 40, refunded=True), _charge(2, 10, refunded=False)]
_INTENTS = [_payment_intent(1, 40, "succeeded"), _payment_intent(3, 12, "canceled")]

LINES = {
    "in_Ex0000000001": [_line(number, "in_Ex0000000001") for number in range(1, 13)],
    "in_Ex0000000002": [_line(13, "in_Ex0000000002")],
}
OBJECTS: dict[str, list[Json]] = {
    "customers": _CUSTOMERS,
    "subscriptions": _SUBSCRIPTIONS,
    "invoices": _INVOICES,
    "charges": _CHARGES,
    "payment_intents": _INTENTS,
    "refunds": [_refund(1, 9, "succeeded"), _refund(2, 2, "pending")],
    "payouts": [_payout(1, 20, "paid"), _payout(2, 1, "in_transit")],
    "balance_transactions": [_balance_transaction(n, 60 - n / 2) for n in range(1, 103)],
    "disputes": [_dispute()],
    "products": [_product(1, "Example plan"), _product(2, "Example setup")],
    "prices": PRICES,
    "coupons": [_coupon(1), _coupon(2)],
    "checkout/sessions": [_checkout_session()],
    "events": [
        event(1, "customer.updated", 25, _CUSTOMERS[0]),
        event(2, "charge.refunded", 9, _CHARGES[0]),
        event(3, "customer.subscription.deleted", 5, _SUBSCRIPTIONS[1]),
        event(4, "charge.dispute.created", 4, _dispute()),
        event(5, "payment_intent.canceled", 3, _INTENTS[1]),
        event(6, "invoice.updated", 2, _INVOICES[0]),
        event(7, "customer.created", 0.5, _CUSTOMERS[2]),
        event(8, "billing_portal.session.created", 0.4, _portal_session()),
    ],
}
"""Lists by their paths; the API returns them newest first."""
