"""The API's error answers in their documented shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.simulator.identity import Record


@dataclass(eq=False)
class Refusal(Exception):
    """An answer that ends a request: status, body, further headers."""

    status: int
    body: Record
    headers: Mapping[str, str] = field(default_factory=dict)


def invalid(*faults: tuple[str, str]) -> Refusal:
    """400: each fault is a parameter's name and what is wrong with it."""
    return Refusal(
        400,
        {
            "title": "Invalid Argument",
            "message": "The supplied parameters are invalid.",
            "details": [{"parameter": name, "message": text} for name, text in faults],
        },
    )


def unauthenticated() -> Refusal:
    """401: no token, or one that is not known."""
    return Refusal(401, {"title": "Unauthenticated", "message": "The access token is invalid"})


def denied(message: str = "You do not have permission to access this resource.") -> Refusal:
    """403: plan or role."""
    return Refusal(403, {"title": "Permission Denied", "message": message})


def insufficient_scope(scopes: Sequence[str]) -> Refusal:
    """403: the token lacks a scope."""
    return Refusal(
        403,
        {
            "title": "Insufficient scope",
            "message": "This operation requires the scopes listed in the 'required_scopes' array.",
            "required_scopes": list(scopes),
        },
    )


def not_found() -> Refusal:
    """404: no such path or thing."""
    return Refusal(
        404,
        {
            "title": "Resource Not Found",
            "message": "The server could not find the requested resource.",
        },
    )


def too_many() -> Refusal:
    """429: the minute's requests are used up. The headers say for how long; no Retry-After."""
    return Refusal(429, {"title": "Too Many Requests", "message": "The rate limit was exceeded."})


def broken(status: int) -> Refusal:
    """Any other status, as a gateway or a crash gives it."""
    titles = {500: "Internal Server Error", 424: "External Calendar Error"}
    return Refusal(
        status,
        {
            "title": titles.get(status, f"Error {status}"),
            "message": "The server encountered an error.",
        },
    )
