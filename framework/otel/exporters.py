"""What the standard OTEL_ variables ask for: an exporter of spans, one of metrics, both or none."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from framework.errors import FrameworkError
from framework.runtime.redacted_output import process_redactor

SIGNALS = ("traces", "metrics")
SERVICE = "rest-connector-framework"
_LOG = logging.getLogger(__name__)
_PROTOCOL = "http/protobuf"
_OPAQUE = re.compile(r"[^/?&=]{12,}")
_LONGEST = 5.0
"""Seconds that the end of a run waits for the exporters."""


def wanted_signals(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return which of traces and metrics the variables ask for; nothing by default.

    Raise FrameworkError for an exporter or a protocol that is not supported.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ()
    every = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    signals = []
    for signal in SIGNALS:
        name = f"OTEL_{signal.upper()}_EXPORTER"
        kind = environment.get(name)
        endpoint = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT") or every
        if kind not in (None, "", "otlp", "none"):
            raise FrameworkError(f"found {name}={kind}, expected otlp or none")
        if kind == "otlp" or (endpoint and kind != "none"):
            signals.append(signal)
            protocol = f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL"
            for one in (protocol, "OTEL_EXPORTER_OTLP_PROTOCOL"):
                if environment.get(one, _PROTOCOL) != _PROTOCOL:
                    raise FrameworkError(f"found {one}={environment[one]}, expected {_PROTOCOL}")
    return tuple(signals)


@dataclass(frozen=True)
class Providers:
    """OpenTelemetry's providers of tracers and meters, to be closed when the run has ended."""

    tracers: Any
    meters: Any

    def close(self) -> None:
        """Send what is left, for a few seconds. An exporter that fails or hangs fails no run."""
        # a shutdown retries for longer than its own time limits say
        threads = [
            threading.Thread(target=_shut_down, args=(one,), daemon=True)
            for one in (self.tracers, self.meters)
        ]
        end = time.monotonic() + _LONGEST
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            _LOG.warning("telemetry of this run is lost: not exported within %g s", _LONGEST)


def _shut_down(provider: Any) -> None:
    with suppress(Exception):
        provider.shutdown()


def open_providers(signals: tuple[str, ...]) -> Providers:
    """Return providers that export by OTLP; one whose signal is not wanted exports nothing.

    Raise FrameworkError if the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise FrameworkError(
            "the OTEL_ variables ask for telemetry, which needs OpenTelemetry: pip install "
            "'rest-connector-framework[otel]', or set OTEL_SDK_DISABLED=true"
        ) from None
    _hide_credentials(os.environ)
    named = os.environ.get("OTEL_SERVICE_NAME")
    resource = Resource.create({} if named else {"service.name": SERVICE})
    # closed by `close`; at the exit of the process they would wait again
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    if "traces" in signals:
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    readers = []
    if "metrics" in signals:
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())]
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    return Providers(tracers, meters)


def _hide_credentials(environment: Mapping[str, str]) -> None:
    """Have the credentials that the variables give to the exporter masked in all output."""
    redactor = process_redactor()
    for name, value in environment.items():
        if name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("HEADERS"):
            for pair in value.split(","):
                redactor.add(unquote(pair.partition("=")[2].strip()))
        elif name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("ENDPOINT"):
            redactor.add_url(value)
            # the exporter's messages have the path, whose long parts may be tokens
            for part in _OPAQUE.findall(value.partition("://")[2].partition("/")[2]):
                redactor.add(part)
