"""Faults by their share, a rate that is enforced, and latency."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.definition.model import RateLimit
from framework.errors import FrameworkError
from framework.mock.faults import (
    EnforcedRate,
    Faults,
    Rate,
    parse_faults,
    parse_latency,
    wait_headers,
)
from framework.mock.mock_message import MockRequest, MockResponse
from framework.mock.mock_run import mocked_environment
from framework.mock.mock_server import MockServer
from framework.runtime.environment import Environment
from tests.support.mocks import asked, invented, reading, shop
from tests.support.open_resource import skip_waits
from tests.support.run_verbs import connector_of

REQUEST = MockRequest.of("GET", "http://127.0.0.1/items", {}, b"")
HEADERS = {"limit_header": "X-Limit", "remaining_header": "X-Left", "reset_header": "X-Reset"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("200ms", 0.2), ("1.5s", 1.5), ("2", 2.0), ("1min", 60.0), ("PT0.5S", 0.5)],
)
def test_a_latency_is_written_in_any_unit(text: str, seconds: float) -> None:
    assert parse_latency(text) == seconds


@pytest.mark.parametrize("text", ["", "fast", "-1s", "200 lightyears"])
def test_another_latency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_latency(text)


def test_faults_are_shares_by_kind() -> None:
    text = "429:0.05, 500:0.01,reset:0.01,slow:0.01,truncate:0.005"
    shares = {"429": 0.05, "500": 0.01, "reset": 0.01, "slow": 0.01, "truncate": 0.005}
    assert parse_faults(text) == shares


@pytest.mark.parametrize(
    "text", ["429", "200:0.1", "600:0.1", "explode:0.1", "429:2", "429:x", "429:0.6,500:0.6"]
)
def test_other_faults_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_faults(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/min", Rate(100, 60)),
        ("5/s", Rate(5, 1)),
        ("10/30s", Rate(10, 30)),
        ("1000/h", Rate(1000, 3600)),
    ],
)
def test_a_rate_is_requests_in_a_time(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["100", "0/s", "5/0s", "5/week", "many/s"])
def test_another_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        Rate.parse(text)


def test_each_fault_has_its_share() -> None:
    faults = Faults({"429": 0.2, "reset": 0.1}, seed=3)
    counts = Counter(faults.of(REQUEST) for _ in range(2000))
    assert counts["429"] == pytest.approx(400, abs=80)
    assert counts["reset"] == pytest.approx(200, abs=60)


def test_the_same_seed_lets_the_same_requests_fail_in_any_order() -> None:
    def of(faults: Faults, paths: list[str]) -> dict[str, list[str | None]]:
        found: dict[str, list[str | None]] = {}
        for path in paths:
            request = MockRequest.of("GET", f"http://127.0.0.1{path}", {}, b"")
            found.setdefault(path, []).append(faults.of(request))
        return found

    paths = [f"/items/{number % 40}" for number in range(400)]
    first = of(Faults({"500": 0.3}, seed=1), paths)
    assert first == of(Faults({"500": 0.3}, seed=1), paths[::-1])
    assert first != of(Faults({"500": 0.3}, seed=2), paths)


def test_a_refusal_says_how_long_to_wait() -> None:
    plain = Faults({"429": 1.0}).refusal("429")
    assert plain is not None
    assert dict(plain.headers)["Retry-After"] == "1"
    limit = RateLimit(requests=5, reset_header="X-Reset", reset_as="seconds")
    declared = Faults({"429": 1.0}, limit=limit).refusal("429")
    assert declared is not None
    assert dict(declared.headers)["X-Reset"] == "1"


@pytest.mark.parametrize("reset_as", ["seconds", "epoch", "date"])
def test_a_reset_header_is_in_the_files_unit(reset_as: Any) -> None:
    limit = RateLimit(requests=5, reset_header="X-Reset", reset_as=reset_as)
    ((name, text),) = wait_headers(2.2, limit)
    assert name == "X-Reset"
    if reset_as == "seconds":
        assert text == "3"
    elif reset_as == "epoch":
        assert 0 < int(text) - time.time() < 6
    else:
        assert text.endswith("GMT")


def test_a_rate_is_enforced_over_a_sliding_window() -> None:
    clock = [100.0]
    limit = RateLimit(requests=2, per=timedelta(seconds=10), **HEADERS)
    rate = EnforcedRate(Rate(2, 10), limit, now=lambda: clock[0])
    first, headers = rate.admit()
    assert first is None
    assert dict(headers) == {"X-Limit": "2", "X-Left": "1", "X-Reset": "10"}
    clock[0] += 4
    assert rate.admit()[0] is None
    refused, headers = rate.admit()
    assert refused is not None
    assert refused.status == 429
    assert dict(headers)["X-Left"] == "0"
    assert dict(headers)["X-Reset"] == "6"
    clock[0] += 6.1
    assert rate.admit()[0] is None


def test_a_rate_without_declared_headers_sends_retry_after() -> None:
    rate = EnforcedRate(Rate(1, 60))
    rate.admit()
    refused, headers = rate.admit()
    assert refused is not None
    assert dict(refused.headers)["Retry-After"] == "60"
    assert headers == []


@contextmanager
def connection(tmp_path: Path, **options: Any) -> Iterator[http.client.HTTPConnection]:
    mock = invented(tmp_path, shop({"paginator": "single_page"}), **options)
    with MockServer(mock.api) as server:
        host = server.base_url.removeprefix("http://")
        client = http.client.HTTPConnection(host, timeout=10)
        try:
            yield client
        finally:
            client.close()


def test_a_reset_connection_gives_nothing(tmp_path: Path) -> None:
    with connection(tmp_path, faults={"reset": 1.0}) as client:
        client.request("GET", "/items")
        with pytest.raises(ConnectionError):
            client.getresponse()


def test_a_truncated_response_is_shorter_than_it_says(tmp_path: Path) -> None:
    with connection(tmp_path, faults={"truncate": 1.0}) as client:
        client.request("GET", "/items")
        response = client.getresponse()
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_a_slow_response_comes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.mock.faults.SLOWNESS", 0.05)
    with connection(tmp_path, faults={"slow": 1.0}, rows=3) as client:
        client.request("GET", "/items")
        assert client.getresponse().read().count(b'"id"') == 3


def test_latency_delays_each_response(tmp_path: Path) -> None:
    mock = invented(tmp_path, shop({}), latency=0.25)
    response = asked(mock, "GET /items")
    assert isinstance(response, MockResponse)
    assert response.delay == 0.25


def test_a_run_overcomes_faults_and_loads_every_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_waits(monkeypatch)
    body = shop({"paginator": {"type": "page_number", "total_path": None}})
    body["client"]["retry"] = {"status_codes": [429, 500], "max_retries": 8, "backoff_factor": 0}
    faults = {"429": 0.15, "500": 0.1, "reset": 0.1, "truncate": 0.1}
    mock = invented(tmp_path, body, rows=40, page_size=1, faults=faults, seed=5)
    assert len(reading(tmp_path, body, mock).read("items")) == 40
    statuses = Counter(status for _, status in mock.api.log.requests)
    assert statuses[429]
    assert statuses[500]


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_a_body_that_is_cut_or_lost_never_loads_less(tmp_path: Path, form: str) -> None:
    """With few retries, some reads fail; none returns a part."""
    endpoint: dict[str, Any] = {
        "paginator": {"type": "page_number", "total_path": None},
        "response_format": {"type": form},
    }
    body = shop(endpoint)
    if form != "json":
        del body["resources"][0]["endpoint"]["data_selector"]
    body["client"]["retry"] = {"max_retries": 1, "backoff_factor": 0}
    outcomes = []
    for seed in range(8):
        faults = {"reset": 0.15, "truncate": 0.15}
        mock = invented(tmp_path, body, rows=12, page_size=3, faults=faults, seed=seed)
        with MockServer(mock.api) as server:
            connector = connector_of(tmp_path, body)
            environment = mocked_environment(connector, server.base_url, Environment())
            opened = reading(tmp_path, body, mock, transport=environment.transport)
            try:
                outcomes.append(len(opened.read("items")))
            except FrameworkError:
                outcomes.append(None)
    assert set(outcomes) == {12, None}
