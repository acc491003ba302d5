"""A run's telemetry, as a receiver of OTLP over HTTP gets it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from framework.cli.main import main
from framework.errors import FrameworkError
from framework.otel import exporters
from framework.otel.exporters import wanted_signals
from framework.runtime.redacted_output import process_redactor, redacted_output
from tests.support.run_verbs import write_connector
from tests.support.servers.web import Answer, Web, each

SECRET = "canary-7f3a9c51e2"
BODY = """
secrets: {{api_key: {{}}}}
client:
  base_url: "{url}"
  auth: {{type: api_key, name: key, api_key: "{{secrets.api_key}}", location: query}}
  paginator: single_page
  retry: {{status_codes: [503], max_retries: 1, backoff_factor: 0}}
resource_defaults: {{write_disposition: replace}}
resources:
  - {{name: orders}}
  - {{name: lines, endpoint: {{path: "/orders/{{resources.orders.id}}/lines"}}}}
  - {{name: users}}
"""


class Receiver(Web):
    """A collector: it keeps the bodies that are posted to it."""

    def __init__(self) -> None:
        super().__init__()
        self.on("/v1/{signal}", lambda _: Answer(200, b""), "POST")

    def bodies(self, signal: str) -> list[bytes]:
        return [one.body for one in self.asked if one.path == f"/v1/{signal}"]

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies("traces")
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for body in self.bodies("metrics")
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as web:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", web.url)
        yield web  # type: ignore[misc]


@pytest.fixture(autouse=True)
def shop(web: Web, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)
    write_connector(project, BODY.format(url=web.url))
    web.on("/orders", [{"id": "order-4711"}])
    web.on("/orders/{id}/lines", [{"id": 1}, {"id": 2}])
    web.on("/users", each(Answer(503), [{"id": 1}]))


def attributes(one: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in one.attributes
    }


def test_a_run_is_a_tree_of_spans(receiver: Receiver) -> None:
    assert main(["run", "shop", "-q"]) == 0
    spans = receiver.spans()
    (run,) = (span for span in spans if span.name == "run")
    assert attributes(run)["framework.connector"] == "shop"
    assert attributes(run)["framework.status"] == "ok"
    resources = {
        attributes(span)["framework.resource"]: span for span in spans if span.name == "resource"
    }
    assert set(resources) == {"orders", "lines", "users"}
    assert all(span.parent_span_id == run.span_id for span in resources.values())
    requests = [span for span in spans if span.name == "GET"]
    told = [
        (one["framework.resource"], one["http.response.status_code"], one["server.address"])
        for one in map(attributes, requests)
    ]
    assert sorted(told) == [
        ("lines", 200, "127.0.0.1"),
        ("orders", 200, "127.0.0.1"),
        ("users", 200, "127.0.0.1"),
        ("users", 503, "127.0.0.1"),
    ]
    parents = {span.span_id: name for name, span in resources.items()}
    assert all(
        parents[span.parent_span_id] == attributes(span)["framework.resource"] for span in requests
    )
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    steps = {attributes(span)["framework.step"] for span in spans if span.name == "step"}
    assert {"extract", "normalize", "load"} <= steps


def test_metrics_have_the_numbers_of_the_report(receiver: Receiver) -> None:
    assert main(["run", "shop", "-q"]) == 0
    metrics = receiver.metrics()
    rows = {
        attributes(point)["framework.resource"]: point.as_int
        for point in metrics["framework.rows"].sum.data_points
    }
    assert rows == {"orders": 1, "lines": 2, "users": 1}
    counts = [
        point.count for point in metrics["http.client.request.duration"].histogram.data_points
    ]
    assert sum(counts) == 4


def test_no_secret_no_path_and_no_query_is_sent(receiver: Receiver) -> None:
    assert main(["run", "shop", "-q"]) == 0
    sent = b"".join(one.body for one in receiver.asked)
    assert sent
    for text in (SECRET, "order-4711", "key=", "/lines"):
        assert text.encode() not in sent


def test_a_failed_run_is_an_error(web: Web, receiver: Receiver) -> None:
    web.on("/users", Answer(500, {"secret": SECRET}))
    assert main(["run", "shop", "-q"]) == 1
    spans = {
        (span.name, attributes(span).get("framework.resource")): span for span in receiver.spans()
    }
    assert spans["run", None].status.code == 2
    assert spans["resource", "users"].status.code == 2
    assert spans["resource", "orders"].status.code == 0


def test_a_receiver_that_is_gone_fails_no_run(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert main(["run", "shop", "-q"]) == 0


def test_a_receiver_that_hangs_delays_no_run(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()

    def hang(_: object) -> Answer:
        done.wait(60)
        return Answer(200, b"")

    receiver.on("/v1/{signal}", hang, "POST")
    monkeypatch.setattr(exporters, "_LONGEST", 0.2)
    try:
        assert main(["run", "shop", "-q"]) == 0
        assert not done.is_set()  # the run ended while the receiver still had its request
    finally:
        done.set()
    assert "telemetry of this run is lost" in caplog.text


def test_a_token_in_the_address_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://user:hunter2-secret@127.0.0.1:1/token-0123456789"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    with redacted_output():
        exporters.open_providers(()).close()
        shown = process_redactor().redact(f"retries exceeded with {address}/v1/traces")
    assert "token-0123456789" not in shown
    assert "hunter2-secret" not in shown


def test_nothing_is_sent_unless_it_is_asked_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert main(["run", "shop", "-q"]) == 0
    assert receiver.asked == []


@pytest.mark.parametrize(
    ("variables", "signals"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "x"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, ("traces", "metrics")),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, ("traces",)),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, ("metrics",)),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
            ("metrics",),
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "TRUE"}, ()),
    ],
)
def test_the_standard_variables_decide(variables: dict[str, str], signals: tuple[str, ...]) -> None:
    assert wanted_signals(variables) == signals


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_is_not_supported_is_said(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FrameworkError, match="expected"):
        wanted_signals(variables)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["run", "shop", "-q"]) == 0
    said = capsys.readouterr().err
    assert "expected" in said
    assert "[telemetry-off]" in said


def test_a_library_that_is_missing_is_said_and_fails_no_run(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert main(["run", "shop", "-q"]) == 0
    assert "rest-connector-framework[otel]" in capsys.readouterr().err
    assert receiver.asked == []
