"""Whole manifests: what they become, what is said, and what cannot be read at all."""

import json

import pytest

from framework.cli.main import main
from framework.definition.finder import find_connector
from framework.definition.validation import validate
from framework.definition.yaml_reader import parse_document
from framework.importers.airbyte.convert import import_airbyte
from framework.importers.airbyte.manifest import read_manifest
from framework.importers.import_report import ManifestError, write_imported
from framework.importers.source_files import connector_name
from tests.support.airbyte_cases import FOLDER, MANIFESTS, text_of

SHOP = FOLDER / "manifests" / "shop.yaml"

STREAM = """
streams:
  - type: DeclarativeStream
    name: things
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: https://api.example.com, path: /things}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
"""


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_a_manifest_becomes_this_connector(file):
    assert text_of(import_airbyte(file)) == file.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_the_file_is_yaml_without_findings_of_its_reader(file):
    document, findings = parse_document(import_airbyte(file).text, "file.yaml")
    assert document is not None
    assert findings == []


def written(tmp_path, text):
    file = tmp_path / "source-odd" / "manifest.yaml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected an Airbyte manifest"),
        ("streams: 5", "expected an Airbyte manifest"),
        ("streams: [", ":2:1: is not valid YAML"),
        ("streams: ['#/definitions/none']", "streams[0]: the reference #/definitions/none leads"),
        ("streams: ['*ref(definitions.none)']", "*ref(definitions.none) leads nowhere"),
        ("a: '#/b'\nb: '#/a'\nstreams: ['#/a']", "leads back to itself: b -> a -> b"),
        ("streams: []", "has no stream that could be read"),
        ("streams: [1, text]", "has no stream that could be read"),
        ("\x00", "is not valid YAML"),
        ("[1, 2]", "found a list"),
        ("streams: " + "[" * 3000 + "]" * 3000, "is nested too deeply"),
        ("a: &a {b: *a}\nstreams: [*a]", "has *a inside itself"),
        ("streams: !!python/name:os.system x", "is not valid YAML"),
        (
            "streams: []\ndynamic_streams: [{components_resolver: {type: Odd}}]",
            "no stream that could be read: streams made by a Odd (dynamic_streams[0])",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, text, reason, capsys):
    file = written(tmp_path, text)
    with pytest.raises(ManifestError) as refused:
        import_airbyte(file)
    assert reason in str(refused.value)
    assert str(file) in str(refused.value)
    assert main(["import", "airbyte", str(file), "-o", str(tmp_path / "c" / "odd.yaml")]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert reason in said
    assert not (tmp_path / "c").exists()


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "picture.yaml"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(ManifestError, match="is not UTF-8 text"):
        import_airbyte(file)


def stream(name="things", **parts):
    retriever = {
        "requester": {"url_base": "https://api.example.com", "path": "/things"},
        "record_selector": {"extractor": {"field_path": []}},
    }
    return {"name": name, "retriever": {**retriever, **parts}}


def remarks_of(tmp_path, **manifest):
    found = import_airbyte(written(tmp_path, json.dumps(manifest)))
    return found, {(one.kind, one.place): one.reason for one in found.remarks}


def test_parts_of_types_that_there_are_not_are_missing(tmp_path):
    odd = {"type": "Odd"}
    streams = [
        stream("a", type="Odd"),
        stream("b", requester={"error_handler": odd, "path": "/b"}),
        stream("c", record_selector={"type": "Odd", "extractor": {"field_path": []}}),
        stream("d", paginator=odd),
        stream("e", decoder=odd),
        stream("f", requester=None),
        {**stream("g"), "type": "Odd"},
        {**stream("h"), "incremental_sync": odd, "transformations": [odd]},
    ]
    _, remarks = remarks_of(tmp_path, streams=streams)
    assert {place for kind, place in remarks if kind == "missing"} == {
        "streams[0].retriever",
        "streams[1].retriever.requester.error_handler",
        "streams[2].retriever.record_selector",
        "streams[3].retriever.paginator",
        "streams[4].retriever.decoder",
        "streams[5].retriever",
        "streams[6]",
        "streams[7].incremental_sync",
        "streams[7].transformations[0]",
    }


def test_a_second_stream_of_a_name_is_missing_unless_it_is_the_same(tmp_path):
    other = stream("a", paginator={"type": "NoPagination"})
    _, remarks = remarks_of(tmp_path, streams=[stream("a"), stream("a"), other])
    assert remarks["note", "streams[1]"] == "there is another stream a; this one is left out"
    assert ("missing", "streams[2]") in remarks


def test_names_of_every_kind_become_names_of_ours(tmp_path):
    names = ["größe", "日本", "a/b c", "select", "_dlt_loads", "A B", "a_b", "", 5, "x" * 300]
    found, _ = remarks_of(tmp_path, streams=[stream(name) for name in names])
    assert len(set(found.resources)) == len(names)
    file = tmp_path / "connectors" / "odd.yaml"
    write_imported(found, file)
    assert validate(find_connector(str(file))).findings == ()


def test_a_newer_version_of_the_language_is_told(tmp_path):
    _, remarks = remarks_of(tmp_path, version="99.1.0", streams=[stream()])
    assert "99.1.0" in remarks["note", "version"]


def test_a_template_that_fails_leaves_out_what_it_stands_in_and_nothing_else(tmp_path):
    streams = [
        stream("a", requester={"path": "/a", "request_parameters": {"x": "{{ now_utc(1) }}"}})
    ]
    found, remarks = remarks_of(tmp_path, streams=streams)
    assert found.resources == ("a",)
    assert remarks["missing", "streams[0].retriever.requester.request_parameters.x"] == (
        "the template fails (TypeError): {{ now_utc(1) }}"
    )


def test_references_that_grow_without_end_are_stopped(tmp_path):
    lines = ["l0: {a: 1, b: 2}"]
    lines += [f"l{n}: ['#/l{n - 1}', '#/l{n - 1}', '#/l{n - 1}']" for n in range(1, 9)]
    manifest = read_manifest(written(tmp_path, "\n".join(lines) + STREAM))
    assert manifest.type == "DeclarativeSource"


@pytest.mark.slow
def test_four_megabytes_of_schemas_are_read(tmp_path):
    properties = {
        f"field_{n}": {"type": ["string", "null"], "description": "x" * 80} for n in range(30_000)
    }
    loader = {"type": "InlineSchemaLoader", "schema": {"properties": properties}}
    text = f"{STREAM}    schema_loader: {json.dumps(loader)}\n"
    assert len(text) > 4_000_000
    assert len(import_airbyte(written(tmp_path, text)).schemas["things"]["properties"]) == 30_000


def test_a_file_called_manifest_is_named_after_its_folder(tmp_path):
    assert connector_name(written(tmp_path, "")) == "odd"
    assert connector_name(tmp_path / "Big-Shop.yaml") == "big_shop"


def test_the_command_writes_file_and_schemas_and_exits_0(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["import", "airbyte", str(SHOP)]) == 0
    assert "written: connectors/shop.yaml, 4 resources; 1 schema in schemas/shop" in (
        capsys.readouterr().out
    )
    assert json.loads((tmp_path / "schemas/shop/orders.json").read_text())["properties"]
    assert json.loads((tmp_path / "schemas/connector.schema.json").read_text())["$defs"]
    assert main(["import", "airbyte", str(SHOP)]) == 1
    assert "already exists" in capsys.readouterr().err
    assert main(["import", "airbyte", str(SHOP), "--force"]) == 0


def test_what_is_missing_is_in_the_report_and_the_file_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    target = "connectors/half.yaml"
    arguments = ["import", "airbyte", str(FOLDER / "manifests" / "incomplete.yaml"), "-o", target]
    assert main([*arguments, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["connector"] == "half"
    assert report["file"] == target
    assert report["complete"] is False
    assert {one["resource"] for one in report["missing"]} == {"things"}
    assert "streams[0].retriever.decoder" in {one["place"] for one in report["missing"]}
    text = (tmp_path / target).read_text()
    assert all(one["place"] in text for one in report["missing"])


def test_a_file_that_cannot_be_a_connectors_name_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "import",
                "airbyte",
                str(SHOP),
                "-o",
                "connectors/My-Shop.yaml",
            ]
        )
        == 2
    )
    assert "write -o connectors/my_shop.yaml" in capsys.readouterr().err


