"""Spans and figures for OpenTelemetry.  In: turns and agents' calls as they begin, and whole turns.  Out: what the
host's own providers make of them; where it has set none, what the environment's OTEL_* say.

Turn and agent are begun while they run and are the current span meanwhile, so that what the host traces in its agent is
their child, and the turn is the child of what was current where it was asked for.  All else is told afterwards, in a
thread.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import Token
from typing import TypeAlias

import trio
from attrs import define, field, frozen
from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.trace import ProxyTracerProvider, Span as OtelSpan, Status, StatusCode, Tracer

from . import own_providers
from .batch import Batch, Ids
from .catalogue import BOUNDS, METRICS, Metric
from .values import Attributes, Measured, Span

log = logging.getLogger(__name__)

SCOPE = "voicemode"

Entered: TypeAlias = "Token[Context]"


@frozen
class Current:
    """A span that is the current one, to the task that began it and to all that this starts meanwhile."""

    span: OtelSpan
    token: Entered
    task: trio.lowlevel.Task

    def leave(self) -> None:
        """Elsewhere, where a generator was left to be closed by somebody else, it is not current anyway."""
        if trio.lowlevel.current_task() is self.task:
            context.detach(self.token)


@define
class OpenTelemetry:
    """``own``: whether the providers are ours to close."""

    own: bool
    _tracer: Tracer
    _instruments: Mapping[Metric, Counter | Histogram]
    _told: bool = field(default=False, init=False)

    @classmethod
    def open(cls, version: str) -> OpenTelemetry:
        """Blocks for as long as OpenTelemetry takes to load.  Raises SettingsError when it cannot be had as the
        environment asks."""
        tracers = trace.get_tracer_provider()
        own = isinstance(tracers, ProxyTracerProvider)
        meters = metrics.get_meter_provider()
        if own:
            tracers, meters = own_providers.acquire()
        meter = meters.get_meter(SCOPE, version)
        return cls(own, tracers.get_tracer(SCOPE, version), {each: _instrument(meter, each) for each in METRICS})

    def begin(self, name: str, start: int, attributes: Attributes) -> Current | None:
        """``start`` in nanoseconds since 1970.  None when the host's own part of it fails."""
        try:
            span = self._tracer.start_span(name, start_time=start, attributes=dict(attributes))
            token = context.attach(trace.set_span_in_context(span))
        except Exception as error:  # noqa: BLE001 - a processor of the host's ends no turn
            if not self._told:
                self._told = True
                log.warning("OpenTelemetry cannot begin a span (%s). The conversation goes on.", type(error).__name__)
            return None
        return Current(span, token, trio.lowlevel.current_task())

    def name(self, batch: Batch) -> Ids:
        made = self._spans(batch)
        for each in batch.measured:
            _record(self._instruments[each.metric], each)
        found = [span.get_span_context() for span in made]
        if not found:
            return Ids("", ())
        above = getattr(made[0], "parent", None)
        return Ids(
            trace.format_trace_id(found[0].trace_id),
            tuple(trace.format_span_id(each.span_id) for each in found),
            None if above is None else trace.format_span_id(above.span_id),
        )

    def export(self, batch: Batch, _: Ids) -> None:
        self.name(batch)

    def close(self) -> None:
        if self.own:
            own_providers.release()

    def _spans(self, batch: Batch) -> list[OtelSpan]:
        made: list[OtelSpan] = []
        for each in batch.spans:
            begun = None if each.parent is not None and each.call is None else batch.begun.get(each.call)
            if isinstance(begun, Current):
                span = begun.span
            else:
                above = Context() if each.parent is None else trace.set_span_in_context(made[each.parent], Context())
                span = self._tracer.start_span(each.name, context=above, start_time=batch.wall(each.begin))
            made.append(span)
        for each, span in reversed([*zip(batch.spans, made, strict=True)]):
            _end(span, each, batch.wall(each.end))
        return made


def _end(span: OtelSpan, told: Span, at: int) -> None:
    span.set_attributes(dict(told.attributes))
    if told.error is not None:
        span.set_attribute("error.type", told.error)
        span.set_status(Status(StatusCode.ERROR))
    span.end(end_time=at)


def _instrument(meter: Meter, metric: Metric) -> Counter | Histogram:
    if metric.kind == "counter":
        return meter.create_counter(metric.name, metric.unit, metric.says)
    return meter.create_histogram(metric.name, metric.unit, metric.says, explicit_bucket_boundaries_advisory=BOUNDS)


def _record(instrument: Counter | Histogram, each: Measured) -> None:
    if isinstance(instrument, Counter):
        instrument.add(each.value, dict(each.attributes))
    else:
        instrument.record(each.value, dict(each.attributes))
