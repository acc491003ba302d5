"""urllib3's and http.client's inner parts: each does what the transport expects of it."""

from __future__ import annotations

import ast
import http.client
import io
import socket
from http.client import HTTPException, HTTPResponse, LineTooLong
from pathlib import Path
from threading import Thread

import pytest
import requests
import urllib3
from urllib3.exceptions import ProtocolError

import framework
from framework.errors import FrameworkError
from framework.http import urllib3_internals
from framework.http.transport import LiveAdapter, make_response
from framework.http.urllib3_internals import ResponseLimitExceeded

ROOT = Path(framework.__file__).parent


@pytest.mark.parametrize("version", ["2.0.0", "2.8.0", "2.99"])
def test_tested_versions_pass(version):
    urllib3_internals.check_version(version)


@pytest.mark.parametrize("version", ["1.26.20", "3.0.0", "unknown"])
def test_other_versions_are_refused_with_a_remedy(version):
    with pytest.raises(FrameworkError, match=r"pip install 'urllib3>=2,<3'"):
        urllib3_internals.check_version(version)


def test_a_response_of_limited_pools_ends_in_time():
    pools = urllib3.PoolManager(retries=False)
    urllib3_internals.limit_response_time(pools, 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        with pytest.raises(ResponseLimitExceeded, match=r"not complete after 0\.1 s"):
            pools.request("GET", f"http://{host}:{port}/", timeout=10)


def test_the_classes_of_a_proxys_pools_are_kept():
    class OwnConnection(urllib3.connection.HTTPConnection):
        """As the connections of a SOCKS proxy."""

    class OwnPool(urllib3.HTTPConnectionPool):
        ConnectionCls = OwnConnection

    pools = urllib3.PoolManager()
    pools.pool_classes_by_scheme = {"http": OwnPool}
    urllib3_internals.limit_response_time(pools, 1)
    pool = pools.connection_from_url("http://api.test")
    assert isinstance(pool, OwnPool)
    assert issubclass(pool.ConnectionCls, OwnConnection)


def test_the_pools_of_a_proxy_are_limited_once():
    adapter = LiveAdapter(1, 1000, 1)
    manager = adapter.proxy_manager_for("http://proxy.test:3128")
    classes = manager.pool_classes_by_scheme
    assert classes["https"].__name__ == "LimitedPool"
    assert adapter.proxy_manager_for("http://proxy.test:3128") is manager
    assert manager.pool_classes_by_scheme is classes


@pytest.mark.parametrize(
    ("cause", "limit"),
    [
        (LineTooLong("header line"), "a header line has more than 65,536 bytes"),
        (HTTPException("got more than 100 headers"), "more than 100 headers"),
        (HTTPException("something else"), None),
    ],
)
def test_header_limits_are_told_from_other_errors(cause, limit):
    error = requests.ConnectionError(ProtocolError("Connection aborted.", cause))
    assert urllib3_internals.header_limit(error) == limit


def test_the_reader_gives_back_the_sockets_own_timeout():
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(60)
        reader = urllib3_internals._TimedReader(left.makefile("rb", buffering=0), left, 5)
        right.sendall(b"abc")
        assert io.BufferedReader(reader).read(3) == b"abc"
        assert left.gettimeout() == 60


HEADS = [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{}",
    "HTTP/1.1 404 Not  Found \r\nA: \t b \t\r\nA: c\r\nEmpty:\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nX: until the end\r\n\r\n{}",
    "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: /x?a=b:c\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
    "Content-Length: 0\r\n\r\n",
    # and what is left to http.client
    "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\n\r\n{}",
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\r\n b\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \x0b\x85\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \xe4\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header\r\nX: y\r\n\r\n{}",
    "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
]


def response_of(kind, text, method):
    """All that http.client says of a response, and its body."""
    left, right = socket.socketpair()
    with left, right:
        right.sendall(text.encode("latin-1"))
        right.shutdown(socket.SHUT_WR)
        response = kind(left, method=method)
        response.begin()
        found = {name: value for name, value in vars(response).items() if name not in ("fp", "msg")}
        found["headers"] = list(response.headers.items())
        found["defects"] = list(map(type, response.headers.defects))
        return found | {"body": response.read(), "isclosed": response.isclosed()}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("text", HEADS)
def test_plain_headers_say_what_http_client_reads(text, method):
    expected_text = text.partition("Hints\r\nX: y\r\n\r\n")[2] or text
    expected = response_of(HTTPResponse, expected_text, method)
    assert response_of(urllib3_internals._FinalResponse, text, method) == expected


def test_headers_that_come_in_pieces_are_read():
    left, right = socket.socketpair()
    with left, right:
        response = urllib3_internals._FinalResponse(left, method="GET")
        thread = Thread(target=send_in_pieces, args=(right, HEADS[0].encode()))
        thread.start()
        response.begin()
        assert response.headers.items() == [
            ("Content-Type", "application/json"),
            ("Content-Length", "2"),
        ]
        assert response.read() == b"{}"
        thread.join()


def send_in_pieces(sock, data):
    for place in range(0, len(data), 7):
        sock.sendall(data[place : place + 7])


def test_plain_headers_need_no_parser_of_mails(monkeypatch):
    monkeypatch.setattr(http.client, "parse_headers", None)
    assert response_of(urllib3_internals._FinalResponse, HEADS[0], "GET")["status"] == 200


def test_a_pool_has_a_key_until_its_manager_drops_it():
    pools = urllib3.PoolManager()
    pool = pools.connection_from_url("http://api.test")
    key = urllib3_internals.key_of_pool(pools, pool)
    assert pools.connection_from_pool_key(key, {}) is pool
    pools.clear()
    assert urllib3_internals.key_of_pool(pools, pool) is None


def test_a_response_needs_no_private_name_of_requests():
    request = requests.Request("GET", "http://localhost/x").prepare()
    response = make_response(request, 200, "OK", [("Content-Type", "text/plain")], b"body")
    assert (response.content, response.text) == (b"body", "body")


@pytest.mark.parametrize(
    "name",
    [
        *("pool_classes_by_scheme", "ConnectionCls", "response_class", "__class__"),
        *("_content", "_content_consumed", "_body_position", "_collections"),
        "_original_response",
    ],
)
def test_no_other_module_of_http_uses_the_inner_name(name):
    for path in (ROOT / "http").rglob("*.py"):
        if path.name == "urllib3_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr == name), path
