"""Credentials withheld: other hosts by next link and by redirect, plain http, ~/.netrc."""

import pytest
import requests

from framework.errors import RequestError
from tests.support.open_resource import one_list, opened
from tests.support.servers.nowhere import Nowhere
from tests.support.servers.web import Answer, Web

API = "https://api.example.com"
KEY = "s3cret-key"

AUTHS = {
    "bearer": ({"type": "bearer", "token": "{secrets.k}"}, "Authorization"),
    "basic": ({"type": "http_basic", "username": "u", "password": "{secrets.k}"}, "Authorization"),
    "header": (
        {"type": "api_key", "location": "header", "name": "X-Key", "api_key": "{secrets.k}"},
        "X-Key",
    ),
    "cookie": (
        {"type": "api_key", "location": "cookie", "name": "sid", "api_key": "{secrets.k}"},
        "Cookie",
    ),
    "query": (
        {"type": "api_key", "location": "query", "name": "key", "api_key": "{secrets.k}"},
        None,
    ),
}


def shop_of(folder, transport, auth="bearer", endpoint=None, **client):
    body = one_list(API, {"paginator": "json_link", **(endpoint or {})}, **client)
    body["client"]["auth"] = AUTHS[auth][0]
    body["secrets"] = {"k": {}}
    return opened(folder, body, {"k": KEY}, transport=lambda _: transport)


def carries(request, auth):
    name = AUTHS[auth][1]
    return f"key={KEY}" in request.url if name is None else name in request.headers


def linking(there):
    return {f"{API}/items": {"items": [{"id": 1}], "next": there}, there: {"items": [{"id": 2}]}}


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("there", ["https://evil.test/p2", "http://other.example.com/p2"])
def test_a_next_page_link_elsewhere_is_asked_without_credentials(tmp_path, auth, there):
    transport = Nowhere(linking(there))
    shop = shop_of(tmp_path, transport, auth)
    assert [record["id"] for record in shop.read("items")] == [1, 2]
    first, second = transport.sent
    assert carries(first, auth)
    assert not carries(second, auth)
    assert KEY not in f"{second.url}{second.headers}{second.body}"
    assert shop.heard.codes == ["credentials-withheld"]
    message = shop.heard.warned[0].message
    assert ("client.allowed_hosts" in message) is there.startswith("https")
    assert ("its scheme is http" in message) is there.startswith("http:")


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("by", ["link", "redirect"])
@pytest.mark.parametrize("port", ["", ":80"])
def test_a_link_in_plain_http_to_the_apis_own_host_is_asked_over_https(tmp_path, auth, by, port):
    there = f"http://api.example.com{port}/p2"
    answers = linking(there)
    if by == "redirect":
        answers = {f"{API}/items": (302, {"Location": there}, b"")}
    transport = Nowhere({**answers, f"{API}/p2": {"items": [{"id": 2}]}})
    shop = shop_of(tmp_path, transport, auth, endpoint={"data_selector": "items"})
    assert shop.read("items")[-1] == {"id": 2}
    assert transport.sent[1].url.partition("?")[0] == f"{API}/p2"
    assert carries(transport.sent[1], auth) or (auth, by) == ("query", "redirect")
    assert shop.heard.codes == []


def test_a_link_to_another_port_in_plain_http_names_its_scheme(tmp_path):
    there = "http://api.example.com:8080/p2"
    shop = shop_of(tmp_path, Nowhere(linking(there)))
    assert len(shop.read("items")) == 2
    message = shop.heard.warned[0].message
    assert "its scheme is http" in message
    assert "client.allowed_hosts" not in message


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_is_followed_without_credentials(tmp_path, auth, status):
    there = "https://evil.test/p"
    answers = {f"{API}/items": (status, {"Location": there}, b""), there: [{"id": 1}]}
    transport = Nowhere(answers)
    shop = shop_of(tmp_path, transport, auth)
    assert shop.read("items") == [{"id": 1}]
    assert carries(transport.sent[0], auth)
    assert not carries(transport.sent[1], auth)
    assert KEY not in f"{transport.sent[1].url}{transport.sent[1].headers}"
    assert shop.heard.codes == ["credentials-withheld"]


@pytest.mark.parametrize("auth", ["bearer", "basic", "header", "cookie"])
@pytest.mark.parametrize("there", [f"{API}/moved", "https://files.example.org/moved"])
def test_a_redirect_to_an_allowed_host_keeps_credentials(tmp_path, auth, there):
    transport = Nowhere({f"{API}/items": (302, {"Location": there}, b""), there: [{"id": 1}]})
    shop = shop_of(tmp_path, transport, auth, allowed_hosts=["files.example.org"])
    assert shop.read("items") == [{"id": 1}]
    assert carries(transport.sent[1], auth)
    assert shop.heard.codes == []


@pytest.mark.parametrize("auth", AUTHS)
def test_a_next_page_link_on_an_allowed_host_keeps_credentials(tmp_path, auth):
    transport = Nowhere(linking("https://files.example.org/p2"))
    shop = shop_of(tmp_path, transport, auth, allowed_hosts=["files.example.org"])
    assert len(shop.read("items")) == 2
    assert carries(transport.sent[1], auth)


