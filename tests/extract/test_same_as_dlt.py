"""A plain-data RESTAPIConfig does what it does in dlt: the same requests, tables, rows and state.

Each config runs three ways against the same server: dlt's `rest_api_source` on the plain data, the
same config as a connector file through our readings, and dlt's own loop over `rest_api_config`.
Run to a destination that keeps nothing: what is compared is what normalize hands to the loader.
"""

from __future__ import annotations

import copy
import gc
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import dlt
import pytest
import yaml
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources.rest_api import rest_api_source

import framework
from tests.support.open_resource import connector_file, pipeline
from tests.support.servers.blog import Blog
from tests.support.servers.web import Asked, Web
from tests.support.slow_params import slow_unless

Json = Any
OWN = Path(__file__).parent / "same"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "restapi-configs"
TOKEN = "s3cret-token"
NAME = "same"

FROM_CORPUS = {
    # dlt's own config -> the part of the blog that its base URL stands for
    "011-lesson-1-custom-sources-restapi-source-and-restclient-news-a": "/page_number",
    "022-advanced-posts-comments": "/single_page",
    "026-basic-posts-comments": "/json_link",
    "035-dashboard-orders-complex-test": "/page_number",
    "040-rest-api-pokemon-berry": "/json_link",
    "041-rest-api-issues": "/header_link",
    "079-source-configs-issues-comments": "",
    "105-test-resolve-config-locations-location-details": "/single_page",
    "122-test-offline-posts-post-details": "/single_page",
    "134-test-offline-posts-post-details": "/single_page",
    "138-test-offline-error-resource": "/nowhere",
    "143-test-offline-posts-post-comments": "/single_page",
    "158-test-response-actions-post-details": "/single_page",
    "171-test-offline-posts": "/page_number",
    "217-source-configs-posts": "/header_cursor",
    "220-source-configs-posts": "/cursor",
    "225-source-configs-posts": "/single_page",
}
QUICK = ("children", "paging")
"""Cases of the quick suite."""

FAIL_IN_CORPUS = {"138-test-offline-error-resource"}
AGAIN_IN_CORPUS = {
    "011-lesson-1-custom-sources-restapi-source-and-restclient-news-a",
    "041-rest-api-issues",
}
NONE: tuple[Counter[Any], Counter[Any]] = (Counter(), Counter())
SECRET_KEYS = ("token", "api_key", "password", "client_secret", "access_token")


@dataclass(frozen=True)
class Case:
    """A config with `<<py: …>>` in it; `base` is the path that its base URL gets."""

    name: str
    config: Mapping[str, Json]
    base: str
    again: bool = False
    fails: bool = False
    own: bool = True


def cases() -> Iterator[Case]:
    for path in sorted(OWN.glob("*.yaml")):
        yield Case(path.stem, **yaml.safe_load(path.read_text(encoding="utf-8")))
    for name, base in FROM_CORPUS.items():
        path = CORPUS / f"{name}.json"
        if path.exists():
            config = json.loads(path.read_text(encoding="utf-8"))
            yield Case(
                name, config, base, name in AGAIN_IN_CORPUS, name in FAIL_IN_CORPUS, own=False
            )


def pointed(value: Json, url: str, key: str = "") -> Json:
    """The config with its addresses on our server and values for what Python stood for."""
    if isinstance(value, dict):
        return {name: pointed(item, url, name) for name, item in value.items()}
    if isinstance(value, list):
        return [pointed(item, url, key) for item in value]
    if key == "base_url":
        return url + ("/" if str(value).endswith("/") else "")
    if key == "access_token_url":
        return url.replace("/single_page", "") + "/token"
    if key in SECRET_KEYS:
        return TOKEN
    return "2024-01-01" if isinstance(value, str) and "<<py:" in value else value


def as_connector(config: Json, key: str = "") -> Json:
    """The config as a connector file says it: secrets are placeholders."""
    if isinstance(config, dict):
        return {name: as_connector(item, name) for name, item in config.items()}
    if isinstance(config, list):
        return [as_connector(item, key) for item in config]
    return "{secrets.token}" if key in SECRET_KEYS else config


@dataclass
class Outcome:
    """What came of one way of running a config."""

    requests: Counter[Any]
    tables: dict[str, Json]
    rows: dict[str, Counter[str]]
    state: Json
    failed: bool


