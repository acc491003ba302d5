"""Read a HAR file (HTTP Archive 1.2), the recording of a browser or a proxy, as exchanges."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from framework.authoring.exchange import Interaction
from framework.definition.yaml_limits import LimitExceeded, read_limited
from framework.http.formats.compression import Undecodable, decompress
from framework.importers.import_report import ManifestError
from framework.text import join_words

Json = Any

LARGEST = 500_000_000
"""Bytes of the largest HAR file."""
LARGEST_BODY = 256_000_000
"""Bytes of the largest response body that was stored compressed."""
_NOT_JSON = re.compile(r"^(?:image|font|audio|video)/|html|css|wasm|pdf", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})
"""Headers about a body as it was sent; a HAR has it decoded."""


@dataclass(frozen=True)
class HarRecording:
    """The exchanges of a HAR in its order, the time of the first, and what was left out."""

    interactions: tuple[Interaction, ...]
    started: datetime
    notes: tuple[str, ...]


def read_har(path: Path) -> HarRecording:
    """Return the exchanges of a HAR file. Raise ManifestError if it is not a HAR."""
    data = _contents(path)
    log = data.get("log") if isinstance(data, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise ManifestError(f"{path}: expected a HAR, a JSON object with `log.entries`")
    left_out: Counter[str] = Counter()
    interactions = []
    for entry in entries:
        try:
            interactions.append(_interaction(entry))
        except _UnusableEntry as reason:
            left_out[str(reason)] += 1
    if left_out and not interactions:
        raise ManifestError(
            f"{path}: found no request with its response among {len(entries)} entries: "
            f"{join_words(left_out)}"
        )
    notes = [
        f"left out {count} of {len(entries)} entries: {why}" for why, count in left_out.items()
    ]
    return HarRecording(tuple(interactions), _started(entries), tuple(notes))


class _UnusableEntry(ValueError):
    """An entry of a HAR that tells of no exchange."""


def _contents(path: Path) -> Json:
    try:
        raw = read_limited(path, LARGEST)
    except LimitExceeded as error:
        raise ManifestError(f"{path}: {error}") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror or error}") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        raise ManifestError(f"{path}: is empty, expected a HAR")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        is_cut = len(raw.rstrip()) - len(error.doc[: error.pos].encode()) <= 1
        problem = "it is cut off" if is_cut else error.msg.partition(":")[0]
        raise ManifestError(
            f"{path}:{error.lineno}:{error.colno}: is not valid JSON: {problem}; "
            "export the HAR again"
        ) from None


def _started(entries: list[Json]) -> datetime:
    """Return when the recording began."""
    for entry in entries:
        try:
            moment = datetime.fromisoformat(str(entry["startedDateTime"]))
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
    return datetime.now(UTC)


def _interaction(entry: Json) -> Interaction:
    request = entry.get("request") if isinstance(entry, dict) else None
    response = entry.get("response") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise _UnusableEntry("not a request with its response")
    url = request.get("url")
    if not isinstance(url, str) or not _is_http(url):
        raise _UnusableEntry("not an http address")
    status = response.get("status")
    if not isinstance(status, int) or status <= 0:
        raise _UnusableEntry("no response came")
    body = _response_body(response)
    if status == 304 and body:
        status = 200  # the browser had the body in its cache
    return Interaction(
        method=str(request.get("method") or "GET").upper(),
        url=url,
        status=status,
        reason=str(response.get("statusText") or ""),
        headers=tuple(_headers(response, _FRAMING)),
        body=body,
        request_headers=tuple(_headers(request, frozenset())),
        request_body=_request_body(request.get("postData")),
    )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _headers(message: Mapping[str, Json], left_out: frozenset[str]) -> Iterator[tuple[str, str]]:
    listed = message.get("headers")
    for one in listed if isinstance(listed, list) else []:
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(name, str) and not name.startswith(":") and name.lower() not in left_out:
            yield name, str(one.get("value") or "")


def _response_body(response: Mapping[str, Json]) -> bytes:
    """Return a body that may be JSON; images, pages and scripts are not looked at."""
    content = response.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        return b""
    if _NOT_JSON.search(str(content.get("mimeType") or "")):
        return b""
    text: str = content["text"]
    if content.get("encoding") != "base64":
        return _encoded(text)
    try:
        body = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _UnusableEntry("a body that is not valid base64") from None
    if not body.startswith(_GZIP):
        return body
    try:  # a proxy stored it as it was sent
        return decompress("gzip", body, LARGEST_BODY)[0]
    except Undecodable:
        raise _UnusableEntry("a compressed body that is damaged or too large") from None


def _request_body(posted: Json) -> bytes | None:
    if not isinstance(posted, dict):
        return None
    if isinstance(posted.get("text"), str) and posted["text"]:
        return _encoded(posted["text"])
    listed = posted.get("params")
    pairs = [
        (str(one.get("name") or ""), str(one.get("value") or ""))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]
    return urlencode(pairs).encode() if pairs else None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")
