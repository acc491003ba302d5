"""A manifest run by its own CDK, twice, without a network.

`airbyte_original.py JOBS NUMBER`: JOBS is a JSON file, a list of [manifest, config, times of the
runs, out], of which NUMBER run side by side. `out` gets the primary keys, and for each run the
requests with their responses, the records and what failed. The clock stands still during a run, and
no wait takes time.
"""

import base64
import io
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests
import yaml
from airbyte_answers import (
    ABSENT,
    PAGES,
    TEMPLATE,
    Shape,
    body_of,
    combinations,
    encoded,
    ending,
    going_on,
    moment_of,
    next_url,
    paths_read,
    put,
    record_of,
    response_of,
    shapes,
    times,
)
from airbyte_cdk.models import (
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)
from airbyte_cdk.sources.declarative.retrievers.simple_retriever import SimpleRetriever
from airbyte_cdk.sources.streams.http.http_client import HttpClient
from freezegun import freeze_time

_UNSENT = ("user-agent", "accept", "accept-encoding", "connection", "content-length")
_MANY = 60
"""Records of a page from which only the first list of a stream has several pages."""

LONGEST = 240
"""Seconds that a manifest may take."""

LOCAL = threading.local()


class Server:
    """Answers the requests of one run, and keeps them."""

    def __init__(self, manifest, now, run):
        self.shapes = shapes(manifest)
        self.tokens = tokens_of(manifest)
        self.now, self.run = now, run
        self.exchanges, self.notes = [], []
        self._answers, self._pages, self._lists = {}, {}, {}
        self._lock = threading.RLock()

    def send(self, request):
        """Answer a request; the same one gets the same answer."""
        key = self.key(request)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = self._answer(request)
            answers = self._answers[key]
            status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.exchanges.append(
                {
                    "method": request.method,
                    "url": request.url,
                    "headers": {
                        name.lower(): value.decode() if isinstance(value, bytes) else value
                        for name, value in request.headers.items()
                        if name.lower() not in _UNSENT
                    },
                    "body": text_of(request.body),
                    "stream": getattr(getattr(LOCAL, "retriever", None), "name", ""),
                    "status": status,
                    "response_headers": headers,
                    "response": base64.b64encode(body).decode(),
                }
            )
        return response_of(request, status, headers, body)

    def key(self, request):
        """What makes a request the same."""
        return (
            request.method,
            request.url,
            text_of(request.body),
            str(sorted((n.lower(), str(v)) for n, v in request.headers.items())),
        )

    def _answer(self, request):
        retriever = getattr(LOCAL, "retriever", None)
        if retriever is None or not getattr(LOCAL, "is_page", False):
            body = json.dumps(self.tokens).encode()
            return [(200, {"Content-Type": "application/json"}, body)]
        # a stream that the API lists has its template's shape
        shape = self.shapes.get(retriever.name) or self.shapes.get(TEMPLATE)
        shape = shape or Shape({"name": retriever.name})
        page = LOCAL.page
        listed = self._lists.setdefault(retriever.name, [])
        if page == 1:
            listed.append(1)
        answer = self._page(request, retriever, shape, page, len(listed))
        if self.run == 1 and page == 1 and len(listed) == 1:
            code = passing_error(shape)
            return [(code, {"Content-Type": "application/json"}, b'{"error": "again"}'), answer]
        if page == 1 and len(listed) == 2:
            code = permanent_error(shape)
            if code:
                return [(code, {"Content-Type": "application/json"}, b'{"error": "no"}')]
        return [answer]

    def _page(self, request, retriever, shape, page, lists):
        component = shape.component.get("retriever") or {}
        decoder = component.get("download_decoder") or component.get("decoder")
        selector = component.get("record_selector") or {}
        extractor = component.get("download_extractor") or selector.get("extractor") or {}
        path = path_of(retriever) or [str(key) for key in extractor.get("field_path") or []]
        bodies, headers_read = paths_read(component.get("paginator"))
        size = getattr(retriever._paginator, "get_page_size", lambda: None)()
        size = size if isinstance(size, int) and 0 < size <= 1000 else None
        several = not size or size < _MANY or lists == 1
        last = page >= PAGES or not several
        seed = (sum(map(ord, retriever.name)) % 50) * 10000 + (hash_of(request) % 90) * 100
        seed += page * 10 + self.run * 1000000
        token, url = f"tok{page + 1}", next_url(request.url, page)

        def records(count):
            moments = times(shape, LOCAL.slice, self.now, count)
            if shape.is_feed and self.run > 1:
                moments = moments[: max(1, count)]
            return [
                record_of(shape, seed + n, n, moments[n], whole=count > 20 and n > 2)
                for n in range(count)
            ]

        sizes = list(dict.fromkeys([min(3, size or 3), size or 3])) if not last else [2, 1, 0]
        if size and size <= 3 and last:
            sizes = [one for one in sizes if one < size] or [0]
        option = (component.get("paginator") or {}).get("page_token_option") or {}
        is_path = option.get("type") == "RequestPath"
        values = (
            (lambda p: ending(p, page))
            if last
            else (lambda p: going_on(p, page, url, token, is_path))
        )
        fallback = None
        for count in sizes:
            rows = records(count)
            for fill in combinations([*bodies, *headers_read], values):
                in_body = fill[: len(bodies)]
                headers = {"Content-Type": "application/json"}
                for where, value in fill[len(bodies) :]:
                    name = str(where[0])
                    if name.lower() == "link":
                        if not last:
                            headers["Link"] = f'<{url}>; rel="next"'
                    elif value is not ABSENT and value is not None:
                        headers[name] = str(value)
                body = encoded(decoder, body_of(path, rows, in_body))
                found = self._tried(request, retriever, headers, body)
                if found is None:
                    continue
                emitted, next_token = found
                if fallback is None and (emitted or not count):
                    fallback = (200, headers, body)
                if bool(next_token) != last and (emitted or not count):
                    return 200, headers, body
        if not last and component.get("paginator", {}).get("pagination_strategy"):
            self.notes.append(f"{retriever.name}: no second page could be made")
        if fallback is None:
            self.notes.append(f"{retriever.name}: no record could be made")
            fallback = (
                200,
                {"Content-Type": "application/json"},
                encoded(decoder, body_of(path, records(2), [])),
            )
        return fallback

    def _tried(self, request, retriever, headers, body):
        """How many records a response has, and the next page's token; None if it cannot be read."""
        response = response_of(request, 200, headers, body)
        before = getattr(LOCAL, "token", None)
        try:
            emitted = list(
                retriever.record_selector.select_records(
                    response=response,
                    stream_state={},
                    records_schema={},
                    stream_slice=LOCAL.slice,
                    next_page_token=before,
                )
            )
            response = response_of(request, 200, headers, body)
            following = retriever._paginator.next_page_token(
                response=response,
                last_page_size=len(emitted),
                last_record=emitted[-1] if emitted else None,
                last_page_token_value=before.get("next_page_token") if before else None,
            )
        except Exception:
            return None
        if following and before and following == before:
            return None
        return len(emitted), following


