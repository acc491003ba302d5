"""Requests signed by OAuth 1.0a: as published examples are, and as a server verifies them."""

import base64
import hmac
import re
import sys
from urllib.parse import quote, unquote

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from framework.errors import RequestError, SettingsError
from framework.http.auth.signing import OAuth1Signer
from framework.runtime.redaction import Redactor
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer, Asked

AUTH = {
    "type": "oauth1",
    "consumer_key": "a-key",
    "consumer_secret": "{secrets.consumer}",
    "token": "{secrets.token}",
    "token_secret": "{secrets.owner}",
}
GIVEN = {"consumer": "c&nsumer-secret", "token": "a-token", "owner": "t%ken-secret"}


def signed_list(url, auth=AUTH, endpoint=None):
    body = one_list(url, endpoint)
    body["client"]["auth"] = auth
    body["secrets"] = {name: {"optional": True} for name in (*GIVEN, "key")}
    return body


def base_string(method, url, pairs):
    """The text that is signed, of RFC 5849, section 3.4.1."""

    def encoded(text):
        return quote(text, safe="-._~")

    normal = sorted((encoded(name), encoded(value)) for name, value in pairs)
    params = "&".join(f"{name}={value}" for name, value in normal)
    return "&".join((method, encoded(url), encoded(params)))


def hmac_of(text, consumer, owner, algorithm="sha1"):
    """The signature of section 3.4.2."""
    key = f"{quote(consumer, safe='-._~')}&{quote(owner, safe='-._~')}"
    return base64.b64encode(hmac.new(key.encode(), text.encode(), algorithm).digest()).decode()


class OAuth1Api:
    """A list that takes each nonce once, and only requests that are signed."""

    def __init__(self, web, path="/items", method="GET", algorithm="sha1"):
        self.url, self.algorithm = f"{web.url}{path}", algorithm
        self.nonces, self.texts, self.signatures = set(), [], []
        self.failures = 0
        web.on(path, self, method=method)

    def expected(self, text):
        return hmac_of(text, GIVEN["consumer"], GIVEN["owner"], self.algorithm)

    def __call__(self, asked: Asked):
        sent = asked.headers.get("authorization", "")
        given = {key: unquote(value) for key, value in re.findall(r'(\w+)="([^"]*)"', sent)}
        signature, realm = given.pop("oauth_signature"), given.pop("realm", None)
        assert realm in (None, "An account")
        pairs = [*asked.query, *given.items()]
        if "form" in asked.headers.get("content-type", ""):
            pairs += asked.form()
        text = base_string(asked.method, self.url, pairs)
        self.texts.append(text)
        self.signatures.append(signature)
        if given["oauth_nonce"] in self.nonces:
            return Answer(401, {"error": "this nonce was used"})
        self.nonces.add(given["oauth_nonce"])
        if self.algorithm != "rsa" and signature != self.expected(text):
            return Answer(401, {"error": "another signature was expected"})
        if self.failures:
            self.failures -= 1
            return Answer(503)
        return [{"id": 1}]


@pytest.fixture
def fixed(monkeypatch):
    """Sets nonce and time of the next signatures."""

    def fix(nonce, time):
        monkeypatch.setattr("oauthlib.oauth1.rfc5849.generate_nonce", lambda: nonce)
        monkeypatch.setattr("oauthlib.oauth1.rfc5849.generate_timestamp", lambda: time)

    return fix