def remarks(tmp_path, text):
    """The connector and what is said of it."""
    found = import_airbyte(written(tmp_path, text))
    return found.text, [one.reason for one in found.remarks]


def test_a_page_size_under_the_name_of_the_offset_is_not_sent_and_said(tmp_path):
    option = "{type: RequestOption, inject_into: request_parameter, field_name: skip}"
    paginator = f"""      paginator:
        type: DefaultPaginator
        page_token_option: {option}
        page_size_option: {option}
        pagination_strategy: {{type: OffsetIncrement, page_size: 50}}
"""
    text, said = remarks(tmp_path, STREAM + paginator)
    assert "offset_param: skip" in text
    assert "limit_param: skip" not in text
    assert any("page size as skip" in one for one in said)


def test_a_path_without_its_branch_is_empty_and_not_null(tmp_path):
    path = "{% if config['deep'] %}/all/things{% endif %}"
    text, _ = remarks(tmp_path, STREAM.replace("path: /things", f'path: "{path}"'))
    assert "if(config.deep, '/all/things', '')" in text


def test_a_refresh_token_from_an_input_that_is_not_declared_is_said(tmp_path):
    auth = """{type: OAuthAuthenticator, client_id: a, client_secret: b,
        refresh_token: "{{ config['token'] }}", token_refresh_endpoint: https://api.example.com/t,
        refresh_token_updater: {refresh_token_config_path: [kept_token]}}"""
    spec = """
spec:
  type: Spec
  connection_specification: {properties: {token: {type: string, airbyte_secret: true}}}
"""
    requester = f"path: /things, authenticator: {auth}"
    text, said = remarks(tmp_path, STREAM.replace("path: /things", requester) + spec)
    assert 'refresh_token: "{secrets.token}"' in text
    assert any("from the input kept_token" in one for one in said)


