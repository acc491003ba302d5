"""`new --probe`: the first version of a file, from what a real server returns."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.cli.main import main
from tests.support.servers.web import Answer, Asked, Web

Json = Any
pytestmark = pytest.mark.usefixtures("project")
TOKEN = "canary-4be1-token"
ROWS = [
    {
        "id": n,
        "name": f"private-{n}",
        "created_at": f"2026-01-{1 + n:02}T00:00:00Z",
        "updated_at": f"2026-03-{1 + n * 7 % 25:02}T00:00:00Z",
    }
    for n in range(25)
]
NEW = ["new", "shop", "--probe", "--auth", "none"]


def new(web: Web, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[Json, str]:
    """Return the file as data and as text; it is valid, and tells no value of a record."""
    assert main([*NEW, "--base-url", web.url, *options]) == 0, capsys.readouterr()
    out, err = capsys.readouterr()
    text = Path("connectors/shop.yaml").read_text("utf-8")
    assert "private-" not in out + err + text
    assert main(["validate", "shop"]) == 0
    capsys.readouterr()
    return yaml.safe_load(text), text


def rows_of_run(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    assert main(["run", "shop", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    return {one["name"]: one["rows"] for one in report["resources"]}


def page(asked: Asked, *, first: int = 1, name: str = "page") -> list[Json]:
    at = 10 * (int(asked.param(name, str(first)) or first) - first)
    return ROWS[max(at, 0) : max(at, 0) + 10] if at >= 0 else []


def cursored(asked: Asked) -> Answer:
    at = int(asked.param("after", "0") or 0)
    following = str(at + 10) if at + 10 < len(ROWS) else None
    included = [{"id": f"p{n}", "kind": "person"} for n in range(40)]
    body = {"included": included, "data": ROWS[at : at + 10], "meta": {"next_cursor": following}}
    return Answer(200, body)


def linked(asked: Asked) -> Answer:
    number = int(asked.param("page", "1") or 1)
    link = {"Link": f'</orders?page={number + 1}>; rel="next"'} if number < 3 else {}
    return Answer(200, page(asked), link)


def spring(asked: Asked) -> Answer:
    number = int(asked.param("page", "0") or 0)
    body = {"number": number, "size": 10, "totalPages": 3, "last": number >= 2}
    return Answer(200, {"page": body, "_embedded": {"orders": page(asked, first=0)}})


def counted(asked: Asked) -> Answer:
    at, limit = int(asked.param("skip", "0") or 0), int(asked.param("take", "10") or 10)
    return Answer(200, {"skip": at, "take": 10, "total": 25, "items": ROWS[at : at + limit]})


def bare(asked: Asked) -> Answer:
    return Answer(200, page(asked))


def xml(asked: Asked) -> Answer:
    rows = "".join(f"<order><id>{row['id']}</id></order>" for row in page(asked))
    return Answer(200, f'<orders total="25">{rows}</orders>', {"Content-Type": "text/xml"})


def csv(asked: Asked) -> Answer:
    rows = "".join(f"{row['id']};{row['name']}\n" for row in page(asked))
    return Answer(200, f"id;name\n{rows}", {"X-Total-Count": "25", "Content-Type": "text/csv"})


KINDS: dict[str, tuple[Callable[[Asked], Answer], Json]] = {
    "cursor": (
        cursored,
        {"type": "cursor", "cursor_path": "meta.next_cursor", "cursor_param": "after"},
    ),
    "link": (linked, {"type": "header_link"}),
    "pages from 0": (
        spring,
        {"type": "page_number", "base_page": 0, "total_path": "page.totalPages"},
    ),
    "offset": (
        counted,
        {
            "type": "offset",
            "limit": 10,
            "offset_param": "skip",
            "limit_param": "take",
            "total_path": "total",
        },
    ),
    "no sign": (bare, {"type": "page_number", "base_page": 1, "total_path": None}),
    "XML": (xml, {"type": "page_number", "base_page": 1, "total_path": None}),
    "CSV": (csv, {"type": "page_number", "base_page": 1, "total_path": None}),
}


@pytest.mark.parametrize(("answer", "paginator"), KINDS.values(), ids=KINDS)
def test_the_file_loads_every_record(
    answer: Callable[[Asked], Answer],
    paginator: Json,
    web: Web,
    capsys: pytest.CaptureFixture[str],
) -> None:
    web.on("/orders", answer)
    data, text = new(web, capsys, "--path", "/orders")
    (orders,) = data["resources"]
    assert orders["primary_key"] == "id"
    written = orders["endpoint"]["paginator"]
    assert {**({"type": written} if isinstance(written, str) else written)} == paginator
    lines = text.splitlines()
    for key in ("primary_key:", "data_selector:", "paginator:"):
        (number,) = (n for n, line in enumerate(lines) if line.strip().startswith(key))
        assert lines[number - 1].strip().startswith("# "), f"{key} has no reason"
    assert rows_of_run(capsys) == {"orders": 25}


def test_the_longest_list_is_not_taken_for_the_records(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", cursored)
    data, text = new(web, capsys, "--path", "/orders")
    assert data["resources"][0]["endpoint"]["data_selector"] == "data"
    assert "# to be checked: the response has other lists: included" in text


def graph(asked: Asked) -> Answer:
    at = int((asked.json().get("variables") or {}).get("after") or 0)
    edges = [{"node": row} for row in ROWS[at : at + 10]]
    info = {"hasNextPage": at + 10 < len(ROWS), "endCursor": str(at + 10)}
    return Answer(200, {"data": {"allPosts": {"edges": edges, "pageInfo": info}}})


QUERY = """\
query ($after: String) {
  allPosts(after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } }
}
"""


@pytest.mark.parametrize("is_file", [False, True])
def test_a_graphql_query_is_given_as_its_tools_have_it(
    is_file: bool, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/graphql", graph, method="POST")
    Path("posts.graphql").write_text(QUERY, "utf-8")
    query = "@posts.graphql" if is_file else QUERY
    assert main([*NEW, "--base-url", f"{web.url}/graphql", "--graphql", query]) == 0
    text = Path("connectors/shop.yaml").read_text("utf-8")
    (posts,) = yaml.safe_load(text)["resources"]
    assert posts["name"] == "all_posts"
    assert posts["endpoint"] == {"path": "/graphql", "graphql": {"query": QUERY.strip()}}
    assert "# 10 records on the first page, and others on the second one" in text
    capsys.readouterr()
    assert rows_of_run(capsys) == {"all_posts": 25}


LACKING = "{ posts { nodes { id } pageInfo { hasNextPage } } }"


@pytest.mark.parametrize("probe", ["--probe", "--no-probe"])
def test_a_query_without_a_cursor_is_refused(
    probe: str, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--auth", "none", "--base-url", f"{web.url}/graphql", "--graphql", LACKING, probe]
    assert main(["new", "shop", *options]) == 2
    assert "only the first page of posts would be read; add" in capsys.readouterr().err
    assert not Path("connectors").exists()


def test_values_of_variables_are_sent(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    def posts(asked: Asked) -> Answer:
        sent = asked.json()["variables"]
        at, size = int(sent.get("after") or 0), sent["first"]
        info = {"hasNextPage": at + size < len(ROWS), "endCursor": str(at + size)}
        nodes = ROWS[at : at + size]
        return Answer(200, {"data": {"viewer": {"posts": {"nodes": nodes, "pageInfo": info}}}})

    web.on("/graphql", posts, method="POST")
    query = """query ($first: Int!, $after: String) { viewer { posts(first: $first, after: $after)
    { nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    options = ["--graphql", query, "--variables", '{"first": 4}']
    assert main([*NEW, "--base-url", f"{web.url}/graphql", *options]) == 0
    capsys.readouterr()
    assert rows_of_run(capsys) == {"posts": 25}


@pytest.mark.parametrize("probe", ["--probe", "--no-probe"])
def test_one_of_several_operations_is_chosen(web: Web, project: Path, probe: str) -> None:
    web.on("/graphql", graph, method="POST")
    both = f"{QUERY.replace('query', 'query Posts')}\nquery Me {{ me {{ id }} }}"
    options = ["--auth", "none", "--graphql", both, "--operation", "Posts", probe]
    assert main(["new", "shop", "--base-url", f"{web.url}/graphql", *options]) == 0
    (posts,) = yaml.safe_load((project / "connectors/shop.yaml").read_text("utf-8"))["resources"]
    assert (posts["name"], posts["endpoint"]["graphql"]["operation"]) == ("all_posts", "Posts")
    assert main(["validate", "shop"]) == 0


def test_a_list_without_pages_is_selected_by_its_query(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/graphql", Answer(200, {"data": {"posts": ROWS[:3]}}), method="POST")
    data, text = new(web, capsys, "--path", "/graphql", "--graphql", "{ posts { id } }")
    (posts,) = data["resources"]
    assert (posts["name"], posts["endpoint"]["data_selector"]) == ("posts", "data.posts")
    assert "to be checked: paginator: the list has 3 records" in text


def test_an_error_in_a_success_is_told(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    web.on("/graphql", Answer(200, {"errors": [{"message": "no field titel"}]}), method="POST")
    options = ["--base-url", web.url, "--path", "/graphql", "--graphql", "{ posts { titel } }"]
    assert main([*NEW, *options]) == 1
    assert "no field titel" in capsys.readouterr().err
    assert not Path("connectors").exists()


def test_a_post_has_its_pages_in_the_body(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    def search(asked: Asked) -> Answer:
        number = int((asked.json() or {}).get("page_number") or 1)
        return Answer(200, {"results": ROWS[10 * number - 10 : 10 * number], "total": 25})

    web.on("/search", search, method="POST")
    data, _ = new(web, capsys, "--path", "/search", "--json", '{"page_number": 1, "sort": "id"}')
    endpoint = data["resources"][0]["endpoint"]
    assert endpoint["json"] == {"page_number": 1, "sort": "id"}
    assert endpoint["paginator"]["page_body_path"] == "page_number"
    assert rows_of_run(capsys) == {"search": 25}


def test_a_path_that_takes_only_post_is_asked_so(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/search", lambda asked: Answer(200 if asked.method == "POST" else 405, ROWS[:3]))
    data, _ = new(web, capsys, "--path", "/search")
    assert data["resources"][0]["endpoint"]["method"] == "POST"


def unreachable(asked: Asked) -> Answer:
    at = int(asked.param("x-odd", "0") or 0)
    return Answer(200, {"items": ROWS[at : at + 10], "next": "odd-10"})


def heedless(_: Asked) -> Answer:
    return Answer(200, ROWS[:10])


def filtered(asked: Asked) -> Answer:
    """A server that takes every parameter for a filter, as json-server does."""
    return Answer(200, [] if asked.query else ROWS[:10])


def shuffled(asked: Asked) -> Answer:
    """`page` is there, but what has no page is another list than page 1."""
    return Answer(200, page(asked) if asked.param("page") else ROWS[20:])


@pytest.mark.parametrize("answer", [unreachable, heedless, filtered, shuffled])
def test_a_paginator_that_was_not_proved_is_left_out(
    answer: Callable[[Asked], Answer], web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", answer)
    data, text = new(web, capsys, "--path", "/orders")
    assert "paginator" not in data["resources"][0]["endpoint"]
    assert "# to be checked: paginator:" in text


@pytest.mark.parametrize(
    ("body", "selector"),
    [
        ({"id": 7, "name": "private-x", "tags": [{"id": 1}]}, "@"),
        ({"data": {"id": 7, "name": "private-x"}}, "data"),
    ],
)
def test_one_object_has_one_page(
    body: Json, selector: str, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/me", Answer(200, body))
    data, _ = new(web, capsys, "--path", "/me")
    (me,) = data["resources"]
    assert me["endpoint"] == {"path": "/me", "data_selector": selector, "paginator": "single_page"}
    assert me["primary_key"] == "id"
    assert rows_of_run(capsys) == {"me": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"items": None, "total": 0},
        {"total": 0, "limit": 10},
        {},
        {"data": {}},
        "text",
        {"columns": ["id"], "rows": [[1], [2]]},
    ],
)
def test_a_response_without_records_is_not_taken_for_one_object(
    body: Json, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"}))
    data, text = new(web, capsys, "--path", "/orders")
    assert data["resources"][0]["endpoint"] == {"path": "/orders"}
    assert "to be checked: data_selector" in text


@pytest.mark.parametrize(
    ("body", "selector"),
    [
        ({"codes": ["a", "b"]}, "codes"),
        (["a", "b"], "@"),
        ({'a "list"': ROWS[:3]}, '"a \\"list\\""'),
        ({"{x}": ROWS[:3]}, '"{x}"'),
        ({"d": {"results": ROWS[:3]}}, "d.results"),
    ],
)
def test_lists_of_other_shapes_and_names_are_selected(
    body: Json, selector: str, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", Answer(200, body))
    data, _ = new(web, capsys, "--path", "/orders")
    endpoint = data["resources"][0]["endpoint"]
    assert (endpoint["data_selector"], "paginator" in endpoint) == (selector, False)


def test_an_empty_list_is_named_and_left_to_be_checked(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", Answer(200, {"items": [], "total": 0}))
    data, text = new(web, capsys, "--path", "/orders")
    assert data["resources"][0]["endpoint"] == {"path": "/orders", "data_selector": "items"}
    assert "to be checked: the response had no records" in text
    assert "to be checked: primary_key" in text


def test_a_key_that_only_looks_unique_is_left_to_be_checked(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = [{"code": f"c{n}", "price": n} for n in range(20)]
    web.on("/prices", Answer(200, {"prices": codes}))
    data, text = new(web, capsys, "--path", "/prices")
    assert data["resources"][0]["write_disposition"] == "replace"
    assert "primary_key" not in data["resources"][0]
    assert "to be checked: primary_key: code is unique in 20 records" in text


def since(field: str, name: str, *, strict: bool = False) -> Callable[[Asked], Answer]:
    """A list that selects by a time, under a parameter of this name."""

    def answer(asked: Asked) -> Answer:
        start = asked.param(name, "")
        rows = [row for row in ROWS if row[field] > start or (row[field] == start and not strict)]
        return Answer(200, {"items": rows})

    return answer


def test_an_incremental_that_the_api_heeds_is_written(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", since("updated_at", "updated_since"))
    data, text = new(web, capsys, "--path", "/orders")
    assert data["resources"][0]["endpoint"]["incremental"] == {
        "cursor_path": "updated_at",
        "start_param": "updated_since",
        "initial_value": "1970-01-01T00:00:00Z",
    }
    assert "# with updated_since only records from that updated_at on were returned" in text
    assert rows_of_run(capsys) == {"orders": 25}


@pytest.mark.parametrize(
    "answer",
    [
        since("updated_at", "nothing"),
        since("created_at", "updated_since"),
        since("created_at", "since"),
        since("updated_at", "updated_since", strict=True),
    ],
)
def test_an_incremental_that_would_lose_records_is_not_written(
    answer: Callable[[Asked], Answer], web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", answer)
    data, text = new(web, capsys, "--path", "/orders")
    assert "incremental" not in data["resources"][0]["endpoint"]
    assert "to be checked: incremental:" in text


def guarded(asked: Asked) -> Answer:
    """A list for the token alone; the error repeats what was sent."""
    sent = asked.headers.get("authorization", "")
    if sent != f"Bearer {TOKEN}":
        return Answer(401, {"error": f"not {sent}"})
    return cursored(asked)


def test_the_token_is_a_named_secret_and_stands_nowhere(
    web: Web,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    web.on("/orders", guarded)
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", TOKEN)
    options = ["--base-url", web.url, "--path", "/orders"]
    assert main(["new", "shop", "--probe", *options]) == 0
    out, err = capsys.readouterr()
    files = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert TOKEN not in out + err
    assert all(TOKEN.encode() not in content for content in files)
    data = yaml.safe_load(Path("connectors/shop.yaml").read_text("utf-8"))
    assert data["client"]["auth"] == {"type": "bearer", "token": "{secrets.token}"}
    assert list(data["secrets"]) == ["token"]


def test_a_token_that_is_refused_is_not_repeated(
    web: Web,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    web.on("/orders", guarded)
    options = ["new", "shop", "--probe", "--base-url", web.url, "--path", "/orders"]
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "wrong-" + TOKEN)
    assert main(options) == 1
    out, err = capsys.readouterr()
    assert "401" in err
    assert TOKEN not in out + err
    assert list(project.rglob("*.yaml")) == []
    monkeypatch.delenv("SOURCES__SHOP__TOKEN")
    assert main(options) == 1
    err = capsys.readouterr().err
    assert ". No secret is set: set SOURCES__SHOP__TOKEN" in err
    assert ".." not in err
    assert main([*options, "--auth", "bearer"]) == 1
    assert "SOURCES__SHOP__TOKEN" in capsys.readouterr().err


@pytest.mark.parametrize("probe", ["--probe", "--no-probe"])
@pytest.mark.parametrize(
    ("base", "path", "auth"),
    [
        (
            "",
            f"/orders?api_key={TOKEN}&sort=id",
            {
                "type": "api_key",
                "api_key": "{secrets.api_key}",
                "name": "api_key",
                "location": "query",
            },
        ),
        (
            f"ada:{TOKEN}@",
            "/orders",
            {
                "type": "http_basic",
                "username": "{secrets.username}",
                "password": "{secrets.password}",
            },
        ),
    ],
)
def test_a_credential_of_the_url_becomes_a_secret(
    probe: str,
    base: str,
    path: str,
    auth: Json,
    web: Web,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    web.on("/orders", bare)
    url = web.url.replace("://", f"://{base}")
    assert main(["new", "shop", probe, "--base-url", url, "--path", path]) == 0
    out, err = capsys.readouterr()
    text = Path("connectors/shop.yaml").read_text("utf-8")
    assert TOKEN not in out + err + text
    assert yaml.safe_load(text)["client"]["auth"] == auth
    assert ("sort=id" in text) == ("sort" in path)
    if probe == "--probe":
        sent = web.asked[0]
        assert sent.param("api_key") == TOKEN or "authorization" in sent.headers
    assert main(["validate", "shop"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--json", f'{{"api_token": "{TOKEN}"}}'], "{secrets.api_token}"),
        (["--json", "{"], "--json is not valid JSON"),
        (["--json", "{}", "--graphql", "{ a }"], "found --json and --graphql"),
        (["--variables", "{}"], "found --variables without --graphql"),
        (["--graphql", "{ a", "--auth", "none"], "--graphql: line 1, column 4: Expected Name"),
        (
            ["--graphql", "query A { a } query B { b }", "--auth", "none"],
            "found 2 operations (A, B), expected one; add --operation NAME",
        ),
        (["--graphql", "query A { a }", "--operation", "B"], "has no operation B; it has A"),
        (["--operation", "A"], "found --operation without --graphql"),
        (["--graphql", "@missing.graphql"], "@missing.graphql cannot be read: No such file"),
        (["--data-selector", "items"], "found --data-selector with --probe"),
        (["--primary-key", "id"], "found --primary-key with --probe"),
    ],
)
def test_options_that_contradict_each_other_write_nothing(
    options: list[str], message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*NEW, "--base-url", "http://127.0.0.1:9", "--path", "/x", *options]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert TOKEN not in out + err
    assert list(project.rglob("*.yaml")) == []


def test_a_secret_in_a_body_is_named(
    web: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__KEY", TOKEN)
    web.on("/search", lambda asked: ROWS[:3] if asked.json()["key"] == TOKEN else Answer(403, {}))
    data, text = new(web, capsys, "--path", "/search", "--json", '{"key": "{secrets.key}"}')
    assert list(data["secrets"]) == ["key"]
    assert TOKEN not in text


def test_a_path_that_cannot_be_read_is_written_and_told(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.on("/orders", cursored)
    options = ["--base-url", web.url, "--path", "/gone", "--path", "/orders"]
    assert main([*NEW, *options]) == 1
    out, err = capsys.readouterr()
    assert "written: connectors/shop.yaml" in out
    assert "gone was not read" in err
    data = yaml.safe_load(Path("connectors/shop.yaml").read_text("utf-8"))
    assert [one["name"] for one in data["resources"]] == ["gone", "orders"]
    assert data["resources"][1]["primary_key"] == "id"
    assert main([*NEW[:1], "other", *NEW[2:], "--base-url", web.url, "--path", "/gone"]) == 1
    assert not Path("connectors/other.yaml").exists()


def test_the_whole_url_of_a_list_is_enough(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    web.on("/v2/orders", cursored)
    assert main([*NEW, "--base-url", f"{web.url}/v2/orders"]) == 0
    data = yaml.safe_load(Path("connectors/shop.yaml").read_text("utf-8"))
    assert data["config"]["base_url"]["default"] == f"{web.url}/v2"
    assert data["resources"][0]["endpoint"]["path"] == "/orders"


def test_a_terminal_asks_whether_to_probe_and_hides_the_token(web: Web, project: Path) -> None:
    web.on("/orders", guarded)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "framework", "new", "shop"]
    os.write(ours, f"{web.url}\n/orders\nbearer\ny\n".encode())
    with subprocess.Popen(
        command,
        cwd=project,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a terminal of its own, or the question goes to ours
    ) as process:
        assert process.stderr is not None
        said = b""
        while b"The secret token" not in said:  # what is typed before is discarded
            part = os.read(process.stderr.fileno(), 1000)
            assert part, said
            said += part
        os.write(ours, f"{TOKEN}\n".encode())
        out, err = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, said + err
    assert TOKEN.encode() not in out + said + err
    assert b"set SOURCES__SHOP__TOKEN" in err
    text = (project / "connectors" / "shop.yaml").read_text("utf-8")
    assert TOKEN not in text
    assert "cursor_path: meta.next_cursor" in text
