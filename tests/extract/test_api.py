"""`framework.source()` and `framework.rest_api_config()`: connectors in pipelines of one's own."""

import dlt
import pytest
from dlt.sources.rest_api import rest_api_source

import framework
from framework.errors import FindingsError, SettingsError, UsageError
from tests.extract.test_resource_reader import children, paged, parent_and_child
from tests.support.open_resource import connector_file, one_list, pipeline


@pytest.fixture
def shop(tmp_path, web):
    web.on("/parents", paged(4))
    web.on("/parents/{id}/children", children)
    return str(connector_file(tmp_path, parent_and_child(web.url)))


def duck(folder):
    return pipeline(folder, destination=dlt.destinations.duckdb(str(folder / "shop.duckdb")))


def counts(flow, *tables):
    with flow.sql_client() as client:
        return [client.execute_sql(f"select count(*) from {table}")[0][0] for table in tables]


def test_one_run_in_dlts_own_way_loads_parents_and_children(tmp_path, web, shop):
    flow = duck(tmp_path)
    flow.run(framework.source(shop)).raise_on_failed_jobs()
    assert counts(flow, "parents", "children") == [4, 8]
    assert web.paths().count("/parents") == 2
    assert len(web.asked) == 6


def test_a_source_used_twice_reads_twice(tmp_path, web, shop):
    source = framework.source(shop)
    assert [len(list(source)) for _ in range(2)] == [12, 12]
    assert len(web.asked) == 12


def test_a_source_is_named_after_its_connector_and_has_its_resources(shop):
    source = framework.source(shop)
    assert source.name == "shop"
    assert list(source.resources) == ["parents", "children"]


def test_a_child_alone_reads_its_parent_without_loading_it(tmp_path, web, shop):
    flow = duck(tmp_path)
    flow.run(framework.source(shop).with_resources("children")).raise_on_failed_jobs()
    assert counts(flow, "children") == [8]
    assert "parents" not in flow.default_schema.tables
    assert web.paths().count("/parents") == 2


def test_a_child_alone_leaves_its_parents_watermark(tmp_path, web):
    web.on("/parents", paged(4))
    web.on("/parents/{id}/children", children)
    incremental = {"cursor_path": "id", "initial_value": 0, "start_param": "since"}
    body = parent_and_child(web.url, parent={"incremental": incremental})
    path = str(connector_file(tmp_path, body))
    flow = duck(tmp_path)
    flow.run(framework.source(path).with_resources("children"))
    state = flow.state["sources"]["shop"]["resources"].get("parents", {})
    assert state.get("incremental", {}).get("id", {}).get("last_value", 0) == 0
    flow.run(framework.source(path))
    assert (
        flow.state["sources"]["shop"]["resources"]["parents"]["incremental"]["id"]["last_value"]
        == 3
    )
    assert counts(flow, "parents", "children") == [4, 8]


def test_children_of_dlts_own_read_from_a_resource_of_ours(web, shop):
    source = framework.source(shop)

    @dlt.transformer(data_from=source.parents)
    def doubled(parent):
        for record in parent if isinstance(parent, list) else [parent]:
            yield {"twice": record["id"] * 2}

    assert [record["twice"] for record in doubled] == [0, 2, 4, 6]


def test_the_settings_are_arguments_or_come_from_dlts_providers(tmp_path, web, monkeypatch):
    web.on(
        "/items", lambda asked: [{"seen": asked.headers["authorization"], "n": asked.param("n")}]
    )
    body = one_list(
        web.url, {"params": {"n": "{config.n}"}}, auth={"type": "bearer", "token": "{secrets.k}"}
    )
    body |= {"secrets": {"k": {}}, "config": {"n": {"type": "integer", "default": 1}}}
    path = str(connector_file(tmp_path, body))
    with pytest.raises(SettingsError, match="SOURCES__SHOP__K"):
        framework.source(path)
    monkeypatch.setenv("SOURCES__SHOP__K", "env-key")
    assert list(framework.source(path, n=5)) == [{"seen": "Bearer env-key", "n": "5"}]
    assert list(framework.source(path, k="given")) == [{"seen": "Bearer given", "n": "1"}]
    with pytest.raises(UsageError, match="colour"):
        framework.source(path, colour="red")


def test_a_file_with_errors_and_an_unknown_connector_are_refused(tmp_path):
    path = str(connector_file(tmp_path, {"client": {"base_url": "https://api.example.com"}}))
    with pytest.raises(FindingsError) as caught:
        framework.source(path)
    assert caught.value.findings
    with pytest.raises(UsageError):
        framework.rest_api_config("no_such_connector")


def test_nothing_is_asked_before_a_source_is_read(web, shop):
    framework.source(shop)
    rest_api_source(framework.rest_api_config(shop))
    assert web.asked == []


def test_dlts_own_loop_takes_the_config_and_keeps_our_words_and_guards(tmp_path, web):
    from dlt.pipeline.exceptions import PipelineStepFailed

    from tests.support.servers.web import Answer

    web.on("/items", Answer(403, {"message": "no s3cret-key"}))
    body = one_list(web.url, auth={"type": "bearer", "token": "{secrets.k}"})
    body["secrets"] = {"k": {}}
    path = str(connector_file(tmp_path, body))
    config = framework.rest_api_config(path, k="s3cret-key")
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline(tmp_path).extract(rest_api_source(config, name="shop"))
    assert "The credentials may not read this" in str(caught.value)
    assert "s3cret-key" not in str(caught.value)


