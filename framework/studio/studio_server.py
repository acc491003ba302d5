"""Serve the studio on 127.0.0.1 until it is interrupted."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from framework.errors import FrameworkError
from framework.runtime.redaction import Redactor
from framework.studio.job_runner import JobRunner
from framework.studio.request_checks import StudioAddress
from framework.studio.studio_app import create_app
from framework.studio.studio_session import StudioSession
from framework.workspace.project_folder import ProjectFolder

_BACKLOG = 64


def serve(
    folder: ProjectFolder, redactor: Redactor, port: int, on_ready: Callable[[str], None]
) -> int:
    """Serve a project; `on_ready` gets the page's address once it answers. Port 0 is a free one.

    It returns after a signal, when the running jobs have been stopped, and how many they were.
    Raise FrameworkError if the port is taken.
    """
    with _listening(port) as listener:
        address = StudioAddress(listener.getsockname()[1])
        session = StudioSession.of(folder, redactor)
        jobs = JobRunner(session)
        app = create_app(session, jobs, address)
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",  # errors are answers; a traceback may hold a secret
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=1,
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        with _interruptible(server):
            on_ready(address.url)
            server.run(sockets=[listener])
        return jobs.stopped


@contextmanager
def _interruptible(server: uvicorn.Server) -> Iterator[None]:
    """Have Ctrl-C end the server in order from now on, also before it runs."""

    def end(*_: object) -> None:
        server.should_exit = True

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise FrameworkError(
            f"port {port} of 127.0.0.1 cannot be used: {error.strerror}; choose another --port, or "
            "leave it out for a free one"
        ) from None
    listener.listen(_BACKLOG)
    return listener
