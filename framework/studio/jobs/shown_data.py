"""Exchanges and records as the page shows them: masked, cut where they are long, and said so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from framework.authoring.diagnose.raw_response import HIDDEN_HEADERS
from framework.authoring.exchange import is_token_form
from framework.http.formats.charsets import is_charset
from framework.runtime.redaction import MASK, Redactor, is_credential_name, redact_url
from framework.studio.jobs.exchange_tap import TappedExchange

Json = Any

LONGEST_BODY = 200_000
"""Characters of a body that are shown."""
LONGEST_TEXT = 5_000
"""Characters of one text in a record that are shown."""
MOST_VALUES = 5_000
"""Values of one record, with those inside it, that are shown."""
ALL_VALUES, ALL_CHARACTERS = 50_000, 2_000_000
"""Values of all records of a step or a table, and characters of their texts, that are shown."""
ALL_BODIES = 4_000_000
"""Characters of all bodies together; after them, of each no more than LONGEST_TEXT."""
LARGEST_NUMBER = 2**53
"""Greater whole numbers are shown as texts: a browser would change their last digits."""
_SECRET_FIELDS = frozenset({"client_secret", "password", "assertion", "client_assertion", "code"})


class ExchangeView:
    """Shows the exchanges of one look, with one limit on all of their bodies."""

    def __init__(self, redactors: Iterable[Redactor]) -> None:
        self._redactors = tuple(redactors)
        self._room = ALL_BODIES

    def show(self, exchange: TappedExchange) -> dict[str, Json]:
        """Return an exchange as JSON, without a secret in any spelling."""
        request, response = exchange.request, exchange.response
        sent = _bytes_of(request.body)
        body, _, _ = self._body(sent, len(sent), None, exchange.resource == "")
        shown: dict[str, Json] = {
            "id": exchange.id,
            "resource": exchange.resource,
            "method": request.method or "GET",
            "url": self._url(request.url),
            "headers": self._headers(request.headers.items()),
            "body": body if sent else None,
            "seconds": round(exchange.seconds, 3),
            "records": exchange.records,
            "status": None,
            "reason": self._masked(exchange.error),
            "response_headers": [],
            "response_body": "",
            "bytes": exchange.size,
            "is_cut": False,
            "is_text": True,
        }
        if response is not None:
            charset = response.encoding
            text, is_cut, is_text = self._body(
                exchange.beginning, exchange.size, charset, exchange.resource == ""
            )
            shown |= {
                "status": response.status_code,
                "reason": self._masked(response.reason or ""),
                "response_headers": self._headers(response.headers.items()),
                "response_body": text,
                "is_cut": is_cut,
                "is_text": is_text,
            }
        return shown

    def _url(self, url: str | None) -> str:
        for redactor in self._redactors:
            url = redact_url(url, redactor)
        return url or ""

    def _headers(self, headers: Iterable[tuple[str, str | bytes]]) -> list[list[str]]:
        shown = []
        for name, value in headers:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            is_hidden = name.lower() in HIDDEN_HEADERS or is_credential_name(name)
            shown.append([name, MASK if is_hidden else self._masked(text)])
        return shown

    def _masked(self, text: str) -> str:
        for redactor in self._redactors:
            text = redactor.redact(text)
        return text

    def _body(
        self, body: bytes, size: int, charset: str | None, is_token_request: bool
    ) -> tuple[str, bool, bool]:
        """Return a body as text, whether it is cut, and whether it is text at all."""
        text = _text_of(body, charset, is_whole=size == len(body))
        if text is None:
            return f"({size:,} bytes that are not text)", False, False
        # masked before it is cut: half a secret would not be known as one
        if size > len(body):
            text = text[: min(redactor.finished(text) for redactor in self._redactors)]
        text = self._masked(text)
        if is_token_request:
            text = masked_fields(text)
        most = LONGEST_BODY if self._room > 0 else LONGEST_TEXT
        is_cut = len(text) > most or size > len(body)
        self._room -= min(len(text), most)
        return text[:most], is_cut, True


def _bytes_of(body: object) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else b""


def _text_of(body: bytes, charset: str | None, *, is_whole: bool) -> str | None:
    """Return the text of a body or of its beginning, None if it is not text."""
    named = [charset] if charset and is_charset(charset) else []
    for encoding in dict.fromkeys(("utf-8", *named)):
        for end in range(len(body), max(len(body) - (1 if is_whole else 4), -1), -1):
            try:
                text = body[:end].decode(encoding)
            except UnicodeError:
                continue  # the end may be in the middle of a character
            if "\0" not in text:
                return text
    return None


def masked_fields(text: str) -> str:
    """Return the body of a request for a token, or of its response, without what it is about."""
    try:
        data = json.loads(text)
    except ValueError:
        pairs = parse_qsl(text, keep_blank_values=True)
        if not is_token_form(tuple(pairs)):
            return text
        return urlencode([(key, MASK if _is_secret(key) else one) for key, one in pairs], safe="*")
    return json.dumps(without_credentials(data), ensure_ascii=False)


def without_credentials(value: Json) -> Json:
    """Return the data of a request for a token, or of its response, without what it is about."""
    if isinstance(value, Mapping):
        return {
            key: MASK if _is_secret(key) and isinstance(one, str) else without_credentials(one)
            for key, one in value.items()
        }
    return [without_credentials(one) for one in value] if isinstance(value, list) else value


def _is_secret(name: str) -> bool:
    is_kind = name.lower() in ("token_type", "grant_type")
    return not is_kind and (name.lower() in _SECRET_FIELDS or is_credential_name(name))


class RecordView:
    """Shows records, or other values, with one limit on all of them: those of a step, or a table.

    A text, a record and all of them together are cut where they are too large, which is said in the
    place of what is left out.
    """

    def __init__(self, redactors: Iterable[Redactor]) -> None:
        self._redactors = tuple(redactors)
        self._values, self._characters = ALL_VALUES, ALL_CHARACTERS
        self._left = 0

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another record."""
        return self._values <= 0 or self._characters <= 0

    def show(self, record: Json) -> Json:
        """Return a record as JSON, without a secret in any spelling."""
        self._left = MOST_VALUES
        for redactor in self._redactors:
            record = redactor.redact_data(record)  # before it is cut
        return self._shown(record)

    def _shown(self, value: Json) -> Json:
        self._left -= 1
        self._values -= 1
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            return self._list(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_NUMBER:
            return str(value)
        if value is None or isinstance(value, (int, float, bool)):
            return value
        text = str(value)
        self._characters -= min(len(text), LONGEST_TEXT)
        if len(text) <= LONGEST_TEXT:
            return text
        return f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"

    def _mapping(self, value: Mapping[Any, Json]) -> dict[str, Json]:
        shown: dict[str, Json] = {}
        for key, one in value.items():
            if self._left <= 0 or self.is_full:
                shown["…"] = f"({len(value) - len(shown):,} more)"
                break
            self._characters -= len(str(key))
            shown[str(key)] = self._shown(one)
        return shown

    def _list(self, value: Sequence[Json]) -> list[Json]:
        shown: list[Json] = []
        for one in value:
            if self._left <= 0 or self.is_full:
                shown.append(f"({len(value) - len(shown):,} more)")
                break
            shown.append(self._shown(one))
        return shown
