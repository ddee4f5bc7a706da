"""OpenTelemetry gets the same spans and figures: from the host's own providers, or over the wire where it has none."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

import voicemode.aio
import voicemode.sync
from actors.errors import SettingsError
from tests.conversing import GREETING, Room, conversing
from tests.fakes import FakeEars, said
from tests.telemetry.telling import Told, lines, told as told, told_to
from voicemode import Message, Settings

WHY = "the extra telemetry is not installed"
for needed in ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"):
    pytest.importorskip(needed, reason=WHY)

from opentelemetry import context, metrics, trace  # noqa: E402 - only where it is there
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest  # noqa: E402
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF  # noqa: E402
from opentelemetry.trace import StatusCode  # noqa: E402

from voicemode.telemetry import own_providers  # noqa: E402
from voicemode.telemetry.trouble import UNTAKEN, in_our_words  # noqa: E402

MARMALADE, XYLOPHONE = "marmalade three four five six.", "xylophone"


@define
class Host:
    """A program that has set up OpenTelemetry for itself."""

    spans: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    tracers: Any = field(factory=lambda: TracerProvider(shutdown_on_exit=False))
    reader: InMemoryMetricReader = field(factory=InMemoryMetricReader)
    meters: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    @property
    def ended(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.spans.get_finished_spans()}

    @property
    def points(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: metric.data.data_points for scope in scopes for metric in scope.metrics}

    async def agent(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        with self.tracers.get_tracer("host").start_as_current_span("chat"):
            yield MARMALADE
            with self.tracers.get_tracer("host").start_as_current_span("execute_tool"):
                await trio.sleep(0.1)
            yield "And more."


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: host.tracers)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: host.meters)
    return host


async def converse(host: Host, base: Path, telemetry: str = "otel", **known: Any) -> None:
    room = Room()
    settings = told_to(base, telemetry=telemetry, **known)
    async with conversing(room, settings=settings, stt=FakeEars(XYLOPHONE)) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 6.0)
        await conversation.converse(host.agent)


def nested(host: Host) -> bool:
    ended = host.ended
    chat, call, turn, request = (ended[name] for name in ("chat", "invoke_agent agent", "voicemode.turn", "request"))
    return (parent(chat), parent(call), parent(turn)) == (number(call), number(turn), number(request))


def parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def number(span: ReadableSpan) -> int:
    return span.get_span_context().span_id


def test_what_an_agent_in_asyncio_traces_is_below_its_turn_and_that_below_the_request(
    tmp_path: Path, host: Host
) -> None:
    tracer = host.tracers.get_tracer("host")

    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        with tracer.start_as_current_span("chat"):
            yield "Hello."

    async def main() -> None:
        settings = Settings(text=True, base_dir=tmp_path, telemetry="otel")
        async with voicemode.aio.open_conversation(settings) as conversation:
            with tracer.start_as_current_span("request"):
                await conversation.say(agent)

    asyncio.run(main())
    assert nested(host)


def test_what_a_plain_agent_traces_is_below_its_turn_and_that_below_the_request(tmp_path: Path, host: Host) -> None:
    tracer = host.tracers.get_tracer("host")

    def agent(transcript: str, history: Sequence[Message]) -> Iterator[str]:
        with tracer.start_as_current_span("chat"):
            yield "Hello."

    settings = Settings(text=True, base_dir=tmp_path, telemetry="otel")
    with voicemode.sync.open_conversation(settings) as conversation, tracer.start_as_current_span("request"):
        conversation.say(agent)
    assert nested(host)


async def test_what_the_agent_traces_is_below_its_call_and_that_below_the_turn(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    await converse(host, tmp_path)
    ended = host.ended
    assert {*ended} == {*told.turn, "chat", "execute_tool"}
    assert parent(ended["voicemode.turn"]) is None
    assert parent(ended["invoke_agent agent"]) == number(ended["voicemode.turn"])
    assert parent(ended["chat"]) == number(ended["invoke_agent agent"])
    assert parent(ended["execute_tool"]) == number(ended["chat"])
    assert len({span.context.trace_id for span in ended.values()}) == 1
    for span in told.turn.values():
        shown = ended[span.name]
        assert shown.end_time - shown.start_time == pytest.approx(1e9 * (span.end - span.begin), abs=1000)
        assert {**shown.attributes} == {**span.attributes}


async def test_a_turn_is_the_child_of_what_was_current_where_it_was_asked_for(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    with host.tracers.get_tracer("host").start_as_current_span("request") as request:
        await converse(host, tmp_path)
        assert trace.get_current_span() is request
    assert parent(host.ended["voicemode.turn"]) == number(host.ended["request"])


async def test_nothing_is_current_any_more_after_a_turn_that_was_cancelled(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    before = context.get_current()
    async with conversing(Room(), settings=told_to(tmp_path, telemetry="otel")) as conversation:
        with trio.move_on_after(1.0):
            await conversation.converse(GREETING)
        assert context.get_current() == before
    assert host.ended["voicemode.turn"].attributes["voicemode.turn.outcome"] == "stopped"


async def test_an_agent_that_fails_has_an_error_without_its_sentence(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    async def broken(transcript: str, history: Sequence[Message]) -> str:
        raise ArithmeticError(XYLOPHONE)

    async with conversing(Room(), settings=told_to(tmp_path, telemetry="otel")) as conversation:
        with pytest.raises(ArithmeticError):
            await conversation.say(broken)
    span = host.ended["invoke_agent broken"]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.attributes["error.type"] == "ArithmeticError"
    assert span.events == ()


async def test_figures_are_recorded(autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host) -> None:
    await converse(host, tmp_path)
    [turns] = host.points["voicemode.turns"]
    assert (turns.value, {**turns.attributes}) == (1, {"voicemode.turn.outcome": "heard"})
    [first] = host.points["voicemode.text_to_sound"]
    assert (first.count, len(first.bucket_counts)) == (1, 20)


async def test_no_word_that_was_said_is_in_spans_or_figures(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    await converse(host, tmp_path)
    shown = "".join(span.to_json() for span in host.spans.get_finished_spans()) + str(host.reader.get_metrics_data())
    for word in (*MARMALADE.rstrip(".").split(), XYLOPHONE, "more"):
        assert word not in shown


async def test_the_file_calls_the_spans_as_opentelemetry_does(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    await converse(host, tmp_path, telemetry="both")
    ours = {span["name"]: span["span_id"] for span in lines(tmp_path) if span["kind"] == "span"}
    assert ours == {name: trace.format_span_id(number(host.ended[name])) for name in ours}


async def test_a_trace_that_is_not_sampled_costs_nothing_and_breaks_nothing(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host
) -> None:
    host.tracers = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    host.tracers.add_span_processor(SimpleSpanProcessor(host.spans))
    await converse(host, tmp_path)
    assert host.ended == {}


async def test_a_host_whose_own_part_fails_is_told_once_and_the_turn_goes_on(
    autojump_clock: MockClock, tmp_path: Path, told: Told, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            raise ArithmeticError(XYLOPHONE)

    async def agent(transcript: str, history: Sequence[Message]) -> str:
        return MARMALADE

    host.tracers.add_span_processor(Broken())
    with caplog.at_level(logging.WARNING):
        async with conversing(Room(), settings=told_to(tmp_path, telemetry="otel")) as conversation:
            assert (await conversation.say(agent)).spoken.complete
    assert "cannot begin a span (ArithmeticError)" in caplog.text


@define
class Collector:
    """Takes OTLP over HTTP."""

    url: str
    status: int = 200
    posts: list[tuple[str, bytes]] = field(factory=list[tuple[str, bytes]])

    @property
    def spans(self) -> list[Any]:
        bodies = [ExportTraceServiceRequest.FromString(body) for path, body in self.posts if path == "/v1/traces"]
        return [
            span
            for body in bodies
            for resource in body.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> set[str]:
        bodies = [ExportMetricsServiceRequest.FromString(body) for path, body in self.posts if path == "/v1/metrics"]
        scopes = [scope for body in bodies for resource in body.resource_metrics for scope in resource.scope_metrics]
        return {metric.name for scope in scopes for metric in scope.metrics}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    class Post(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.posts.append((self.path, body))
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    server.shutdown()
    thread.join()
    server.server_close()


async def greet(base: Path) -> None:
    settings = Settings(text=True, base_dir=base, telemetry="otel")
    async with voicemode.open_conversation(settings) as conversation:
        await conversation.say(MARMALADE)


async def test_where_the_host_has_no_providers_it_is_sent_as_the_environment_says(
    tmp_path: Path, collector: Collector
) -> None:
    async with trio.open_nursery() as nursery:
        # two at once share what sends it
        nursery.start_soon(greet, tmp_path)
        nursery.start_soon(greet, tmp_path)
    assert [span.name for span in collector.spans] == ["voicemode.turn"] * 2
    assert "voicemode.turns" in collector.metrics
    assert own_providers.users() == 0
    assert all(b"marmalade" not in body for _, body in collector.posts)
    [resource] = {
        (pair.key, pair.value.string_value)
        for body in (ExportTraceServiceRequest.FromString(body) for path, body in collector.posts if "traces" in path)
        for each in body.resource_spans
        for pair in each.resource.attributes
        if pair.key == "service.name"
    }
    assert resource == ("service.name", "voicemode")


async def test_a_collector_that_is_not_there_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    await greet(tmp_path)
    assert collector.spans == []


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp, console or none here, not zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "as http/protobuf here, not as grpc"),
    ],
)
async def test_what_the_environment_asks_and_we_have_not_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=said):
        await greet(tmp_path)
    assert own_providers.users() == 0


async def test_exporters_can_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collector: Collector) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    await greet(tmp_path)
    assert collector.posts == []


class Listening:
    """A port that takes connections and never answers, or with ``refusing`` one where nobody is."""

    def __init__(self, *, refusing: bool) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        if refusing:
            self._socket.close()

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("refusing", [True, False], ids=["refused", "never answered"])
def test_without_a_collector_the_process_ends_and_says_so_in_one_sentence(tmp_path: Path, refusing: bool) -> None:
    program = (
        "import trio, voicemode\n"
        "from voicemode.telemetry import own_providers\n"
        "own_providers.LAST = 0.1\n"
        f"settings = voicemode.Settings(text=True, base_dir={str(tmp_path)!r}, telemetry='otel')\n"
        "async def main():\n"
        "    async with voicemode.open_conversation(settings) as conversation:\n"
        "        await conversation.say('marmalade')\n"
        "trio.run(main)\n"
    )
    where = Listening(refusing=refusing)
    # the SDK itself would try for as long as that, or for half a minute if nobody is there
    known = {"OTEL_EXPORTER_OTLP_ENDPOINT": where.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | known,
            capture_output=True,
            text=True,
            timeout=25,
            check=True,
        )
    finally:
        where.close()
    assert done.stderr.splitlines() == [UNTAKEN]


async def test_a_collector_that_refuses_what_is_sent_is_told_of_once(
    tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    await greet(tmp_path)
    assert [record.getMessage() for record in caplog.records] == [UNTAKEN]


def test_a_hosts_own_exporter_is_not_silenced(caplog: pytest.LogCaptureFixture) -> None:
    with in_our_words(["opentelemetry.exporter"]):
        logging.getLogger("opentelemetry.exporter").warning("ours")
        other = threading.Thread(target=logging.getLogger("opentelemetry.exporter").warning, args=("theirs",))
        other.start()
        other.join()
    logging.getLogger("opentelemetry.exporter").warning("theirs again")
    assert [record.getMessage() for record in caplog.records] == ["theirs", "theirs again"]
