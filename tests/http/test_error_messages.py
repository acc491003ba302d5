"""Where no answer comes: what the person is told about why."""

import socket

import pytest
import requests

from framework.errors import RequestError
from framework.http.error_messages import connection_error_message
from tests.support.open_resource import one_list, opened
from tests.support.servers.raw import Peer, Raw, head, refusing
from tests.support.servers.tls import signed
from tests.support.servers.web import Web


def said_by(folder, url):
    """What follows the request in the error of a list there."""
    with pytest.raises(RequestError) as caught:
        opened(folder, one_list(url, retry={"max_retries": 0})).read("items")
    place, _, said = str(caught.value).partition("/items: ")
    assert place == f"items: GET {url}"
    return said


@pytest.mark.parametrize(
    ("certificate", "trusted", "said"),
    [
        ({}, False, "self-signed"),
        ({"by": "authority"}, False, "signed by an authority that this machine does not know"),
        ({"by": "hidden"}, False, "signed by an authority that this machine does not know"),
        ({"ended": True}, True, "has expired"),
        ({"host": "other.example.com"}, True, "for another host, not for 127.0.0.1"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(
    tmp_path, monkeypatch, certificate, trusted, said
):
    tls = signed(tmp_path, **certificate)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    with Web(tls) as web:
        error = said_by(tmp_path, web.url)
        assert web.asked == []
        assert web.connections == 1  # not tried again
    assert said in error
    assert "_ssl" not in error
    assert ("REQUESTS_CA_BUNDLE" in error) != trusted


def test_a_certificate_that_the_person_trusts_is_accepted(tmp_path, monkeypatch):
    tls = signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    with Web(tls) as web:
        web.on("/items", [{"id": 1}])
        assert opened(tmp_path, one_list(web.url)).read("items") == [{"id": 1}]


def test_https_where_plain_http_is_spoken(tmp_path, web):
    error = said_by(tmp_path, web.url.replace("http:", "https:"))
    assert error.startswith("the server does not speak TLS")


def test_nothing_listens(tmp_path):
    with refusing() as port:
        said = said_by(tmp_path, f"http://127.0.0.1:{port}")
    assert said.startswith("the connection is refused")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (socket.EAI_NONAME, "the host's name is not known. Check base_url"),
        (socket.EAI_AGAIN, "the host name cannot be looked up at the moment"),
    ],
)
def test_a_name_that_is_not_found(tmp_path, monkeypatch, reason, said):
    def unknown(*_, **__):
        words = {socket.EAI_NONAME: "Name or service not known"}
        raise socket.gaierror(reason, words.get(reason, "Temporary failure in name resolution"))

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert said_by(tmp_path, "https://api.example.com").startswith(said)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("407 Proxy Authentication Required", "the proxy requires a user and a password"),
        ("403 Forbidden", "the proxy does not allow connections to that host"),
    ],
)
def test_a_proxy_that_refuses(tmp_path, monkeypatch, status, said):
    def play(peer: Peer) -> None:
        peer.send(head("Content-Length: 0", status=status))

    with Raw(play) as raw:
        proxy = raw.url.replace("://", "://someone:canary@")
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        error = said_by(tmp_path, "https://api.example.com")
    assert error.startswith(said)
    assert "HTTPS_PROXY" in error
    assert "canary" not in error


def test_a_proxy_that_is_not_there(tmp_path, monkeypatch):
    with refusing() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        error = said_by(tmp_path, "http://api.example.com")
    assert error.startswith("the proxy does not respond")


def test_a_port_that_looks_like_a_status_is_not_one():
    reason = OSError("Failed to connect to proxy 127.0.0.1:40732: Connection refused")
    error = requests.exceptions.ProxyError(reason)
    assert str(connection_error_message(error, "x")).startswith("the proxy does not respond")
