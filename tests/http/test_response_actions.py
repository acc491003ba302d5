"""What becomes of answers: the file's actions, and errors in the API's own words and ours."""

import pytest

from framework.errors import RequestError, ResourceSkipped
from tests.extract.test_resource_reader import parent_and_child
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer, each


def acting(url, *actions, **client):
    return one_list(url, {"response_actions": list(actions)}, **client)


@pytest.mark.parametrize(
    ("action", "status", "fits"),
    [
        ({"status_code": 404}, 404, True),
        ({"status_code": 404}, 410, False),
        ({"status_code": [404, 410]}, 410, True),
        ({"status_code": "4xx"}, 451, True),
        ({"status_code": "4XX"}, 404, True),
        ({"status_code": "5xx"}, 404, False),
        ({"content": "not there"}, 404, True),
        ({"content": "elsewhere"}, 404, False),
        ({"header": {"X-Reason": "gone"}}, 404, True),
        ({"header": {"x-reason": "gone for"}}, 404, True),
        ({"header": {"X-Reason": "moved"}}, 404, False),
        ({"header": {"X-Other": "gone"}}, 404, False),
        ({"body": "error.code == `7`"}, 404, True),
        ({"body": "error.code == `8`"}, 404, False),
        ({"body": "contains(error.text, 'there')"}, 404, True),
        ({"status_code": 404, "content": "not there", "body": "error.code == `7`"}, 404, True),
        ({"status_code": 404, "content": "elsewhere", "body": "error.code == `7`"}, 404, False),
    ],
)
def test_an_action_holds_when_all_its_conditions_do(tmp_path, web, action, status, fits):
    body = {"error": {"code": 7, "text": "it is not there"}}
    web.on("/items", Answer(status, body, {"X-Reason": "gone for good"}))
    shop = opened(tmp_path, acting(web.url, {**action, "action": "ignore"}))
    if fits:
        assert shop.read("items") == []
        assert shop.compiled.plans["items"].actions.ignored == 1
    else:
        with pytest.raises(RequestError) as caught:
            shop.read("items")
        assert caught.value.status == status


def test_an_ignored_answer_ends_its_list_and_is_told_when_it_was_all(tmp_path, web):
    web.on("/items", Answer(404))
    shop = opened(tmp_path, acting(web.url, {"status_code": 404, "action": "ignore"}))
    assert shop.read("items") == []
    assert shop.heard.codes == ["all-ignored"]


def test_skip_resource_ends_the_resource_with_the_files_message(tmp_path, web):
    web.on("/items", Answer(403, {"title": "Upgrade"}))
    action = {"status_code": 403, "action": "skip_resource", "message": "Needs a paid plan."}
    shop = opened(tmp_path, acting(web.url, action))
    with pytest.raises(ResourceSkipped) as caught:
        shop.read("items")
    assert caught.value.resource == "items"
    assert "403 Forbidden: Upgrade" in str(caught.value)
    assert str(caught.value).endswith("Needs a paid plan.")
    with pytest.raises(ResourceSkipped):
        shop.read("items")
    assert len(web.asked) == 1


def test_fail_fails_even_a_good_status_with_the_files_message(tmp_path, web):
    web.on("/items", {"ok": False, "error": "not_in_channel"})
    action = {"body": "ok == `false`", "action": "fail", "message": "Invite the bot first."}
    shop = opened(tmp_path, acting(web.url, action))
    with pytest.raises(RequestError) as caught:
        shop.read("items")
    assert "returned 200 OK: not_in_channel" in str(caught.value)
    assert str(caught.value).endswith("\nInvite the bot first.")


def test_the_first_action_that_fits_is_taken(tmp_path, web):
    web.on("/items", Answer(404))
    actions = [
        {"status_code": 410, "action": "fail"},
        {"status_code": "4xx", "action": "ignore"},
        {"status_code": 404, "action": "fail"},
    ]
    assert opened(tmp_path, acting(web.url, *actions)).read("items") == []


def test_retry_asks_again_for_a_status_that_is_not_retried_by_itself(tmp_path, web):
    web.on("/items", each(Answer(404), Answer(404), [{"id": 1}]))
    shop = opened(tmp_path, acting(web.url, {"status_code": 404, "action": "retry"}))
    assert shop.read("items") == [{"id": 1}]
    assert len(web.asked) == 3


def test_retry_fails_when_no_retries_are_left(tmp_path, web):
    web.on("/items", {"status": "pending"})
    action = {"body": "status == 'pending'", "action": "retry", "message": "The report is late."}
    body = acting(web.url, action)
    body["client"]["retry"]["max_retries"] = 2
    shop = opened(tmp_path, body)
    with pytest.raises(RequestError, match=r"The report is late\.$"):
        shop.read("items")
    assert len(web.asked) == 3


def test_actions_are_asked_after_the_retries(tmp_path, web):
    web.on("/items", each(Answer(500), Answer(404), [{"id": 1}]))
    body = acting(web.url, {"status_code": 500, "action": "ignore"})
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body).read("items")
    assert caught.value.status == 404
    assert len(web.asked) == 2