def test_the_server_of_these_tests_computes_the_example_of_rfc_5849():
    """Section 1.2: a request without oauth_version, which libraries send."""
    pairs = {
        "file": "vacation.jpg",
        "size": "original",
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131202",
        "oauth_nonce": "chapoH",
    }
    text = base_string("GET", "http://photos.example.net/photos", pairs.items())
    signature = hmac_of(text, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00")
    assert signature == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def signature_of(request, **signer):
    redactor = Redactor()
    OAuth1Signer(redactor=redactor, **signer).sign(request)
    found = re.search(r'oauth_signature="([^"]+)"', request.headers["Authorization"])
    assert redactor.found_in(found[1])
    return unquote(found[1])


def test_a_signature_is_that_of_oauth_core(fixed):
    """Appendix A.5 of OAuth Core 1.0a."""
    fixed("kllo9940pd9333jh", "1191242096")
    url = "http://photos.example.net/photos?file=vacation.jpg&size=original"
    signature = signature_of(
        requests.Request("GET", url).prepare(),
        consumer_key="dpf43f3p2l4k3l03",
        consumer_secret="kd94hf93k423kf44",
        token="nnch734d00sl2jdk",
        token_secret="pfkkdhi9sl3r4s00",
    )
    assert signature == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


def test_a_signature_of_a_form_is_that_of_an_api_that_publishes_one(fixed):
    """X's guide "Creating a signature"."""
    fixed("kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", "1318622958")
    url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true"
    form = {"status": "Hello Ladies + Gentlemen, a signed OAuth request!"}
    signature = signature_of(
        requests.Request("POST", url, data=form).prepare(),
        consumer_key="xvz1evFS4wEEPTGEFPHBog",
        consumer_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        token_secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
    assert signature == "hCtSmYh+iHYCEqBWrE7C7hYmtUk="


@pytest.mark.parametrize(
    "endpoint",
    [
        {},
        {"params": {"q": "a b+c&ü", "filter[x]": "1:2", "empty": "", "id": [2, 1]}},
        {"path": "/items?listed=b&listed=a"},
        {"method": "POST", "data": {"q": "a b+c&ü", "x": ""}, "params": {"p": 1}},
        {"method": "POST", "json": {"q": "a b"}},
    ],
    ids=str,
)
def test_a_server_verifies_the_signature(tmp_path, web, endpoint):
    api = OAuth1Api(web, method=endpoint.get("method", "GET"))
    shop = opened(tmp_path, signed_list(web.url, endpoint=endpoint), GIVEN)
    assert shop.read("items") == [{"id": 1}]
    wrong = {**GIVEN, "owner": "another-secret"}
    with pytest.raises(RequestError, match="401"):
        opened(tmp_path, signed_list(web.url, endpoint=endpoint), wrong).read("items")
    assert len(api.nonces) == 2


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_other_methods_and_a_realm(tmp_path, web, algorithm):
    OAuth1Api(web, algorithm=algorithm)
    auth = {**AUTH, "signature_method": f"HMAC-{algorithm.upper()}", "realm": "An account"}
    assert opened(tmp_path, signed_list(web.url, auth), GIVEN).read("items") == [{"id": 1}]


def test_a_retry_has_a_nonce_of_its_own(tmp_path, web):
    api = OAuth1Api(web)
    api.failures = 2
    assert opened(tmp_path, signed_list(web.url), GIVEN).read("items") == [{"id": 1}]
    assert len(api.nonces) == 3


def test_an_application_may_sign_without_a_token(tmp_path, web, monkeypatch):
    OAuth1Api(web)
    monkeypatch.setitem(GIVEN, "owner", "")
    auth = {key: value for key, value in AUTH.items() if not key.startswith("token")}
    assert opened(tmp_path, signed_list(web.url, auth), GIVEN).read("items") == [{"id": 1}]
    assert "oauth_token" not in web.asked[0].headers["authorization"]


def test_a_private_key_signs(tmp_path, web):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    api = OAuth1Api(web, algorithm="rsa")
    auth = {
        "type": "oauth1",
        "consumer_key": "a-key",
        "signature_method": "RSA-SHA256",
        "private_key": "{secrets.key}",
    }
    body = signed_list(web.url, auth)
    given = {"key": pem.replace("\n", "\\n")}
    assert opened(tmp_path, body, given).read("items") == [{"id": 1}]
    signature = base64.b64decode(api.signatures[0])
    text = api.texts[0].encode()
    key.public_key().verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(SettingsError, match="cannot be signed by RSA-SHA256") as caught:
        opened(tmp_path, body, {"key": "hunter2"}).read("items")
    assert "hunter2" not in str(caught.value)


def test_a_form_that_is_not_encoded_is_said_without_its_text(tmp_path, web):
    endpoint = {
        "method": "POST",
        "data": "q=<hunter2>",
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    }
    shop = opened(tmp_path, signed_list(web.url, endpoint=endpoint), GIVEN)
    with pytest.raises(SettingsError, match="the form is percent-encoded") as caught:
        shop.read("items")
    assert "hunter2" not in str(caught.value)
    assert web.asked == []


def test_a_missing_library_is_said_before_any_request(tmp_path, web, monkeypatch):
    monkeypatch.setitem(sys.modules, "oauthlib.oauth1", None)
    with pytest.raises(SettingsError, match=r"pip install 'rest-connector-framework\[oauth1\]'"):
        opened(tmp_path, signed_list(web.url), GIVEN)
