"""Tokens that are asked for, kept and renewed: every grant, a 401 in mid-run, many threads."""

import base64
import hashlib
import hmac
import itertools
import json
import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from framework.errors import RequestError, SettingsError
from tests.support.open_resource import one_list, opened, run_threads
from tests.support.servers import blog
from tests.support.servers.raw import Peer, Raw, head
from tests.support.servers.web import Answer, each

SECRETS = {"id": "an-id", "secret": "a-s3cret", "token": "refresh-0"}
PAIR = {"id": "an-id", "secret": "a-s3cret"}


def authed(url, auth, endpoint=None, **client):
    body = one_list(url, endpoint, **client)
    body["client"]["auth"] = auth
    text = json.dumps(auth)
    body["secrets"] = {
        name: {} for name in (*SECRETS, "key", "phrase") if f"secrets.{name}" in text
    }
    return body


def refreshing(url, **more):
    return {
        "type": "oauth2_refresh_token",
        "access_token_url": f"{url}/token",
        "client_id": "{secrets.id}",
        "client_secret": "{secrets.secret}",
        "refresh_token": "{secrets.token}",
        **more,
    }


def only_bearer(tokens):
    """Answers while the token is the last given one, else 401."""

    def handle(asked):
        if asked.headers.get("authorization") == f"Bearer {tokens[-1]}":
            return [{"id": 1}]
        return Answer(401, {"error": "invalid_token"})

    return handle


class Grants:
    """A token endpoint that gives a new token and a new refresh token each time."""

    def __init__(self, web, path="/token"):
        self.given = []
        self.used = []
        web.on(path, self, method="POST")

    def __call__(self, asked):
        form = dict(asked.form())
        self.used.append(form.get("refresh_token"))
        self.given.append(f"access-{len(self.given) + 1}")
        return {
            "access_token": self.given[-1],
            "refresh_token": f"refresh-{len(self.given)}",
            "expires_in": 3600,
        }


def test_a_refresh_token_gives_access_tokens(tmp_path, web):
    grants = Grants(web)
    web.on("/items", only_bearer(grants.given))
    shop = opened(tmp_path, authed(web.url, refreshing(web.url, rotates=False)), SECRETS)
    assert shop.read("items") == [{"id": 1}]
    assert dict(web.asked[0].form()) == {
        "client_id": "an-id",
        "client_secret": "a-s3cret",
        "grant_type": "refresh_token",
        "refresh_token": "refresh-0",
    }
    for secret in ("access-1", "refresh-1"):
        assert shop.compiled.redactor.found_in(secret)
    assert not list(Path(tmp_path).rglob("refresh_tokens"))


@pytest.mark.parametrize(
    ("way", "header", "body"),
    [
        ("basic", "Basic YW4taWQ6YS1zM2NyZXQ=", {"grant_type": "refresh_token"}),
        ("json", None, {"grant_type": "refresh_token", "client_id": "an-id"}),
    ],
)
def test_the_clients_secret_goes_where_the_file_says(tmp_path, web, way, header, body):
    web.on("/token", {"access_token": "tok-1"})
    web.on("/items", [])
    auth = refreshing(web.url, secret_in=way, headers={"X-Api": "1"})
    shop = opened(tmp_path, authed(web.url, auth), SECRETS)
    shop.read("items")
    asked = web.asked[0]
    assert asked.headers.get("authorization") == header
    assert asked.headers["x-api"] == "1"
    sent = asked.json() if way == "json" else dict(asked.form())
    assert body.items() <= sent.items()
    assert ("client_secret" in sent) == (way == "json")
    assert shop.compiled.redactor.found_in("YW4taWQ6YS1zM2NyZXQ=")


