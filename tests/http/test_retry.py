"""Attempts: how many, when, after what, and that a wait ends when the run is stopped."""

import threading

import pytest
import requests

from framework.errors import Interrupted, RequestError
from framework.events import RequestSent
from tests.support.open_resource import NoWait, one_list, opened, run_threads
from tests.support.servers.web import Answer, Web, each


def retrying(url, endpoint=None, **retry):
    body = one_list(url, endpoint)
    body["client"]["retry"] = retry
    return body


def attempts(opened_):
    return [event.attempt for event in opened_.heard.events if isinstance(event, RequestSent)]


def test_three_retries_are_four_attempts_and_wait_two_four_eight(tmp_path, web):
    web.on("/items", Answer(503))
    shop = opened(tmp_path, retrying(web.url, max_retries=3, backoff_factor=2))
    with pytest.raises(RequestError, match="503 Service Unavailable"):
        shop.read("items")
    assert len(web.asked) == 4
    assert attempts(shop) == [1, 2, 3, 4]
    assert shop.stop.waited == [2, 4, 8]
    assert shop.heard.waits == [2, 4, 8]


@pytest.mark.parametrize("retries", [0, 1])
def test_as_many_attempts_as_declared(tmp_path, web, retries):
    web.on("/items", Answer(503))
    with pytest.raises(RequestError):
        opened(tmp_path, retrying(web.url, max_retries=retries, backoff_factor=0)).read("items")
    assert len(web.asked) == 1 + retries


@pytest.mark.parametrize(
    ("codes", "status", "asked"),
    [([429, 500], 500, 3), ([429, 500], 503, 1), ([404], 404, 3), ([], 503, 1)],
)
def test_only_the_declared_statuses_are_retried(tmp_path, web, codes, status, asked):
    web.on("/items", Answer(status))
    retry = {"status_codes": codes, "max_retries": 2, "backoff_factor": 0}
    with pytest.raises(RequestError):
        opened(tmp_path, retrying(web.url, **retry)).read("items")
    assert len(web.asked) == asked


def test_dlts_own_settings_hold_where_the_file_is_silent(tmp_path, web, monkeypatch):
    web.on("/items", Answer(503))
    with pytest.raises(RequestError):
        opened(tmp_path, retrying(web.url, backoff_factor=0)).read("items")
    assert len(web.asked) == 5  # dlt's request_max_attempts
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "3")
    shop = opened(tmp_path, retrying(web.url))
    with pytest.raises(RequestError):
        shop.read("items")
    assert shop.stop.waited == [3, 6]
    monkeypatch.setenv("RUNTIME__REQUEST_TIMEOUT", "0.05")
    given_up = threading.Event()
    web.on("/items", lambda _: given_up.wait(60))
    with pytest.raises(RequestError, match="timeout"):
        opened(tmp_path, retrying(web.url, max_retries=0)).read("items")
    given_up.set()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_dlt_retries_is_retried_where_the_file_is_silent(tmp_path, web, status):
    web.on("/items", each(Answer(status), [{"id": 1}]))
    assert opened(tmp_path, one_list(web.url)).read("items") == [{"id": 1}]


def test_a_wait_longer_than_max_wait_is_not_begun(tmp_path, web):
    web.on("/items", Answer(429, headers={"Retry-After": "900"}))
    shop = opened(tmp_path, retrying(web.url, max_retries=3, max_wait="PT1M"))
    with pytest.raises(RequestError, match=r"429 .*until 2\d{3}-.* UTC \(900 s by Retry-After\)"):
        shop.read("items")
    assert shop.stop.waited == []
    assert len(web.asked) == 1


def test_a_time_that_is_read_as_seconds_is_told(tmp_path, web):
    web.on("/items", Answer(429, headers={"X-Reset": "1790000000"}))
    body = retrying(web.url, max_retries=3, wait_header="X-Reset")
    with pytest.raises(RequestError, match=r"by X-Reset.* or declare the header .*`epoch`"):
        opened(tmp_path, body).read("items")


def test_a_wait_as_long_as_max_wait_is_begun(tmp_path, web):
    web.on("/items", each(Answer(429, headers={"Retry-After": "60"}), []))
    shop = opened(tmp_path, retrying(web.url, max_wait="PT1M"))
    assert shop.read("items") == []
    assert shop.stop.waited == [60]


