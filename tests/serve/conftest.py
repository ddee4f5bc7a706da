"""A speech server in the test's own process behind a real socket, with the real engines or with ones that obey."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import httpx
import pytest
import trio
from attrs import define, field, frozen

from actors.messages import HeardWord, Synthesis, Transcript
from voicemode.groups import unwrapped
from voicemode.serve.app import SpeechService
from voicemode.serve.engines import Engines
from voicemode.serve.server import Server, open_listeners, url_of

BLOCK = Synthesis(pcm=b"\1\0" * 1323, rate=22_050)
"""60 ms of sound."""


@define
class Voice:
    """Says as many blocks as it is told, and then waits until it may ``go_on``."""

    name: str = "voice"
    rate: int = 22_050
    blocks: int = 1
    go_on: trio.Event | None = None
    begun: trio.Event = field(factory=trio.Event)
    left: trio.Event = field(factory=trio.Event)

    async def voices(self) -> list[str]:
        return ["en-us"]

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        self.begun.set()
        send, receive = trio.open_memory_channel[Synthesis](0)
        try:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._say, send)
                    yield receive
                    nursery.cancel_scope.cancel()
        finally:
            self.left.set()

    async def _say(self, send: trio.MemorySendChannel[Synthesis]) -> None:
        with send:
            for _ in range(self.blocks):
                await send.send(BLOCK)
            if self.go_on is not None:
                await self.go_on.wait()


@define
class FailingVoice(Voice):
    """Raises ``failure`` where a real engine does: out of its context, after its blocks."""

    failure: Exception = field(kw_only=True)

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](self.blocks)
        with send, receive:
            for _ in range(self.blocks):
                send.send_nowait(BLOCK)
            send.close()
            yield receive
        raise self.failure


@define
class Recogniser:
    """Hears ``text`` in everything, at once or when it may ``go_on``."""

    name: str = "recogniser"
    text: str = "a word"
    words: tuple[HeardWord, ...] = ()
    go_on: trio.Event | None = None
    heard: list[tuple[bytes, int, tuple[str, ...]]] = field(factory=list)
    begun: trio.Event = field(factory=trio.Event)
    left: trio.Event = field(factory=trio.Event)

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        self.heard.append((pcm, rate, tuple(phrases)))
        self.begun.set()
        try:
            if self.go_on is not None:
                await self.go_on.wait()
        finally:
            self.left.set()
        return Transcript(text=self.text, engine=self.name, seconds=0.0, words=self.words)


@frozen
class Served:
    server: Server
    client: httpx.AsyncClient
    port: int

    async def connect(self) -> trio.SocketStream:
        """A connection whose bytes the test writes and reads itself."""
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def hear_the_beginning(self, **fields: object) -> trio.SocketStream:
        """A connection on which speech has begun to arrive."""
        stream = await self.connect()
        body = json.dumps(fields).encode()
        head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        await stream.send_all(head + body)
        assert await stream.receive_some(12) == b"HTTP/1.1 200"
        return stream


Serve: TypeAlias = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(nursery: trio.Nursery) -> AsyncIterator[Serve]:
    """``await serve(engines)``, or with engines that do the least when there are none."""
    clients: list[httpx.AsyncClient] = []

    async def start(engines: Engines | None = None, *, local_only: bool = True) -> Served:
        engines = engines or Engines(speech=Voice(), recogniser=Recogniser())
        server = Server(SpeechService(engines, local_only=local_only))
        listeners = await nursery.start(server.run, await open_listeners("127.0.0.1", 0))
        client = httpx.AsyncClient(base_url=url_of(listeners[0]), verify=False, timeout=10)  # noqa: S501 - no TLS here
        clients.append(client)
        return Served(server, client, listeners[0].socket.getsockname()[1])

    yield start
    for client in clients:
        await client.aclose()


@pytest.fixture
async def engines(require: Callable[[object, str], None]) -> Engines:
    """The real ones."""
    loaded = await Engines.load()
    require(not loaded.missing, " ".join(map(str, loaded.missing)))
    return loaded


def error_of(response: httpx.Response) -> dict[str, object]:
    """What is wrong, which is told in OpenAI's shape and in nothing else."""
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json().values()
    assert list(response.json()) == ["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["type"] == ("server_error" if response.status_code >= 500 else "invalid_request_error")
    found: dict[str, object] = error
    return found
