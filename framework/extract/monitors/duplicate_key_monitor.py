"""Warn of keys that an object of a response has twice: parsing keeps the last value only."""

from __future__ import annotations

import threading
from typing import Any

from framework.definition.values.json_text import (
    has_lone_surrogates,
    may_repeat_keys,
    repeated_keys,
)
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.read_options import ReadOptions
from framework.http.formats.charsets import charset_of
from framework.http.formats.compression import Undecodable
from framework.http.formats.decoders import json_in
from framework.http.transport import Response
from framework.runtime.redaction import redact_url

Json = Any


class DuplicateKeyMonitor:
    """Watch all lists of one resource; thread-safe.

    Arrow's reader refuses an object with a duplicate key, so a lazy page is checked only if it is
    parsed after all.
    """

    def __init__(self, plan: Plan, options: ReadOptions) -> None:
        self.secrets = options.redactor
        self._format = plan.endpoint.response_format
        self._resource = plan.resource.name
        self._watch = options.on_event
        self._suspects = 0
        self._cut = 0
        self._lock = threading.Lock()

    def on_page(self, page: Page) -> None:
        """Check a page that was parsed."""
        response = page.response
        if isinstance(response, Response):
            self.check(response, response.json())

    def on_end(self) -> None:
        """Do nothing: each page is reported by itself."""

    def check(self, response: Response, parsed: Json) -> None:
        """Compare a response with what was parsed of it."""
        body = response.parsed_body
        if body is None:
            body = self._json_of(response)
            if has_lone_surrogates(body):
                self._warn_of_surrogates(response)
        if not body or not may_repeat_keys(body, parsed):
            return
        with self._lock:
            self._suspects += 1
            number = self._suspects
        if number & (number - 1):
            return  # a full check takes as long as parsing: check the 1st, 2nd, 4th, 8th suspect
        repeated = repeated_keys(body)
        if repeated:
            keys = ", ".join(f"`{key}` (in {count:,})" for key, count in repeated.most_common(5))
            message = (
                f"found a key twice in objects of the response of "
                f"{redact_url(response.url, self.secrets)}: {keys}; only its last value is "
                "loaded. Report it to the API's owner"
            )
            self._watch(WarningRaised(self._resource, "json-key-repeated", message))

    def _warn_of_surrogates(self, response: Response) -> None:
        with self._lock:
            self._cut += 1
            if self._cut > 1:
                return
        self._watch(
            WarningRaised(
                self._resource,
                "text-cut",
                "found half of a character (a lone surrogate) in a text of the response of "
                f"{redact_url(response.url, self.secrets)}: it is loaded as U+FFFD. The API cuts "
                "texts in the middle of a character; report it to the API's owner",
            )
        )

    def _json_of(self, response: Response) -> bytes:
        """Return the JSON of a body that is compressed, in lines or not UTF-8, empty if none."""
        content_type = response.headers.get("Content-Type", "")
        try:
            texts = json_in(self._format, response.content, charset_of(content_type))
        except Undecodable:
            texts = []
        return f"[{','.join(texts)}]".encode() if texts else b""
