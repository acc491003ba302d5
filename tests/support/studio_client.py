"""A studio's server for tests: uvicorn on a free port, and a client that has its token."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from framework.runtime.redaction import Redactor
from framework.studio.job_runner import JobRunner
from framework.studio.request_checks import StudioAddress
from framework.studio.studio_app import create_app
from framework.studio.studio_job import JobKind
from framework.studio.studio_session import StudioSession
from framework.workspace.project_folder import ProjectFolder

Json = Any


@dataclass
class StudioClient:
    """A studio that runs: `http` sends requests with its token."""

    address: StudioAddress
    session: StudioSession
    jobs: JobRunner
    http: httpx.Client

    def get(self, name: str, /, **query: str) -> httpx.Response:
        """Ask /api/NAME."""
        return self.http.get(f"/api/{name}", params=query)

    def post(self, name: str, /, **body: Json) -> httpx.Response:
        """Send JSON to /api/NAME."""
        return self.http.post(f"/api/{name}", json=body)

    def job(self, name: str = "jobs", /, **body: Json) -> dict[str, Json]:
        """Start a job, and return what it is when it has ended."""
        started = self.post(name, **body)
        assert started.status_code == 200, started.text
        job_id = started.json()["job"]
        assert self.jobs._job(job_id).ended.wait(60)
        told: dict[str, Json] = self.get(f"jobs/{job_id}").json()
        return told


@contextmanager
def running_studio(
    root: Path, kinds: Mapping[str, JobKind] | None = None
) -> Iterator[StudioClient]:
    """Serve the project of a folder."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = StudioAddress(listener.getsockname()[1])
    session = StudioSession.of(ProjectFolder.of(root), Redactor())
    jobs = JobRunner(session, kinds)
    app = create_app(session, jobs, address)
    config = uvicorn.Config(app, log_config=None, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{address.port}"
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        yield StudioClient(address, session, jobs, http)
    server.should_exit = True
    thread.join(30)
    listener.close()
    assert not thread.is_alive()
