"""The kinds of jobs, and the endpoints that answer from what jobs and runs have left.

A request and a context come in, JSON data goes out. This package is imported with the first job,
since it may import dlt. It knows nothing of HTTP.
"""

from __future__ import annotations

from framework.studio.jobs.look_job import look
from framework.studio.studio_job import JobFunction, JobKind

JOBS: dict[str, JobKind] = {"look": JobKind(look)}
"""The kinds of `POST /api/jobs`, by name."""

ENDPOINTS: dict[str, JobFunction] = {}
"""Functions of `/api/NAME` that answer at once: `try`, `runs`, `schema`. `scratch` is not theirs.

The request is the JSON body of a POST, or the query of a GET as texts. The connector is that of
the request's `name`; for `try`, that of its job.
"""
