"""Credentials on requests: every kind, and tokens fetched once by many threads."""

import hashlib
import re

import pytest

from framework.errors import RequestError
from tests.support.open_resource import one_list, opened, run_threads
from tests.support.servers import blog
from tests.support.servers.web import Answer, each

KEY = "s3cret-key"

KINDS = {
    "bearer": ({"type": "bearer", "token": "{secrets.k}"}, blog.bearer(KEY)),
    "bearer without a type": ({"token": "{secrets.k}"}, blog.bearer(KEY)),
    "api_key in a header": (
        {"type": "api_key", "location": "header", "name": "X-Key", "api_key": "{secrets.k}"},
        blog.key_in_header("X-Key", KEY),
    ),
    "api_key as dlt has it": (
        {"type": "api_key", "api_key": "Token {secrets.k}"},
        blog.key_in_header("Authorization", f"Token {KEY}"),
    ),
    "api_key in the query": (
        {"type": "api_key", "location": "query", "name": "key", "api_key": "{secrets.k}"},
        blog.key_in_query("key", KEY),
    ),
    "api_key as a param": (
        {"type": "api_key", "location": "param", "name": "key", "api_key": "{secrets.k}"},
        blog.key_in_query("key", KEY),
    ),
    "api_key in a cookie": (
        {"type": "api_key", "location": "cookie", "name": "sid", "api_key": "{secrets.k}"},
        blog.key_in_cookie("sid", KEY),
    ),
    "http_basic": (
        {"type": "http_basic", "username": "ann", "password": "{secrets.k}"},
        blog.basic("ann", KEY),
    ),
    "http_basic, the key as the name": (
        {"type": "http_basic", "username": "{secrets.k}", "password": ""},
        blog.basic(KEY, ""),
    ),
}


def authed(url, auth, endpoint=None):
    body = one_list(url, endpoint)
    body["client"]["auth"] = auth
    body["secrets"] = {"k": {}}
    return body


@pytest.mark.parametrize("kind", KINDS)
def test_an_auth_is_accepted_by_the_api(tmp_path, web, kind):
    auth, allowed = KINDS[kind]
    web.on("/items", blog.only(allowed, [{"id": 1}]))
    assert opened(tmp_path, authed(web.url, auth), {"k": KEY}).read("items") == [{"id": 1}]


@pytest.mark.parametrize("kind", KINDS)
def test_an_auth_goes_with_every_page(tmp_path, web, kind):
    auth, allowed = KINDS[kind]
    web.on(
        "/items",
        blog.only(
            allowed,
            lambda asked: (
                {"items": [{"id": 1}], "next": "/items?at=2"}
                if asked.param("at") is None
                else {"items": [{"id": 2}]}
            ),
        ),
    )
    body = authed(web.url, auth, {"paginator": "json_link"})
    assert len(opened(tmp_path, body, {"k": KEY}).read("items")) == 2


def test_an_endpoint_may_have_its_own_auth_or_none(tmp_path, web):
    web.on("/items", lambda asked: [{"seen": asked.headers.get("authorization")}])
    own = {"type": "http_basic", "username": "ann", "password": "{secrets.k}"}
    for auth, seen in ((own, "Basic YW5uOnMzY3JldC1rZXk="), (None, None)):
        body = authed(web.url, {"type": "bearer", "token": "{secrets.k}"}, {"auth": auth})
        assert opened(tmp_path, body, {"k": KEY}).read("items") == [{"seen": seen}]


def test_a_password_that_is_not_given_is_an_empty_one(tmp_path, web):
    web.on("/items", blog.only(blog.basic(KEY, ""), [{"id": 1}]))
    auth = {"type": "http_basic", "username": "{secrets.k}", "password": "{secrets.none}"}
    body = authed(web.url, auth)
    body["secrets"]["none"] = {"optional": True}
    assert opened(tmp_path, body, {"k": KEY}).read("items") == [{"id": 1}]


