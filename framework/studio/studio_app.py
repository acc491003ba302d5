"""The studio's web application: routes to what the session, the editor, files and jobs answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.errors import UsageError
from framework.studio.json_answers import RequestRefused, failure_response, json_response
from framework.studio.request_checks import RequestChecks, StudioAddress, read_body

if TYPE_CHECKING:
    from framework.studio.editor_texts import EditorTexts
    from framework.studio.job_runner import JobRunner
    from framework.studio.studio_session import StudioSession

Json = Any
PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_NONCE = "__NONCE__"
_HALF = re.compile("[\ud800-\udfff]")


class StudioApp:
    """What the routes share. Work runs in threads, so that no request waits for another's."""

    def __init__(self, session: StudioSession, jobs: JobRunner) -> None:
        from framework.studio.project_files import ProjectFiles

        self.session = session
        self.jobs = jobs
        self.files = ProjectFiles(session)
        self._texts: EditorTexts | None = None
        self._threads = ThreadPoolExecutor(8, "studio")
        self._judging = ThreadPoolExecutor(2, "judging")
        self._is_warm = False

    def texts(self) -> EditorTexts:
        """Return the editor's texts; the language server is imported when they are first used."""
        from framework.studio.editor_texts import EditorTexts

        if self._texts is None:
            self._texts = EditorTexts(self.session)
        return self._texts

    async def call(
        self,
        request: Request,
        function: Callable[[Mapping[str, Json]], Json],
        *,
        judges: bool = False,
        is_edited: bool = False,
    ) -> Response:
        """Return the response of a function of the request's JSON body, or of its query.

        Half of a character is refused, which no file can hold, except in a text that `is_edited`:
        of that it is a finding.
        """
        redactor = self.session.redactor
        try:
            asked = await _asked(request)
            if not is_edited:
                _refuse_half_characters(asked)
            loop = asyncio.get_running_loop()
            pool = self._judging if judges else self._threads

            def answer() -> Response:
                return json_response(function(asked), redactor)

            response = await loop.run_in_executor(pool, answer)
        except Exception as error:
            return failure_response(error, redactor)
        self._warm_up()
        return response

    def _warm_up(self) -> None:
        """After the first answer, import what the next requests need."""
        if not self._is_warm:
            self._is_warm = True
            self._threads.submit(self.texts)
            self._threads.submit(self.session.read_settings)

    def close(self) -> None:
        """Stop the jobs, and take no more work."""
        self.jobs.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._judging.shutdown(wait=False, cancel_futures=True)


async def _asked(request: Request) -> Mapping[str, Json]:
    if request.method in ("GET", "DELETE"):
        return {**request.query_params, **request.path_params}
    try:
        body = await read_body(request.stream())
    except ValueError as error:
        raise RequestRefused(413, str(error), "send less of it") from None
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("the request is not valid JSON in UTF-8") from None
    if not isinstance(data, dict):
        raise UsageError("the request is not a JSON object")
    return data


def _refuse_half_characters(asked: Mapping[str, Json]) -> None:
    """Raise UsageError for a text with a lone surrogate, wherever it is in a request."""
    left: list[Json] = [asked]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str) and not one.isascii() and (found := _HALF.search(one)):
            raise UsageError(
                f"found U+{ord(found[0]):04X}, which is half of a character, expected text; "
                "remove it"
            )


def create_app(session: StudioSession, jobs: JobRunner, address: StudioAddress) -> Starlette:
    """Return the application, which answers only what is sent to its address with its token."""
    app = StudioApp(session, jobs)

    async def project(request: Request) -> Response:
        return await app.call(request, lambda _: app.files.project())

    async def file(request: Request) -> Response:
        is_read = request.method == "GET"
        return await app.call(request, app.files.file if is_read else app.files.save)

    async def copy(request: Request) -> Response:
        return await app.call(request, app.files.copy)

    async def judge(request: Request) -> Response:
        return await app.call(
            request, lambda asked: app.texts().judge(asked), judges=True, is_edited=True
        )

    async def complete(request: Request) -> Response:
        return await app.call(request, lambda asked: app.texts().complete(asked), is_edited=True)

    async def hover(request: Request) -> Response:
        return await app.call(request, lambda asked: app.texts().hover(asked), is_edited=True)

    async def rename(request: Request) -> Response:
        return await app.call(request, lambda asked: app.texts().rename(asked))

    async def format_text(request: Request) -> Response:
        return await app.call(request, lambda asked: app.texts().format(asked))

    async def set_secret(request: Request) -> Response:
        def answer(asked: Mapping[str, Json]) -> Json:
            app.session.set_value(asked)
            return {}

        return await app.call(request, answer)

    async def start(request: Request) -> Response:
        def answer(asked: Mapping[str, Json]) -> Json:
            from framework.studio.connector_starts import start_connector

            return start_connector(asked, app.session, app.files, app.jobs)

        return await app.call(request, answer)

    async def start_job(request: Request) -> Response:
        def answer(asked: Mapping[str, Json]) -> Json:
            kind = asked.get("kind")
            if not isinstance(kind, str):
                raise UsageError("`kind` is missing, expected a kind of job such as look")
            return app.jobs.start(kind, asked)

        return await app.call(request, answer)

    async def job(request: Request) -> Response:
        told = app.jobs.told if request.method == "GET" else app.jobs.stop
        return await app.call(request, lambda asked: told(str(asked["id"])))

    async def endpoint(request: Request) -> Response:
        name = request.path_params["endpoint"]
        return await app.call(request, lambda asked: app.jobs.answer(name, asked))

    async def page(request: Request) -> Response:
        return _page(request.path_params.get("path") or "index.html", request.state.nonce)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.get_running_loop().run_in_executor(None, app.close)

    routes = [
        Route("/api/project", project),
        Route("/api/file", file, methods=["GET", "PUT"]),
        Route("/api/copy", copy, methods=["POST"]),
        Route("/api/judge", judge, methods=["POST"]),
        Route("/api/complete", complete, methods=["POST"]),
        Route("/api/hover", hover, methods=["POST"]),
        Route("/api/rename", rename, methods=["POST"]),
        Route("/api/format", format_text, methods=["POST"]),
        Route("/api/secrets", set_secret, methods=["POST"]),
        Route("/api/start", start, methods=["POST"]),
        Route("/api/jobs", start_job, methods=["POST"]),
        Route("/api/jobs/{id}", job, methods=["GET", "DELETE"]),
        Route("/api/{endpoint}", endpoint, methods=["GET", "POST"]),
        Route("/{path:path}", page),
    ]
    checks = Middleware(RequestChecks, address=address)
    return Starlette(routes=routes, middleware=[checks], lifespan=lifespan)


def _page(name: str, nonce: str) -> Response:
    """Return a file of the page. They hold nothing of the project."""
    try:
        path = (PAGE / name).resolve()
        media = _TYPES.get(path.suffix)
        is_ours = path.is_relative_to(PAGE.resolve()) and media is not None
        content = path.read_bytes() if is_ours else None
    except (OSError, ValueError):  # no file, a folder, a name that no file can have
        content = None
    if content is None:
        return Response("not found\n", 404, media_type="text/plain")
    if name == "index.html":
        content = content.replace(_NONCE.encode(), nonce.encode())
    return Response(content, media_type=media)