def test_an_odd_link_is_judged_as_the_connection_reads_it(tmp_path):
    transport = Nowhere(linking("https://evil.test\\@api.example.com/p2"))
    transport.answers["https://evil.test/%5C@api.example.com/p2"] = []
    shop_of(tmp_path, transport).read("items")
    (there,) = transport.to("https://evil.test")
    assert not carries(there, "bearer")


def test_a_redirect_chain_that_comes_back_does_not_bring_credentials_again(tmp_path):
    transport = Nowhere(
        {
            f"{API}/items": (302, {"Location": "https://evil.test/x"}, b""),
            "https://evil.test/x": (302, {"Location": f"{API}/back"}, b""),
            f"{API}/back": [],
        }
    )
    shop_of(tmp_path, transport).read("items")
    assert [carries(request, "bearer") for request in transport.sent] == [True, False, False]


def test_withheld_credentials_are_told_once_a_host(tmp_path):
    other = "https://evil.test/p"
    transport = Nowhere(linking(f"{other}2"))
    transport.answers[f"{other}2"] = {"items": [{"id": 2}], "next": f"{other}3"}
    transport.answers[f"{other}3"] = {"items": [{"id": 3}]}
    shop = shop_of(tmp_path, transport)
    assert len(shop.read("items")) == 3
    assert shop.heard.codes == ["credentials-withheld"]


def test_a_secret_in_a_header_of_the_file_is_withheld_too(tmp_path):
    transport = Nowhere(linking("https://evil.test/p2"))
    headers = {"X-Tenant": "of {secrets.k}", "X-Plain": "yes"}
    shop_of(tmp_path, transport, endpoint={"headers": headers}).read("items")
    assert "X-Tenant" in transport.sent[0].headers
    assert "X-Tenant" not in transport.sent[1].headers
    assert transport.sent[1].headers["X-Plain"] == "yes"


@pytest.mark.parametrize("written", [KEY, "czNjcmV0LWtleQ=="])
def test_a_url_that_carries_a_secret_elsewhere_is_refused(tmp_path, written):
    transport = Nowhere(linking(f"https://evil.test/p2?key={written}"))
    shop = shop_of(tmp_path, transport)
    with pytest.raises(RequestError) as caught:
        shop.read("items")
    assert "refused to send a secret to https://evil.test" in str(caught.value)
    assert KEY not in str(caught.value)
    assert not transport.to("https://evil.test")


@pytest.mark.parametrize("body", [{"json": {"k": "{secrets.k}"}}, {"data": {"k": "{secrets.k}"}}])
def test_a_body_that_carries_a_secret_elsewhere_is_refused(tmp_path, body):
    there = "https://evil.test/p"
    transport = Nowhere({f"{API}/items": (307, {"Location": there}, b""), there: []})
    shop = shop_of(tmp_path, transport, endpoint={"method": "POST", **body})
    with pytest.raises(RequestError, match="refused to send a secret"):
        shop.read("items")
    assert not transport.to("https://evil.test")


def test_a_body_with_a_secret_follows_a_next_link_elsewhere_no_more(tmp_path):
    transport = Nowhere(linking("https://evil.test/p2"))
    shop = shop_of(tmp_path, transport, endpoint={"method": "POST", "json": {"k": "{secrets.k}"}})
    with pytest.raises(RequestError, match="refused to send a secret"):
        shop.read("items")


def test_netrc_is_not_read(tmp_path, monkeypatch, web):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password pw\n")
    monkeypatch.setenv("NETRC", str(netrc))
    web.on("/items", Answer(302, headers={"Location": "/moved"}))
    web.on("/moved", [])
    opened(tmp_path, one_list(web.url)).read("items")
    assert ["authorization" in asked.headers for asked in web.asked] == [False, False]


def test_a_cookie_that_the_server_sets_goes_back_to_it_and_nowhere_else(tmp_path, web):
    with Web() as other:
        web.on(
            "/items",
            Answer(
                200,
                {"items": [{"id": 1}], "next": f"{web.url}/p2"},
                {"Set-Cookie": "session=abc; Path=/"},
            ),
        )
        web.on("/p2", {"items": [{"id": 2}], "next": f"http://localhost:{other.port}/p3"})
        other.on("/p3", {"items": [{"id": 3}]})
        body = one_list(web.url, {"paginator": "json_link"})
        assert len(opened(tmp_path, body).read("items")) == 3
        assert web.asked[1].headers["cookie"] == "session=abc"
        assert "cookie" not in other.asked[0].headers


def test_too_many_redirects_are_an_error(tmp_path):
    transport = Nowhere({f"{API}/items": (302, {"Location": "/items"}, b"")})
    with pytest.raises(RequestError, match=r"items: GET .*too many redirects"):
        shop_of(tmp_path, transport).read("items")
    assert len(transport.sent) == 11


