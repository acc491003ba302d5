"""How long to wait before the next attempt, and who said so."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.model import RateLimit, WaitRule
from framework.http import retry_wait
from framework.http.retry_wait import wait_before
from framework.http.transport import make_response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz=None):
        return NOW


@pytest.fixture(autouse=True)
def _the_clock_stands(monkeypatch):
    monkeypatch.setattr(retry_wait, "datetime", Clock)


def wait(headers=None, *, status=503, attempt=1, factor=2.0, longest=300.0, limit=None):
    response = None
    if headers is not None:
        request = requests.Request("GET", "http://localhost/").prepare()
        response = make_response(request, status, "", headers.items(), b"")
    return wait_before(attempt, response, backoff_factor=factor, max_wait=longest, rate_limit=limit)


def soon(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("headers", [None, {}])
def test_a_factor_of_two_waits_two_four_eight(headers):
    assert [wait(headers, attempt=number).seconds for number in (1, 2, 3, 4)] == [2, 4, 8, 16]


def test_backoff_is_bounded_without_a_word_of_it():
    found = wait(attempt=10, longest=30)
    assert (found.seconds, found.requested) == (30, None)


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("7.5", 7.5), (" 7 ", 7)])
def test_retry_after_in_seconds(value, seconds):
    found = wait({"Retry-After": value})
    assert (found.seconds, found.why) == (seconds, "Retry-After")


@pytest.mark.parametrize(
    "write",
    [
        lambda when: format_datetime(when, usegmt=True),
        lambda when: when.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        lambda when: when.isoformat(),
        lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ],
)
def test_retry_after_as_a_date(write):
    found = wait({"Retry-After": write(soon(60))})
    assert (found.seconds, found.why) == (60, "Retry-After")


@pytest.mark.parametrize(
    "value",
    [
        *("0", "-5", "soon", "", "nan", "inf", "1e400", "Mon, 99 Foo"),
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 31 Dec 9999999999999999999999 23:59:59 GMT",
        "Fri, 31 Dec 2100 23:59:59 +9999999999999",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
def test_retry_after_that_says_nothing_leaves_it_to_the_backoff(value):
    assert wait({"Retry-After": value}) == wait({})


@pytest.mark.parametrize("skew", [-40_000, -7200, 0, 7200, 40_000])
def test_a_date_is_counted_by_the_clock_of_its_server(skew):
    sent = {"Date": format_datetime(soon(skew), usegmt=True)}
    assert wait({**sent, "Retry-After": format_datetime(soon(skew + 3), usegmt=True)}).seconds == 3
    assert wait({**sent, "Retry-After": "7"}).seconds == 7
    for written, write in RESETS.items():
        if written not in ("seconds", "milliseconds"):
            limit = RateLimit(reset_header="X-Reset", reset_as=written)
            headers = {**sent, "X-Reset": write(skew + 3)}
            assert wait(headers, status=429, limit=limit).seconds == 3


@pytest.mark.parametrize("date", ["soon", "Thu, 01 Jan 1970 00:00:00 GMT", ""])
def test_a_date_that_is_no_clock_leaves_it_to_ours(date):
    assert wait({"Date": date, "Retry-After": soon(60).isoformat()}).seconds == 60


def test_retry_after_is_read_on_any_status_that_is_retried():
    assert wait({"Retry-After": "9"}, status=503).seconds == 9
    assert wait({"Retry-After": "9"}, status=429).seconds == 9


RESETS = {
    "seconds": lambda seconds: str(seconds),
    "milliseconds": lambda seconds: str(seconds * 1000),
    "epoch": lambda seconds: str(soon(seconds).timestamp()),
    "date": lambda seconds: format_datetime(soon(seconds), usegmt=True),
}


@pytest.mark.parametrize("written", RESETS)
def test_the_reset_header_tells_the_wait_on_a_429_only(written):
    limit = RateLimit(reset_header="X-Reset", reset_as=written)
    headers = {"x-reset": RESETS[written](40)}
    told = wait(headers, status=429, limit=limit)
    assert (told.seconds, told.why) == (40, "X-Reset")
    assert wait(headers, status=503, limit=limit).why == "backoff"
    assert wait(headers, status=429).why == "backoff"


@pytest.mark.parametrize("written", RESETS)
def test_a_reset_that_is_over_waits_a_moment(written):
    limit = RateLimit(reset_header="X-Reset", reset_as=written)
    headers = {"X-Reset": RESETS[written](-40)}
    assert wait(headers, status=429, limit=limit).seconds == 1


@pytest.mark.parametrize("written", RESETS)
@pytest.mark.parametrize("value", ["soon", "", "nan"])
def test_a_reset_that_says_nothing_leaves_it_to_the_backoff(written, value):
    limit = RateLimit(reset_header="X-Reset", reset_as=written)
    assert wait({"X-Reset": value}, status=429, limit=limit).why == "backoff"


def test_retry_after_comes_before_the_reset_header():
    limit = RateLimit(reset_header="X-Reset")
    assert wait({"Retry-After": "3", "X-Reset": "50"}, status=429, limit=limit).seconds == 3


def test_more_than_the_bound_is_told():
    found = wait({"Retry-After": "3600"}, longest=300)
    assert (found.seconds, found.requested, found.why) == (300, 3600, "Retry-After")
    assert wait({"Retry-After": "300"}, longest=300).requested is None


def test_a_date_far_away_is_bounded():
    found = wait({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})
    assert found.seconds == 300
    assert found.requested > 1e9


NAMED = {
    "a header": (WaitRule(header="X-Wait"), {"X-Wait": "12"}, b"", 12),
    "milliseconds": (
        WaitRule(header="X-Wait", header_as="milliseconds"),
        {"X-Wait": "1500"},
        b"",
        1.5,
    ),
    "a part of a header": (
        WaitRule(header="X-Limit", pattern=r"reset=(\d+)"),
        {"X-Limit": "limit=100;reset=9"},
        b"",
        9,
    ),
    "a pattern without a group": (
        WaitRule(header="X-L", pattern=r"\d+"),
        {"X-L": "in 9 s"},
        b"",
        9,
    ),
    "a field of the body": (
        WaitRule(expression=compile_expression("divide(response.retry_in_ms, `1000`)")),
        {},
        b'{"retry_in_ms": 2500}',
        2.5,
    ),
    "a header, computed": (
        WaitRule(expression=compile_expression('multiply(to_number(headers."x-min"), `60`)')),
        {"X-Min": "2"},
        b"",
        120,
    ),
    "before Retry-After": (
        WaitRule(header="X-Wait"),
        {"X-Wait": "12", "Retry-After": "5"},
        b"",
        12,
    ),
    "a past moment": (WaitRule(header="X-Wait", header_as="epoch"), {"X-Wait": "1"}, b"", 0),
    "no such header": (WaitRule(header="X-Wait"), {"Retry-After": "5"}, b"", 5),
    "a header that is none": (WaitRule(header="X-Wait"), {"X-Wait": "soon"}, b"", 2),
    "a pattern that is not there": (
        WaitRule(header="X-W", pattern=r"(\d+)s"),
        {"X-W": "9"},
        b"",
        2,
    ),
    "an expression that fails": (
        WaitRule(expression=compile_expression("divide(response.a, `2`)")),
        {},
        b'{"a": null}',
        2,
    ),
    "a body that is none": (WaitRule(expression=compile_expression("response.a")), {}, b"<", 2),
    "the same each time": (WaitRule(backoff=timedelta(seconds=10)), {}, b"", 10),
}


@pytest.mark.parametrize("case", NAMED)
def test_the_file_says_what_tells_the_wait(case):
    rule, headers, body, seconds = NAMED[case]
    request = requests.Request("GET", "http://localhost/").prepare()
    response = make_response(request, 503, "", headers.items(), body)
    found = wait_before(
        1, response, backoff_factor=2, max_wait=300, rate_limit=None, rule=rule, context={}
    )
    assert found.seconds == seconds


def test_a_moment_in_a_header():
    for written, value in (
        ("epoch", str(soon(60).timestamp())),
        ("epoch", str(round(soon(60).timestamp() * 1000))),
        ("date", soon(60).strftime("%Y-%m-%dT%H:%M:%SZ")),
    ):
        request = requests.Request("GET", "http://localhost/").prepare()
        response = make_response(request, 503, "", [("X-Reset", value)], b"")
        rule = WaitRule(header="X-Reset", header_as=written)
        found = wait_before(1, response, backoff_factor=2, max_wait=300, rate_limit=None, rule=rule)
        assert found.seconds == 60


def test_a_wait_that_the_file_reads_is_bounded_too():
    request = requests.Request("GET", "http://localhost/").prepare()
    response = make_response(request, 503, "", [("X-Wait", "86400")], b"")
    found = wait_before(
        1, response, backoff_factor=2, max_wait=60, rate_limit=None, rule=WaitRule(header="X-Wait")
    )
    assert (found.seconds, found.requested) == (60, 86400)


def test_the_last_moment_of_all_is_a_wait_past_the_maximum():
    for value in ("Fri, 31 Dec 9999 23:59:59 -2359", "9999-12-31T23:59:59-23:59"):
        assert wait({"Retry-After": value}).seconds == 300


def test_backoff_after_thousands_of_attempts_is_the_maximum():
    assert wait(attempt=5_000).seconds == 300
