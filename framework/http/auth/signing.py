"""Signatures made here: JWTs that are tokens or ask for one, and requests signed by HMAC, by AWS
Signature V4 and by OAuth 1.0a.

In a replay the key is a stand-in, and so is what it signs: a signature holds the time, so no
recording can match it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import requests

from framework.definition.plain_data import INLINE
from framework.definition.values.datetimes import write_time
from framework.errors import SettingsError
from framework.http.auth.placement import FORM, Placement, put_credential
from framework.runtime.context import Context
from framework.runtime.redaction import Redactor
from framework.runtime.settings import STAND_IN
from framework.runtime.templates import Values, expand, text_of

Json = Any


@dataclass(frozen=True)
class JwtClaims:
    """What a JWT says, how it is signed, and for how long it is valid."""

    payload: Mapping[str, Json] = field(default_factory=dict)
    token_headers: Mapping[str, Json] = field(default_factory=dict)
    key_encoding: Literal["text", "base64"] = "text"
    private_key_passphrase: str | None = None
    algorithm: str = "RS256"
    expires_in: timedelta = timedelta(hours=1)

    def sign(self, key: str) -> str:
        """Return a JWT that is valid from now; `iat` and `exp` of the payload win.

        Raise SettingsError if the key does not fit the algorithm.
        """
        signing_key: Any = _decode_key(key, self.key_encoding)
        if signing_key in (STAND_IN, STAND_IN.encode()):
            return STAND_IN
        import jwt
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        issued = int(time.time())
        expires = issued + int(self.expires_in.total_seconds())
        claims = {"iat": issued, "exp": expires, **self.payload}
        passphrase = self.private_key_passphrase
        try:
            if not self.algorithm.startswith("HS"):
                pem = signing_key.encode() if isinstance(signing_key, str) else signing_key
                signing_key = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
            headers = dict(self.token_headers) or None
            return jwt.encode(claims, signing_key, algorithm=self.algorithm, headers=headers)
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            # the error's own words may quote the key
            raise SettingsError(
                f"the key of the auth cannot sign with {self.algorithm} "
                f"({type(error).__name__}): give the whole private key in PEM form, and its "
                "passphrase if it has one"
            ) from None


def _decode_key(text: str, encoding: str) -> str | bytes:
    if encoding != "base64":
        # a PEM from an environment variable often has `\n` for its line breaks
        return text.replace("\\n", "\n") if text.startswith("-----BEGIN") else text
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError(
            "the key of the auth is not valid base64, which its key_encoding expects"
        ) from None


@dataclass(frozen=True)
class Timestamp:
    """Where a signed request sends its time, and in which format."""

    format: str = "epoch_seconds"
    placement: Placement = field(default=Placement(), metadata=INLINE)


@dataclass(frozen=True)
class RequestSigner:
    """Signs requests by HMAC. `message` is a template over method, url, path, query, body and
    timestamp."""

    key: str = field(repr=False)
    message: str
    context: Context = field(repr=False)
    redactor: Redactor = field(repr=False)
    algorithm: str = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    timestamp: Timestamp | None = None
    placement: Placement = field(default=Placement(), metadata=INLINE)

    def sign(self, request: requests.PreparedRequest) -> None:
        """Put the signature on the request, and the time that is part of it."""
        is_replay = self.key == STAND_IN
        form = "epoch_seconds" if self.timestamp is None else self.timestamp.format
        now = STAND_IN if is_replay else str(write_time(datetime.now(UTC), form))
        if self.timestamp is not None:
            self.redactor.add_signature(now)
            put_credential(self.timestamp.placement, request, now)
        signature = STAND_IN if is_replay else self._signature(request, now)
        self.redactor.add_signature(signature)
        put_credential(self.placement, request, signature)

    def _signature(self, request: requests.PreparedRequest, now: str) -> str:
        url = request.url or ""
        parts = urlsplit(url)
        body = request.body or b""
        signed = {
            "method": request.method or "GET",
            "url": url,
            "path": parts.path,
            "query": parts.query,
            "body": body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body),
            "timestamp": now,
        }
        values = Values(signed, {**self.context, **signed})
        message = str(expand(self.message, values, "text"))
        signature = hmac.new(text_of(self.key).encode(), message.encode(), self.algorithm)
        if self.encoding == "base64":
            return base64.b64encode(signature.digest()).decode()
        return signature.hexdigest()


_UNQUOTED = re.compile(r"[^\w.~&=%-]", re.ASCII)


def quoted_query(url: str) -> str:
    """Return a URL in whose query all is percent-encoded that RFC 3986 does not leave alone.

    Servers that compute a signature may take `+`, `[` or `:` for something else.
    """
    address, mark, query = url.partition("?")
    if not mark or not _UNQUOTED.search(query):
        return url
    # latin-1 keeps all bytes as they are
    pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
    return f"{address}?{urlencode(pairs, encoding='latin-1', quote_via=quote)}"


@dataclass(frozen=True)
class AwsSigner:
    """Signs requests by AWS Signature V4, in the header `Authorization`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    service: str
    redactor: Redactor = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError if the library is not there. A replay does without it."""
        if self.secret_access_key != STAND_IN:
            _aws_library()

    def sign(self, request: requests.PreparedRequest) -> None:
        """Put the time, the body's hash and the signature on the request.

        Raise SettingsError for headers that cannot be signed.
        """
        request.url = quoted_query(request.url or "")
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        request.headers.setdefault("X-Amz-Date", now)
        if self.secret_access_key == STAND_IN:
            request.headers["Authorization"] = f"AWS4-HMAC-SHA256 {STAND_IN}"
            return
        pair = self.access_key_id, self.secret_access_key
        # one for each request: it keeps the key of a day, and threads would share it
        signer = _aws_library()(*pair, self.region, self.service, session_token=self.session_token)
        try:
            signer(request)
        except ValueError:
            raise SettingsError(
                "the request cannot be signed: a header that begins with X-Amz- has a quotation "
                "mark without its counterpart"
            ) from None
        self.redactor.add_signature(request.headers["Authorization"].rpartition("=")[2])


def _aws_library() -> Any:
    try:
        from requests_aws4auth import AWS4Auth
    except ModuleNotFoundError:
        raise SettingsError(
            "the auth aws_sigv4 needs requests-aws4auth: pip install "
            "'rest-connector-framework[aws]'"
        ) from None
    return AWS4Auth


@dataclass(frozen=True)
class OAuth1Signer:
    """Signs requests by OAuth 1.0a (RFC 5849), in the header `Authorization`."""

    consumer_key: str
    redactor: Redactor = field(repr=False)
    consumer_secret: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    token_secret: str | None = field(default=None, repr=False)
    signature_method: str = "HMAC-SHA1"
    private_key: str = field(default="", repr=False)
    realm: str | None = None

    def __post_init__(self) -> None:
        """Raise SettingsError if the library is not there. A replay does without it."""
        if not self._is_replay:
            _oauth1_library()

    @property
    def _is_replay(self) -> bool:
        return STAND_IN in (self.consumer_secret, self.private_key)

    def sign(self, request: requests.PreparedRequest) -> None:
        """Put a signature with a new time and nonce on the request.

        Raise SettingsError for a key or a form that cannot be used.
        """
        request.url = quoted_query(request.url or "")
        if self._is_replay:
            request.headers["Authorization"] = f"OAuth {STAND_IN}"
            return
        client = _oauth1_library()(
            self.consumer_key,
            client_secret=self.consumer_secret,
            resource_owner_key=self.token,
            resource_owner_secret=self.token_secret,
            signature_method=self.signature_method,
            rsa_key=_decode_key(self.private_key, "text") or None,
            realm=self.realm,
        )
        headers = {"Host": request.headers["Host"]} if "Host" in request.headers else {}
        form = None
        is_form = FORM in str(request.headers.get("Content-Type"))
        if is_form and request.method not in ("GET", "HEAD"):
            # the fields of a form are signed, and no other body
            body = request.body or b""
            form = body.decode() if isinstance(body, bytes) else str(body)
            headers["Content-Type"] = FORM
        try:
            _, signed, _ = client.sign(request.url, request.method, form, headers)
        except Exception as error:
            # the error's own words may quote the key, the URL or the form
            what = "give the whole private_key in PEM format"
            if not self.signature_method.startswith("RSA"):
                what = "check the URL, and that the form is percent-encoded"
            raise SettingsError(
                f"the request cannot be signed by {self.signature_method} "
                f"({type(error).__name__}): {what}"
            ) from None
        request.headers["Authorization"] = signed["Authorization"]
        signature = re.search(r'oauth_signature="([^"]+)"', signed["Authorization"])
        if signature is not None:
            self.redactor.add_signature(unquote(signature[1]))


def _oauth1_library() -> Any:
    try:
        from oauthlib.oauth1 import Client
    except ModuleNotFoundError:
        raise SettingsError(
            "the auth oauth1 needs oauthlib: pip install 'rest-connector-framework[oauth1]'"
        ) from None
    return Client
