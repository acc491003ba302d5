"""No credential of a recording stands in a file or in the output, in any spelling."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from framework.authoring.cassettes.cassette import find_leaks
from framework.cli.main import main
from tests.support.recordings import write_har

KEY = "sk_live/9f+8E7d=6c5b4A3"
QUOTED = quote(KEY, safe="")
PAIR = b64encode(f"ada@example.com:{KEY}".encode()).decode()
LIST = {"items": [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bob"}]}
PLACES = {
    "bearer": {"get": "/v1/items", "headers": {"Authorization": f"Bearer {KEY}"}},
    "other-scheme": {"get": "/v1/items", "headers": {"authorization": f"Token {KEY}"}},
    "signature": {
        "get": "/v1/items",
        "headers": {"Authorization": f"Digest username=ada, response={KEY}"},
    },
    "basic": {"get": "/v1/items", "headers": {"Authorization": f"Basic {PAIR}"}},
    "header": {"get": "/v1/items", "headers": {"X-Api-Key": KEY}},
    "unnamed-header": {"get": "/v1/items", "headers": {"X-Tenant": "Qw3rT9uIoP1aSdF5gHjK"}},
    "cookie": {"get": "/v1/items", "headers": {"Cookie": f"theme=dark; session={KEY}"}},
    "cookie-beside-token": {
        "get": "/v1/items",
        "headers": {"Cookie": f"session={KEY}", "Authorization": "Bearer abcdef0123456789"},
    },
    "query": {"get": f"/v1/items?api_key={QUOTED}&q=x"},
    "query-plus": {"get": f"/v1/items?access_token={KEY.replace('+', '%2B')}"},
    "query-unnamed": {"get": "/v1/items?client=Qw3rT9uIoP1aSdF5gHjK"},
    "two-in-query": {"get": f"/v1/items?api_key=abcdef0123456789&sig={QUOTED}"},
    "userinfo": {"get": f"https://ada:{QUOTED}@api.example.com/v1/items"},
    "address-in-query": {
        "get": f"/v1/items?back={quote(f'https://b.example.com/?token={QUOTED}', safe='')}"
    },
    "json-in-query": {"get": f"/v1/items?q={quote(json.dumps({'apiKey': KEY}), safe='')}"},
    "header-without-x": {"get": "/v1/items", "headers": {"Shop-Visitor": "Qw3rT9uIoP1aSdF5gHjK"}},
    "path": {"get": "/bot/Qw3rT9uIoP1aSdF5gHjK/items"},
    "json": {"post": "/v1/items/list", "json": {"auth": {"apiKey": KEY}, "limit": 5}},
    "form": {"post": "/v1/items/list", "form": {"password": KEY, "limit": "5"}},
    "graphql": {"post": "/graphql", "json": {"query": f'{{ items(token: "{KEY}") {{ id }} }}'},
                "headers": {"X-Api-Key": KEY}},
    "in-a-constant": {
        "get": f"/v1/items?filter=key%3A{QUOTED}",
        "headers": {"Authorization": f"Bearer {KEY}"},
    },
    "csrf": {"get": "/v1/items", "headers": {"X-CSRF-Token": KEY, "Cookie": f"csrf={KEY}"}},
    "next-link": {
        "get": f"/v1/items?api_key={QUOTED}",
        "response_headers": {
            "Link": f'<https://api.example.com/v1/items?api_key={QUOTED}&p=2>; rel="next"',
            "Set-Cookie": f"session={KEY}; Path=/",
        },
        "response": {**LIST, "next": f"/v1/items?api_key={QUOTED}&p=2", "token": KEY},
    },
    "echo": {
        "get": "/v1/items",
        "headers": {"Authorization": f"Bearer {KEY}"},
        "response": {"items": [{"id": 1, "name": f"made with {KEY}", "raw": PAIR}]},
    },
}  # fmt: skip
SECRETS = (KEY, PAIR, "Qw3rT9uIoP1aSdF5gHjK", "abcdef0123456789")


def recording_of(place, folder):
    request = {"response": LIST, **PLACES[place]}
    if place == "graphql":
        request["response"] = {"data": LIST}
    write_har({"host": "https://api.example.com", "requests": [request]}, folder / "shop.har")


def leaks(folder, output):
    files = [one for one in folder.rglob("*.yaml") if one.is_file()]
    assert "shop.yaml" in {one.name for one in files}
    texts = [output, *(one.read_text(encoding="utf-8") for one in files)]
    return find_leaks("\n".join(texts), SECRETS)


@pytest.mark.parametrize("place", PLACES)
def test_no_credential_is_written(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    recording_of(place, tmp_path)
    assert main(["import", "har", "shop.har", "--no-cassette"]) == 0
    assert leaks(tmp_path, "".join(capsys.readouterr())) == []
    # a query that asks for no pages has no paginator, and a warning of it
    assert main(["validate", "shop", *(["--strict"] * (place != "graphql"))]) == 0


def test_a_login_that_is_a_word_of_the_api_hides_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pair = b64encode(b"items:orders").decode()
    request = {"get": "/orders", "headers": {"Authorization": f"Basic {pair}"}}
    recording = {"host": "https://api.example.com", "requests": [{**request, "response": LIST}]}
    write_har(recording, tmp_path / "orders.har")
    assert main(["import", "har", "orders.har"]) == 0
    out = capsys.readouterr().out
    assert "written: connectors/orders.yaml, 1 resource" in out
    assert "written: cassettes/orders.yaml" in out
    text = (tmp_path / "connectors" / "orders.yaml").read_text()
    assert 'password: "{secrets.password}"' in text
    assert "path: /orders" in text


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_no_credential_is_in_the_cassette(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    recording_of(place, tmp_path)
    assert main(["import", "har", "shop.har"]) == 0
    output = "".join(capsys.readouterr())
    assert "written: cassettes/shop.yaml" in output, output
    assert leaks(tmp_path, output) == []
    assert main(["test", "shop"]) == 0, "".join(capsys.readouterr())


def test_curl_and_postman_write_no_credential(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = f"curl 'https://api.example.com/v1/items?key={QUOTED}' -H 'X-Token: {KEY}'"
    assert main(["import", "curl", "-o", "connectors/one.yaml", command]) == 0
    request = {
        "url": f"https://api.example.com/v1/items?key={QUOTED}",
        "auth": {"type": "basic", "basic": {"username": "ada", "password": KEY}},
    }
    collection = {"info": {"name": "x"}, "item": [{"name": "a", "request": request}]}
    (tmp_path / "two.json").write_text(json.dumps(collection))
    assert main(["import", "postman", "two.json"]) == 0
    for name in ("one", "two"):
        assert find_leaks((tmp_path / f"connectors/{name}.yaml").read_text(), SECRETS) == []
        assert main(["validate", name, "--strict"]) == 0
    assert find_leaks("".join(capsys.readouterr()), SECRETS) == []