def run(
    source: Any, folder: Path, web: Web, *, more: bool = False, normalize: bool = True
) -> Outcome:
    """One run; `folder` keeps the pipeline's state for the next, where there are more.

    Without `normalize` there are no tables and rows to compare.
    """
    before = len(web.asked)
    flow = pipeline(folder, NAME)
    failed = False
    rows: dict[str, Counter[str]] = {}
    try:
        flow.extract(source)
        if normalize:
            flow.normalize()
    except PipelineStepFailed:
        failed = True  # dlt's session stays open, and is collected below
    else:
        rows = written(flow)
        if more and normalize:
            flow.load()
    if failed:
        gc.collect()
    return Outcome(
        counted(web.asked[before:]),
        {} if failed or not normalize else tables(flow.default_schema),
        rows,
        {} if failed else state_of(flow),
        failed,
    )


def state_of(flow: Any) -> Json:
    """The incrementals' state by resource; hashes of seen records are a set."""
    state = copy.deepcopy(flow.state.get("sources", {}).get(NAME, {}))
    assert state.keys() <= {"resources"}
    for resource in state.get("resources", {}).values():
        for cursor in resource.get("incremental", {}).values():
            cursor["unique_hashes"].sort()
    return state.get("resources", {})


def counted(asked: list[Asked]) -> Counter[Any]:
    """How often each request was made.

    Allowed to differ: a token, which dlt fetches for each resource and we for the connector,
    counts once.
    """
    requests = Counter(alike(one) for one in asked)
    return Counter({one: 1 if one[1] == "/token" else n for one, n in requests.items()})


def alike(asked: Asked) -> tuple[Any, ...]:
    """A request as it is compared. Allowed to differ, all documented:

    - path values are percent-encoded by us and sent as they are by dlt (requests encodes what is
      no URL at all, such as a blank): compared decoded;
    - booleans in a query are `true` and `false` from us, Python's `True` and `False` from dlt;
    - a key in the query of a link to the next page is there once with us, twice with dlt.

    The User-Agent names who asks, unless the config sets it.
    """
    spelled = {"True": "true", "False": "false"}
    query = sorted((name, spelled.get(value, value)) for name, value in asked.query)
    query = [
        pair for n, pair in enumerate(query) if pair != ("key", TOKEN) or pair not in query[:n]
    ]
    headers = {
        name: value
        for name, value in asked.headers.items()
        if name in ("authorization", "cookie", "content-type", "accept") or name.startswith("x-")
    }
    agent = asked.headers["user-agent"]
    if not agent.startswith(("dlt/", "python-requests/", "rest-connector-framework/")):
        headers["user-agent"] = agent
    return (
        asked.method,
        unquote(asked.path),
        tuple(query),
        tuple(sorted(headers.items())),
        asked.body,
    )


def tables(schema: Any) -> dict[str, Json]:
    """Names, hints and columns of the data tables, without dlt's own columns.

    Not compared: what dlt keeps about a table for itself (`x-…`). A table without a column of
    known type is not made in any destination: dlt has one for an empty list, we have not.
    """
    return {
        name: {
            **{k: v for k, v in table.items() if k != "columns" and k[:2] != "x-"},
            "columns": {
                column: {k: v for k, v in hints.items() if k[:2] != "x-"}
                for column, hints in table["columns"].items()
                if not column.startswith("_dlt")
            },
        }
        for name, table in schema.tables.items()
        if not name.startswith("_dlt")
        and any("data_type" in hints for hints in table["columns"].values())
    }


def written(flow: Any) -> dict[str, Counter[str]]:
    """The rows that the loader would load, by table."""
    rows: dict[str, Counter[str]] = {}
    for load_id in flow.list_normalized_load_packages():
        for job in flow.get_load_package_info(load_id).jobs["new_jobs"]:
            table = job.job_file_info.table_name
            if table.startswith("_dlt") or job.job_file_info.file_format != "jsonl":
                continue
            for line in Path(job.file_path).read_text(encoding="utf-8").splitlines():
                row = {k: v for k, v in json.loads(line).items() if not k.startswith("_dlt")}
                rows.setdefault(table, Counter())[json.dumps(row, sort_keys=True)] += 1
    return rows


def where_it_stands(state: Json) -> Json:
    """A resource's state but for what tells records of one watermark apart: of those that a merge
    would put in their own place dlt takes the key, and we all that they hold."""
    return {
        part: {
            path: {
                key: value for key, value in known.items() if key in ("initial_value", "last_value")
            }
            for path, known in values.items()
        }
        if part == "incremental"
        else values
        for part, values in state.items()
    }


