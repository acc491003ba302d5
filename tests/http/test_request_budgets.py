"""Which limits a request is under, and that one that waits for its own holds up no other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from framework.definition.model import NamedLimit, RateLimit
from framework.errors import RequestError
from framework.extract.compilation.render import render_config
from framework.http.limits.rate_limit import LimitTerms, RateLimiter, WaitTooLong
from framework.http.limits.request_budgets import RequestBudgets
from framework.runtime.environment import StopSignal
from tests.http.test_shared_limit import LoggedLimit
from tests.support.open_resource import opened
from tests.support.servers.web import Answer, Asked, Web, each

Json = Any


def untold(seconds: float, why: str) -> None:
    """Ignore a wait."""


def shop(url: str, *resources: Json, **client: Json) -> dict[str, Json]:
    """A connector of lists with these names and endpoints."""
    return {
        "client": {"base_url": f"{url}/v2", "retry": {"backoff_factor": 0}, **client},
        "resources": [
            {
                "name": name,
                "write_disposition": "replace",
                "endpoint": {"paginator": "single_page", **endpoint},
            }
            for name, endpoint in resources
        ],
    }


@pytest.mark.parametrize(
    ("pattern", "path", "is_met"),
    [
        ("/search*", "search", True),
        ("/search*", "/search/orders/", True),
        ("search*", "/searches", True),
        ("/search", "/search/orders", False),
        ("/users/*/posts", "users/7/posts", True),
        ("/users/*/posts", "users/7/posts/3", False),
        ("/a.b", "/axb", False),
        ("*", "anything", True),
        ("*/posts*", "posts", True),
        ("*/posts", "old_posts", False),
        ("/", "", True),
    ],
)
def test_a_star_stands_for_any_text(pattern: str, path: str, is_met: bool) -> None:
    assert NamedLimit(name="some", path=pattern).matches("GET", path) is is_met


def limiter(requests_: int = 9) -> RateLimiter:
    return RateLimiter(9, RateLimit(requests_), StopSignal())


def test_a_request_counts_for_the_first_limit_that_it_matches() -> None:
    usual, search, posted, own = limiter(), limiter(), limiter(), limiter()
    budgets = RequestBudgets(
        "https://api.example.com/v2/",
        usual,
        (
            (NamedLimit(name="posted", path="/search*", methods=("POST",)), posted),
            (NamedLimit(name="search", path="/search*"), search),
        ),
        {"special": own},
    )

    def budget(resource: str, method: str, path: str) -> RateLimiter:
        return budgets.limits_of(resource, method, f"https://api.example.com{path}").budget

    assert budget("hits", "POST", "/v2/search?q=1") is posted
    assert budget("hits", "GET", "/v2/search/all") is search
    assert budget("hits", "GET", "/search") is search
    assert budget("users", "GET", "/v2/users") is usual
    assert budget("", "POST", "/v2/search") is posted
    assert budget("special", "GET", "/v2/search") is own


def test_a_used_up_limit_ends_its_resource_and_no_other(tmp_path: Path, web: Web) -> None:
    for name in ("a", "b", "c"):
        web.on(f"/v2/{name}", [{"id": 1}])
    data = shop(
        web.url,
        ("a", {}),
        ("b", {"rate_limit": {"per_day": 1}}),
        ("c", {"cost": 5}),
        rate_limit={"per_day": 3},
        rate_limits=[{"name": "big", "path": "/c", "per_day": "{config.daily}"}],
    )
    data["config"] = {"daily": {"type": "integer", "default": 7}}
    test = opened(tmp_path, data)
    assert test.read("b") == [{"id": 1}]
    assert test.read("c") == [{"id": 1}]
    again = opened(tmp_path, data, {"daily": 4})
    with pytest.raises(RequestError, match=r"rate limit big: per_day \(4 requests\) is used up"):
        again.read("c")
    assert again.read("a") == [{"id": 1}]


def test_what_a_request_costs_is_taken_from_its_limit() -> None:
    places = RateLimiter(9, RateLimit(per_day=10), StopSignal())
    for cost in (4, 4):
        places.acquire(untold, cost=cost)
        places.release(None, cost)
    with pytest.raises(WaitTooLong):
        places.acquire(untold, cost=3)
    places.acquire(untold, cost=2)
    places.release(None, 2)
    with pytest.raises(WaitTooLong):
        places.acquire(untold)


def test_costs_count_against_what_the_api_reports() -> None:
    limit = RateLimit(remaining_header="R", reset_header="S")
    places = RateLimiter(9, limit, StopSignal())
    response = requests.Response()
    response.headers.update({"R": "12", "S": "3600"})
    places.acquire(untold, cost=5)
    places.release(response, 5)
    places.acquire(untold, cost=10)
    with pytest.raises(WaitTooLong):
        places.acquire(untold, cost=3)
    places.acquire(untold, cost=2)


def test_a_429_pauses_what_counts_for_the_same_limit(tmp_path: Path, web: Web) -> None:
    web.on("/v2/search/a", each(Answer(429, headers={"Retry-After": "17"}), [{"id": 1}]))
    web.on("/v2/users", [{"id": 2}])
    data = shop(
        web.url,
        ("hits", {"path": "/search/a"}),
        ("users", {}),
        rate_limits=[{"name": "search", "path": "/search*", "requests": 100}],
    )
    test = opened(tmp_path, data)
    assert test.read("hits") == [{"id": 1}]
    budgets = test.compiled.client.session.get_adapter(web.url)._budgets
    assert [one._paused_until > 0 for one in (budgets.usual, budgets.named[0][1])] == [False, True]
    assert test.read("users") == [{"id": 2}]


def test_who_waits_for_a_limit_holds_no_place_of_the_others() -> None:
    """All places would be taken by searches that wait for theirs."""
    entered, stop = threading.Event(), StopSignal()

    class Held(StopSignal):
        def wait(self, seconds: float) -> None:
            entered.set()
            stop.wait(seconds)

    search = RateLimiter(1, RateLimit(1), Held())
    budgets = RequestBudgets(
        "https://api.example.com",
        RateLimiter(1, None, StopSignal()),
        ((NamedLimit(name="search", path="/search"), search),),
        all_requests=RateLimiter(1, None, StopSignal()),
    )
    hits = budgets.limits_of("hits", "GET", "https://api.example.com/search")
    users = budgets.limits_of("users", "GET", "https://api.example.com/users")
    hits.acquire(untold, 0, 300.0)
    hits.release(None)

    def wait_for_search() -> None:
        try:
            hits.acquire(untold, 0, 300.0)
        except Exception:
            return

    waiting = threading.Thread(target=wait_for_search, daemon=True)
    waiting.start()
    assert entered.wait(60)
    users.acquire(untold, 0, 300.0)
    users.release(None)
    stop.set()
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_limit_that_refuses_gives_back_the_place_at_the_endpoint() -> None:
    budgets = RequestBudgets(
        "https://api.example.com",
        RateLimiter(9, RateLimit(per_day=1), StopSignal()),
        in_flight={"users": RateLimiter(1, None, StopSignal())},
    )
    users = budgets.limits_of("users", "GET", "https://api.example.com/users")
    users.acquire(untold, 0, 300.0)
    users.release(None)
    for _ in range(3):
        with pytest.raises(WaitTooLong):
            users.acquire(untold, 0, 300.0)


def test_an_endpoint_sends_no_more_at_once_than_it_may(tmp_path: Path, web: Web) -> None:
    guard, now, most = threading.Lock(), [0], [0]

    def page(asked: Any) -> Json:
        with guard:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)  # the time in which others could arrive
        with guard:
            now[0] -= 1
        number = int(asked.param("page") or 1)
        return {"pages": 12, "items": [{"id": number}]}

    web.on("/v2/items", page)
    pages = {"type": "page_number", "base_page": 1, "total_path": "pages", "ahead": True}
    endpoint = {"data_selector": "items", "paginator": pages, "max_in_flight": 2}
    test = opened(tmp_path, shop(web.url, ("items", endpoint)), stop=StopSignal())
    assert len(test.read("items")) == 12
    assert most[0] <= 2


def test_an_endpoint_has_its_own_retries(tmp_path: Path, web: Web) -> None:
    web.on("/v2/a", each(Answer(409), Answer(409), [{"id": 1}]))
    web.on("/v2/b", Answer(503))
    web.on("/v2/c", Answer(409))
    retry = {"status_codes": [409], "max_retries": 2}
    data = shop(web.url, ("a", {"retry": retry}), ("b", {"retry": retry}), ("c", {}))
    data["client"]["retry"] = {"max_retries": 1, "backoff": "PT3S"}
    test = opened(tmp_path, data)
    assert test.read("a") == [{"id": 1}]
    assert test.heard.waits == [3, 3]  # the client's wait: the endpoint has none
    for name in ("b", "c"):
        with pytest.raises(RequestError):
            test.read(name)
    assert [asked.path for asked in web.asked] == ["/v2/a"] * 3 + ["/v2/b", "/v2/c"]


def test_an_endpoint_has_its_own_longest_wait(tmp_path: Path, web: Web) -> None:
    web.on("/v2/a", each(Answer(429, headers={"Retry-After": "900"}), [{"id": 1}]))
    web.on("/v2/b", Answer(429, headers={"Retry-After": "900"}))
    data = shop(web.url, ("a", {"retry": {"max_wait": "PT1H"}}), ("b", {}))
    test = opened(tmp_path, data)
    assert test.read("a") == [{"id": 1}]
    with pytest.raises(RequestError, match=r"longer than retry\.max_wait"):
        opened(tmp_path, data).read("b")


def test_an_endpoint_has_its_own_timeout(tmp_path: Path, web: Web) -> None:
    given_up = threading.Event()
    web.on("/v2/slow", lambda _: given_up.wait(60))
    data = shop(web.url, ("slow", {"timeout": "PT0.05S", "retry": {"max_retries": 0}}))
    with pytest.raises(RequestError, match="timeout"):
        opened(tmp_path, data).read("slow")
    given_up.set()


class Limits(LoggedLimit):
    """The shared limits of a connector, by budget."""

    def __init__(self) -> None:
        super().__init__()
        self.by_name: dict[str, LoggedLimit] = {}

    def __call__(self, terms: LimitTerms) -> LoggedLimit:
        self.terms.append(terms)
        return self.by_name.setdefault(terms.budget, LoggedLimit())


def test_processes_share_each_limit(tmp_path: Path, web: Web) -> None:
    for path in ("users", "search", "own"):
        web.on(f"/v2/{path}", [{"id": 1}])
    shared = Limits()
    data = shop(
        web.url,
        ("users", {"max_in_flight": 3}),
        ("hits", {"path": "/search", "cost": 4}),
        ("own", {"rate_limit": {"requests": 5, "scope": "api"}}),
        max_in_flight=6,
        rate_limit={"requests": 90},
        rate_limits=[{"name": "search", "path": "/search", "requests": 8, "max_in_flight": 2}],
    )
    test = opened(tmp_path, data, shared_limit=shared)
    declared = {one.budget: (one.requests, one.max_in_flight, one.scope) for one in shared.terms}
    assert declared == {
        "": (90, None, "credential"),
        "rate_limits/search": (8, 2, "credential"),
        "resources/own": (5, None, "api"),
        "max_in_flight/users": (None, 3, "credential"),
        "all requests": (None, 6, "credential"),
    }
    for name in ("users", "hits", "own"):
        test.read(name)
    used = {name: 1_000 - one._left for name, one in shared.by_name.items()}
    assert used == {
        "": 1,
        "rate_limits/search": 4,
        "resources/own": 1,
        "max_in_flight/users": 1,
        "all requests": 3,
    }
    assert not any(one.in_flight for one in shared.by_name.values())


def test_a_compiled_connector_shows_all_limits(tmp_path: Path, web: Web) -> None:
    data = shop(
        web.url,
        ("users", {"rate_limit": {"requests": "{config.few}"}, "cost": 2, "timeout": "PT5S"}),
        ("posts", {"retry": {"max_retries": 2}}),
        rate_limits=[{"name": "posts", "path": "/posts", "requests": 7}],
    )
    data["config"] = {"few": {"type": "integer", "default": 5}}
    compiled = opened(tmp_path, data).compiled
    shown = render_config(compiled.connector, compiled.settings)
    users, posts = (one["endpoint"] for one in shown["resources"])
    assert users["rate_limit"]["requests"] == 5
    assert (users["cost"], users["timeout"]) == (2, "PT5S")
    assert posts["retry"] == {"max_retries": 2}
    assert shown["client"]["rate_limits"][0]["name"] == "posts"
    assert "cost" not in posts


def test_a_page_that_does_not_come_in_time_is_requested_with_fewer_records(
    tmp_path: Path, web: Web
) -> None:
    given_up = threading.Event()

    def items(asked: Asked) -> list[Json] | None:
        size, offset = int(asked.param("limit") or 0), int(asked.param("offset") or 0)
        if size > 2:
            given_up.wait(60)
        return [{"id": one} for one in range(offset, min(offset + size, 5))]

    web.on("/v2/slow", items)
    endpoint = {
        "timeout": "PT0.3S",
        "paginator": {"type": "offset", "limit": 4, "total_path": None},
        "response_actions": [{"status_code": ["timeout", 504], "action": "shrink_page"}],
    }
    test = opened(tmp_path, shop(web.url, ("slow", endpoint)))
    assert [one["id"] for one in test.read("slow")] == [0, 1, 2, 3, 4]
    assert test.heard.waits == []
    given_up.set()
    assert [asked.param("limit") for asked in web.asked] == ["4", "2", "2", "2", "2"]
