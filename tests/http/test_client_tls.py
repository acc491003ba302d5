"""Certificates of the client, from texts and files: shown to the API's hosts and to no other."""

import ssl
from pathlib import Path

import pytest
import requests

from framework.definition.model import ClientTls
from framework.errors import RequestError, SettingsError
from framework.http.client_tls import tls_context
from framework.http.error_messages import connection_error_message
from tests.support.open_resource import one_list, opened
from tests.support.servers.tls import Authority
from tests.support.servers.web import Answer, Web

AUTHORITY = Authority()
CERT, KEY = AUTHORITY.certificate()
TLS = {"cert": "{secrets.cert}", "key": "{secrets.key}", "ca": "{config.ca}"}
GIVEN = {"cert": CERT, "key": KEY, "ca": AUTHORITY.pem}


def mutual(url, tls=TLS, **client):
    body = one_list(url, tls=tls, **client)
    body["config"] = {"ca": {"type": ["string", "null"], "default": None}}
    body["secrets"] = {
        "cert": {"optional": True},
        "key": {"optional": True},
        "passphrase": {"optional": True},
    }
    return body


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def api(request, tmp_path):
    """A server that requires a certificate of the authority."""
    with Web(AUTHORITY.mutual(tmp_path, request.param)) as web:
        web.on("/items", [{"id": 1}])
        yield web


def test_an_api_that_requires_a_certificate_gets_it(tmp_path, api):
    assert opened(tmp_path, mutual(api.url), GIVEN).read("items") == [{"id": 1}]


def one_line(text):
    return text.replace("\n", "\\n")


def as_texts(folder):
    return GIVEN


def as_lines_of_a_variable(folder):
    return {name: one_line(text) for name, text in GIVEN.items()}


def as_files(folder):
    for name, text in GIVEN.items():
        (folder / f"{name}.pem").write_text(text)
    return {name: str(folder / f"{name}.pem") for name in GIVEN}


def as_one_text(folder):
    return {"cert": f"{KEY}\n{CERT}", "ca": AUTHORITY.pem}


def as_one_file(folder):
    (folder / "client.pem").write_text(CERT + KEY)
    return {"cert": str(folder / "client.pem"), "ca": AUTHORITY.pem}


def as_encrypted(folder):
    cert, key = AUTHORITY.certificate(passphrase="open sesame")
    return {"cert": cert, "key": key, "passphrase": "open sesame", "ca": AUTHORITY.pem}


def as_encrypted_file(folder):
    given = as_encrypted(folder)
    (folder / "key.pem").write_text(given["key"])
    return {**given, "key": str(folder / "key.pem")}


@pytest.mark.parametrize(
    "form",
    [
        as_texts,
        as_lines_of_a_variable,
        as_files,
        as_one_text,
        as_one_file,
        as_encrypted,
        as_encrypted_file,
    ],
)
def test_certificates_are_texts_or_files(tmp_path, form):
    tls = {**TLS, "passphrase": "{secrets.passphrase}"}
    with Web(AUTHORITY.mutual(tmp_path)) as web:
        web.on("/items", [{"id": 1}])
        given = form(tmp_path)
        before = {file.name for file in tmp_path.iterdir()}
        assert opened(tmp_path, mutual(web.url, tls), given).read("items") == [{"id": 1}]
    # no file of ours is left
    assert {file.name for file in tmp_path.iterdir()} - before <= {"connectors"}


def test_without_a_certificate_the_message_names_the_key(tmp_path):
    with Web(AUTHORITY.mutual(tmp_path, ssl.TLSVersion.TLSv1_2)) as web:
        shop = opened(tmp_path, mutual(web.url), {"ca": AUTHORITY.pem})
        with pytest.raises(RequestError, match=r"client\.tls"):
            shop.read("items")
        assert shop.heard.waits == []


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "requires"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "does not know the authority"),
        ("EOF occurred in violation of protocol (_ssl.c:2427)", "may require a certificate"),
    ],
)
def test_the_end_of_a_handshake_is_said(alert, said):
    error = requests.exceptions.SSLError(f"SSLError(1, '{alert} (_ssl.c:2580)')")
    message = connection_error_message(error, "base_url") or ""
    assert said in message
    assert "client.tls" in message


def test_a_certificate_that_the_api_does_not_accept_is_said(tmp_path):
    unknown, key = Authority("stranger").certificate()
    ended, its_key = AUTHORITY.certificate(ended=True)
    for cert, own, reason in ((unknown, key, "does not know"), (ended, its_key, "has expired")):
        with Web(AUTHORITY.mutual(tmp_path, ssl.TLSVersion.TLSv1_2)) as web:
            given = {**GIVEN, "cert": cert, "key": own}
            with pytest.raises(RequestError, match=rf"client\.tls: .*{reason}"):
                opened(tmp_path, mutual(web.url), given).read("items")