def test_an_answer_says_elsewhere_what_it_holds(tmp_path, web):
    web.on(
        "/token",
        Answer(200, {"data": {"token": "tok-1", "ttl": "600"}}, {"X-Other": "tok-2"}),
    )
    web.on("/items", lambda asked: [{"seen": asked.headers["authorization"]}])
    for path, seen in (("data.token", "tok-1"), ('context().headers."x-other"', "tok-2")):
        auth = refreshing(web.url, token_path=path, expires_in_path="data.ttl")
        shop = opened(tmp_path, authed(web.url, auth), SECRETS)
        assert shop.read("items") == [{"seen": f"Bearer {seen}"}]


def test_a_token_refused_in_mid_run_is_renewed_once_for_all_threads(tmp_path, web):
    grants = Grants(web)
    web.on("/items", only_bearer(grants.given))
    shop = opened(tmp_path, authed(web.url, refreshing(web.url)), SECRETS)
    client = shop.compiled.client
    assert client.get("/items").json() == [{"id": 1}]
    grants.given.append("access-2")  # the API has forgotten the first
    answers = run_threads(10, lambda: client.get("/items").json())
    assert answers == [[{"id": 1}]] * 10
    assert web.paths().count("/token") == 2


def test_a_new_token_that_is_refused_too_is_not_renewed_for_ever(tmp_path, web):
    grants = Grants(web)
    web.on("/items", Answer(401, {"error": "no scope"}))
    shop = opened(tmp_path, authed(web.url, refreshing(web.url)), SECRETS)
    for _ in range(3):
        assert (
            shop.compiled.client.session.get(
                f"{web.url}/items", auth=shop.compiled.client.auth
            ).status_code
            == 401
        )
    assert len(grants.given) == 2
    with pytest.raises(RequestError, match="401 Unauthorized"):
        shop.read("items")


def test_a_refused_token_is_not_sent_to_another_host(tmp_path, web):
    Grants(web)
    web.on("/items", Answer(302, headers={"Location": f"http://localhost:{web.port}/away"}))
    web.on("/away", Answer(401, {}))
    with pytest.raises(RequestError, match="401"):
        opened(tmp_path, authed(web.url, refreshing(web.url)), SECRETS).read("items")
    assert web.paths() == ["/token", "/items", "/away"]
    assert "authorization" not in web.asked[-1].headers


class TestSingleUse:
    """`rotates: true`: each refresh token is used once."""

    def opened(self, tmp_path, web, given=SECRETS):
        return opened(tmp_path, authed(web.url, refreshing(web.url, rotates=True)), given)

    def test_the_next_one_is_kept_for_the_next_run(self, tmp_path, web):
        grants = Grants(web)
        web.on("/items", only_bearer(grants.given))
        for _ in range(3):
            assert self.opened(tmp_path, web).read("items") == [{"id": 1}]
        assert grants.used == ["refresh-0", "refresh-1", "refresh-2"]
        (file,) = Path(tmp_path).rglob("shop-*.json")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(file.read_text()) == {"refresh_token": "refresh-3"}
        assert "refresh-0" not in str(file)

    def test_another_first_token_begins_anew(self, tmp_path, web):
        grants = Grants(web)
        web.on("/items", only_bearer(grants.given))
        self.opened(tmp_path, web).read("items")
        self.opened(tmp_path, web, {**SECRETS, "token": "another-0"}).read("items")
        assert grants.used == ["refresh-0", "another-0"]

    def test_it_is_kept_before_the_access_token_is_used(self, tmp_path, web):
        Grants(web)
        seen = []

        def handle(_):
            (file,) = Path(tmp_path).rglob("shop-*.json")
            seen.append(json.loads(file.read_text())["refresh_token"])
            return []

        web.on("/items", handle)
        self.opened(tmp_path, web).read("items")
        assert seen == ["refresh-1"]

    def test_a_refusal_keeps_the_old_one(self, tmp_path, web):
        web.on("/token", each(Answer(400, {"error": "invalid_grant"}), {"access_token": "t-1"}))
        web.on("/items", [])
        with pytest.raises(RequestError, match="invalid_grant") as caught:
            self.opened(tmp_path, web).read("items")
        assert "SOURCES__SHOP__TOKEN" in str(caught.value)
        self.opened(tmp_path, web).read("items")
        assert [dict(a.form()).get("refresh_token") for a in web.asked if a.path == "/token"] == [
            "refresh-0",
            "refresh-0",
        ]

    def test_a_folder_that_cannot_be_written_ends_before_the_token_is_used(
        self, tmp_path, web, monkeypatch
    ):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "file"))
        with pytest.raises(SettingsError, match="cannot be written"):
            self.opened(tmp_path, web).read("items")
        assert web.asked == []

    def test_a_broken_file_says_what_to_do(self, tmp_path, web):
        grants = Grants(web)
        web.on("/items", only_bearer(grants.given))
        self.opened(tmp_path, web).read("items")
        (file,) = Path(tmp_path).rglob("shop-*.json")
        file.write_text("{")
        with pytest.raises(SettingsError, match="Authorise the connector again"):
            self.opened(tmp_path, web).read("items")

    def test_that_a_token_changed_is_said_where_the_file_says_nothing(self, tmp_path, web):
        grants = Grants(web)
        web.on("/items", only_bearer(grants.given))
        shop = opened(tmp_path, authed(web.url, refreshing(web.url)), SECRETS)
        shop.read("items")
        assert "refresh-token-changed" in shop.heard.codes