OWN_WORDS = {
    "problem details": ({"type": "x", "title": "No", "detail": "Not yours"}, "No; Not yours"),
    "title and message": ({"title": "Bad", "message": "Wrong count"}, "Bad; Wrong count"),
    "parameters": (
        {"message": "Invalid", "details": [{"parameter": "count", "message": "too big"}]},
        "Invalid; count: too big",
    ),
    "nested error": ({"error": {"code": 5, "message": "Quota"}}, "Quota"),
    "oauth": ({"error": "invalid", "error_description": "Expired"}, "invalid; Expired"),
    "json api": ({"errors": [{"title": "A", "detail": "B"}]}, "A; B"),
    "graphql": ({"errors": [{"message": "Field x"}], "data": None}, "Field x"),
    "list of texts": ({"errors": ["first", "second"]}, "first; second"),
    "list": ([{"message": "Session", "errorCode": "X"}], "Session"),
    "by field": ({"errors": {"email": ["is taken", "is short"]}}, "email: is taken; is short"),
    "fastapi": ({"detail": [{"loc": ["query", "n"], "msg": "field required"}]}, "field required"),
    "error messages": ({"errorMessages": ["No permission"], "errors": {}}, "No permission"),
    "capitals": ({"Message": "Rate exceeded"}, "Rate exceeded"),
    "twice the same": ({"message": "Gone", "error": "Gone"}, "Gone"),
    "nothing of the sort": ({"code": 3}, ""),
    "no json": ("<html>Oops</html>", ""),
    "long": ({"message": "x" * 1000}, "x" * 299 + "…"),
}


@pytest.mark.parametrize("style", OWN_WORDS)
def test_an_error_repeats_the_apis_own_words(tmp_path, web, style):
    body, words = OWN_WORDS[style]
    web.on("/items", Answer(418, body))
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, one_list(web.url)).read("items")
    assert str(caught.value) == (
        f"items: GET {web.url}/items returned 418 I'm a Teapot" + (f": {words}" if words else "")
    )


def test_an_error_shows_no_secret_and_no_person(tmp_path, web):
    web.on("/items", Answer(400, {"message": "key s3cret-key of ann@example.com is blocked"}))
    body = one_list(
        web.url,
        {"params": {"email": "ann@example.com", "signature": "{config.sig}", "page_size": 5}},
        auth={"type": "api_key", "name": "api_key", "location": "query", "api_key": "{secrets.k}"},
    )
    body |= {"secrets": {"k": {}}, "config": {"sig": {"type": "string", "default": "5ig"}}}
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body, {"k": "s3cret-key"}).read("items")
    text = str(caught.value)
    assert "s3cret-key" not in text
    assert "email=***&signature=***&page_size=5&api_key=***" in text


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "The credentials are not accepted: check SOURCES__SHOP__K."),
        (
            403,
            "The credentials may not read this, or are wrong: check SOURCES__SHOP__K. "
            "Or leave it out: --resources without items.",
        ),
        (404, "Check base_url and the endpoint's path."),
    ],
)
def test_an_error_says_what_to_do(tmp_path, web, status, remedy):
    web.on("/items", Answer(status))
    body = one_list(web.url, auth={"type": "bearer", "token": "{secrets.k}"})
    body["secrets"] = {"k": {}}
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body, {"k": "s3cret-key"}).read("items")
    assert str(caught.value).endswith(f"\n{remedy}")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": "token expired"}),
        (400, {"message": "The session has expired."}),
        (419, {"error": {"message": "Expired access token"}}),
        (200, {"error": "token expired"}),
    ],
)
def test_an_expired_token_that_no_401_tells_has_its_remedy(tmp_path, web, status, body):
    web.on("/items", Answer(status, body))
    with pytest.raises(RequestError, match="have it renewed after such responses"):
        opened(tmp_path, one_list(web.url)).read("items")


def test_an_expired_position_of_a_list_is_no_expired_token(tmp_path, web):
    web.on("/items", Answer(400, {"error": "next_page_token expired"}))
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, one_list(web.url)).read("items")
    assert "auth" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://files.example.com/a.csv", 'export: {download: {url: "{parent.FIELD}"}}'),
        ("/detail/1", "{trim_left(parent.FIELD, '/')}"),
        ("plain", "Check base_url"),
    ],
)
def test_a_url_in_the_path_of_a_request_that_failed_is_told(tmp_path, web, value, told):
    web.on("/parents", {"items": [{"id": value}]})
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, parent_and_child(web.url)).read("children")
    assert told in str(caught.value)


def test_a_condition_on_a_field_that_the_body_lacks_does_not_hold(tmp_path, web):
    web.on("/items", [{"id": 1}])
    body = acting(web.url, {"body": "contains(error.text, 'x')", "action": "ignore"})
    # a body without the field is every good page: the condition does not hold there
    assert opened(tmp_path, body).read("items") == [{"id": 1}]


MISSING = (
    "if one may have no records, say so in response_actions: {status_code: 404, action: ignore}"
)


@pytest.mark.parametrize(("answered", "told"), [([1], MISSING), ([], "Check base_url")])
def test_a_404_of_one_of_many_is_not_blamed_on_the_path(tmp_path, web, answered, told):
    web.on("/parents", {"items": [{"id": 1}, {"id": 2}]})
    for parent in (1, 2):
        there = {"items": [{"id": 7}]} if parent in answered else Answer(404)
        web.on(f"/parents/{parent}/children", there)
    body = parent_and_child(web.url, max_in_flight=1)
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body).read("children")
    assert told in str(caught.value)