def client_credentials(url, **more):
    body = one_list(url)
    body["client"]["auth"] = {
        "type": "oauth2_client_credentials",
        "access_token_url": f"{url}/token",
        "client_id": "{secrets.id}",
        "client_secret": "{secrets.secret}",
        **more,
    }
    body["secrets"] = {"id": {}, "secret": {}}
    return body


GIVEN = {"id": "an-id", "secret": "a-s3cret"}


def test_client_credentials_fetch_a_token_once_for_twenty_threads(tmp_path, web):
    web.on("/token", blog.token_endpoint("an-id", "a-s3cret", "tok-1"), method="POST")
    web.on("/items", blog.only(blog.bearer("tok-1"), [{"id": 1}]))
    shop = opened(tmp_path, client_credentials(web.url), GIVEN)
    client = shop.compiled.client
    answers = run_threads(20, lambda: client.get("/items").json())
    assert answers == [[{"id": 1}]] * 20
    assert web.paths().count("/token") == 1
    assert shop.compiled.redactor.found_in("token tok-1")


def test_client_credentials_send_what_the_file_adds(tmp_path, web):
    web.on("/token", blog.token_endpoint("an-id", "a-s3cret", "tok-1"), method="POST")
    web.on("/items", [])
    body = client_credentials(web.url, access_token_request_data={"scope": "read", "n": 1})
    opened(tmp_path, body, GIVEN).read("items")
    assert dict(web.asked[0].form()) == {
        "client_id": "an-id",
        "client_secret": "a-s3cret",
        "grant_type": "client_credentials",
        "scope": "read",
        "n": "1",
    }


def test_a_token_that_expired_is_fetched_again(tmp_path, web):
    tokens = iter(["tok-1", "tok-2"])
    web.on("/token", lambda _: {"access_token": next(tokens), "expires_in": 1e-6})
    web.on("/items", lambda asked: [{"seen": asked.headers["authorization"]}])
    shop = opened(tmp_path, client_credentials(web.url), GIVEN)
    client = shop.compiled.client
    assert [client.get("/items").json()[0]["seen"] for _ in "ab"] == [
        "Bearer tok-1",
        "Bearer tok-2",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(401, {"error": "invalid_client", "error_description": "for a-s3cret"}),
            "returned 401 Unauthorized: invalid_client; for ***\n"
            "Check SOURCES__SHOP__ID and SOURCES__SHOP__SECRET.",
        ),
        (Answer(200, {"token": "x"}), "returned nothing at `access_token`"),
        (Answer(200, {"access_token": None}), "returned nothing at `access_token`"),
        (Answer(200, [1]), "returned nothing at `access_token`"),
        (Answer(200, "<html>"), "returned nothing at `access_token`"),
        (
            Answer(200, {"access_token": "tok-1", "expires_in": "soon"}),
            "returned a token and, at `expires_in`, a JSON",
        ),
        (Answer(200, {"access_token": "tok-1", "expires_in": None}), None),
        (Answer(200, {"access_token": "tok-1", "expires_in": "3600"}), None),
    ],
)
def test_a_token_answer_that_cannot_be_used_is_one_clear_error(tmp_path, web, answer, said):
    web.on("/token", answer)
    web.on("/items", [{"id": 1}])
    shop = opened(tmp_path, client_credentials(web.url), GIVEN)
    if said is None:
        assert shop.read("items") == [{"id": 1}]
        return
    with pytest.raises(RequestError) as caught:
        shop.read("items")
    assert f"the token request to {web.url}/token {said}" in str(caught.value)
    assert "a-s3cret" not in str(caught.value)
    assert web.paths() == ["/token"]


def test_a_token_endpoint_that_is_away_is_said(tmp_path, web):
    body = client_credentials(web.url)
    body["client"]["auth"]["access_token_url"] = "http://127.0.0.1:1/token"
    body["client"]["retry"]["max_retries"] = 0
    with pytest.raises(
        RequestError, match=r"the token request to http://127\.0\.0\.1:1/token: the connection"
    ):
        opened(tmp_path, body, GIVEN).read("items")
    assert web.asked == []


