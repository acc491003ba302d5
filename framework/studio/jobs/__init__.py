"""The kinds of jobs, and the endpoints that answer from what jobs and runs have left.

A request and a context come in, JSON data goes out. This package is imported with the first job,
since it may import dlt. It knows nothing of HTTP.
"""

from __future__ import annotations

from framework.studio.jobs.check_job import check
from framework.studio.jobs.look_job import look
from framework.studio.jobs.record_job import record, test
from framework.studio.jobs.recorded_runs import runs
from framework.studio.jobs.run_job import run
from framework.studio.jobs.try_expression import try_expression
from framework.studio.jobs.written_schema import write_schema
from framework.studio.studio_job import JobFunction, JobKind

JOBS: dict[str, JobKind] = {
    "look": JobKind(look),
    "check": JobKind(check),
    "record": JobKind(record, needs_saved=True),
    "test": JobKind(test, needs_saved=True),
    "run": JobKind(run, needs_saved=True),
}
"""The kinds of `POST /api/jobs`, by name."""

ENDPOINTS: dict[str, JobFunction] = {"try": try_expression, "runs": runs, "schema": write_schema}
"""Functions of `/api/NAME` that answer at once: `try`, `runs`, `schema`. `scratch` is not theirs.

The request is the JSON body of a POST, or the query of a GET as texts. The connector is that of
the request's `name`; for `try`, that of its job.
"""