def test_the_files_own_action_counts_more_than_a_wait_that_is_too_long(tmp_path, web):
    web.on("/items", Answer(429, headers={"Retry-After": "900"}))
    body = retrying(web.url, {"response_actions": [{"status_code": 429, "action": "ignore"}]})
    shop = opened(tmp_path, body)
    assert shop.read("items") == []
    assert shop.stop.waited == []


def test_a_success_that_is_to_be_repeated_too_late_is_no_data(tmp_path, web):
    web.on("/items", Answer(202, [{"id": 1}], {"Retry-After": "900"}))
    shop = opened(tmp_path, retrying(web.url, status_codes=[202]))
    with pytest.raises(RequestError, match="900 s by Retry-After"):
        shop.read("items")


def test_no_request_is_sent_if_none_is_left_for_too_long(tmp_path, web):
    more = {"X-Left": "0", "X-Reset": "900", "Link": f'<{web.url}/items?page=2>; rel="next"'}
    web.on("/items", Answer(200, [{"id": 1}], more))
    names = {"remaining": "X-Left", "reset": "X-Reset"}
    body = one_list(web.url, {"paginator": "header_link"}, rate_limit={"headers": names})
    shop = opened(tmp_path, body)
    with pytest.raises(RequestError, match=r"is not sent: .*until 2\d{3}-"):
        shop.read("items")
    assert len(web.asked) == 1
    assert shop.stop.waited == []


def test_the_header_that_the_file_names_tells_the_wait(tmp_path, web):
    web.on("/items", each(Answer(429, headers={"X-RateLimit-Reset": "17"}), []))
    body = one_list(web.url, rate_limit={"headers": {"reset": "X-RateLimit-Reset"}})
    shop = opened(tmp_path, body)
    shop.read("items")
    assert shop.stop.waited == [17]


def test_a_world_without_waits_waits_for_nothing(tmp_path, web):
    web.on("/items", each(Answer(429, headers={"Retry-After": "900"}), []))
    shop = opened(tmp_path, retrying(web.url, max_retries=1), waits=False)
    shop.read("items")
    assert shop.stop.waited == []
    assert shop.heard.waits == []


def test_a_stop_during_a_wait_raises_at_once(tmp_path, web):
    from framework.runtime.environment import StopSignal

    web.on("/items", Answer(503, headers={"Retry-After": "200"}))

    class Stopped(StopSignal):
        """Asked to stop by another thread while it waits."""

        def wait(self, seconds):
            threading.Thread(target=self.set).start()
            super().wait(seconds)

    shop = opened(tmp_path, retrying(web.url), stop=Stopped())
    with pytest.raises(Interrupted):
        shop.read("items")
    assert len(web.asked) == 1  # the 200 seconds were not waited out


def test_a_stop_raises_what_it_was_given_and_sends_nothing_more(tmp_path, web):
    stop = NoWait()
    stop.set(KeyError("mine"))
    stop.set(ValueError("too late"))
    with pytest.raises(KeyError):
        opened(tmp_path, one_list(web.url), stop=stop).read("items")
    assert web.asked == []


def test_a_connection_that_breaks_is_tried_again(tmp_path, web):
    web.on("/items", each(Answer(drop=True), Answer(drop=True), [{"id": 1}]))
    shop = opened(tmp_path, retrying(web.url, max_retries=2, backoff_factor=2))
    assert shop.read("items") == [{"id": 1}]
    assert shop.stop.waited == [2, 4]


def test_an_answer_that_breaks_off_is_asked_for_again(tmp_path, web):
    web.on("/items", each(Answer(200, b'[{"id": ', length=500), [{"id": 1}]))
    assert opened(tmp_path, one_list(web.url)).read("items") == [{"id": 1}]


def test_a_connection_that_breaks_for_good_is_an_error(tmp_path, web):
    web.on("/items", Answer(drop=True))
    shop = opened(tmp_path, retrying(web.url, max_retries=1, backoff_factor=0))
    with pytest.raises(RequestError, match=r"GET http://127\.0\.0\.1:\d+/items: the server closed"):
        shop.read("items")
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ({"json": {"a": "é", "n": 1}}, b'{"a": "\\u00e9", "n": 1}'),
        ({"data": {"a": "b c"}}, b"a=b+c"),
        ({"data": "raw text"}, b"raw text"),
    ],
)
def test_a_body_is_sent_again_whole(tmp_path, web, endpoint, body):
    web.on("/items", each(Answer(503), Answer(drop=True), []), method="POST")
    opened(tmp_path, one_list(web.url, {"method": "POST", **endpoint})).read("items")
    assert [asked.body for asked in web.asked] == [body] * 3


