"""Sentry's API as its documentation describes it, with one organization.

Each list links a next page; `results` says whether it has records. A parameter that the
documentation of an endpoint does not have fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.connectors.sentry_data import (
    DEPLOYS,
    ENVIRONMENTS,
    EVENTS,
    FEEDBACK,
    ISSUE_RULES,
    ISSUES,
    MEMBERS,
    METRIC_RULES,
    MONITORS,
    ORGANIZATION,
    PROJECTS,
    RELEASES,
    REPOSITORIES,
    TEAMS,
)
from tests.support.servers.web import Answer, Asked, Web

Json = Any
BASE = "https://sentry.io"
SETTINGS = {
    "token": "made-up-token",
    "organization": "acme-example",
    "start_date": "2026-09-25T00:00:00Z",
    "page_size": 2,
}
RESOURCES = (
    "organizations",
    "projects",
    "teams",
    "members",
    "issues",
    "releases",
    "monitors",
    "event_counts",
    "events",
    "environments",
    "user_feedback",
    "deploys",
    "repositories",
    "metric_alert_rules",
    "issue_alert_rules",
)


def refused(status: int, detail: str, **headers: str) -> Answer:
    """Return an error as Sentry words it."""
    return Answer(
        status, {"detail": detail}, {name.replace("_", "-"): text for name, text in headers.items()}
    )


class Sentry:
    """The API: the first list of monitors exceeds the limit of its endpoint."""

    def __init__(self) -> None:
        self._monitors = count()

    def answer(self, asked: Asked, allowed: set[str], handler: Callable[[Asked], Json]) -> Answer:
        """Check what every request needs, and answer with what every response has."""
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['token']}":
            return refused(401, "Invalid token")
        if asked.parts.get("organization") != ORGANIZATION["slug"]:
            return refused(404, "The requested resource does not exist")
        assert asked.path.endswith("/"), "a path without its last slash is redirected"
        unknown = {name for name, _ in asked.query} - allowed - {"cursor"}
        assert not unknown, f"{asked.path} has no parameter {unknown}"
        found = handler(asked)
        answer = found if isinstance(found, Answer) else Answer(200, found)
        headers = {
            "X-Sentry-Rate-Limit-Limit": "40",
            "X-Sentry-Rate-Limit-Remaining": "39",
            "X-Sentry-Rate-Limit-Reset": "1795176001",
            "X-Sentry-Rate-Limit-ConcurrentLimit": "25",
            "X-Sentry-Rate-Limit-ConcurrentRemaining": "24",
        }
        return Answer(answer.status, answer.body, {**headers, **dict(answer.headers)})

    def monitors(self, asked: Asked) -> Answer:
        """Return the monitors, after a refusal."""
        if next(self._monitors) == 0:
            return refused(
                429,
                "You are attempting to use this endpoint too frequently.",
                X_Sentry_Rate_Limit_Remaining="0",
            )
        return page(asked, MONITORS)


def page(asked: Asked, records: list[Json], size: int = 100) -> Answer:
    """Return the page that the cursor names, with links to its neighbours."""
    _, number, is_previous = (asked.param("cursor") or "0:0:0").split(":")
    assert is_previous == "0"
    start = int(number) * size

    def link(relation: str, cursor: str, results: bool) -> str:
        query = [(name, value) for name, value in asked.query if name != "cursor"]
        url = f"{BASE}{asked.path}?{urlencode([*query, ('cursor', cursor)])}"
        return f'<{url}>; rel="{relation}"; results="{str(results).lower()}"; cursor="{cursor}"'

    links = (
        link("previous", f"0:{max(0, int(number) - 1)}:1", start > 0),
        link("next", f"0:{int(number) + 1}:0", start + size < len(records)),
    )
    return Answer(200, records[start : start + size], {"Link": ", ".join(links)})


def _issues(asked: Asked) -> Answer:
    query = asked.param("query", "is:unresolved") or ""
    assert asked.param("sort") == "date"
    assert asked.param("project") == "-1"
    since = query.removeprefix("lastSeen:>=")
    assert since != query
    datetime.fromisoformat(since)
    chosen = [one for one in ISSUES if one["lastSeen"] >= since.removesuffix("Z")]
    return page(asked, chosen, int(asked.param("limit", "100") or 100))


def _counts(asked: Asked) -> Json:
    assert [value for name, value in asked.query if name == "groupBy"] == ["category", "outcome"]
    assert asked.param("field") == "sum(quantity)"
    assert asked.param("interval") == "1d"
    start, end = (datetime.fromisoformat(asked.param(name) or "") for name in ("start", "end"))
    if not start < end:
        return refused(400, "start must be before end")
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    groups = [
        {
            "by": {"category": "error", "outcome": outcome},
            "totals": {"sum(quantity)": sum(day.day + extra for day in days)},
            "series": {"sum(quantity)": [day.day + extra for day in days]},
        }
        for outcome, extra in (("accepted", 100), ("rate_limited", 0))
    ]
    return {
        "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "intervals": [day.strftime("%Y-%m-%dT%H:%M:%SZ") for day in days],
        "groups": groups,
    }


def _events(asked: Asked) -> Answer:
    start, end = asked.param("start"), asked.param("end")
    assert start
    assert end
    return _of_shop(asked, [one for one in EVENTS if start <= one["dateCreated"][:19] < end])


def _of_shop(asked: Asked, records: list[Json]) -> Answer:
    return page(asked, records if asked.parts["project"] == "shop" else [])


def _deploys(asked: Asked) -> Answer:
    assert asked.parts["version"] == "shop@1.4.0", "only this release was deployed"
    return page(asked, DEPLOYS)


def _lists(records: list[Json]) -> Callable[[Asked], Answer]:
    return lambda asked: page(asked, records)


def _of_all_projects(handler: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    """Check that a list is not only that of the projects whose member the token's user is."""

    def handle(asked: Asked) -> Json:
        assert asked.param("project") == "-1"
        return handler(asked)

    return handle


