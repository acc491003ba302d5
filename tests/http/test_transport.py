"""Bodies read whole, bounded, decompressed and decoded; and what is said where no answer comes."""

import gzip
import json
import socket
import zlib

import pytest
import requests

from framework.errors import RequestError
from framework.http.transport import InvalidJson, make_response
from tests.support.open_resource import one_list, opened
from tests.support.servers.nowhere import Nowhere
from tests.support.servers.raw import refusing
from tests.support.servers.web import Answer

JSON = {"Content-Type": "application/json"}


def packed(body, how="gzip"):
    data = gzip.compress(body) if how == "gzip" else zlib.compress(body)
    return Answer(200, data, {**JSON, "Content-Encoding": how})


@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_a_compressed_body_is_read(tmp_path, web, how):
    web.on("/items", packed(b'[{"id": 1}]', how))
    assert opened(tmp_path, one_list(web.url)).read("items") == [{"id": 1}]


def test_a_body_that_is_not_compressed_as_it_says_is_an_error(tmp_path, web):
    web.on("/items", Answer(200, b"[]", {**JSON, "Content-Encoding": "gzip"}))
    with pytest.raises(RequestError, match="not compressed as its header says"):
        opened(tmp_path, one_list(web.url)).read("items")


def test_a_body_over_the_limit_is_refused(tmp_path, web):
    web.on("/items", [{"id": "x" * 2000}])
    with pytest.raises(RequestError, match=r"larger than client\.max_response_size \(1,000 bytes"):
        opened(tmp_path, one_list(web.url, max_response_size=1000)).read("items")
    assert len(web.asked) == 1


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(tmp_path, web):
    web.on("/items", packed(b" " * 60_000_000))
    with pytest.raises(RequestError, match="after decompression"):
        opened(tmp_path, one_list(web.url, max_response_size=100_000)).read("items")


def test_a_body_as_large_as_the_limit_is_read(tmp_path, web):
    body = json.dumps([{"id": "x" * 500}]).encode()
    web.on("/items", Answer(200, body, JSON))
    shop = opened(tmp_path, one_list(web.url, max_response_size=len(body)))
    assert len(shop.read("items")) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", '[{"name": "Zoë"}]'.encode()),
        ("application/json; charset=utf-8", '[{"name": "Zoë"}]'.encode()),
        ("application/json", b'[{"name": "Zo\\u00eb"}]'),
        ("application/json; charset=iso-8859-1", '[{"name": "Zoë"}]'.encode("latin-1")),
        ("application/json; charset=utf-16", '[{"name": "Zoë"}]'.encode("utf-16")),
        ("application/json", "\ufeff".encode() + '[{"name": "Zoë"}]'.encode()),
        ("text/plain", '[{"name": "Zoë"}]'.encode()),
    ],
)
def test_a_body_is_read_in_its_character_set(tmp_path, web, kind, body):
    web.on("/items", Answer(200, body, {"Content-Type": kind}))
    assert opened(tmp_path, one_list(web.url)).read("items") == [{"name": "Zoë"}]


@pytest.mark.parametrize("guard", [")]}'\n", ")]}',\n", ")]}", "while(1);", "\n for (;;);\n"])
def test_a_guard_before_json_is_passed_over(tmp_path, web, guard):
    web.on("/items", Answer(200, f'{guard}[{{"id": 1}}]'.encode(), JSON))
    assert opened(tmp_path, one_list(web.url)).read("items") == [{"id": 1}]


def test_numbers_keep_every_digit(tmp_path, web):
    """Past 64 bits as text: as numbers they would be rounded, or refused by the destination."""
    body = b'[{"big": 12345678901234567890, "f": 1.10, "i": 3, "least": -9223372036854775808}]'
    web.on("/items", Answer(200, body, JSON))
    assert opened(tmp_path, one_list(web.url)).read("items") == [
        {"big": "12345678901234567890", "f": 1.1, "i": 3, "least": -(2**63)}
    ]