def test_a_login_gives_the_token_for_all_requests(tmp_path, web):
    web.on("/session", {"data": {"sid": "sid-1"}}, method="POST")
    web.on("/items", blog.only(blog.key_in_header("X-Session", "id sid-1"), [{"id": 1}]))
    auth = {
        "type": "login",
        "request": {
            "path": "/session",
            "json": {"user": "{secrets.id}", "password": "{secrets.secret}"},
            "params": {"v": 2},
            "headers": {"X-App": "{upper('shop')}"},
        },
        "token_path": "data.sid",
        "send": {"type": "api_key", "name": "X-Session", "prefix": "id "},
    }
    shop = opened(tmp_path, authed(web.url, auth), PAIR)
    assert shop.read("items") == [{"id": 1}]
    login = web.asked[0]
    assert login.json() == {"user": "an-id", "password": "a-s3cret"}
    assert login.query == (("v", "2"),)
    assert login.headers["x-app"] == "SHOP"
    assert shop.compiled.redactor.found_in("sid-1")


@pytest.mark.parametrize("location", ["header", "query", "cookie", "body"])
def test_a_token_goes_anywhere_and_a_new_one_takes_its_place(tmp_path, web, location):
    web.on("/session", each({"sid": "sid-1"}, {"sid": "sid-2"}))
    seen = []

    def items(asked):
        found = {
            "header": asked.headers.get("x-sid"),
            "query": [value for key, value in asked.query if key == "x-sid"],
            "cookie": asked.headers.get("cookie"),
            "body": asked.json(),
        }[location]
        seen.append(found)
        return [] if "sid-2" in str(found) else Answer(401, {})

    web.on("/items", items, method="POST")
    auth = {
        "type": "login",
        "request": {
            "url": f"{web.url}/session",
            "method": "GET",
            "auth": {
                "type": "http_basic",
                "username": "{secrets.id}",
                "password": "{secrets.secret}",
            },
        },
        "token_path": "sid",
        "send": {"type": "api_key", "name": "x-sid", "location": location},
    }
    body = authed(web.url, auth, {"method": "POST", "json": {"a": 1}, "params": {"b": 2}})
    opened(tmp_path, body, PAIR).read("items")
    assert (
        seen
        == {
            "header": ["sid-1", "sid-2"],
            "query": [["sid-1"], ["sid-2"]],
            "cookie": ["x-sid=sid-1", "x-sid=sid-2"],
            "body": [{"a": 1, "x-sid": "sid-1"}, {"a": 1, "x-sid": "sid-2"}],
        }[location]
    )
    assert web.asked[0].headers["authorization"] == "Basic YW4taWQ6YS1zM2NyZXQ="


