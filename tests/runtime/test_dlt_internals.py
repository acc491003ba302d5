"""dlt's private names: each one does in the installed dlt what the framework expects of it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dlt
import pyarrow as pa
import pytest
import requests
from dlt.common import logger
from dlt.common.destination import Destination
from dlt.common.schema.utils import new_table
from dlt.common.storages.load_package import create_load_id
from dlt.common.time import increasing_precise_time
from dlt.destinations.job_client_impl import SqlLoadJob
from dlt.destinations.sql_jobs import SqlMergeFollowupJob
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator, PageNumberPaginator

import framework
from framework.errors import FrameworkError
from framework.runtime import dlt_internals

ROOT = Path(framework.__file__).parent


@pytest.mark.parametrize("version", ["1.31.0", "1.31.7", "1.31.0a1", "1.31"])
def test_tested_versions_pass(version: str) -> None:
    dlt_internals.check_version(version)


@pytest.mark.parametrize("version", ["1.30.9", "1.32.0", "2.0.0", "0.5", "unknown"])
def test_other_versions_are_refused_with_a_remedy(version: str) -> None:
    with pytest.raises(FrameworkError, match=r"expected dlt>=1\.31,<1\.32.*pip install"):
        dlt_internals.check_version(version)


def test_pyproject_has_the_same_bounds() -> None:
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    bounds = {one.partition("]")[2] for names in lists for one in names if one.startswith("dlt[")}
    assert bounds == {">=1.31,<1.32"}
    assert (dlt_internals.TESTED, dlt_internals.UNTESTED) == ((1, 31), (1, 32))


def test_a_missing_name_is_an_error_that_names_it() -> None:
    with pytest.raises(FrameworkError, match=r"has no `RESTClient\._gone`"):
        dlt_internals.private(RESTClient, "_gone")


def test_next_reference_and_set_next_reference() -> None:
    paginator = JSONLinkPaginator("next")
    assert dlt_internals.next_reference(paginator) is None
    dlt_internals.set_next_reference(paginator, "https://api.test/2")
    assert dlt_internals.next_reference(paginator) == "https://api.test/2"
    request = requests.Request("GET", "https://api.test/1")
    paginator.update_request(request)
    assert request.url == "https://api.test/2"
    dlt_internals.set_next_reference(paginator, None)
    assert not paginator.has_next_page


def test_end_pagination() -> None:
    paginator = PageNumberPaginator(total_path=None)
    assert paginator.has_next_page
    dlt_internals.end_pagination(paginator)
    assert not paginator.has_next_page


@pytest.mark.parametrize("enabled", [True, False])
def test_the_client_formats_log_lines_only_for_a_log(
    enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[Any] = []
    monkeypatch.setattr(RESTClient, "_log_request", lambda *args, **_: lines.append(args))
    monkeypatch.setattr(logger, "isEnabledFor", lambda _: enabled, raising=False)
    client = dlt_internals.QuietRESTClient("https://api.test", session=_session())
    client.get("/things")
    assert len(lines) == enabled


def _session() -> Any:
    class Session(requests.Session):
        def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
            response = requests.Response()
            response.status_code, response.request = 200, request
            return response

    return Session()


def test_mark_resolved_keeps_dlt_from_looking_fields_up() -> None:
    class Auth(AuthConfigBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            return request

    assert not Auth().is_resolved()
    assert dlt_internals.mark_resolved(Auth()).is_resolved()


def test_the_range_of_an_external_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLT_INTERVAL_START", "2024-01-01T00:00:00Z")
    monkeypatch.setenv("DLT_INTERVAL_END", "2024-01-02T00:00:00Z")
    assert dlt_internals.scheduler_interval(None) is None
    found = dlt_internals.scheduler_interval(True)
    assert found is not None
    assert [moment.isoformat() for moment in found] == [
        "2024-01-01T00:00:00+00:00",
        "2024-01-02T00:00:00+00:00",
    ]
    monkeypatch.delenv("DLT_INTERVAL_END")
    with pytest.raises(dlt_internals.NoInterval):
        dlt_internals.scheduler_interval(True)


def test_a_nested_table_names_its_resource_for_metrics_only() -> None:
    table = dlt_internals.NestedTable({"name": "things__parts", "parent": "things"}, "things")
    assert table["resource"] == "things"
    assert "resource" not in table
    assert table.get("resource") is None
    with pytest.raises(KeyError):
        table["filters"]


def test_rows_of_a_nested_table_can_be_extracted_by_its_name(tmp_path: Path) -> None:
    """dlt's metrics read the resource of each table with rows: the reason for NestedTable."""

    @dlt.resource(name="things")
    def rows() -> Any:
        yield {"id": 1}
        schema = dlt.current.source_schema()
        schema.update_table(new_table("things__parts", parent_table_name="things"))
        nested: Any = dlt_internals.NestedTable(schema.tables["things__parts"], "things")
        schema.tables["things__parts"] = nested
        yield dlt.mark.with_table_name(pa.table({"name": ["wheel"]}), "things__parts")

    resource = rows()
    resource.apply_hints(
        table_name="things__parts", parent_table_name="things", create_table_variant=True
    )
    pipeline = dlt.pipeline("nested", pipelines_dir=str(tmp_path), destination="duckdb")
    pipeline.extract(resource)
    schema = pipeline.default_schema
    assert dlt_internals.remove_variant_hints(schema)
    assert not dlt_internals.remove_variant_hints(schema)
    table = schema.tables["things__parts"]
    assert not {"variant_name", "write_disposition"} & table.keys()
    assert table["parent"] == "things"


