"""HTTP/1.1 as clients speak it, well and badly, over real sockets and, where time passes, over streams in memory."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from tests.serve.conftest import Recogniser, Serve, Served, Voice
from voicemode.serve import server
from voicemode.serve.connection import IDLE, Connection
from voicemode.serve.engines import Engines
from voicemode.serve.exchange import Message, Receive, Scope, Send
from voicemode.serve.server import GRACE
from voicemode.serve.wire import HEAD, STALLED

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def everything(stream: trio.abc.ReceiveStream) -> bytes:
    received = b""
    while data := await stream.receive_some(65_536):
        received += data
    return received


async def answer_to(served: Served, request: bytes) -> bytes:
    async with await served.connect() as stream:
        await stream.send_all(request)
        await stream.send_eof()
        with trio.fail_after(5):
            return await everything(stream)


async def test_requests_sent_at_once_are_answered_in_turn(serve: Serve) -> None:
    served = await serve()
    async with await served.connect() as stream:
        await stream.send_all(HEALTH + HEALTH + HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        with trio.fail_after(5):
            answers = await everything(stream)
    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.count(b'"status":"ok"') == 3


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 5 * HEAD + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"431"),
        (b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_http_is_answered_with_an_error_and_a_close(
    serve: Serve, request_: bytes, status: bytes
) -> None:
    head, _, body = (await answer_to(await serve(), request_)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in head.lower()
    assert list(json.loads(body)) == ["error"]


async def test_an_old_client_gets_its_answer_and_a_close(serve: Serve) -> None:
    served = await serve()
    async with await served.connect() as stream:
        await stream.send_all(b"GET /v1/models HTTP/1.0\r\nHost: localhost\r\n\r\n")
        with trio.fail_after(5):
            assert b"tts-1" in await everything(stream)


async def test_a_body_is_not_sent_for_when_it_is_refused(serve: Serve) -> None:
    served = await serve()
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    async with await served.connect() as stream:
        await stream.send_all(head % 10**9)
        assert (await stream.receive_some(12)) == b"HTTP/1.1 413"
    async with await served.connect() as stream:
        await stream.send_all(head % 16)
        assert (await stream.receive_some(1000)) == b"HTTP/1.1 100 \r\n\r\n"
        await stream.send_all(b'{"input": "Hi."}')
        assert (await stream.receive_some(12)) == b"HTTP/1.1 200"


@pytest.mark.parametrize("size", [b"ffffffff", b"x", b"-1"])
async def test_a_body_in_broken_chunks_is_answered_with_an_error(serve: Serve, size: bytes) -> None:
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await answer_to(await serve(), head + size + b"\r\nabc\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_stop_ends_connections_that_wait_at_once(serve: Serve) -> None:
    served = await serve()
    async with await served.connect() as idle, await served.connect() as half:
        await idle.send_all(HEALTH)
        assert (await idle.receive_some(12)) == b"HTTP/1.1 200"
        await half.send_all(HEALTH[:20])
        served.server.stop()
        with trio.fail_after(GRACE / 2):
            await everything(idle)
            await everything(half)
    with pytest.raises(OSError, match="failed"):
        await served.connect()


async def test_a_stop_lets_a_request_under_way_end(serve: Serve) -> None:
    voice = Voice(go_on=trio.Event())
    served = await serve(Engines(speech=voice, recogniser=Recogniser()))
    async with served.client.stream("POST", "/v1/audio/speech", json={"input": "Hi."}) as response:
        parts = response.aiter_bytes()
        await anext(parts)
        served.server.stop()
        assert voice.go_on is not None
        voice.go_on.set()
        with trio.fail_after(GRACE / 2):
            assert sum([len(part) async for part in parts]) > 0


async def test_a_stop_does_not_wait_for_a_client_that_takes_nothing(serve: Serve) -> None:
    voice = Voice(blocks=10_000)
    served = await serve(Engines(speech=voice, recogniser=Recogniser()))
    async with await served.hear_the_beginning(input="Hi."):
        served.server.stop()
        with trio.fail_after(GRACE + 0.5):
            await voice.left.wait()


async def test_too_many_clients_are_told(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 1)
    served = await serve()
    async with await served.connect() as first:
        await first.send_all(HEALTH)
        assert (await first.receive_some(12)) == b"HTTP/1.1 200"
        assert (await answer_to(served, HEALTH)).startswith(b"HTTP/1.1 503")


async def talkative(_scope: Scope, receive: Receive, send: Send) -> None:
    """Sends for ever."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": bytes(1000), "more_body": True})


async def reads(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"


@pytest.mark.parametrize(
    ("app", "pair", "sent", "patience"),
    [
        (talkative, lockstep_stream_pair, HEALTH, STALLED),
        (reads, memory_stream_pair, POST, STALLED),
        (reads, memory_stream_pair, b"", IDLE),
        (reads, memory_stream_pair, HEALTH[:20], IDLE),
    ],
)
async def test_a_client_that_does_nothing_is_given_up(
    autojump_clock: MockClock,
    app: Callable[[Scope, Receive, Send], object],
    pair: Callable[[], tuple[trio.StapledStream, trio.StapledStream]],
    sent: bytes,
    patience: float,
) -> None:
    client, ours = pair()
    connection = Connection(ours, app)  # type: ignore[arg-type]
    began = trio.current_time()
    ended = math.inf

    async def run() -> None:
        nonlocal ended
        await connection.run()
        ended = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await client.send_all(sent)
    assert began + patience <= ended <= began + patience + 1.1


async def test_a_client_cannot_pile_up_requests(autojump_clock: MockClock) -> None:
    messages: list[Message] = []

    async def listens(_scope: Scope, receive: Receive, send: Send) -> None:
        messages.append(await receive())
        messages.append(await receive())

    client, ours = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Connection(ours, listens).run)
        await client.send_all(HEALTH * 10_000)
    assert [message["type"] for message in messages] == ["http.request", "http.disconnect"]
