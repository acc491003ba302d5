"""A scrubbed recording replays: the same requests in other words, the same records in form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.authoring.exchange import Interaction
from tests.support.recorded_run import SECRET, RecordedRun, record_and_replay
from tests.support.servers.web import Answer, Asked, Web

Json = Any
BASE = "{config.base_url}"
pytestmark = pytest.mark.usefixtures("project")


def same_in_form(run: RecordedRun) -> None:
    assert run.unused == []
    assert shape(run.live) == shape(run.replayed)


def shape(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def resource(name: str, path: str, selector: str | None = None, **more: Json) -> dict[str, Json]:
    endpoint = {"path": path, **more.pop("endpoint", {})}
    if selector is not None:
        endpoint["data_selector"] = selector
    return {"name": name, "write_disposition": "replace", "endpoint": endpoint, **more}


def test_people_their_ids_and_addresses(tmp_path: Path, web: Web) -> None:
    """Cursor pages, a child by the last part of a uri, a key in the query, uris of two bases."""
    people = [
        {
            "uri": f"https://api.example.com/v1/people/{'ABCDEFGHIJKLMN'}{number:02d}",
            "name": f"Greta Garbo {number}",
            "email": f"greta{number}@film.example.org",
            "site": f"https://greta.film.example.org/home/{number}?ref=garbo",
            "boss": None if number == 0 else f"{web.url}/v1/people/ABCDEFGHIJKLMN00",
            "status": "active",
            "joined": "2026-01-02T03:04:05Z",
            "zone": "Europe/Berlin",
            "fee": "49.99",
            "phone": "+46 8 123 45 67",
            "free": {"greta@film.example.org": "Greta", "id": 85012345678, "Greta": 1},
        }
        for number in range(4)
    ]

    def listed(asked: Asked) -> Json:
        start = int((asked.param("page_token") or "tok-000")[-1])
        assert asked.param("api_key") == SECRET
        more = f"tok-00{start + 2}" if start + 2 < len(people) else None
        link = f"{web.url}/v1/people?count=2&page_token={more}" if more else None
        return {"data": people[start : start + 2], "page": {"token": more, "next": link}}

    def visits(asked: Asked) -> Json:
        own = next(p for p in people if p["uri"].endswith(asked.parts["id"]))
        return {"data": [{"person": own["uri"], "email": own["email"], "note": "Met Greta"}]}

    web.on("/v1/people", listed)
    web.on("/v1/people/{id}/visits", visits)
    auth = {
        "type": "api_key",
        "name": "api_key",
        "api_key": "{secrets.api_key}",
        "location": "query",
    }
    cursor = {"type": "cursor", "cursor_path": "page.token", "cursor_param": "page_token"}
    schema = {
        "type": "object",
        "properties": {
            "uri": {"type": "string"},
            "status": {"enum": ["active", "gone"]},
            "joined": {"type": "string", "format": "date-time"},
            "zone": {"type": "string", "x-keep": True},
            "fee": {"type": "string", "format": "decimal"},
            "free": {"type": "object"},
        },
    }
    child = {"id": {"type": "resolve", "resource": "people", "field": "split(uri, '/')[-1]"}}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "secrets": {"api_key": {}},
            "client": {"base_url": BASE, "auth": auth},
            "resources": [
                resource(
                    "people",
                    "/people",
                    "data",
                    schema=schema,
                    endpoint={"paginator": cursor, "params": {"count": 2}},
                ),
                resource(
                    "visits",
                    "/people/{id}/visits",
                    "data",
                    endpoint={"params": child, "paginator": "single_page"},
                ),
            ],
        },
    )
    made = run.replayed["people"]
    for one, other in zip(run.live["people"], made, strict=True):
        one, other = one.pop("free"), other.pop("free")
        assert len(other) == 3
        assert set(one) & set(other) == {"id"}
        assert isinstance(other["id"], int)
    same_in_form(run)
    assert run.unchanged == {"active", "2026-01-02T03:04:05Z", "Europe/Berlin"}
    for gone in ("Greta", "greta", "garbo", "film.example", "ABCDEFGHIJ", "123 45", "85012345678"):
        assert gone not in run.text
    for gone in (SECRET, web.url, "tok-00", "127.0.0.1", "49.99"):
        assert gone not in run.text
    for stays in ("count=2", "/people/"):
        assert stays in run.text
    assert made[1]["boss"] == made[0]["uri"]
    assert made[0]["uri"].startswith("https://api.example.com/v1/people/")
    assert [v["person"] for v in run.replayed["visits"]] == [p["uri"] for p in made]
    assert [v["email"] for v in run.replayed["visits"]] == [p["email"] for p in made]
    assert len({p["uri"] for p in made}) == 4


def test_next_links_and_numeric_ids(tmp_path: Path, web: Web) -> None:
    def repos(asked: Asked) -> Json:
        page = int(asked.param("page") or 1)
        more = {"next": f"{web.url}/v1/repos?page={page + 1}&per=2&sort=made%3Adesc"}
        items = [
            {"id": page * 10 + n, "owner": "octocat", "num": str(page * 10 + n)} for n in (1, 2)
        ]
        return {"items": items, "links": more if page < 3 else {"next": None}}

    web.on("/v1/repos", repos)
    web.on("/v1/repos/{id}/notes", lambda asked: [{"text": f"of {asked.parts['id']}"}])
    web.on("/v1/users/{owner}", lambda asked: {"login": asked.parts["owner"]})
    link = {"type": "json_link", "next_url_path": "links.next"}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource(
                    "repos",
                    "repos",
                    "items",
                    endpoint={"paginator": link, "params": {"per": 2, "sort": "made:desc"}},
                ),
                resource(
                    "notes",
                    "repos/{resources.repos.id}/notes",
                    endpoint={"paginator": "single_page"},
                ),
                resource(
                    "users",
                    "users/{resources.repos.owner}",
                    endpoint={"paginator": "single_page"},
                ),
            ],
        },
    )
    same_in_form(run)
    assert "octocat" not in run.text
    assert "sort=made%3Adesc" in run.text
    assert {user["login"] for user in run.replayed["users"]} == {
        repo["owner"] for repo in run.replayed["repos"]
    }
    assert [r["num"] for r in run.replayed["repos"]] == [
        str(r["id"]) for r in run.replayed["repos"]
    ]


def test_link_headers_and_cursor_headers(tmp_path: Path, web: Web) -> None:
    def linked(asked: Asked) -> Answer:
        last = asked.param("after") == "Zm9v/YmFy=="
        link = f'<{web.url}/v1/linked?after=Zm9v%2FYmFy%3D%3D&who=Greta>; rel="next", <x>; rel="me"'
        return Answer(200, [{"n": 1}], {} if last else {"Link": link})

    def headed(asked: Asked) -> Answer:
        last = asked.param("at") == "cursor-ABC123"
        return Answer(200, [{"n": 1}], {} if last else {"X-Next": "cursor-ABC123"})

    def headed_by_default(asked: Asked) -> Answer:
        last = asked.param("cursor") == "cursor-ABC456"
        return Answer(200, [{"n": 1}], {} if last else {"Next": "cursor-ABC456"})

    web.on("/v1/linked", linked)
    web.on("/v1/headed", headed)
    web.on("/v1/default", headed_by_default)
    cursor = {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "at"}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource("linked", "linked", endpoint={"paginator": "header_link"}),
                resource("headed", "headed", endpoint={"paginator": cursor}),
                resource("default", "default", endpoint={"paginator": "header_cursor"}),
            ],
        },
    )
    same_in_form(run)
    assert {name: len(rows) for name, rows in run.replayed.items()} == {
        "linked": 2,
        "headed": 2,
        "default": 2,
    }
    for gone in ("Zm9v", "Greta", "ABC123", "ABC456", web.url):
        assert gone not in run.text


def test_pages_that_are_counted_and_totals_as_text(tmp_path: Path, web: Web) -> None:
    def paged(asked: Asked) -> Json:
        page = int(asked.param("page") or 0)
        return {"rows": [{"id": f"r{page}"}], "meta": {"pages": "3", "name": "Greta Garbo"}}

    def offset(asked: Asked) -> Json:
        start, size = int(asked.param("offset") or 0), int(asked.param("limit") or 0)
        rows = [{"id": str(n)} for n in range(5)][start : start + size]
        return {"rows": rows, "total": "5"}

    web.on("/v1/paged", paged)
    web.on("/v1/offset", offset)
    pages = {"type": "page_number", "base_page": 1, "total_path": "meta.pages"}
    offsets = {"type": "offset", "limit": 2, "total_path": "total"}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource("paged", "paged", "rows", endpoint={"paginator": pages}),
                resource("offset", "offset", "rows", endpoint={"paginator": offsets}),
            ],
        },
    )
    same_in_form(run)
    assert (len(run.replayed["paged"]), len(run.replayed["offset"])) == (3, 5)
    assert "Greta" not in run.text


def test_posted_bodies_carry_what_parents_gave(tmp_path: Path, web: Web) -> None:
    web.on("/v1/teams", [{"id": "Tigers 9", "lead": "Ann@Firm.example.org"}])

    def search(asked: Asked) -> Json:
        body = asked.json()
        assert body["query"] == "team:'Tigers 9' lead:ann@firm.example.org order:asc"
        last = body.get("cursor") == "CURSOR/1=="
        return {"hits": [{"t": "Tigers 9"}], "cursor": None if last else "CURSOR/1=="}

    web.on("/v1/search", search, method="POST")
    query = "team:'{resources.teams.id}' lead:{resources.teams.lower(lead)} order:asc"
    cursor = {"type": "cursor", "cursor_path": "cursor", "cursor_body_path": "cursor"}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource("teams", "teams", endpoint={"paginator": "single_page"}),
                resource(
                    "hits",
                    "search",
                    "hits",
                    endpoint={
                        "method": "POST",
                        "json": {"query": query, "kind": "team", "size": 5},
                        "paginator": cursor,
                    },
                ),
            ],
        },
    )
    same_in_form(run)
    for gone in ("Tigers", "Ann@", "ann@", "CURSOR"):
        assert gone not in run.text
    assert "order:asc" in run.text
    assert '"kind": "team"' in run.text


def test_token_requests_are_recorded_and_say_nothing(tmp_path: Path, web: Web) -> None:
    token = "eyJ0eXAi.granted-token"

    def grant(asked: Asked) -> Json:
        assert dict(asked.form())["client_secret"] == SECRET
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "who": "Greta"}

    def items(asked: Asked) -> Json:
        assert asked.headers["authorization"] == f"Bearer {token}"
        return [{"echo": token}]

    web.on("/oauth/token", grant, method="POST")
    web.on("/v1/items", items)
    auth = {
        "type": "oauth2_client_credentials",
        "access_token_url": "{config.auth_url}",
        "client_id": "my-client",
        "client_secret": "{secrets.api_key}",
    }
    run = record_and_replay(
        tmp_path,
        web,
        {
            "config": {
                "auth_url": {"type": "string", "default": "https://auth.example.com/oauth/token"}
            },
            "secrets": {"api_key": {}},
            "client": {"base_url": BASE, "auth": auth},
            "resources": [resource("items", "items", endpoint={"paginator": "single_page"})],
        },
        {"auth_url": f"{web.url}/oauth/token"},
    )
    same_in_form(run)
    assert run.cassette.interactions[0].method == "POST"
    for gone in (token, SECRET, "Greta", web.url):
        assert gone not in run.text
    assert '"token_type": "Bearer"' in run.text


AUTHS = {
    "refresh": {
        "type": "oauth2_refresh_token",
        "access_token_url": "{config.base_url}/token",
        "refresh_token": "{secrets.api_key}",
        "rotates": True,
    },
    "login": {
        "type": "login",
        "request": {"path": "token", "json": {"user": "Greta", "password": "{secrets.api_key}"}},
        "token_path": "access_token",
        "expires_in_path": "expires_in",
        "send": {"type": "api_key", "location": "query", "name": "sid"},
    },
    "headers": {
        "type": "login",
        "request": {"path": "token", "json": {"password": "{secrets.api_key}"}},
        "token_path": 'context().headers."x-session"',
        "expires_in_path": 'context().headers."x-seconds"',
    },
    "cookies": {
        "type": "login",
        "request": {"path": "token", "json": {"password": "{secrets.api_key}"}},
        "token_path": "regex_search(context().headers.\"set-cookie\", 'sid=([^;]+)', `1`)",
        "send": {"type": "api_key", "location": "cookie", "name": "sid"},
    },
    "assertion": {
        "type": "oauth2_jwt",
        "access_token_url": "{config.base_url}/token",
        "private_key": "{secrets.api_key}",
        "algorithm": "HS256",
        "payload": {"iss": "shop"},
    },
    "jwt": {"type": "jwt", "key": "{secrets.api_key}", "algorithm": "HS256"},
    "signature": {
        "type": "hmac",
        "key": "{secrets.api_key}",
        "message": "{timestamp}{url}",
        "name": "sign",
        "location": "query",
        "timestamp": {"name": "at", "location": "query", "format": "epoch_milliseconds"},
    },
    "aws": {
        "type": "aws_sigv4",
        "access_key_id": "an-id",
        "secret_access_key": "{secrets.api_key}",
        "region": "eu-west-1",
        "service": "execute-api",
    },
    "oauth1": {
        "type": "oauth1",
        "consumer_key": "an-id",
        "consumer_secret": "{secrets.api_key}",
    },
}


SIGNED_HERE = ("jwt", "signature", "aws", "oauth1")


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", AUTHS)
def test_what_an_auth_asks_and_signs_is_played_without_a_secret(
    tmp_path: Path, web: Web, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is refused in mid-run is renewed in a replay too; no token is in the file."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    given: list[str] = []

    def grant(asked: Asked) -> Json:
        assert given or SECRET in asked.body.decode() or kind == "assertion"
        given.append(f"tok-of-this-test-{len(given)}")
        body = {
            "access_token": given[-1],
            "refresh_token": f"next-of-this-test-{len(given)}",
            "expires_in": 3600,
        }
        headers = {
            "X-Session": given[-1],
            "X-Seconds": "3600",
            "Set-Cookie": f"sid={given[-1]}; a=b",
        }
        return Answer(200, body if kind not in ("headers", "cookies") else {}, headers)

    asked_for: list[str] = []

    def items(asked: Asked) -> Json:
        asked_for.append(asked.path)
        if len(asked_for) == 2 and kind not in SIGNED_HERE:
            return Answer(401, {"error": "expired"})
        return [{"id": len(asked_for)}]

    web.on("/v1/token", grant, method="POST")
    web.on("/v1/items", items)
    web.on("/v1/more", items)
    run = record_and_replay(
        tmp_path,
        web,
        {
            "secrets": {"api_key": {}},
            "client": {"base_url": BASE, "auth": AUTHS[kind]},
            "resources": [
                resource(name, name, endpoint={"paginator": "single_page"})
                for name in ("items", "more")
            ],
        },
    )
    same_in_form(run)
    assert run.unused == []
    assert len(given) == (0 if kind in SIGNED_HERE else 2)
    for gone in ("of-this-test", SECRET, web.url):
        assert gone not in run.text


def test_what_the_file_compares_with_stays(tmp_path: Path, web: Web) -> None:
    """`when`, filters and actions do in a replay what they did."""
    rows = [
        {"id": "a1", "kind": "open", "who": "Al"},
        {"id": "b2", "kind": "shut", "who": "Bo"},
        {"id": "c3", "kind": "gone", "who": "Cy"},
    ]
    web.on("/v1/rows", rows)
    web.on("/v1/rows/a1/more", Answer(404, {"title": "Nothing", "message": "no more for Al here"}))
    web.on("/v1/rows/b2/more", [{"of": "b2"}])
    ignored = {"status_code": 404, "content": "no more for", "action": "ignore"}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource(
                    "rows",
                    "rows",
                    processing_steps=[{"filter": "kind != 'gone'"}],
                    endpoint={"paginator": "single_page"},
                ),
                resource(
                    "more",
                    "rows/{resources.rows.id}/more",
                    when="kind == 'open' || kind == 'shut'",
                    endpoint={"paginator": "single_page", "response_actions": [ignored]},
                ),
            ],
        },
    )
    same_in_form(run)
    assert len(run.replayed["rows"]) == 2
    assert len(run.replayed["more"]) == 1
    assert "Al here" not in run.text


def test_words_that_the_file_lists_for_its_requests_are_kept(tmp_path: Path, web: Web) -> None:
    web.on("/v1/fields", lambda asked: [{"id": 1, "of": asked.param("of"), "hint": "contact"}])
    fields = resource(
        "fields",
        "fields",
        partitions=[{"name": "of", "values": ["contact", "company"]}],
        endpoint={"paginator": "single_page", "params": {"of": "{partition.of}"}},
    )
    run = record_and_replay(tmp_path, web, {"client": {"base_url": BASE}, "resources": [fields]})
    same_in_form(run)
    assert [one["of"] for one in run.replayed["fields"]] == ["contact", "company"]


def test_what_a_person_set_is_as_personal_as_a_body(tmp_path: Path, web: Web) -> None:
    config = {
        "account": {"type": "string"},
        "mail": {"type": "string"},
        "region": {"type": "string", "enum": ["eu", "us"], "default": "us"},
        "since": {"type": "string", "default": "2020-01-01"},
        "size": {"type": "integer", "default": 5},
        "fields": {"type": "array", "items": {"type": "string"}, "default": ["shoe", "hat"]},
        "shops": {"type": "array", "items": {"type": "string"}, "default": ["north"]},
    }

    def listed(asked: Asked) -> Json:
        assert asked.parts["account"] == "Garbo Films"
        return [{"account": "Garbo Films", "mail": asked.param("mail"), "id": 1}]

    web.on("/v1/{account}/orders", listed)
    params = {
        "mail": "{config.mail}",
        "region": "{config.region}",
        "since": "{config.since}",
        "size": "{config.size}",
        "fields": "{config.fields}",
        "shops": "{config.shops}",
    }
    run = record_and_replay(
        tmp_path,
        web,
        {
            "config": config,
            "client": {"base_url": BASE},
            "resources": [
                resource(
                    "orders",
                    "{config.account}/orders",
                    endpoint={"paginator": "single_page", "params": params},
                )
            ],
        },
        {
            "account": "Garbo Films",
            "mail": "g@film.example.org",
            "region": "eu",
            "since": "2026-05-05",
            "shops": ["north", "Garbo Films"],
        },
    )
    same_in_form(run)
    config = dict(run.cassette.config)
    assert config.get("fields", ["shoe", "hat"]) == ["shoe", "hat"]  # as the file has it
    assert config["shops"] == ["north", config["account"]]
    assert config["base_url"] == "https://api.example.com/v1"
    assert (config["region"], config["since"], config["size"]) == ("eu", "2026-05-05", 5)
    assert "Garbo" not in run.text
    assert "film.example" not in run.text
    assert run.replayed["orders"][0]["account"] == config["account"]


def test_times_without_a_schema_keep_their_form_and_cursors_their_value(
    tmp_path: Path, web: Web
) -> None:
    rows = [{"id": n, "at": f"2026-03-0{n}T00:00:00Z", "born": f"1980-05-0{n}"} for n in (1, 2, 3)]

    def listed(asked: Asked) -> Json:
        assert asked.param("since") == "2026-03-02T00:00:00Z"
        return {"rows": rows, "asked": asked.param("since")}

    web.on("/v1/rows", listed)
    incremental = {
        "cursor_path": "at",
        "start_param": "since",
        "initial_value": "2026-03-02T00:00:00Z",
    }
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource(
                    "rows",
                    "rows",
                    "rows",
                    endpoint={"paginator": "single_page", "incremental": incremental},
                    primary_key="id",
                )
            ],
        },
    )
    same_in_form(run)
    assert [row["at"] for row in run.replayed["rows"]] == [row["at"] for row in rows[1:]]
    assert "1980-" not in run.text


def test_a_value_that_stays_in_one_place_and_not_in_another(tmp_path: Path, web: Web) -> None:
    """The child's path is made from the enum, though a name happens to be the same word."""
    web.on("/v1/rows", [{"kind": "solo", "name": "solo"}, {"kind": "duo", "name": "Han Solo"}])
    web.on("/v1/kinds/{kind}", lambda asked: {"kind": asked.parts["kind"]})
    web.on("/v1/names/{name}", lambda asked: {"name": asked.parts["name"]})
    schema = {"properties": {"kind": {"enum": ["solo", "duo"]}, "name": {"type": "string"}}}
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [
                resource("rows", "rows", schema=schema, endpoint={"paginator": "single_page"}),
                resource(
                    "kinds",
                    "kinds/{resources.rows.kind}",
                    endpoint={"paginator": "single_page"},
                ),
                resource(
                    "names",
                    "names/{resources.rows.name}",
                    endpoint={"paginator": "single_page"},
                ),
            ],
        },
    )
    same_in_form(run)
    assert [row["kind"] for row in run.replayed["rows"]] == ["solo", "duo"]
    assert "solo" not in [row["name"] for row in run.replayed["rows"]]
    assert "Han" not in run.text