def path_of(retriever):
    """The keys by which a stream's extractor finds the records, templates filled in."""
    extractor = getattr(retriever.record_selector, "extractor", None)
    keys = getattr(extractor, "_field_path", None) or []
    try:
        return [str(key.eval(retriever.config)) for key in keys]
    except Exception:
        return []


def hash_of(request):
    """A small number of a request."""
    return sum(n * ord(c) for n, c in enumerate(f"{request.url}{text_of(request.body)}", 1))


def text_of(body):
    """A body as text."""
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else (body or "")


def filters_of(shape):
    """The response filters of a stream."""
    requester = (shape.component.get("retriever") or {}).get("requester") or {}
    handler = requester.get("error_handler") or {}
    for one in handler.get("error_handlers") or [handler]:
        yield from one.get("response_filters") or []


def passing_error(shape):
    """A status after which a request is repeated."""
    for one in filters_of(shape):
        codes = [int(code) for code in one.get("http_codes") or []]
        if str(one.get("action", "")).upper() in ("RETRY", "RATE_LIMITED") and codes:
            return codes[0]
    refused = {int(code) for one in filters_of(shape) for code in one.get("http_codes") or []}
    return next(code for code in (503, 429, 502, 500, 504) if code not in refused)


def permanent_error(shape):
    """A status that the stream ignores."""
    for one in filters_of(shape):
        codes = [int(code) for code in one.get("http_codes") or []]
        # after a 401 an import renews its token first, where there is one
        codes = [code for code in codes if code != 401]
        if str(one.get("action", "")).upper() == "IGNORE" and codes:
            return codes[0]
    return None


def tokens_of(manifest):
    """What logins and export jobs answer."""
    found = {
        "access_token": "t1",
        "expires_in": 3600,
        "refresh_token": "r1",
        "token": "t1",
        "id": "j1",
    }

    def walk(node):
        if isinstance(node, list):
            for one in node:
                walk(one)
        if not isinstance(node, dict):
            return
        for key in ("access_token_name",):
            if isinstance(node.get(key), str):
                found[node[key]] = "t1"
        if isinstance(node.get("session_token_path"), list):
            put(found, [str(one) for one in node["session_token_path"]], "t1")
        if node.get("status_mapping"):
            done = (node["status_mapping"].get("completed") or ["completed"])[0]
            path = (node.get("status_extractor") or {}).get("field_path") or ["status"]
            put(found, [str(one) for one in path], done)
            for name in ("download_target_extractor", "urls_extractor"):
                path = (node.get(name) or {}).get("field_path")
                if path:
                    put(found, [str(one) for one in path], "https://files.example.com/job1")
        for one in node.values():
            walk(one)

    walk(manifest)
    return found