def test_tables_are_inferred_in_a_schema_of_their_own() -> None:
    capabilities = Destination.from_reference("duckdb").capabilities()
    schema = dlt.Schema("things")
    table = new_table("things", write_disposition="merge", columns=[{"name": "id"}])
    schema.update_table(table)
    inference = dlt_internals.TableInference(schema, capabilities)
    assert inference.add("things", {"id": 1, "at": "2026-01-01T00:00:00Z", "parts": [{"no": 1}]})
    assert not inference.add("things", {"id": 2, "at": None, "parts": []})
    assert inference.add("things", {"id": "x"})
    columns = schema.tables["things"]["columns"]
    found = {name: column["data_type"] for name, column in columns.items()}
    assert found == {
        "id": "bigint",
        "at": "timestamp",
        "_dlt_load_id": "text",
        "_dlt_id": "text",
        "id__v_text": "text",
    }
    # what a merge needs
    assert schema.tables["things__parts"]["columns"]["_dlt_root_id"]["root_key"]


def test_load_ids_follow_the_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(increasing_precise_time, "_last", increasing_precise_time._last)
    later = float(create_load_id()) + 1000
    dlt_internals.number_loads_after(str(later))
    assert float(create_load_id()) > later
    dlt_internals.number_loads_after("not a number")
    dlt_internals.number_loads_after("1.0")
    assert float(create_load_id()) > later


def test_a_package_is_reset_to_before_its_first_job(tmp_path: Path) -> None:
    storage = dlt_internals.package_storage(tmp_path)
    storage.create_package("1.0")
    folder = tmp_path / "1.0"
    jobs = ["things.1.0.parquet", "things.2.0.parquet", "things.3.0.sql"]
    for state, name in zip(("completed_jobs", "started_jobs", "new_jobs"), jobs, strict=True):
        (folder / state / name).write_text("")
    (folder / "failed_jobs" / "things.4.0.parquet.exception").write_text("")
    dlt_internals.reset_package(storage, "1.0")
    assert sorted(file.name for file in (folder / "new_jobs").iterdir()) == jobs[:2]
    for state in ("started_jobs", "completed_jobs", "failed_jobs"):
        assert not [*(folder / state).iterdir()]
    assert json.loads((folder / "schema_updates.json").read_text()) == {}


def test_temp_table_names_are_dlts() -> None:
    client = SimpleNamespace(
        escape_column_name=lambda name, *_: name,
        make_qualified_table_name=lambda name: name,
        capabilities=SimpleNamespace(max_identifier_length=63),
    )
    name = dlt_internals.temp_table_name(SqlMergeFollowupJob, "things", "delete", client)
    assert "things" in name
    assert "delete" in name
    assert name != dlt_internals.temp_table_name(SqlMergeFollowupJob, "things", "delete", client)


def test_one_statement_per_line() -> None:
    @dlt_internals.one_statement_per_line
    class Statements(SqlLoadJob):
        pass

    assert Statements._split_fragments(None, "SELECT ';'\n\nSELECT 2\n") == [  # type: ignore[arg-type]
        "SELECT ';'",
        "SELECT 2",
    ]


PRIVATE = {
    *("_next_reference", "_has_next_page", "_log_request", "__is_resolved__"),
    *("_new_temp_table_name", "_split_fragments"),
}


def test_no_other_module_uses_a_private_name() -> None:
    for path in ROOT.rglob("*.py"):
        if path.name == "dlt_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in PRIVATE:
                raise AssertionError(f"{path}:{node.lineno}")
            assert not (isinstance(node, ast.FunctionDef) and node.name in PRIVATE), path


@pytest.mark.parametrize("verb", [["--help"], ["list"], ["validate", "scheduling"]])
def test_fast_verbs_do_not_import_dlt(verb: list[str]) -> None:
    code = (
        "import sys\nfrom framework.cli.main import entry\nsys.argv[1:] = "
        f"{verb!r}\ntry:\n    entry()\nexcept SystemExit:\n    pass\n"
        "assert not {'dlt', 'requests', 'framework.runtime.dlt_internals'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
