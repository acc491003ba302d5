"""A server that answers as the APIs of connectors do: records of their schemas, in two pages."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks.exporting import status_of, written
from benchmarks.needed import TOKEN, Keys, needed, read_by_paging, set_from
from benchmarks.nested import find, keys_of, nested, put, room
from benchmarks.windowing import window_of
from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Connector, Export, Resource
from framework.definition.values.datetimes import write_time

Json = Any

_NOW = datetime.now(UTC)
_MOMENT = _NOW - timedelta(days=10)
_EPOCH = int(_MOMENT.timestamp()) * 1000
_OFTEN = 50
"""Times that a page is answered before a list of it ends: its cursor goes nowhere."""
_USUAL = {
    "host", "user-agent", "accept", "accept-encoding", "connection", "content-length",
}  # fmt: skip
_SECONDS = "|".join(str(int(_NOW.timestamp()) + days * 86400)[:5] for days in (0, 1))
TODAY = re.compile(
    rf"({_NOW:%Y-%m-%d}|{_NOW - timedelta(days=1):%Y-%m-%d})"
    r"([T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?"
    rf"|(?:{_SECONDS})\d{{5}}(\d{{3}})?(\.\d+)?"
)
"""Times of today are those of the clock, which goes on between two runs."""


class Answering:
    """A server on loopback. `requests` are all that came, one text each."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._asked: Counter[tuple[str, str]] = Counter()
        self._routes: list[tuple[re.Pattern[str], Resource]] = []
        self._jobs: list[tuple[re.Pattern[str], Json]] = []
        self._downloads: dict[str, str] = {}
        self._token: dict[str, Json] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Answering:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def learn(self, connector: Connector) -> None:
        """What to answer: the paths, selectors, schemas and paginators of a connector."""
        self._needed = needed(connector)
        self._paging = connector.client.paginator
        for resource in connector.resources:
            path = resource.endpoint.path
            base = "" if "://" in path[:10] else connector.client.base_url.rstrip("/") + "/"
            url = f"{base}{path.lstrip('/') if base else path}"
            self._routes.append((self._route(url), resource))
            if resource.endpoint.export is not None:
                self._learn_job(resource.name, resource.endpoint.export, base)
        # the longest literal path first
        self._routes.sort(key=lambda one: (one[0].pattern.count(".+?"), -len(one[0].pattern)))
        auths = [connector.client.auth, *(one.endpoint.auth for one in connector.resources)]
        if any(re.search("oauth2|login", str(auth)) for auth in auths):
            self._token = {"access_token": "t1", "expires_in": 3600, "token": "t1", "id": "t1"}
        for auth in auths:
            _token_at(self._token, auth)

    def _route(self, url: str) -> re.Pattern[str]:
        pattern = ".+?".join(map(re.escape, re.split(r"\{[^{}]*\}", url)))
        return re.compile(f".*{pattern.replace(re.escape(self.address), '')}/?")

    def _learn_job(self, name: str, export: Export, base: str) -> None:
        # another host, as files are elsewhere: credentials stay behind
        target = f"{self.address.replace('127.0.0.1', 'localhost')}/downloads/{name}"
        self._downloads[urlsplit(target).path] = name
        if export.status is not None:
            url = next(iter(export.status.urls), f"{base}{(export.status.path or '').lstrip('/')}")
            self._jobs.append((self._route(url), status_of(export, target)))

    def clear(self) -> None:
        """Forget the requests so far."""
        self.requests.clear()
        self._asked.clear()

    def answer(self, method: str, target: str, body: str) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of an answer."""
        parts = urlsplit(target)
        for job, status in self._jobs:
            if job.fullmatch(parts.path):
                return json.dumps(status).encode(), {}
        for route, resource in self._routes:
            endpoint = resource.endpoint
            download = self._downloads.get(parts.path) == resource.name
            if download or (route.fullmatch(parts.path) and endpoint.method == method):
                if endpoint.export is not None and not download:
                    return b'{"id": "job1"}', {}
                answer, headers = self._page(resource, parts.path, target, body)
                return written(answer, endpoint.response_format), headers
        return json.dumps(self._token or []).encode(), {}

    def _page(self, resource: Resource, path: str, target: str, body: str) -> Json:
        paginator = resource.endpoint.paginator or self._paging or {}
        query = dict(parse_qsl(urlsplit(target).query))
        size = paginator.get("page_size") or paginator.get("limit")
        size = size if isinstance(size, int) and size <= 200 else None
        kind = paginator.get("type")
        extra: list[tuple[Expression | str | Keys, Json]] = []
        headers: dict[str, str] = {}
        self._asked[target, body] += 1
        count, first = 2, TOKEN not in target + body
        if kind in ("page_number", "offset"):
            word = "page" if kind == "page_number" else "offset"
            name = paginator.get(f"{word}_param", word)
            begin = str(paginator.get("base_page" if word == "page" else "offset", 0))
            first = str(query.get(name, begin)) == begin
            if size:
                count = size if first and name else min(1, size - 1)
            elif not first:
                count = 0
        elif kind == "cursor":
            if paginator.get("cursor_path"):
                extra.append((paginator["cursor_path"], TOKEN if first else None))
            name = paginator.get("cursor_param")
            if not first or (name and name in query) or self._asked[target, body] > _OFTEN:
                count, first = (1 if paginator.get("cursor_path") else 0), False
        elif kind in ("json_link", "header_link"):
            link = f"{self.address}{target}{'&' if '?' in target else '?'}after={TOKEN}"
            link = link if first else None
            if kind == "header_link":
                headers.update({"Link": f'<{link}>; rel="next"'} if link else {})
            elif paginator.get("next_url_path", "next"):
                extra.append((paginator.get("next_url_path", "next"), link))
        # the paginator's own path is written last
        extra = [
            *(
                (way, value if first else None)
                for way, value in read_by_paging(paginator, "response")
            ),
            *extra,
        ]
        start = 0 if first else 1000
        seeds = [start + n + sum(map(ord, path)) % 97 * 10 for n in range(count)]
        incremental = resource.endpoint.incremental
        if incremental is not None:
            asked = window_of(incremental, target + body)
            if not asked(_MOMENT):
                seeds, extra, headers = [], [(where, None) for where, _ in extra], {}
        records = [self._record(resource, seed) for seed in seeds]
        selector = resource.endpoint.data_selector
        text = selector.text if isinstance(selector, Expression) else str(selector or "@")
        answer = nested(text, records)
        for where, value in extra:
            text = where.text if isinstance(where, Expression) else where
            way = keys_of(text) if isinstance(text, str) else text
            if not isinstance(answer, dict) or not room(answer, (*way, "")):
                continue
            put(answer, way, value)
            if value is None:
                del find(answer, way[:-1])[way[-1]]
        return answer, headers

    def _record(self, resource: Resource, seed: int) -> Json:
        schema = resource.schema or {"properties": {"id": {"type": "integer"}}}
        record = _made(schema, seed, 0) or {}
        for field in sorted(self._needed.get(resource.name, ()), key=len):
            if find(record, field) is None and room(record, field):
                put(record, field, f"v{seed}")
        for step in resource.steps:
            text = step.text if step.kind == "filter" else ""
            for wanted in re.finditer(r"([\w.]+) == '([^']*)'", text):
                put(record, tuple(wanted[1].split(".")), wanted[2])
        paginator = resource.endpoint.paginator or self._paging or {}
        for field, value in read_by_paging(paginator, "last_record"):
            if find(record, field) is None and room(record, field):
                put(record, field, value)
        incremental = resource.endpoint.incremental
        if incremental is not None:
            forms = incremental.cursor_formats or (incremental.format or "iso",)
            moment = _MOMENT + timedelta(minutes=seed % 60)
            path = tuple(incremental.cursor_path.split("."))
            value: Json = write_time(moment.replace(microsecond=0), forms[0])
            number = isinstance(find(record, path), (int, float))
            if number and isinstance(value, str):
                value = int(moment.timestamp())
            put(record, path, value)
            made_of = set_from(resource, incremental.cursor_path)
            if made_of and made_of[-1] != "timestamp":
                put(record, made_of, value)
        return record

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append(shown(self.command, self.path, headers, body))
                data, more = outer.answer(self.command, self.path, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in more.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _do  # noqa: N815

        return Handler


def shown(method: str, target: str, headers: Mapping[str, str], body: str) -> str:
    """A request as one text: method, path, query in order, body, and what headers say of us."""
    parts = urlsplit(target)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    try:
        body = re.sub(r"(\d)\.0\b", r"\1", json.dumps(json.loads(body), sort_keys=True))
    except ValueError:
        if "=" in body and " " not in body:
            body = str(sorted(parse_qsl(body, keep_blank_values=True)))
    said = {
        name: value
        for name, value in sorted(headers.items())
        if name not in _USUAL and name != "content-type"
    }
    text = f"{method} {parts.path.rstrip('/')} {query} {body} {said}"
    return TODAY.sub("<now>", text)


def _made(schema: Json, seed: int, depth: int) -> Json:
    if not isinstance(schema, dict) or depth > 5:
        return None
    types = schema.get("type")
    kinds = [types] if isinstance(types, str) else list(types or [])
    kind = next((one for one in kinds if one != "null"), "object" if "properties" in schema else "")
    if schema.get("enum"):
        return schema["enum"][0]
    if kind == "object":
        return {
            key: _EPOCH + seed * 1000 if key == "timestamp" and isinstance(made, int) else made
            for key, one in (schema.get("properties") or {}).items()
            for made in [_made(one, seed, depth + 1)]
        }
    if kind == "array":
        inner = _made(schema.get("items"), seed, depth + 1)
        return [] if inner is None else [inner]
    if kind == "string":
        moment = _MOMENT + timedelta(minutes=seed % 60)
        form = schema.get("format")
        if form == "date-time":
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        return f"{moment:%Y-%m-%d}" if form == "date" else f"s{seed}"
    return {"integer": seed, "number": seed + 0.5, "boolean": seed % 2 == 0}.get(kind)


def _token_at(target: dict[str, Json], auth: Any) -> None:
    if isinstance(auth, Mapping):
        path = auth.get("token_path")
        text = path.text if isinstance(path, Expression) else path
        if isinstance(text, str) and text:
            put(target, keys_of(text), "t1")
        for one in auth.values():
            _token_at(target, one)