def private_key(passphrase=None):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()
    return key, text


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
def test_an_assertion_is_exchanged_for_a_token(tmp_path, web, passphrase):
    key, text = private_key(passphrase)
    grants = Grants(web)
    web.on("/items", only_bearer(grants.given))
    auth = {
        "type": "oauth2_jwt",
        "access_token_url": f"{web.url}/token",
        "private_key": "{secrets.key}",
        "token_headers": {"kid": "k1"},
        "payload": {"iss": "{secrets.id}", "aud": f"{web.url}/token", "admin": True},
        "expires_in": "PT5M",
    }
    if passphrase:
        auth["private_key_passphrase"] = "{secrets.phrase}"
    given = {"key": text.replace("\n", "\\n"), "id": "an-id"}
    if passphrase:
        given["phrase"] = passphrase
    assert opened(tmp_path, authed(web.url, auth), given).read("items") == [{"id": 1}]
    form = dict(web.asked[0].form())
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "k1"
    claims = jwt.decode(
        form["assertion"], key.public_key(), algorithms=["RS256"], audience=f"{web.url}/token"
    )
    assert (claims["iss"], claims["admin"]) == ("an-id", True)
    assert claims["exp"] - claims["iat"] == 300


def test_a_token_may_be_signed_here(tmp_path, web):
    web.on("/items", lambda asked: [{"seen": asked.headers["authorization"]}])
    auth = {
        "type": "jwt",
        "key": "{secrets.key}",
        "key_encoding": "base64",
        "algorithm": "HS256",
        "payload": {"iss": "shop"},
        "header_prefix": "JWT",
    }
    key = b"a key of thirty-two bytes, or so"
    shop = opened(tmp_path, authed(web.url, auth), {"key": base64.b64encode(key).decode()})
    (record,) = shop.read("items")
    word, token = record["seen"].split()
    assert word == "JWT"
    assert jwt.decode(token, key, algorithms=["HS256"])["iss"] == "shop"
    assert shop.compiled.redactor.found_in(token)


def test_a_key_that_is_none_is_said_and_not_shown(tmp_path, web):
    auth = {"type": "jwt", "key": "{secrets.key}"}
    with pytest.raises(SettingsError, match="cannot sign with RS256") as caught:
        opened(tmp_path, authed(web.url, auth), {"key": "hunter2-hunter2"}).read("items")
    assert "hunter2" not in str(caught.value)
    assert web.asked == []


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_requests_are_signed(tmp_path, web, encoding):
    web.on("/items", [{"id": 1}], method="POST")
    auth = {
        "type": "hmac",
        "key": "{secrets.key}",
        "message": "{timestamp}|{lower(method)}|{path}?{query}|{body}|{{}}",
        "encoding": encoding,
        "name": "X-Sign",
        "prefix": "v1=",
        "timestamp": {"name": "X-Time", "format": "iso"},
    }
    body = authed(web.url, auth, {"method": "POST", "json": {"a": 1}, "params": {"b": 2}})
    assert opened(tmp_path, body, {"key": "signing-key"}).read("items") == [{"id": 1}]
    asked = web.asked[0]
    text = f"{asked.headers['x-time']}|post|/items?b=2|{asked.body.decode()}|{{}}"
    made = hmac.new(b"signing-key", text.encode(), hashlib.sha256)
    digest = base64.b64encode(made.digest()).decode() if encoding == "base64" else made.hexdigest()
    assert asked.headers["x-sign"] == f"v1={digest}"