def patch(server):
    """Have all requests answered by the server, and the page known that a request is for."""
    pages, fetch, send = (
        SimpleRetriever._read_pages,
        SimpleRetriever._fetch_next_page,
        HttpClient._send,
    )

    def read_pages(self, generate, stream_slice):
        counts = {"page": 0}
        inner = pages(_Counted(self, counts), generate, stream_slice)
        yield from inner

    class _Counted:
        """A retriever that counts the pages of one list."""

        def __init__(self, retriever, counts):
            object.__setattr__(self, "_own", (retriever, counts))

        def __getattr__(self, name):
            return getattr(self._own[0], name)

        def _fetch_next_page(self, stream_slice, next_page_token=None, **more):
            retriever, counts = self._own
            counts["page"] += 1
            if counts["page"] > 12:
                raise RuntimeError("pages without end")
            above = vars(LOCAL).copy()
            LOCAL.retriever, LOCAL.slice = retriever, stream_slice
            LOCAL.page, LOCAL.token = counts["page"], next_page_token
            try:
                return fetch(retriever, stream_slice, next_page_token, **more)
            finally:
                vars(LOCAL).clear()
                vars(LOCAL).update(above)

    def sent(self, *arguments, **more):
        retriever = getattr(LOCAL, "retriever", None)
        before = getattr(LOCAL, "is_page", False)
        requester = getattr(retriever, "requester", None)
        LOCAL.is_page = self is getattr(requester, "_http_client", None)
        try:
            return send(self, *arguments, **more)
        finally:
            LOCAL.is_page = before

    SimpleRetriever._read_pages = read_pages
    HttpClient._send = sent
    requests.adapters.HTTPAdapter.send = lambda _self, request, **_: server().send(request)
    time.sleep = lambda _: None


def main(jobs_file, side_by_side):
    """Do each job in a process of its own, as the CDK keeps things between two manifests."""
    jobs = json.loads(Path(jobs_file).read_text())
    running = {}
    while jobs or running:
        while jobs and len(running) < int(side_by_side):
            job = jobs.pop(0)
            child = os.fork()
            if not child:
                signal.alarm(LONGEST)
                try:
                    one_manifest(*job)
                finally:
                    os._exit(0)
            running[child] = job
        child, _ = os.wait()
        running.pop(child, None)


def one_manifest(manifest_file, config_file, nows, out):
    """Run a manifest at each time, with the state of the run before."""
    manifest = yaml.safe_load(Path(manifest_file).read_text())
    manifest.pop("api_budget", None)
    config = json.loads(Path(config_file).read_text())
    found = {"runs": [], "keys": {}, "failure": None}
    current = []
    patch(lambda: current[0])
    state = []
    sys.stdout = io.StringIO()
    for number, now in enumerate(nows, 1):
        with freeze_time(now.replace("Z", "+00:00")), tempfile.TemporaryDirectory() as folder:
            # the CDK's cache of responses lasts as long as a process, which is one run
            os.environ["REQUEST_CACHE_PATH"] = folder
            try:
                run, state = one_run(
                    manifest, config, state, moment_of(now), number, current, found
                )
            except Exception as error:
                found["failure"] = f"{type(error).__name__}: {str(error)[:600]}"
                break
        found["runs"].append(run)
        for line in sys.stdout.getvalue().splitlines():
            # a refresh token that is used once is handed back as a new config
            if line.startswith('{"type":"CONTROL"'):
                config = json.loads(line)["control"]["connectorConfig"]["config"]
        found["config"] = config
        sys.stdout = io.StringIO()
    Path(out).write_text(json.dumps(found, default=str))


def one_run(manifest, config, state, now, number, current, found):
    """One run: what it requested and read, and its state."""
    source = ConcurrentDeclarativeSource(
        catalog=None, config=config, state=state, source_config=json.loads(json.dumps(manifest))
    )
    server = Server(source.resolved_manifest, now, number)
    current[:] = [server]
    known = [stream.as_airbyte_stream() for stream in source.streams(config)]
    found["keys"] = {one.name: one.source_defined_primary_key for one in known}
    catalog = ConfiguredAirbyteCatalog(
        streams=[
            ConfiguredAirbyteStream(
                stream=one,
                sync_mode=SyncMode.incremental
                if SyncMode.incremental in one.supported_sync_modes
                else SyncMode.full_refresh,
                destination_sync_mode=DestinationSyncMode.append,
            )
            for one in known
        ]
    )
    source = ConcurrentDeclarativeSource(
        catalog=catalog, config=config, state=state, source_config=json.loads(json.dumps(manifest))
    )
    run = {"records": {}, "failed": {}, "exchanges": server.exchanges, "notes": server.notes}
    states = {}
    try:
        for message in source.read(logging.getLogger("airbyte"), config, catalog, state):
            if message.type == Type.RECORD:
                run["records"].setdefault(message.record.stream, []).append(message.record.data)
            elif message.type == Type.STATE:
                states[message.state.stream.stream_descriptor.name] = message.state
            elif message.type == Type.TRACE and message.trace.error is not None:
                error = message.trace.error
                name = error.stream_descriptor.name if error.stream_descriptor else ""
                run["failed"][name] = (error.internal_message or error.message or "")[:300]
    except Exception as error:
        run["failed"].setdefault("", f"{type(error).__name__}: {str(error)[:300]}")
    run["failed"].pop("", None) if len(run["failed"]) > 1 else None
    return run, list(states.values())


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main(*sys.argv[1:])
