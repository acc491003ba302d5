"""urllib3's and http.client's inner parts: each does what the transport expects of it."""

from __future__ import annotations

import ast
import io
import socket
from http.client import HTTPException, LineTooLong
from pathlib import Path

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


def test_a_response_needs_no_private_name_of_requests():
    request = requests.Request("GET", "http://localhost/x").prepare()
    response = make_response(request, 200, "OK", [("Content-Type", "text/plain")], b"body")
    assert (response.content, response.text) == (b"body", "body")


@pytest.mark.parametrize(
    "name",
    [
        *("pool_classes_by_scheme", "ConnectionCls", "response_class", "__class__"),
        *("_content", "_content_consumed", "_body_position", "_collections"),
    ],
)
def test_no_other_module_of_http_uses_the_inner_name(name):
    for path in (ROOT / "http").rglob("*.py"):
        if path.name == "urllib3_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr == name), path
