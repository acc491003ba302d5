"""Ask a server, and write what was asked as a HAR file, as a browser's developer tools do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

Json = Any

_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_SENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "application/json, */*"}


class HarWriter:
    """One tab of a browser; `headers` are sent with every request."""

    def __init__(self, base: str, headers: dict[str, str] | None = None) -> None:
        self.base = base
        self.headers = {**_SENT, **(headers or {})}
        self.entries: list[Json] = []

    def get(self, path: str) -> Json:
        """Ask for a path; return the JSON of the response, or its text."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Json) -> Json:
        """Send a JSON body."""
        return self._ask("POST", path, json.dumps(body))

    def save(self, path: Path) -> None:
        """Write the file."""
        creator = {"name": "recorder of tests", "version": "1"}
        log = {"version": "1.2", "creator": creator, "pages": [], "entries": self.entries}
        path.write_text(json.dumps({"log": log}, indent=1) + "\n", encoding="utf-8")

    def _ask(self, method: str, path: str, body: str | None) -> Json:
        url = path if "://" in path else self.base + path
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(url, body.encode() if body else None, headers, method=method)
        try:
            with urlopen(request, timeout=30) as response:
                status, reason = response.status, response.reason
                received, raw = response.headers.items(), response.read()
        except HTTPError as error:
            status, reason = error.code, error.reason
            received, raw = error.headers.items(), error.read()
        text = raw.decode()
        started = _START + timedelta(seconds=len(self.entries))
        sent: Json = {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "queryString": [
                {"name": name, "value": value}
                for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
            ],
            "headersSize": -1,
            "bodySize": len(body or ""),
        }
        if body is not None:
            sent["postData"] = {"mimeType": "application/json", "text": body}
        listed = [{"name": name, "value": value} for name, value in received]
        kind = next((one["value"] for one in listed if one["name"].lower() == "content-type"), "")
        self.entries.append(
            {
                "startedDateTime": started.isoformat().replace("+00:00", "Z"),
                "time": 1,
                "request": sent,
                "response": {
                    "status": status,
                    "statusText": reason,
                    "httpVersion": "HTTP/1.1",
                    "cookies": [],
                    "headers": listed,
                    "content": {"size": len(raw), "mimeType": kind, "text": text},
                    "redirectURL": "",
                    "headersSize": -1,
                    "bodySize": len(raw),
                },
                "cache": {},
                "timings": {"send": 0, "wait": 1, "receive": 0},
            }
        )
        try:
            return json.loads(text)
        except ValueError:
            return text
