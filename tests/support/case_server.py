"""The API of a case: routes of a `server.yaml` put onto a `Web`, and requests compared."""

from __future__ import annotations

import base64
import gzip
import io
import json
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.support.servers.web import Answer, Asked

Json = Any


@dataclass(frozen=True)
class Wanted:
    """What a request must be. `query` is None where any will do, else sorted pairs."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] | None
    headers: Mapping[str, Json] = field(default_factory=dict)
    bodies: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, written: str | Mapping[str, Json]) -> Wanted:
        """A request as a case's files write it."""
        rest = {} if isinstance(written, str) else dict(written)
        text = written if isinstance(written, str) else rest.pop("request")
        method, _, url = text.partition(" ")
        path, mark, query = url.partition("?")
        pairs = tuple(sorted(parse_qsl(query, keep_blank_values=True))) if mark else None
        headers = {name.lower(): value for name, value in rest.pop("headers", {}).items()}
        assert rest.keys() <= {"json", "form", "body"}, f"unknown keys in a request: {rest}"
        return cls(method, unquote(path), pairs, headers, rest)

    def fits(self, asked: Asked) -> bool:
        """Whether the request is so."""
        return (
            self.method == asked.method
            and self.path == unquote(asked.path)
            and (self.query is None or self.query == tuple(sorted(asked.query)))
            and all(asked.headers.get(name) == value for name, value in self.headers.items())
            and all(_body(kind, asked) == value for kind, value in self.bodies.items())
        )

    def seen(self, asked: Asked) -> dict[str, Json]:
        """The request as this one would be written: what it does not name is left out."""
        found: dict[str, Json] = {"request": line_of(asked)}
        if self.headers:
            found["headers"] = {name: asked.headers.get(name) for name in self.headers}
        return found | {kind: _body(kind, asked) for kind in self.bodies}

    def written(self) -> dict[str, Json]:
        """This request in the form of `seen`."""
        query = "&".join(f"{name}={value}" for name, value in self.query or ())
        found: dict[str, Json] = {
            "request": f"{self.method} {self.path}" + ("?" + query) * (query != "")
        }
        if self.headers:
            found["headers"] = dict(self.headers)
        return found | dict(self.bodies)


def line_of(asked: Asked) -> str:
    """Method, path and query, decoded and with its pairs sorted."""
    query = "&".join(f"{name}={value}" for name, value in sorted(asked.query))
    return f"{asked.method} {unquote(asked.path)}" + (f"?{query}" if query else "")


def _body(kind: str, asked: Asked) -> Json:
    if kind == "form":
        return dict(asked.form())
    if kind == "body":
        return asked.body.decode()
    try:
        return asked.json()
    except json.JSONDecodeError:
        return f"no JSON: {asked.body!r}"


class Routes:
    """The routes of a `server.yaml`; `unexpected` are the requests that fit none."""

    def __init__(self, written: list[Mapping[str, Json]]) -> None:
        self.unexpected: list[str] = []
        self._lock = threading.Lock()
        self._routes = []
        for route in written:
            assert sorted(route) in (["answer", "request"], ["answers", "request"]), route
            answers = route.get("answers") or [route["answer"]]
            self._routes.append((Wanted.of(route["request"]), [made(one) for one in answers]))

    def __call__(self, asked: Asked) -> Answer:
        """The answer of the first route that fits."""
        with self._lock:
            for wanted, answers in self._routes:
                if wanted.fits(asked):
                    return answers.pop(0) if len(answers) > 1 else answers[0]
            self.unexpected.append(
                f"{line_of(asked)} {asked.body.decode(errors='replace')}".strip()
            )
        return Answer(404, {"error": "the case has no route for this request"})


def made(written: Mapping[str, Json]) -> Answer:
    """An answer of a `server.yaml`."""
    known = {"status", "headers", "json", "text", "base64", "files", "encoding", "compress", "drop"}
    assert written.keys() <= known, f"unknown keys in an answer: {written.keys() - known}"
    headers = {name: str(value) for name, value in (written.get("headers") or {}).items()}
    body: Json = b""
    if "json" in written:
        body = written["json"]
    elif "text" in written:
        body = written["text"]
        if "encoding" in written:
            body = body.encode(written["encoding"])
    elif "base64" in written:
        body = base64.b64decode(written["base64"])
    if "compress" in written:
        files = written.get("files") or {"data": body}
        packed = _gzipped(body) if written["compress"] == "gzip" else _zipped(files)
        body = packed
    return Answer(written.get("status", 200), body, headers, drop=written.get("drop", False))


def _bytes(body: Json) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _gzipped(body: Json) -> bytes:
    return gzip.compress(_bytes(body))


def _zipped(files: Mapping[str, Json]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, _bytes(body))
    return packed.getvalue()
