"""GitHub's REST API as its documentation describes it, with a few repositories.

A parameter that the documentation of an endpoint does not have fails the test. GitHub's own links
to pages of a repository have the path `/repositories/ID/...`; here they have that of the request,
since a recording does not know the fields of another path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.connectors.github_data import (
    ACME,
    API,
    COMMITS,
    HUBERT,
    ISSUE_COMMENTS,
    ISSUES,
    LABELS,
    MEMBERS,
    MILESTONE,
    MONA,
    OF_ORGANIZATION,
    PULL_REQUESTS,
    RELEASES,
    REPOSITORIES,
    REVIEW_COMMENTS,
    REVIEWS,
    SITE,
    STARS,
    TEAMS,
    WORKFLOW_RUNS,
)
from tests.support.servers.web import Answer, Asked, Web

Json = Any
SETTINGS = {
    "token": "made-up-token",
    # Single repositories are in test_github.py: a mock of the recording needs lists of one shape.
    "repositories": ["acme-example"],
    "page_size": 2,
    "start_date": "2026-06-01T00:00:00Z",
}
RESOURCES = (
    "repositories",
    "issues",
    "issue_comments",
    "pull_requests",
    "pull_request_comments",
    "commits",
    "releases",
    "milestones",
    "workflow_runs",
    "labels",
    "pull_request_reviews",
    "pull_request_sizes",
    "stargazers",
    "organization_members",
    "teams",
    "team_members",
)
PAGING = {"per_page", "page"}


def refused(status: int, message: str, **headers: str) -> Answer:
    """Return an error as GitHub words it."""
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class GitHub:
    """The API: one secondary rate limit is exceeded, by the second list of releases."""

    def __init__(self) -> None:
        self._left = count(4999, -1)
        self._releases = count(1)

    def answer(self, asked: Asked, allowed: set[str], handler: Callable[[Asked], Json]) -> Answer:
        """Check what every request needs, and answer with what every response has."""
        if not asked.headers.get("user-agent"):
            return refused(403, "Request forbidden by administrative rules.")
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['token']}":
            return refused(401, "Bad credentials")
        assert asked.headers["x-github-api-version"] == "2022-11-28"
        assert asked.headers["accept"].startswith("application/vnd.github")
        unknown = {name for name, _ in asked.query} - allowed
        assert not unknown, f"{asked.path} has no parameter {unknown}"
        found = handler(asked)
        answer = found if isinstance(found, Answer) else Answer(200, found)
        tag = f'W/"{hashlib.sha256(json.dumps(answer.body).encode()).hexdigest()}"'
        headers = {
            **dict(answer.headers),
            "ETag": tag,
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(next(self._left)),
            "X-RateLimit-Reset": "1795179600",
            "X-RateLimit-Resource": "core",
        }
        if answer.status == 200 and asked.headers.get("if-none-match") == tag:
            return Answer(304, b"", headers)
        return Answer(answer.status, answer.body, headers)

    def releases(self, asked: Asked) -> Json:
        """Return the releases, after a refusal."""
        if next(self._releases) == 2:
            return refused(
                429, "You have exceeded a secondary rate limit. Please wait.", Retry_After="1"
            )
        return _only_site(asked, RELEASES)


def _page(asked: Asked, records: list[Json], key: str | None = None) -> Answer:
    """Return the page that is asked for, with the links that GitHub gives."""
    size, page = int(asked.param("per_page", "30") or 30), int(asked.param("page", "1") or 1)
    assert 1 <= size <= 100
    last = max(1, -(-len(records) // size))

    def link(number: int, relation: str) -> str:
        query = {**dict(asked.query), "page": str(number)}
        return f'<{API}{asked.path}?{urlencode(query)}>; rel="{relation}"'

    links = []
    if page > 1:
        links += [link(page - 1, "prev"), link(1, "first")]
    if page < last:
        links += [link(page + 1, "next"), link(last, "last")]
    part = records[(page - 1) * size : page * size]
    body = part if key is None else {"total_count": len(records), key: part}
    return Answer(200, body, {"Link": ", ".join(links)} if links else {})


def _full_name(asked: Asked) -> str:
    return f"{asked.parts['owner']}/{asked.parts['repo']}"


def _only_site(asked: Asked, records: list[Json], key: str | None = None) -> Answer:
    return _page(asked, records if _full_name(asked) == SITE["full_name"] else [], key)


def _updated_since(asked: Asked, records: list[Json], state: bool) -> Answer:
    since = asked.param("since", "")
    assert since is not None
    chosen = [one for one in records if one["updated_at"] >= since]
    if state and asked.param("state", "open") != "all":
        chosen = [one for one in chosen if one["state"] == "open"]
    assert asked.param("sort") == "updated"
    chosen.sort(key=lambda one: one["updated_at"], reverse=asked.param("direction") == "desc")
    return _page(asked, chosen)


def _issues(asked: Asked) -> Answer:
    return _updated_since(asked, ISSUES.get(_full_name(asked), []), state=True)


def _comments(records: list[Json]) -> Callable[[Asked], Answer]:
    def handle(asked: Asked) -> Answer:
        of_site = _full_name(asked) == SITE["full_name"]
        return _updated_since(asked, records if of_site else [], state=False)

    return handle


def _pulls(asked: Asked) -> Answer:
    of_site = _full_name(asked) == SITE["full_name"]
    return _updated_since(asked, PULL_REQUESTS if of_site else [], state=True)


def _commits(asked: Asked) -> Answer:
    if _full_name(asked) == "acme-example/tool":
        return refused(409, "Git Repository is empty.")
    since, until = asked.param("since", ""), asked.param("until", "9")
    assert since is not None
    assert until is not None
    chosen = [one for one in COMMITS if since <= one["commit"]["committer"]["date"] <= until]
    return _only_site(asked, chosen)


def _runs(asked: Asked) -> Answer:
    since, until = (asked.param("created") or "").split("..")
    chosen = [run for run in WORKFLOW_RUNS if since <= run["created_at"] <= until]
    return _only_site(asked, chosen, "workflow_runs")


def _pull(asked: Asked) -> Json:
    number = int(asked.parts["number"])
    [found] = [one for one in PULL_REQUESTS if one["number"] == number]
    return {
        **found,
        "merged": found["merged_at"] is not None,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": MONA if found["merged_at"] else None,
        "comments": 1,
        "review_comments": 1,
        "maintainer_can_modify": False,
        "commits": 2,
        "additions": 30,
        "deletions": 4,
        "changed_files": 3,
    }


def _stargazers(asked: Asked) -> Answer:
    assert asked.headers["accept"] == "application/vnd.github.star+json"
    return _only_site(asked, STARS)


def _organization(asked: Asked, records: list[Json]) -> Answer:
    if asked.parts["org"] != ACME["login"]:
        return refused(404, "Not Found")
    return _page(asked, records)


def serve(web: Web) -> None:
    """Put the API's routes on a server."""
    github = GitHub()
    updated = {"since", "sort", "direction"}
    of_repository: Mapping[str, tuple[set[str], Callable[[Asked], Json]]] = {
        "/pulls/{number}": (set(), _pull),
        "/issues": (updated | {"state", "labels", "assignee"}, _issues),
        "/issues/comments": (updated, _comments(ISSUE_COMMENTS)),
        "/pulls": ({"state", "sort", "direction", "head", "base"}, _pulls),
        "/pulls/comments": (updated, _comments(REVIEW_COMMENTS)),
        "/pulls/{number}/reviews": (
            set(),
            lambda asked: _page(asked, REVIEWS if asked.parts["number"] == "7" else []),
        ),
        "/commits": ({"since", "until", "sha", "path"}, _commits),
        "/releases": (set(), github.releases),
        "/milestones": ({"state"}, lambda asked: _only_site(asked, [MILESTONE])),
        "/actions/runs": ({"created", "status", "branch"}, _runs),
        "/labels": (set(), lambda asked: _only_site(asked, LABELS)),
        "/stargazers": (set(), _stargazers),
    }
    routes: dict[str, tuple[set[str], Callable[[Asked], Json]]] = {
        "/orgs/{org}/repos": ({"type", "sort"}, lambda one: _organization(one, OF_ORGANIZATION)),
        "/repos/{owner}/{repo}": (
            set(),
            lambda one: REPOSITORIES.get(_full_name(one)) or refused(404, "Not Found"),
        ),
        "/orgs/{org}/members": ({"role"}, lambda one: _organization(one, [MONA, HUBERT])),
        "/orgs/{org}/teams": (set(), lambda one: _organization(one, TEAMS)),
        "/orgs/{org}/teams/{team}/members": (
            {"role"},
            lambda one: _organization(one, MEMBERS[one.parts["team"]]),
        ),
    }
    for path, route in of_repository.items():
        routes["/repos/{owner}/{repo}" + path] = route
    for path, (allowed, handler) in routes.items():
        web.on(
            path,
            lambda asked, allowed=allowed, handler=handler: github.answer(
                asked, allowed | PAGING, handler
            ),
            "GET",
        )
