"""Providers of OpenTelemetry for a process whose host has set none.  In: the environment's OTEL_*.  Out: spans and
figures over OTLP/HTTP, or on standard error.

They are shared by all conversations of a process, and closed with the last.  Everything here blocks; it is called in
threads.  A collector that is not there costs 1.5 s at the end, and the process may end then: all threads are daemons,
and nothing is left to do at its exit.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread

from attrs import define, field
from opentelemetry.environment_variables import OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from actors.errors import SettingsError

from .trouble import Trouble

LAST = 1.5
"""Seconds for sending what is left.  Whoever asks for it to be closed waits little longer."""

PROTOCOL = "http/protobuf"


@define
class _Shared:
    users: int = 0
    tracers: TracerProvider | None = None
    meters: MeterProvider | None = None
    trouble: Trouble = field(factory=Trouble)


_shared, _lock = _Shared(), Lock()


def acquire() -> tuple[TracerProvider, MeterProvider]:
    """To be released once.  Raises SettingsError for what the environment asks and we have not."""
    with _lock:
        if _shared.tracers is None or _shared.meters is None:
            resource = _resource()
            trouble = Trouble()
            spans, figures = _span_exporters(trouble), _metric_exporters(trouble)
            _shared.trouble = trouble
            _shared.tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
            for exporter in spans:
                _shared.tracers.add_span_processor(BatchSpanProcessor(exporter))
            readers = [PeriodicExportingMetricReader(exporter) for exporter in figures]
            _shared.meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        _shared.users += 1
        return _shared.tracers, _shared.meters


def release() -> None:
    """What is left is sent when nobody uses them any more, as far as ``LAST`` reaches."""
    with _lock:
        _shared.users -= 1
        if _shared.users:
            return
        providers = [each for each in (_shared.tracers, _shared.meters) if each is not None]
        _shared.tracers = _shared.meters = None
        trouble = _shared.trouble
    # neither can be told how long it may take in all that it does
    closing = [Thread(target=_close, args=(each.shutdown, trouble), daemon=True) for each in providers]
    deadline = time.monotonic() + LAST
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in closing):
        trouble.tell()


def _close(shutdown: Callable[[], None], trouble: Trouble) -> None:
    try:
        shutdown()
    except Exception:  # noqa: BLE001  the SDK's for whatever a reader of figures raises
        trouble.tell()


def users() -> int:
    """How many have acquired them and not released them."""
    return _shared.users


def _resource() -> Resource:
    resource = Resource.create()
    named = not str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return resource if named else resource.merge(Resource({SERVICE_NAME: "voicemode"}))


def _span_exporters(trouble: Trouble) -> list[SpanExporter]:
    return [
        ConsoleSpanExporter(out=sys.stderr) if name == "console" else _otlp_spans(trouble)
        for name in _exporters(OTEL_TRACES_EXPORTER)
    ]


def _metric_exporters(trouble: Trouble) -> list[MetricExporter]:
    return [
        ConsoleMetricExporter(out=sys.stderr) if name == "console" else _otlp_metrics(trouble)
        for name in _exporters(OTEL_METRICS_EXPORTER)
    ]


def _exporters(variable: str) -> Sequence[str]:
    names = [name for name in map(str.strip, os.environ.get(variable, "otlp").split(",")) if name]
    for name in names:
        if name not in {"otlp", "console", "none"}:
            raise SettingsError(
                f"{variable} is otlp, console or none here, not {name}; a program that embeds voicemode may set "
                "providers of its own."
            )
    return [name for name in names if name != "none"]


def _speaks_http(variable: str) -> None:
    asked = os.environ.get(variable) or os.environ.get(OTEL_EXPORTER_OTLP_PROTOCOL) or PROTOCOL
    if asked != PROTOCOL:
        raise SettingsError(
            f"Telemetry is sent as {PROTOCOL} here, not as {asked}: take {OTEL_EXPORTER_OTLP_PROTOCOL} out of the "
            "environment, or set it to that."
        )


def _otlp_spans(trouble: Trouble) -> SpanExporter:
    _speaks_http(OTEL_EXPORTER_OTLP_TRACES_PROTOCOL)
    from .otlp import Spans

    return Spans(trouble)


def _otlp_metrics(trouble: Trouble) -> MetricExporter:
    _speaks_http(OTEL_EXPORTER_OTLP_METRICS_PROTOCOL)
    from .otlp import Figures

    return Figures(trouble)
