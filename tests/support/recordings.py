"""Recordings written as short YAML, and as the HAR that a browser would have made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml

Json = Any


def har_of(recording: Json) -> Json:
    """Return the HAR of a mapping with `host`, `headers` of all requests, and `requests`.

    A request has `get` or `post` with a path or URL, and may have `headers`, `json`, `form`,
    `status`, `response` (JSON, or text), `response_headers` and `type`.
    """
    entries = []
    for second, one in enumerate(recording["requests"]):
        method = "POST" if "post" in one else "GET"
        url = urljoin(recording["host"], one.get("get") or one.get("post"))
        headers = {**recording.get("headers", {}), **one.get("headers", {})}
        request: Json = {"method": method, "url": url, "httpVersion": "HTTP/1.1"}
        if "json" in one:
            headers["Content-Type"] = "application/json"
            request["postData"] = {"mimeType": "application/json", "text": json.dumps(one["json"])}
        if "form" in one:
            kind = "application/x-www-form-urlencoded"
            headers["Content-Type"] = kind
            pairs = [{"name": name, "value": value} for name, value in one["form"].items()]
            request["postData"] = {"mimeType": kind, "params": pairs}
        request["headers"] = _listed(headers)
        body = one.get("response", {})
        text = body if isinstance(body, str) else json.dumps(body)
        kind = one.get("type", "application/json")
        entries.append(
            {
                "startedDateTime": f"2026-01-05T09:{second // 60:02d}:{second % 60:02d}.000Z",
                "request": request,
                "response": {
                    "status": one.get("status", 200),
                    "statusText": "",
                    "headers": _listed({"Content-Type": kind, **one.get("response_headers", {})}),
                    "content": {"mimeType": kind, "text": text},
                },
            }
        )
    return {"log": {"version": "1.2", "entries": entries}}


def write_har(recording: Json, path: Path) -> Path:
    """Write the HAR of a recording, given as a mapping or as YAML."""
    data = yaml.safe_load(recording) if isinstance(recording, str) else recording
    path.write_text(json.dumps(har_of(data)), encoding="utf-8")
    return path


def _listed(headers: Json) -> Json:
    return [{"name": name, "value": str(value)} for name, value in headers.items()]
