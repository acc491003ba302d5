"""What is signed here: JWTs that are tokens or ask for one, and requests signed by HMAC.

In a replay keys are stand-ins, and what they sign is one too: signatures hold the time, so no
recording could hold them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase

from framework.definition.datetimes import write_time
from framework.errors import SettingsError
from framework.http.auth.placement import Place
from framework.runtime.context import Context
from framework.runtime.dlt_internals import mark_resolved
from framework.runtime.redaction import Redactor
from framework.runtime.settings import STAND_IN
from framework.runtime.templates import Values, expand

Json = Any


def jwt_key(text: str, encoding: str) -> str | bytes:
    """The key as it signs: base64 decoded where the file says that it is written so."""
    if encoding != "base64":
        # a PEM that came through an environment variable has its line breaks written out
        return text.replace("\\n", "\n") if text.startswith("-----BEGIN") else text
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError("the key of the auth is no base64, as its key_encoding says") from None


def signed_jwt(
    payload: Mapping[str, Json],
    headers: Mapping[str, Json],
    key: str | bytes,
    passphrase: str | None,
    algorithm: str,
    seconds: float,
) -> str:
    """A JWT that is good for so many seconds from now, where its payload does not say `iat` and
    `exp` itself. SettingsError where the key does not fit the algorithm."""
    if key in (STAND_IN, STAND_IN.encode()):
        return STAND_IN
    import jwt
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    issued = int(time.time())
    claims = {"iat": issued, "exp": issued + int(seconds), **payload}
    try:
        signing: Any = key
        if not algorithm.startswith("HS"):
            pem = key.encode() if isinstance(key, str) else key
            signing = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
        return jwt.encode(claims, signing, algorithm=algorithm, headers=dict(headers) or None)
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        # the error's own words may quote the key
        raise SettingsError(
            f"the key of the auth cannot sign with {algorithm} ({type(error).__name__}): give "
            "the whole private key in PEM form, and its passphrase if it has one"
        ) from None


class SignedRequests(AuthConfigBase):
    """A signature over each request, by HMAC. `message` is a template over method, url, path,
    query, body and timestamp."""

    def __init__(
        self,
        key: str,
        message: str,
        algorithm: str,
        encoding: str,
        place: Place,
        timestamp: Place | None,
        timestamp_format: str,
        context: Context,
        secrets: Redactor,
    ) -> None:
        super().__init__()
        self._key = key
        self._message = message
        self._algorithm = algorithm
        self._encoding = encoding
        self._place = place
        self._timestamp = timestamp
        self._format = timestamp_format
        self._context = context
        self._secrets = secrets
        mark_resolved(self)

    def __deepcopy__(self, _: dict[int, Any]) -> SignedRequests:
        return self

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its signature, and with the time that is part of it."""
        replayed = self._key == STAND_IN
        now = STAND_IN if replayed else str(write_time(datetime.now(UTC), self._format))
        if self._timestamp is not None:
            self._secrets.add(now)
            self._timestamp(request, now)
        signature = STAND_IN if replayed else self._signature(request, now)
        self._secrets.add(signature)
        self._place(request, signature)
        return request

    def _signature(self, request: requests.PreparedRequest, now: str) -> str:
        url = request.url or ""
        parts = urlsplit(url)
        body = request.body or b""
        known = {
            "method": request.method or "GET",
            "url": url,
            "path": parts.path,
            "query": parts.query,
            "body": body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body),
            "timestamp": now,
        }
        values = Values(known, {**self._context, **known})
        message = str(expand(self._message, values, "text"))
        made = hmac.new(self._key.encode(), message.encode(), getattr(hashlib, self._algorithm))
        if self._encoding == "base64":
            return base64.b64encode(made.digest()).decode()
        return made.hexdigest()