def test_the_server_is_verified_all_the_same(tmp_path):
    with Web(AUTHORITY.mutual(tmp_path)) as web:
        web.on("/items", [{"id": 1}])
        with pytest.raises(RequestError, match="authority that this machine does not know"):
            opened(tmp_path, mutual(web.url), {**GIVEN, "ca": None}).read("items")
        other = web.url.replace("127.0.0.1", "localhost")
        with pytest.raises(RequestError, match="is for another host"):
            opened(tmp_path, mutual(other), GIVEN).read("items")
        assert web.asked == []


def test_a_redirect_to_another_host_sees_no_certificate(tmp_path, monkeypatch):
    """The other host asks for a certificate and takes a connection without one."""
    context = AUTHORITY.mutual(tmp_path)
    context.verify_mode = ssl.CERT_OPTIONAL
    (tmp_path / "ca.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    seen = []
    with Web(AUTHORITY.mutual(tmp_path)) as web, Web(context) as other:
        shown(other, seen)
        other.on("/elsewhere", [{"id": 2}])
        web.on("/items", Answer(302, headers={"Location": f"{other.url}/elsewhere"}))
        shop = opened(tmp_path, mutual(web.url), GIVEN)
        assert shop.read("items") == [{"id": 2}]
        assert seen == [False]
        assert shop.heard.codes == ["credentials-withheld"]
        allowed = mutual(web.url, allowed_hosts=[f"127.0.0.1:{other.port}"])
        assert opened(tmp_path, allowed, GIVEN).read("items") == [{"id": 2}]
        assert seen == [False, True]


def shown(web, seen):
    """Note for each connection of a server whether the client has shown a certificate."""
    process = web._server.process_request

    def noted(request, address):
        request.do_handshake()
        seen.append(bool(request.getpeercert()))
        process(request, address)

    web._server.process_request = noted


def test_a_token_is_requested_with_the_certificate(tmp_path, api):
    """RFC 8705: the certificate is the client's secret, and the token's host may be another."""
    with Web(AUTHORITY.mutual(tmp_path)) as issuer:
        issuer.on("/token", {"access_token": "tok-1", "expires_in": 60}, method="POST")
        body = mutual(api.url)
        body["client"]["auth"] = {
            "type": "oauth2_client_credentials",
            "access_token_url": f"{issuer.url}/token",
            "client_id": "an-id",
        }
        assert opened(tmp_path, body, GIVEN).read("items") == [{"id": 1}]
        assert dict(issuer.asked[0].form()) == {
            "client_id": "an-id",
            "grant_type": "client_credentials",
        }
    assert api.asked[0].headers["authorization"] == "Bearer tok-1"


OTHER_CERT, OTHER_KEY = AUTHORITY.certificate(passphrase="open sesame")
DAMAGED = KEY.replace("M", "?")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cert": "hunter2"}, r"client\.tls\.cert: found neither a text in PEM format"),
        ({"key": "/no/such/hunter2"}, r"client\.tls\.key: found neither a text in PEM format"),
        ({"cert": KEY}, r"client\.tls\.cert: found no certificate in PEM format"),
        ({"key": CERT}, r"client\.tls\.key: found no private key in PEM format"),
        ({"key": None}, r"client\.tls\.cert: found no private key in it"),
        ({"cert": None}, "found a key and no certificate"),
        ({"cert": OTHER_CERT}, "the key does not belong to the certificate"),
        ({"key": DAMAGED}, "found a certificate or a key that cannot be read"),
        ({"key": OTHER_KEY}, r"the key is encrypted; give its `passphrase`"),
        (
            {"cert": OTHER_CERT, "key": OTHER_KEY, "passphrase": "hunter2"},
            "cannot be read with this passphrase",
        ),
        ({"ca": "-----BEGIN CERTIFICATE-----\nhunter2"}, r"client\.tls\.ca: found a certificate"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_said_before_any_request(given, message):
    with pytest.raises(SettingsError, match=message) as caught:
        tls_context(ClientTls(**{**GIVEN, **given}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_file_stays_open(monkeypatch, in_memory):
    if not in_memory:  # as on macOS
        monkeypatch.delattr("os.memfd_create", raising=False)
    before = len([*Path("/proc/self/fd").iterdir()])
    assert isinstance(tls_context(ClientTls(**GIVEN)), ssl.SSLContext)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_replay_and_settings_without_values_need_no_certificate(tmp_path, web):
    assert tls_context(ClientTls()) is None
    opened(tmp_path, mutual("https://api.example.com"), replay=True)
    web.on("/items", [{"id": 1}])
    # a mock has no TLS
    assert opened(tmp_path, mutual(web.url), {"cert": "x"}).read("items") == [{"id": 1}]