def test_redirects_are_followed_in_a_replay(tmp_path: Path, web: Web) -> None:
    there = Answer(302, b"", {"Location": f"{web.url}/files/Report-7.json?sig=AbCdEf12"})
    web.on("/v1/report", there)
    web.on("/files/Report-7.json", [{"id": 7, "who": "Greta"}])
    run = record_and_replay(
        tmp_path,
        web,
        {
            "client": {"base_url": BASE},
            "resources": [resource("report", "report", endpoint={"paginator": "single_page"})],
        },
    )
    same_in_form(run)
    for gone in ("Greta", "AbCdEf12", "Report-7", web.url):
        assert gone not in run.text


def test_a_second_recording_of_a_replay_has_the_same_structure(tmp_path: Path, web: Web) -> None:
    from framework.authoring.scrub.anonymizer import scrub
    from tests.support.scrubbed_recording import connector

    web.on("/v1/rows", [{"id": "AB12", "mail": "a@b.example", "n": {"x": "some words"}}])
    body = {
        "client": {"base_url": BASE},
        "resources": [resource("rows", "rows", endpoint={"paginator": "single_page"})],
    }
    run = record_and_replay(tmp_path, web, body)
    config = {"base_url": {"type": "string", "default": "https://api.example.com/v1"}}
    shop = connector(tmp_path / "again", {"config": config, **body}, "shop")
    again = scrub(run.cassette.interactions, shop, run.cassette.config)

    def form(interactions: tuple[Interaction, ...]) -> list[Json]:
        return [(i.method, i.url, i.status, len(i.body)) for i in interactions]

    assert form(again.interactions) == form(run.cassette.interactions)
    assert again.config == run.cassette.config