def test_a_certificate_that_is_refused_is_not_tried_again(tmp_path):
    class Bad(requests.adapters.BaseAdapter):
        sent = 0

        def send(self, request, **_):
            self.sent += 1
            raise requests.exceptions.SSLError("certificate verify failed", request=request)

        def close(self):
            """Nothing to close."""

    bad = Bad()
    shop = opened(tmp_path, one_list("https://api.example.com"), transport=lambda _: bad)
    with pytest.raises(RequestError, match="certificate is not accepted"):
        shop.read("items")
    assert bad.sent == 1


def test_many_threads_share_one_adapter(tmp_path):
    with Web() as web:
        web.on("/items", [{"id": 1}])
        shop = opened(tmp_path, one_list(web.url), in_flight=20)
        client = shop.compiled.client
        found = run_threads(20, lambda: client.get("/items").json())
        assert found == [[{"id": 1}]] * 20
        assert web.connections <= 20


def test_each_condition_has_its_own_retries_and_waits(tmp_path, web):
    busy, slow = Answer(200, {"busy": True}), Answer(429, {}, {"X-Wait": "7"})
    web.on("/items", each(Answer(503), busy, slow, Answer(503), busy, slow, busy, [{"id": 1}]))
    endpoint = {
        "data_selector": "@",
        "response_actions": [
            {"body": "busy", "action": "retry", "max_retries": 3, "backoff": "PT10S"},
            {
                "status_code": 429,
                "action": "rate_limited",
                "max_retries": 2,
                "wait_header": "X-Wait",
            },
        ],
    }
    shop = opened(tmp_path, retrying(web.url, endpoint, max_retries=2, backoff_factor=1))
    assert shop.read("items") == [{"id": 1}]
    assert shop.heard.waits == [1, 10, 7, 2, 10, 7, 10]


def test_a_condition_whose_retries_are_used_up_fails_with_its_message(tmp_path, web):
    web.on("/items", Answer(200, {"error": {"code": 7, "text": "too many"}}, {"X-Left": "0"}))
    message = (
        'Error {response.error.code}, {headers."x-left"} of {config.quota} left'
        "{response.nothing}: {upper(response.error.text)}, {{so}}."
    )
    endpoint = {
        "response_actions": [
            {"body": "error", "action": "retry", "max_retries": 1, "message": message}
        ]
    }
    body = retrying(web.url, endpoint, max_retries=5, backoff_factor=0)
    body["config"] = {"quota": {"type": "integer", "default": 100}}
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body).read("items")
    assert str(caught.value).endswith("\nError 7, 0 of 100 left: TOO MANY, {so}.")
    assert len(web.asked) == 2


def test_a_message_shows_no_secret(tmp_path, web):
    web.on("/items", lambda asked: Answer(400, {"echo": asked.headers["authorization"]}))
    endpoint = {
        "response_actions": [
            {"status_code": 400, "action": "fail", "message": "It said {response.echo}."}
        ]
    }
    body = retrying(web.url, endpoint, max_retries=0)
    body["secrets"] = {"k": {}}
    body["client"]["auth"] = {"type": "bearer", "token": "{secrets.k}"}
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body, {"k": "s3cret-key"}).read("items")
    assert "It said Bearer ***." in str(caught.value)


def test_what_the_file_calls_rate_limited_slows_all_requests(tmp_path, web):
    web.on("/items", each(Answer(403, {"title": "quota"}), [{"id": 1}]))
    web.on("/other", [])
    endpoint = {
        "response_actions": [
            {"body": "title == 'quota'", "action": "rate_limited", "backoff": "PT30S"}
        ]
    }
    shop = opened(tmp_path, retrying(web.url, endpoint, max_retries=1, backoff_factor=0))
    assert shop.read("items") == [{"id": 1}]
    assert shop.heard.waits == [30]
    assert shop.compiled.client.session.get_adapter(web.url)._budgets.usual._paused_until > 0
