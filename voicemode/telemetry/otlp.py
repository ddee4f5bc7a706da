"""OpenTelemetry's exporters over HTTP, whose failures are told as ours.  In: spans and figures.  Out: what a collector
takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from .trouble import Trouble, in_our_words

LOGGERS = (OTLPSpanExporter.__module__, OTLPMetricExporter.__module__)


class Spans(OTLPSpanExporter):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__()
        self._trouble = trouble

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with in_our_words(LOGGERS):
            result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._trouble.tell()
        return result

    def shutdown(self) -> None:
        with in_our_words(LOGGERS):
            super().shutdown()  # type: ignore[no-untyped-call]


class Figures(OTLPMetricExporter):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__()
        self._trouble = trouble

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **known: Any
    ) -> MetricExportResult:
        with in_our_words(LOGGERS):
            result = super().export(metrics_data, timeout_millis, **known)
        if result is not MetricExportResult.SUCCESS:
            self._trouble.tell()
        return result

    def shutdown(self, timeout_millis: float = 30_000, **known: Any) -> None:
        with in_our_words(LOGGERS):
            super().shutdown(timeout_millis, **known)