@pytest.mark.parametrize("body", [b'[{"n": NaN}]', b'[{"n": Infinity}]', b'[{"n": -Infinity}]'])
def test_numbers_that_are_no_json_are_an_error_in_our_words(tmp_path, web, body):
    web.on("/items", Answer(200, body, JSON))
    with pytest.raises(RequestError, match="a body that is not valid JSON"):
        opened(tmp_path, one_list(web.url)).read("items")


def test_a_connection_is_kept_for_the_next_request(tmp_path, web):
    web.on("/items", lambda asked: {"items": [{"id": 1}], "next": None if asked.query else "?p=2"})
    opened(tmp_path, one_list(web.url, {"paginator": "json_link"})).read("items")
    assert len(web.asked) == 2
    assert web.connections == 1


def test_a_response_is_parsed_once_and_made_of_its_parts():
    request = requests.Request("GET", "http://localhost/x").prepare()
    headers = [("Content-Type", "application/json"), ("Link", "<a>"), ("link", "<b>")]
    response = make_response(request, 201, "Created", headers, b'{"a": 1}')
    assert response.json() is response.json()
    assert (response.status_code, response.reason, response.url) == (201, "Created", request.url)
    assert response.headers["LINK"] == "<a>, <b>"
    assert (response.text, response.content, response.ok) == ('{"a": 1}', b'{"a": 1}', True)
    response.raise_for_status()
    with pytest.raises(InvalidJson) as caught:
        make_response(request, 200, "OK", [], b"<").json()
    assert caught.value.response.status_code == 200


def test_a_host_that_does_not_resolve_is_named(tmp_path, monkeypatch):
    def unknown(host, *_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    body = one_list("https://api.nowhere.invalid")
    body["client"]["retry"]["max_retries"] = 1
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body).read("items")
    assert str(caught.value) == (
        "items: GET https://api.nowhere.invalid/items: the host's name is not known. "
        "Check base_url and the network."
    )
    assert caught.value.status is None


def test_a_port_that_refuses_is_named(tmp_path):
    with refusing() as port:
        body = one_list(f"http://127.0.0.1:{port}")
        body["client"]["retry"]["max_retries"] = 0
        with pytest.raises(
            RequestError, match=rf"127\.0\.0\.1:{port}/items: the connection is refused"
        ):
            opened(tmp_path, body).read("items")


def test_a_server_that_never_answers_is_a_timeout(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        body = one_list(url, timeout="PT0.05S")
        body["client"]["retry"]["max_retries"] = 0
        with pytest.raises(RequestError, match="no response within the timeout"):
            opened(tmp_path, body).read("items")


def test_an_answer_that_stops_in_its_middle_is_an_error(tmp_path, web):
    web.on("/items", Answer(200, b'[{"id": ', JSON, length=500))
    body = one_list(web.url)
    body["client"]["retry"]["max_retries"] = 1
    with pytest.raises(RequestError, match="cut off"):
        opened(tmp_path, body).read("items")
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.exceptions.ProxyError("x"), "the proxy does not respond"),
        (requests.exceptions.ReadTimeout("x"), "no response within the timeout"),
        (requests.exceptions.ConnectTimeout("x"), "no response within the timeout"),
        (requests.exceptions.ConnectionError("x"), "the connection failed"),
        (requests.exceptions.ChunkedEncodingError("x"), "was cut off before its end"),
        (requests.exceptions.ContentDecodingError("x"), "not compressed as its header says"),
        (requests.exceptions.InvalidURL("bad s3cret-key"), "InvalidURL: bad ***"),
    ],
)
def test_what_goes_wrong_on_the_wire_has_words(tmp_path, error, said):
    transport = Nowhere({"https://api.example.com/items": error})
    body = one_list("https://api.example.com", auth={"type": "bearer", "token": "{secrets.k}"})
    body["secrets"] = {"k": {}}
    shop = opened(tmp_path, body, {"k": "s3cret-key"}, transport=lambda _: transport)
    with pytest.raises(RequestError) as caught:
        shop.read("items")
    assert str(caught.value).startswith("items: ")
    assert said in str(caught.value)
