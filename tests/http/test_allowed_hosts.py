"""Where credentials may go."""

import pytest

from framework.errors import SettingsError
from framework.http.session import AllowedHosts, _parsed_origin, origin, refuse_plain_http

API = "https://api.example.com/v2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.example.com/x", ("https", "api.example.com", 443)),
        ("http://api.example.com:80/x", ("http", "api.example.com", 80)),
        ("https://api.example.com:8443", ("https", "api.example.com", 8443)),
        ("https://user:pw@api.example.com/x", ("https", "api.example.com", 443)),
        ("http://[::1]:9/x", ("http", "::1", 9)),
        ("http://host:99999/", ("", "", None)),
        ("http://[::1/", ("", "", None)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, expected):
    assert origin(url) == expected


@pytest.mark.parametrize("rest", ["", "/", "/a?b", "\\@evil.test/", "@evil.test/", "#@evil.test/"])
@pytest.mark.parametrize(
    "begin", ["https://api.example.com", "http://a:1", "http://a:b", "https://API.", "http://a/"]
)
def test_the_origin_of_a_plain_url_is_that_of_the_whole(begin, rest):
    assert origin(begin + rest) == _parsed_origin(begin + rest)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.example.com/other", True),
        ("https://API.EXAMPLE.COM:443/", True),
        ("http://api.example.com/", False),
        ("https://api.example.com:8443/", False),
        ("https://example.com/", False),
        ("https://api.example.com.evil.test/", False),
        ("https://evil.test/?api.example.com", False),
        ("https://api.example.com@evil.test/", False),
        ("https://evil.test#@api.example.com/", False),
        ("https://evil.test\\@api.example.com/", False),
        ("https://files.example.org/x", True),
        ("https://files.example.org:8443/x", False),
        ("http://files.example.org/x", False),
        ("https://more.example.org:9443/x", True),
        ("https://more.example.org/x", False),
        ("http://localhost:8080/x", True),
        ("http://127.0.0.1:8080/x", False),
        ("http://host:99999/", False),
        ("ftp://files.example.org/x", False),
    ],
)
def test_credentials_go_to_the_base_urls_origin_and_to_allowed_hosts(url, allowed):
    hosts = AllowedHosts.of(API, ["Files.example.org", "more.example.org:9443", "localhost"])
    assert hosts.allows(url) is allowed


@pytest.mark.parametrize("url", ["http://api.example.com/v2", "HTTP://10.0.0.7:8080"])
def test_secrets_are_not_sent_in_the_clear(url):
    with pytest.raises(SettingsError, match="https://"):
        refuse_plain_http(url)


@pytest.mark.parametrize("url", [API, "http://127.0.0.1:9/x", "http://localhost:8080"])
def test_over_https_and_on_this_machine_they_are(url):
    refuse_plain_http(url)
