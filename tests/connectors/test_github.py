"""What is special about the connector `github`: what its runs request, and GitHub's refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.events import Event
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import github_api
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer, Asked, each

pytestmark = pytest.mark.usefixtures("project")
RUNS = "/repos/{owner}/{repo}/actions/runs"


def load(server: VendorServer, *resources: str, days: int = 0, **config: Any) -> Report:
    server.web.asked.clear()
    options = RunOptions(resources=resources, config={**server.settings, **config})
    environment = server.environment(NOW + timedelta(days=days))
    events: list[Event] = []
    return run(valid_connector(find_connector("github")), options, environment, events.append)


def queries(server: VendorServer, path: str) -> list[dict[str, str]]:
    return [dict(asked.query) for asked in server.web.asked if asked.path == path]


def test_organizations_and_single_repositories_are_read_into_one_table() -> None:
    with vendor_server("github") as server:
        both = ["acme-example", "octo-example/library"]
        report = load(server, "repositories", repositories=both)
        paths = {asked.path for asked in server.web.asked}
    assert paths == {"/orgs/acme-example/repos", "/repos/octo-example/library"}
    assert report.resources["repositories"].rows == 4


def test_a_second_run_requests_what_changed() -> None:
    lists = ("issues", "pull_requests", "commits", "releases")
    one = ["acme-example/site"]
    with vendor_server("github") as server:
        first = load(server, *lists, repositories=one)
        second = load(server, *lists, days=1, repositories=one)
        [issues] = queries(server, "/repos/acme-example/site/issues")
        pulls = queries(server, "/repos/acme-example/site/pulls")
        assert not queries(server, "/repos/acme-example/site/commits")  # nothing was pushed
    rows = {name: first.resources[name].rows for name in lists}
    assert rows == {"issues": 3, "pull_requests": 3, "commits": 3, "releases": 1}
    assert issues["since"] == "2026-11-19T09:50:00Z"  # the newest update, less the lag
    assert len(pulls) == 1  # until the first pull request that is known
    assert second.resources["releases"].not_asked == {"conditional": 1}


def test_a_range_with_more_runs_than_github_lists_is_halved() -> None:
    asked_for: list[str] = []

    def runs(asked: Asked) -> Answer:
        asked_for.append(asked.param("created") or "")
        count = 1001 if len(asked_for) == 1 else 0
        return Answer(200, {"total_count": count, "workflow_runs": []})

    with vendor_server("github") as server:
        server.web.on(RUNS, runs)
        report = load(
            server,
            "workflow_runs",
            repositories=["octo-example/library"],
            start_date="2026-11-10T00:00:00Z",
        )
    assert report.status == "ok"
    assert asked_for[0] == "2026-11-10T00:00:00Z..2026-11-20T12:00:00Z"
    assert asked_for[1].startswith("2026-11-10T00:00:00Z..2026-11-15")
    assert asked_for[2].endswith("..2026-11-20T12:00:00Z")


def test_both_rate_limits_are_waited_for() -> None:
    limited = (
        github_api.refused(403, "API rate limit exceeded for user ID 1.", X_RateLimit_Reset="1"),
        github_api.refused(403, "You have exceeded a secondary rate limit."),
        github_api.refused(429, "Too many requests"),
        Answer(200, {"total_count": 0, "workflow_runs": []}),
    )
    with vendor_server("github") as server:
        server.web.on(RUNS, each(*limited))
        report = load(
            server,
            "workflow_runs",
            repositories=["octo-example/library"],
            start_date="2026-11-10T00:00:00Z",
        )
        assert len(queries(server, "/repos/octo-example/library/actions/runs")) == 4
    assert report.status == "ok"


@pytest.mark.parametrize("status", [403, 451])
def test_a_blocked_repository_does_not_end_the_run(status: int) -> None:
    with vendor_server("github") as server:
        for path in (RUNS, "/repos/{owner}/{repo}/issues"):
            server.web.on(path, github_api.refused(status, "Repository access blocked"))
        report = load(server, "repositories", "issues", "workflow_runs")
    assert report.status == "ok"
    assert report.resources["issues"].rows == 0


def test_a_missing_permission_skips_and_an_unknown_organization_fails() -> None:
    missing = github_api.refused(
        403,
        "Resource not accessible by personal access token",
        X_Accepted_GitHub_Permissions="actions=read",
    )
    with vendor_server("github") as server:
        server.web.on(RUNS, missing)
        skipped = load(server, "repositories", "workflow_runs").resources["workflow_runs"]
        failed = load(server, "repositories", repositories=["nobody-example"])
    assert skipped.status == "skipped"
    assert "actions=read" in str(skipped.error)
    assert failed.status == "failed"
    assert "OWNER/NAME" in str(failed.resources["repositories"].error)