def _feedback(asked: Asked) -> Answer:
    status = asked.param("status", "unresolved")
    chosen = [one for one in FEEDBACK if not status or one["issue"]["status"] == status]
    return _of_shop(asked, chosen)


def serve(web: Web) -> None:
    """Put the API's routes on a server."""
    sentry = Sentry()
    of_organization: dict[str, tuple[set[str], Callable[[Asked], Json]]] = {
        "": ({"detailed"}, lambda _: ORGANIZATION),
        "projects/": (set(), _lists(PROJECTS)),
        "teams/": ({"detailed"}, _lists(TEAMS)),
        "members/": (set(), _lists(MEMBERS)),
        "issues/": ({"query", "sort", "project", "limit", "statsPeriod", "start", "end"}, _issues),
        "releases/": ({"query", "project"}, _of_all_projects(_lists(RELEASES))),
        "releases/{version}/deploys/": (set(), _deploys),
        "monitors/": ({"project", "environment", "owner"}, _of_all_projects(sentry.monitors)),
        "stats_v2/": (
            {"field", "groupBy", "interval", "start", "end", "project"},
            _of_all_projects(_counts),
        ),
        "repos/": (set(), _lists(REPOSITORIES)),
        "alert-rules/": (set(), _lists(METRIC_RULES)),
    }
    of_project: dict[str, tuple[set[str], Callable[[Asked], Json]]] = {
        "events/": ({"start", "end", "statsPeriod", "full", "sample"}, _events),
        "environments/": ({"visibility"}, lambda asked: _of_shop(asked, ENVIRONMENTS)),
        "user-feedback/": ({"status"}, _feedback),
        "rules/": (set(), lambda asked: _of_shop(asked, ISSUE_RULES)),
    }
    routes = {
        **{
            f"/api/0/organizations/{{organization}}/{key}": of
            for key, of in of_organization.items()
        },
        **{
            f"/api/0/projects/{{organization}}/{{project}}/{key}": of
            for key, of in of_project.items()
        },
    }
    for path, (allowed, handler) in routes.items():
        web.on(
            path,
            lambda asked, allowed=allowed, handler=handler: sentry.answer(asked, allowed, handler),
            "GET",
        )