def test_dlts_own_loop_does_our_steps_and_shapes(tmp_path, web):
    web.on("/items", [{"id": "1", "keep": True, "of": None}, {"id": "2", "keep": False}])
    body = one_list(web.url)
    body["resources"][0] |= {
        "schema": {
            "type": "object",
            "properties": {
                "number": {"type": "integer"},
                "of": {"type": "object", "properties": {"a": {"type": "string"}}},
            },
        },
        "processing_steps": [
            {"filter": "keep"},
            {"rename": {"id": "number"}},
            {"cast": {"number": "integer"}},
            {"remove": "keep"},
        ],
    }
    path = str(connector_file(tmp_path, body))
    ours = list(framework.source(path))
    theirs = list(rest_api_source(framework.rest_api_config(path), name="shop"))
    assert ours == theirs == [{"number": 1}]


def test_a_declared_schema_has_its_tables_with_no_row_too(tmp_path, web):
    web.on("/items", [])
    body = one_list(web.url)
    body["resources"][0]["schema"] = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}},
    }
    flow = duck(tmp_path)
    flow.run(framework.source(str(connector_file(tmp_path, body)))).raise_on_failed_jobs()
    columns = flow.default_schema.tables["items"]["columns"]
    assert {columns[name]["data_type"] for name in ("id", "at")} == {"bigint", "timestamp"}
    assert counts(flow, "items") == [0]


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        ({"endpoint": {"export": {"download": "{response.url}"}}}, "an export job"),
        ({"table_name": "items_{config.kind}"}, "a table for each list"),
        (
            {
                "endpoint": {
                    "params": {"from": "{paginator.offset}"},
                    "paginator": {"type": "offset", "limit": 2},
                }
            },
            "paging values in its request",
        ),
        (
            {
                "partitions": [{"name": "kind", "values": [1, 2]}],
                "endpoint": {"params": {"kind": "{partition.kind}"}},
            },
            "partitions",
        ),
        (
            {
                "endpoint": {
                    "incremental": {"cursor_path": "at", "start_param": "since", "format": "iso"}
                }
            },
            "an incremental with windows or times in forms of its own",
        ),
        (
            {
                "endpoint": {
                    "incremental": {"cursor_path": "at", "start_param": "since"},
                    "params": {"all": "{if(incremental.start_value, 'no', 'yes')}"},
                }
            },
            "expressions that are evaluated for each request or parent",
        ),
    ],
)
def test_what_dlt_alone_would_do_otherwise_is_refused(tmp_path, web, resource, what):
    body = one_list(web.url)
    (items,) = body["resources"]
    endpoint = {**items["endpoint"], **resource.get("endpoint", {})}
    body["resources"] = [{**items, **resource, "endpoint": endpoint}]
    if "table_name" in resource:
        body["config"] = {"kind": {"type": "string", "default": "new"}}
    with pytest.raises(SettingsError, match=f"items has {what}"):
        framework.rest_api_config(str(connector_file(tmp_path, body)))


def test_steps_that_give_several_records_or_none_do_so_in_dlt_too(tmp_path, web):
    web.on("/items", [{"id": 1, "lines": [{"n": "1"}, {"n": "x"}, {"n": "3"}]}, {"lines": []}])
    body = one_list(web.url)
    body["resources"][0]["processing_steps"] = [
        {"explode": "lines"},
        {"flatten": "lines"},
        {"cast": {"n": "integer"}, "on_error": "skip_record"},
    ]
    config = framework.rest_api_config(str(connector_file(tmp_path, body)))
    assert list(rest_api_source(config)) == [{"id": 1, "n": 1}, {"id": 1, "n": 3}]


PAGED = {"type": "cursor", "cursor_param": "at", "cursor_path": "next"}


def test_a_limit_reads_no_more_pages_than_it_allows(tmp_path, web):
    web.on("/items", paged(8))
    body = one_list(web.url, {"paginator": PAGED})
    source = framework.source(str(connector_file(tmp_path, body)))
    assert len(list(source.add_limit(1))) == 3
    assert len(web.asked) == 1
    assert len(list(source.add_limit(2))) == 6
    assert len(web.asked) == 3
    assert len(list(source.add_limit(4, count_rows=True))) == 6
    assert len(web.asked) == 5
    assert list(source.add_limit(0)) == []
    assert len(web.asked) == 5
    assert len(list(source.add_limit(None))) == 8


def test_a_limit_on_a_parent_gives_all_children_of_the_pages_read(tmp_path, web, shop):
    flow = duck(tmp_path)
    flow.run(framework.source(shop).add_limit(1)).raise_on_failed_jobs()
    assert counts(flow, "parents", "children") == [3, 6]
    assert web.paths().count("/parents") == 1
    assert len(web.asked) == 4


def test_a_limit_on_a_parent_alone_limits_its_children(tmp_path, web, shop):
    source = framework.source(shop)
    source.resources["parents"].add_limit(1)
    flow = duck(tmp_path)
    flow.run(source).raise_on_failed_jobs()
    assert counts(flow, "parents", "children") == [3, 6]


def test_a_limit_moves_no_watermark(tmp_path, web):
    web.on("/items", paged(4))
    incremental = {"cursor_path": "id", "initial_value": 0, "start_param": "since"}
    body = one_list(web.url, {"paginator": PAGED, "incremental": incremental})
    flow = duck(tmp_path)
    for limit in (1, 1, None):
        source = framework.source(str(connector_file(tmp_path, body)))
        flow.run(source.add_limit(limit)).raise_on_failed_jobs()
    assert [one.param("since") for one in web.asked] == ["0"] * 4
