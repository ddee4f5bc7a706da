"""A fake speech endpoint: real HTTP on a real socket.  It answers as a test tells it to, and otherwise like one that
works: its voice is a tone, as long as the text, and it hears what a test lets it hear."""

from __future__ import annotations

import base64
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import numpy as np
import trio
from attrs import define, field, frozen

from voicemode.groups import unwrapped

Reply: TypeAlias = Callable[[trio.SocketStream], Awaitable[None]]

RATE = 24_000
WORD = 0.3
"""Seconds of tone for each word."""


class HungUp(Exception):
    """The server closes the connection."""


@frozen
class Asked:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, bytes]:
        """The parts of a form by name."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        parts = {}
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            parts[head.partition(b'name="')[2].partition(b'"')[0].decode()] = content[:-2]
        return parts


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> bytes:
    wave = 8_000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave.astype("<i2"), channels).tobytes()


def wav(
    pcm: bytes, rate: int, channels: int = 1, *, size: int | None = None, before: bytes = b"", bits: int = 16
) -> bytes:
    """A WAV file; ``size`` is what its header says when that is not the truth, ``before`` are other chunks."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * channels * bits // 8, channels * 2, bits)
    said = len(pcm) if size is None else size
    riff = struct.pack("<4sI4s", b"RIFF", min(said + 36, 0xFFFFFFFF), b"WAVE")
    return riff + form + before + struct.pack("<4sI", b"data", said) + pcm


def head(status: str, kind: str, *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), *fields]
    return "\r\n".join((*lines, "", "")).encode()


def whole(body: bytes, kind: str = "application/json", status: str = "200 OK", *fields: str, missing: int = 0) -> Reply:
    """With ``missing`` the connection closes that many bytes before the end of the body."""

    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head(status, kind, *fields, f"Content-Length: {len(body) + missing}") + body)
        if missing:
            raise HungUp

    return reply


def refusal(status: str, message: str, *fields: str) -> Reply:
    return whole(json.dumps({"error": {"message": message}}).encode(), "application/json", status, *fields)


def streamed(
    *parts: bytes,
    kind: str = "audio/pcm",
    ends: bool = True,
    before: Callable[[int], Awaitable[None]] | None = None,
) -> Reply:
    """``parts`` as chunks; without ``ends`` the connection breaks in the middle of the body."""

    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head("200 OK", kind, "Transfer-Encoding: chunked"))
        for index, part in enumerate(parts):
            if before is not None:
                await before(index)
            await stream.send_all(b"%x\r\n%b\r\n" % (len(part), part))
        if not ends:
            raise HungUp
        await stream.send_all(b"0\r\n\r\n")

    return reply


def endless(part: bytes, kind: str = "audio/pcm") -> Reply:
    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head("200 OK", kind, "Transfer-Encoding: chunked"))
        while True:
            await stream.send_all(b"%x\r\n%b\r\n" % (len(part), part))

    return reply


def stalled(kind: str) -> Reply:
    """The head of an answer, and then nothing."""

    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head("200 OK", kind, "Content-Length: 100"))
        await trio.sleep_forever()

    return reply


async def hang(_: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def hang_up(_: trio.SocketStream) -> None:
    raise HungUp


@define
class SpeechServer:
    """Each request is answered with the next of ``replies``; when there are none, it works.

    ``hears`` gives the text for a WAV file, None never gives one.  ``left`` is set when a client goes away during an
    answer.
    """

    url: str = ""
    replies: list[Reply] = field(factory=list)
    hears: Callable[[bytes], str | None] = lambda _: "Hello."
    asked: list[Asked] = field(factory=list)
    was_asked: trio.Event = field(factory=trio.Event)
    connections: int = 0
    left: trio.Event = field(factory=trio.Event)

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        with suppress(HungUp, trio.BrokenResourceError), unwrapped(), trio.CancelScope() as scope:
            while asked := await self._request(stream):
                self.asked.append(asked)
                self.was_asked.set()
                reply = self.replies.pop(0) if self.replies else self._work(asked)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._notice_leaving, stream, scope)
                    await reply(stream)
                    nursery.cancel_scope.cancel()

    def _work(self, asked: Asked) -> Reply:
        if asked.line.endswith("/audio/transcriptions"):
            text = self.hears(asked.form["file"])
            return hang if text is None else whole(json.dumps({"text": text}).encode())
        if asked.json["voice"] == "nobody":
            return refusal("400 Bad Request", "There is no voice 'nobody'.")
        seconds = WORD * len(asked.json["input"].split()) / asked.json.get("speed", 1.0)
        pcm = tone(seconds)
        parts = [pcm[at : at + RATE // 5] for at in range(0, len(pcm), RATE // 5)]
        if asked.line.endswith("/dev/captioned_speech"):
            words = asked.json["input"].split()
            return streamed(*_captioned(parts, words, seconds / max(1, len(words))), kind="application/json")
        return streamed(*parts)

    async def _notice_leaving(self, stream: trio.SocketStream, scope: trio.CancelScope) -> None:
        with suppress(OSError):
            if await stream.socket.recv(1, socket.MSG_PEEK):
                return  # the next request, from a client that is quicker than we are
        self.left.set()
        scope.cancel()

    async def _request(self, stream: trio.SocketStream) -> Asked | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = await stream.receive_some()
            if not more:
                return None
            data += more
        top, _, body = data.partition(b"\r\n\r\n")
        line, *fields = top.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
        while len(body) < int(headers.get("content-length", 0)):
            more = await stream.receive_some()
            if not more:
                return None
            body += more
        return Asked(line.rsplit(" ", 1)[0], headers, body)


def _captioned(parts: list[bytes], words: list[str], each: float) -> Iterator[bytes]:
    """Lines as Kokoro-FastAPI writes them; every word takes ``each`` seconds."""
    waiting = deque(
        {"word": word, "start_time": at * each, "end_time": (at + 1) * each} for at, word in enumerate(words)
    )
    end = 0.0
    for part in parts:
        end += len(part) / (2 * RATE)
        begun = [waiting.popleft() for _ in tuple(waiting) if waiting[0]["start_time"] < end]
        line = {"audio": base64.b64encode(part).decode(), "audio_format": "audio/pcm", "timestamps": begun}
        yield json.dumps(line).encode() + b"\n"


@asynccontextmanager
async def serving(*replies: Reply, **options: Any) -> AsyncGenerator[SpeechServer]:
    server = SpeechServer(replies=list(replies), **options)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
            server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1"
            yield server
            nursery.cancel_scope.cancel()