def test_requests_say_who_asks(tmp_path, web):
    web.on("/items", [])
    opened(tmp_path, one_list(web.url)).read("items")
    assert web.asked[0].headers["user-agent"].startswith("rest-connector-framework/")
    opened(tmp_path, one_list(web.url, headers={"User-Agent": "mine"})).read("items")
    assert web.asked[1].headers["user-agent"] == "mine"


def test_the_timeout_of_the_file_holds(tmp_path):
    timeouts = []

    class Timed(Nowhere):
        def send(self, request, **options):
            timeouts.append(options["timeout"])
            return super().send(request)

    for timeout, seconds in ((None, 60), ("PT5S", 5)):
        transport = Timed({f"{API}/items": []})
        shop_of(tmp_path, transport, **({"timeout": timeout} if timeout else {})).read("items")
        assert timeouts[-1] == seconds


INSIDE = ("127.0.0.1", "localhost", "169.254.169.254", "10.0.0.7", "192.168.1.1", "[::1]")


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize("by", ["link", "redirect"])
def test_an_api_out_in_the_world_cannot_send_us_to_this_machine_or_its_network(tmp_path, host, by):
    there = f"http://{host}/latest/meta-data"
    transport = Nowhere(linking(there))
    if by == "redirect":
        transport = Nowhere({f"{API}/items": (302, {"Location": there}, b""), there: []})
    shop = shop_of(tmp_path, transport)
    with pytest.raises(RequestError) as caught:
        shop.read("items")
    assert f"refused to follow a link or redirect to {there}" in str(caught.value)
    assert "client.allowed_hosts" in str(caught.value)
    assert len(transport.sent) == 1


def test_an_address_of_this_network_that_the_file_allows_is_asked(tmp_path):
    there = "http://10.0.0.7/p2"
    transport = Nowhere(linking(there))
    shop = shop_of(tmp_path, transport, allowed_hosts=["10.0.0.7"])
    assert len(shop.read("items")) == 2
    assert not carries(transport.sent[1], "bearer")  # over plain http still without credentials


@pytest.mark.parametrize("there", ["file:///etc/passwd", "ftp://api.example.com/x", "data:,[]"])
def test_only_http_is_followed(tmp_path, there):
    transport = Nowhere(linking(there))
    with pytest.raises(RequestError, match="it is not an http or https URL"):
        shop_of(tmp_path, transport).read("items")
    assert len(transport.sent) == 1


def test_a_next_page_of_a_million_letters_is_shown_shortened(tmp_path):
    there = f"{API}/" + "a" * 1_000_000
    transport = Nowhere({f"{API}/items": {"items": [1], "next": there}, there: (500, {}, b"")})
    with pytest.raises(RequestError) as caught:
        shop_of(tmp_path, transport, retry={"max_retries": 0}).read("items")
    assert len(str(caught.value)) < 2_000


PATHS = (
    "",
    *("/", "//", "/a//b", "/a/", "/./a", "/a/../b", "/a/...", "/.a", "/a.b~c-d_e"),
    *("/%41", "/a%2fb", "/a:b", "/a;b", "/a@b", "/a?b=c", "/a#b", "/a\\b", "/a b", "/\n"),
)


def prepared_both_ways(session, **given):
    """What the session makes of a request, and what requests makes of it in the same session."""

    def parts(prepared):
        headers = list(prepared.headers.items())
        cookies = prepared._cookies.get_dict()
        return prepared.method, prepared.url, headers, prepared.body, cookies, prepared.hooks

    def request():
        return requests.Request(**{"method": "get", "url": f"{API}/items", **given})

    theirs = requests.Session.prepare_request(session, request())
    return parts(session.prepare_request(request())), parts(theirs)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"headers": None, "params": None},
        {"headers": {"X-A": "1", "user-agent": "other", "Accept": None}},
        {"headers": {"X-A": "1", "x-a": "2", "ACCEPT": b"text/csv"}},
        {"params": {}},
        {"params": {"a b": "ä&=+/", "n": 7, "empty": ""}},
        {"params": {"a": ["1", "2"], "none": None}},
        {"params": {"flag": True, "x": 1.5}},
        {"params": [("a", "1"), ("a", "2")]},
        {"params": "a=%20b"},
        {"url": f"{API}/ä b?x=1#part", "params": {"y": "2"}},
        *({"url": f"{API}{path}", "params": {"y": "2"}} for path in PATHS),
        {"url": "HTTPS://API.example.com:443/a", "params": {"y": "2"}},
        {"url": "https://user:word@api.example.com/a", "params": {"y": "2"}},
        {"method": "post", "json": {"a": ["ä"]}},
        {"method": "Post", "data": {"a": "b c", "list": ["1", "2"]}},
        {"method": "put", "data": "text"},
        {"auth": ("user", "password")},
        {"cookies": {"sid": "1"}},
        {"hooks": {"response": [print]}},
    ],
    ids=str,
)
@pytest.mark.parametrize("has_cookies", [False, True])
def test_requests_are_prepared_as_requests_prepares_them(tmp_path, given, has_cookies):
    session = shop_of(tmp_path, Nowhere({})).compiled.client.session
    if has_cookies:
        session.cookies.set("seen", "1")
    ours, theirs = prepared_both_ways(session, **given)
    assert ours == theirs