def either(url):
    body = one_list(url)
    body["config"] = {"auth": {"type": "string", "enum": ["token", "oauth", "none"]}}
    body["secrets"] = {"token": {}, "id": {}, "secret": {}}
    body["client"]["auth"] = {
        "type": "one_of",
        "by": "config.auth",
        "cases": {
            "token": {"type": "bearer", "token": "{secrets.token}"},
            "oauth": {
                "type": "oauth2_client_credentials",
                "access_token_url": f"{url}/token",
                "client_id": "{secrets.id}",
                "client_secret": "{secrets.secret}",
            },
            "none": None,
        },
    }
    return body


def test_config_chooses_the_auth_and_only_its_secrets_are_asked_for(tmp_path, web):
    web.on("/token", {"access_token": "tok-1"})
    web.on("/items", lambda asked: [{"seen": asked.headers.get("authorization")}])
    for settings, seen in (
        ({"auth": "token", "token": "t-0"}, "Bearer t-0"),
        ({"auth": "oauth", "id": "an-id", "secret": "a-s3cret"}, "Bearer tok-1"),
        ({"auth": "none"}, None),
    ):
        assert opened(tmp_path, either(web.url), settings).read("items") == [{"seen": seen}]
    with pytest.raises(SettingsError) as caught:
        opened(tmp_path, either(web.url), {"auth": "oauth"})
    assert "`id`" in str(caught.value)
    assert "`token`" not in str(caught.value)


def test_an_optional_secret_may_be_missing(tmp_path, web):
    web.on("/items", lambda asked: [{"seen": asked.headers.get("x-key"), "q": asked.param("q")}])
    body = one_list(
        web.url, {"params": {"q": "{secrets.key}"}, "headers": {"X-A": "{secrets.key}"}}
    )
    body["secrets"] = {"key": {"optional": True}}
    body["client"]["headers"] = {"X-Key": "{secrets.key}"}
    plain = opened(tmp_path, body, {})
    assert plain.read("items") == [{"seen": None, "q": None}]
    assert "x-a" not in web.asked[0].headers
    body["client"]["headers"] = {"X-Key": "{if(secrets.key, secrets.key, 'none')}"}
    assert opened(tmp_path, body, {}).read("items") == [{"seen": "none", "q": None}]
    assert opened(tmp_path, body, {"key": "k-1"}).read("items") == [{"seen": "k-1", "q": "k-1"}]


HTML = Answer(200, "<!doctype html><title>Log in</title>", {"Content-Type": "text/html"})
WHERE = "Check the token URL and token_path of the auth"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(drop=True), ": the server closed the connection without a response"),
        (Answer(503, "down"), "The API issues no tokens at the moment"),
        (Answer(404, "?"), "Check the token URL in the auth of the connector file"),
        (Answer(401, {"error": "invalid_client"}), "invalid_client\nCheck "),
        (HTML, f"returned nothing at `access_token`. The body looks like an HTML page. {WHERE}"),
        (
            Answer(200, "?"),
            f"returned nothing at `access_token`. The body is not valid JSON. {WHERE}",
        ),
        (Answer(200, ["x"]), "its body is a JSON array. Correct token_path"),
        (
            Answer(200, {"tok": "x"}),
            "returned nothing at `access_token`; its keys are tok. Correct token_path",
        ),
        (
            Answer(200, {"error": "bad_scope", "message": "no scope for a-s3cret"}),
            "its keys are error, message and its message is: bad_scope; no scope for ***. "
            "Correct token_path",
        ),
        (Answer(200, {"a-s3cret": 1}), "its keys are ***. Correct token_path"),
        (
            Answer(200, {"access_token": {"value": "canary-t"}}),
            "returned a JSON object, expected a text",
        ),
        (Answer(200, {"access_token": ["canary-t"]}), "returned a JSON array, expected a text"),
        (Answer(200, {"access_token": True}), "returned a JSON boolean, expected a text"),
        (Answer(200, {"access_token": ""}), "returned nothing at `access_token`"),
        (Answer(200, {"access_token": "canary-t\r\nX-A: b"}), "line breaks or letters that no"),
        (Answer(200, {"access_token": "canary-t\u2603"}), "line breaks or letters that no header"),
        *(
            (Answer(200, {"access_token": "canary-t", "expires_in": given}), said)
            for given, said in (
                (0, "`expires_in`, 0, so it has already expired. Correct expires_in_path"),
                (-5, "`expires_in`, -5, so it has already expired"),
                ("-5", "`expires_in`, -5, so it has already expired"),
                ("soon", "a JSON string, expected a number of seconds"),
                ("nan", "a JSON string, expected a number of seconds"),
                (True, "a JSON boolean, expected a number of seconds"),
                ({"seconds": 5}, "a JSON object, expected a number of seconds"),
            )
        ),
    ],
)
def test_a_token_endpoint_in_trouble_is_named(tmp_path, web, answer, said):
    web.on("/token", answer)
    body = authed(web.url, refreshing(web.url))
    body["client"]["retry"]["max_retries"] = 0
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body, SECRETS).read("items")
    error = str(caught.value)
    assert error.startswith(f"items: the token request to {web.url}/token")
    assert said in error
    assert not [secret for secret in ("canary", *SECRETS.values()) if secret in error]
    assert web.paths() == ["/token"]


