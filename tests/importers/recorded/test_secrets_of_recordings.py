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


@pytest.mark.parametrize("place", PLACES)
def test_no_credential_is_written(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    request = {"response": LIST, **PLACES[place]}
    if place == "graphql":
        request["response"] = {"data": LIST}
    write_har({"host": "https://api.example.com", "requests": [request]}, tmp_path / "shop.har")
    assert main(["import", "har", "shop.har"]) == 0
    output = "".join(capsys.readouterr())
    files = [one for one in tmp_path.rglob("*") if one.is_file() and one.suffix == ".yaml"]
    assert "shop.yaml" in {one.name for one in files}
    text = "\n".join(one.read_text(encoding="utf-8") for one in files)
    assert find_leaks(text, SECRETS) == []
    assert find_leaks(output, SECRETS) == []
    assert "written: cassettes/shop.yaml" in output, output
    assert main(["validate", "shop", "--strict"]) == 0
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