def test_a_token_request_is_retried_like_any_other(tmp_path, web):
    web.on("/token", each(Answer(503), Answer(503), {"access_token": "tok-1"}))
    web.on("/items", [])
    shop = opened(tmp_path, client_credentials(web.url), GIVEN)
    shop.read("items")
    assert web.paths() == ["/token"] * 3 + ["/items"]


def test_the_clients_credentials_go_to_the_token_endpoint_and_no_redirect_of_it(tmp_path, web):
    web.on("/token", Answer(307, headers={"Location": f"http://localhost:{web.port}/steal"}))
    web.on("/steal", {"access_token": "x"})
    with pytest.raises(RequestError, match="refused to send a secret"):
        opened(tmp_path, client_credentials(web.url), GIVEN).read("items")
    assert web.paths() == ["/token"]


@pytest.mark.parametrize(
    "secret", ["canary-a\nb", "canary\r\nX-A: 1", "canary-\u2603", "canary\x00"]
)
@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": "{secrets.k}"},
        {"type": "api_key", "name": "X-Key", "api_key": "{secrets.k}"},
        {"type": "api_key", "name": "sid", "api_key": "{secrets.k}", "location": "cookie"},
    ],
    ids=["bearer", "header", "cookie"],
)
def test_a_secret_that_no_header_takes_is_an_error_without_it(tmp_path, web, secret, auth):
    body = one_list(web.url, auth=auth)
    body["secrets"] = {"k": {}}
    with pytest.raises(RequestError, match="was not sent: the header ") as caught:
        opened(tmp_path, body, {"k": secret}).read("items")
    assert str(caught.value).startswith(f"items: GET {web.url}/items")
    assert "canary" not in str(caught.value)
    assert web.asked == []


class DigestApi:
    """A list behind HTTP digest authentication (RFC 7616, MD5 or SHA-256); a nonce is good for
    three requests."""

    def __init__(self, web, algorithm="MD5"):
        self.hash = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]
        self.algorithm = algorithm
        self.uses, self.nonce = 0, 0
        web.on("/items", self)

    def _of(self, *parts):
        return self.hash(":".join(parts).encode()).hexdigest()

    def __call__(self, asked):
        sent = asked.headers.get("authorization", "")
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', sent.removeprefix("Digest ")))
        self.uses += 1
        if given.get("nonce") == f"n{self.nonce}" and self.uses <= 3:
            target = given["uri"]
            first, second = self._of("ann", "api", KEY), self._of("GET", target)
            expected = self._of(
                first, given["nonce"], given["nc"], given["cnonce"], given["qop"], second
            )
            if given["response"] == expected:
                page = int(asked.param("page") or 1)
                return {"items": [{"id": page}], **({"next": page + 1} if page < 5 else {})}
        self.nonce += 1
        self.uses = 0
        challenge = (
            f'Digest realm="api", nonce="n{self.nonce}", qop="auth", algorithm={self.algorithm}'
        )
        return Answer(401, {"message": "no"}, {"WWW-Authenticate": challenge})


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_digest_answers_the_challenges_of_the_api(tmp_path, web, algorithm):
    DigestApi(web, algorithm)
    auth = {"type": "http_digest", "username": "ann", "password": "{secrets.k}"}
    endpoint = {
        "data_selector": "items",
        "paginator": {"type": "cursor", "cursor_param": "page", "cursor_path": "next"},
    }
    shop = opened(tmp_path, authed(web.url, auth, endpoint), {"k": KEY})
    assert [one["id"] for one in shop.read("items")] == [1, 2, 3, 4, 5]
    assert all(KEY not in str(dict(asked.headers)) for asked in web.asked)
    # one challenge for each three requests
    assert len(web.asked) == 7


def test_a_digest_with_a_wrong_password_is_refused_once(tmp_path, web):
    DigestApi(web)
    auth = {"type": "http_digest", "username": "ann", "password": "{secrets.k}"}
    with pytest.raises(RequestError, match="401 Unauthorized"):
        opened(tmp_path, authed(web.url, auth), {"k": "wrong-password"}).read("items")
    assert len(web.asked) == 2
