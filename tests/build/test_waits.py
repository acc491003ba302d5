"""How long to wait before the next attempt, and who said so."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from framework.build.waits import wait_before
from framework.build.wire import make_response
from framework.spec.connector import RateLimit


def wait(headers=None, *, status=503, attempt=1, factor=2.0, longest=300.0, limit=None):
    response = None
    if headers is not None:
        request = requests.Request("GET", "http://localhost/").prepare()
        response = make_response(request, status, "", headers.items(), b"")
    return wait_before(attempt, response, backoff_factor=factor, max_wait=longest, rate_limit=limit)


def soon(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize("headers", [None, {}])
def test_a_factor_of_two_waits_two_four_eight(headers):
    assert [wait(headers, attempt=number).seconds for number in (1, 2, 3, 4)] == [2, 4, 8, 16]


def test_backoff_is_bounded_without_a_word_of_it():
    found = wait(attempt=10, longest=30)
    assert (found.seconds, found.asked) == (30, None)


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
    assert found.seconds == pytest.approx(60, abs=2)
    assert found.why == "Retry-After"


@pytest.mark.parametrize(
    "value",
    ["0", "-5", "soon", "", "nan", "inf", "1e400", "Mon, 99 Foo", "Wed, 21 Oct 2015 07:28:00 GMT"],
)
def test_retry_after_that_says_nothing_leaves_it_to_the_backoff(value):
    assert wait({"Retry-After": value}) == wait({})


def test_retry_after_is_read_on_any_status_that_is_retried():
    assert wait({"Retry-After": "9"}, status=503).seconds == 9
    assert wait({"Retry-After": "9"}, status=429).seconds == 9


RESETS = {
    "seconds": lambda seconds: str(seconds),
    "epoch": lambda seconds: str(soon(seconds).timestamp()),
    "date": lambda seconds: format_datetime(soon(seconds), usegmt=True),
}


@pytest.mark.parametrize("written", RESETS)
def test_the_reset_header_tells_the_wait_on_a_429_only(written):
    limit = RateLimit(reset_header="X-Reset", reset_as=written)
    headers = {"x-reset": RESETS[written](40)}
    told = wait(headers, status=429, limit=limit)
    assert told.seconds == pytest.approx(40, abs=2)
    assert told.why == "X-Reset"
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
    assert (found.seconds, found.asked, found.why) == (300, 3600, "Retry-After")
    assert wait({"Retry-After": "300"}, longest=300).asked is None


def test_a_date_far_away_is_bounded():
    found = wait({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})
    assert found.seconds == 300
    assert found.asked > 1e9