def test_a_filter_by_what_is_never_there_does_not_drop_every_record_in_silence(tmp_path):
    selector = "record_selector: {type: RecordSelector,"
    condition = "record_filter: {condition: \"{{ record.day >= stream_slice['none'] }}\"},"
    text, said = remarks(tmp_path, STREAM.replace(selector, f"{selector} {condition}"))
    assert "processing_steps" not in text
    assert any("compares with a value that is always null" in one for one in said)


def test_one_page_for_want_of_a_page_parameter_keeps_its_size(tmp_path):
    paginator = """      paginator:
        type: DefaultPaginator
        page_size_option:
          {type: RequestOption, inject_into: request_parameter, field_name: per_page}
        pagination_strategy: {type: PageIncrement, page_size: 50}
"""
    text, said = remarks(tmp_path, STREAM + paginator)
    assert "params: {per_page: 50}" in text
    assert "single_page" in text
    assert any("says which page it wants" in one for one in said)


def test_what_validate_would_refuse_is_missing(tmp_path):
    path = "/things/{{ stream_state.updated_at }}"
    requester = {"url_base": "https://api.example.com", "path": path}
    _, remarks = remarks_of(tmp_path, streams=[stream(requester=requester)])
    reason = remarks["missing", "resources[0]"]
    assert reason.endswith("[placeholder-without-incremental]")


def test_a_granularity_of_zero_is_left_out(tmp_path):
    option = {"inject_into": "request_parameter", "field_name": "since"}
    cursor = {
        "type": "DatetimeBasedCursor",
        "cursor_field": "at",
        "datetime_format": "%Y-%m-%d",
        "start_datetime": "2026-01-01",
        "step": "P1D",
        "cursor_granularity": "PT0S",
        "start_time_option": option,
    }
    found, remarks = remarks_of(tmp_path, streams=[{**stream(), "incremental_sync": cursor}])
    assert "step: P1D" in found.text
    assert "granularity" not in found.text
    assert "missing" not in {kind for kind, _ in remarks}