@pytest.mark.parametrize(
    ("play", "client", "said"),
    [
        (
            lambda peer: peer.send(head(), *itertools.repeat(b"[1,2,3]," * 8_000, 1_000)),
            {"max_response_size": 100_000},
            "failed: POST {url}/token: response exceeded a limit: larger than client.max_r",
        ),
        (
            lambda peer: (peer.send(head()), peer.drip(itertools.repeat(b"["))),
            {"max_response_time": "PT0.2S"},
            "failed: POST {url}/token: response exceeded a limit: not complete after 0.2 s",
        ),
        (
            lambda peer: peer.drip([b""], pause=30),
            {"timeout": "PT0.1S"},
            ": no response within the timeout. Raise client.timeout",
        ),
        (Peer.reset, {}, ": the server "),
        (
            lambda peer: peer.answer(b"", "Location: https://evil.example.com/", status="307 X"),
            {},
            "failed: refused to send a secret to https://evil.example.com:443",
        ),
    ],
    ids=["endless", "slow", "silent", "resets", "leads away"],
)
def test_a_token_endpoint_that_breaks_is_named(tmp_path, play, client, said):
    with Raw(play) as raw:
        body = authed(raw.url, refreshing(raw.url), **client)
        body["client"]["retry"]["max_retries"] = 0
        with pytest.raises(RequestError) as caught:
            opened(tmp_path, body, SECRETS).read("items")
    error = str(caught.value)
    assert error.startswith(f"items: the token request to {raw.url}/token")
    assert said.format(url=raw.url) in error
    assert not [secret for secret in SECRETS.values() if secret in error]


def test_seconds_may_be_written_as_a_text_or_be_missing(tmp_path, web):
    for given in ({"expires_in": "600"}, {"expires_in": None}, {}):
        web.on("/token", {"access_token": "tok-1", **given})
        web.on("/items", [{"id": 1}])
        shop = opened(tmp_path, authed(web.url, refreshing(web.url)), SECRETS)
        assert shop.read("items") == [{"id": 1}]


def test_a_token_endpoint_over_plain_http_is_refused(tmp_path, web):
    body = authed(web.url, refreshing("http://auth.example.com"))
    body["config"] = {"auth_url": {"type": "string"}}
    body["client"]["auth"]["access_token_url"] = "{config.auth_url}"
    given = {**SECRETS, "auth_url": "http://auth.example.com/token"}
    with pytest.raises(SettingsError, match=r"access_token_url goes to http://auth\.example\.com"):
        opened(tmp_path, body, given).read("items")
    assert web.asked == []
