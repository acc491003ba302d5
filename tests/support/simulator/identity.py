"""Ids, addresses and times as the scheduling API writes them, from small numbers: the same number
gives the same id in every run."""

from __future__ import annotations

import hashlib
import string
import uuid
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
"""One record, as plain JSON data."""

API = "https://api.calendly.com"
"""Every uri in a record starts with this, wherever the server really is."""

SITE = "https://calendly.com"
"""The pages that people see: scheduling, canceling, rescheduling."""

_ALPHABET = string.ascii_uppercase + string.digits


def uuid_for(kind: str, number: int) -> str:
    """An id in one of the API's two forms: 16 characters A-Z0-9 for even numbers, RFC 4122 in
    lower case for odd ones."""
    digest = hashlib.sha256(f"{kind}/{number}".encode()).digest()
    if number % 2:
        return str(uuid.UUID(bytes=digest[:16], version=4))
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:16])


def uri_for(kind: str, number: int) -> str:
    """The uri of thing `number` of a kind, as `event_types`."""
    return f"{API}/{kind}/{uuid_for(kind, number)}"


def last_part(uri: str) -> str:
    """The bare uuid of a uri."""
    return uri.rsplit("/", 1)[-1]


def stamp(moment: datetime) -> str:
    """UTC with six digits, as everywhere but in the activity log."""
    return _utc(moment).isoformat(timespec="microseconds") + "Z"


def short_stamp(moment: datetime) -> str:
    """UTC with milliseconds, as in the activity log."""
    return _utc(moment).isoformat(timespec="milliseconds") + "Z"


def moment_of(text: str) -> datetime:
    """The time that one of the API's texts means."""
    return datetime.fromisoformat(text)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
