"""Consent on another device: a person enters a code there (RFC 8628)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from framework.errors import TokenError
from framework.http.auth.oauth import TokenRequest, send_request
from framework.login.consent import Consent
from framework.runtime.context import with_response
from framework.runtime.redaction import redact_url

Json = Any
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = 5.0
"""Seconds that are added to the interval when the API asks for it."""


@dataclass(frozen=True)
class DeviceCode:
    """What a person enters, where, and how often the API may be asked whether it was (seconds)."""

    user_code: str
    verification_uri: str
    device_code: str
    interval: float
    expires_in: float


def request_device_code(consent: Consent) -> DeviceCode:
    """Return a new code; raise TokenError if the API gives none."""
    url = str(consent.request.device_authorization_url)
    asked = replace(consent.endpoint.request(consent.context, {}), url=url, headers={}, auth=None)
    status, body, _ = _sent(consent, replace(asked, params={}, json=None, data=consent.params))
    try:
        return DeviceCode(
            str(body["user_code"]),
            str(body.get("verification_uri_complete") or body["verification_uri"]),
            str(body["device_code"]),
            float(body.get("interval") or 5),
            float(body.get("expires_in") or 600),
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise TokenError(f"the request for a code returned {status}{_said(body)}") from None


def refresh_token(consent: Consent, code: DeviceCode, wait: Callable[[float], None]) -> str:
    """Ask until the person has answered, and return the refresh token.

    Raise TokenError if access was not allowed, or the code has expired.
    """
    consent.context.redactor.add(code.device_code)
    grant = {"grant_type": GRANT, "device_code": code.device_code}
    request = consent.endpoint.request(consent.context, grant)
    waited, interval = 0.0, code.interval
    while waited < code.expires_in:
        wait(interval)
        waited += interval
        status, body, context = _sent(consent, request)
        error = body.get("error") if isinstance(body, dict) else None
        if error == "slow_down":
            interval += SLOWER
        elif error is None and status < 400:
            return consent.refresh_token(body, context)
        elif error != "authorization_pending":
            raise TokenError(f"access was not allowed: status {status}{_said(body)}")
    raise TokenError("the code has expired; run the login again")


def _sent(consent: Consent, request: TokenRequest) -> tuple[int, Json, Any]:
    """Return the status and the body of a response, and the context with it."""
    source = f"the request to {redact_url(request.url, consent.context.redactor)}"
    session = consent.context.session_for(request.url)
    response, body = send_request(request, session, source, "the address in its login")
    return response.status_code, body, with_response(consent.context.context, response)


def _said(body: Json) -> str:
    said = body.get("error_description") or body.get("error") if isinstance(body, dict) else None
    return f": {str(said)[:200]}" if said else ""