# dlt never closes its sessions: after a failed run their sockets are found by the collector
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize(
    "case", slow_unless(cases(), QUICK, attrgetter("name")), ids=attrgetter("name")
)
def test_a_config_does_what_it_does_in_dlt(tmp_path, case):
    outcomes: dict[str, list[Outcome]] = {}
    with Web() as web:
        web.on("/token", {"access_token": "given", "expires_in": 3600}, method="POST")
        config = pointed(case.config, web.url + case.base.rstrip("/"))
        body = as_connector(config)
        if "secrets.token" in json.dumps(body):
            body = {"secrets": {"token": {}}, **body}
        path = str(connector_file(tmp_path, body, NAME))
        given = {"token": TOKEN} if "secrets" in body else {}
        ways = {
            "dlt": lambda: rest_api_source(config, name=NAME),
            "ours": lambda: framework.source(path, **given),
            "dlt on ours": lambda: rest_api_source(
                framework.rest_api_config(path, **given), name=NAME
            ),
        }
        for way, source in ways.items():
            blog = Blog(web)
            # the tables of the third way: of our own configs that run once, to save time
            whole = way != "dlt on ours" or (case.own and not case.again)
            made = outcomes[way] = [
                run(source(), tmp_path / way, web, more=case.again, normalize=whole)
            ]
            if case.again:
                blog.more()
                made.append(run(source(), tmp_path / way, web, normalize=whole))
    theirs = outcomes.pop("dlt")
    assert theirs[0].requests
    assert [one.failed for one in theirs] == [case.fails] * len(theirs)
    for way, ours in outcomes.items():
        for mine, dlts in zip(ours, theirs, strict=True):
            assert (mine.requests - dlts.requests, dlts.requests - mine.requests) == NONE, way
            assert mine.failed == dlts.failed, way
            assert mine.state.keys() == dlts.state.keys(), way
            for name in mine.state:
                assert where_it_stands(mine.state[name]) == where_it_stands(dlts.state[name]), (
                    way,
                    name,
                )
            if way == "dlt on ours" and not mine.tables:
                continue
            assert mine.tables.keys() == dlts.tables.keys(), way
            for table in mine.tables:
                assert mine.tables[table] == dlts.tables[table], (way, table)
            assert mine.rows == dlts.rows, way


@pytest.mark.slow
def test_the_tables_in_a_database_are_the_same_too(tmp_path):
    """Once through the loader and a second run on top: merge, replace and append in DuckDB."""
    found = {}
    with Web() as web:
        for way in ("dlt", "ours"):
            blog = Blog(web)
            config = {
                "client": {"base_url": f"{web.url}/single_page"},
                "resources": [
                    {"name": "posts", "primary_key": "id", "write_disposition": "merge"},
                    {
                        "name": "fresh",
                        "write_disposition": "replace",
                        "endpoint": {"path": "posts/{resources.posts.id}/comments"},
                    },
                    {
                        "name": "log",
                        "write_disposition": "append",
                        "endpoint": {
                            "path": "posts",
                            "incremental": {
                                "cursor_path": "id",
                                "initial_value": 1,
                                "start_param": "since",
                            },
                        },
                    },
                ],
            }
            path = str(connector_file(tmp_path, config, NAME))
            flow = pipeline(
                tmp_path / way, NAME, dlt.destinations.duckdb(str(tmp_path / f"{way}.duckdb"))
            )
            for _ in range(2):
                source = (
                    rest_api_source(config, name=NAME) if way == "dlt" else framework.source(path)
                )
                flow.run(source, loader_file_format="parquet").raise_on_failed_jobs()
                blog.more()
            found[way] = contents(flow)
    assert found["ours"] == found["dlt"]
    assert len(found["ours"]["posts"][1]) == 9


def contents(flow: Any) -> dict[str, Json]:
    """Columns with their types, and rows in order, of every data table in the dataset."""
    tables = {}
    with flow.sql_client() as client:
        columns = client.execute_sql(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = 'same_data' order by 1, 2"
        )
        for name in sorted({table for table, _, _ in columns if not table.startswith("_dlt")}):
            own = [(c, kind) for t, c, kind in columns if t == name and not c.startswith("_dlt")]
            listed = ", ".join(f'"{column}"' for column, _ in own)
            rows = client.execute_sql(f'select {listed} from "{name}" order by all')
            tables[name] = (own, [tuple(map(str, row)) for row in rows])
    return tables
