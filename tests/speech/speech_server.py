"""A fake speech endpoint: real HTTP on a real socket.  It answers as a test tells it to, and otherwise like one that
works: its voice is a tone, as long as the text, and it hears what a test lets it hear."""

from __future__ import annotations

import base64
import json
import struct
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import trio
from attrs import define

from tests import scripted_server
from tests.scripted_server import (
    Asked as Asked,
    HungUp as HungUp,
    Reply as Reply,
    ScriptedServer,
    hang as hang,
    hang_up as hang_up,
    head,
    listening,
    refusal as refusal,
    whole as whole,
)

RATE = 24_000
WORD = 0.3
"""Seconds of tone for each word."""


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


def streamed(
    *parts: bytes,
    kind: str = "audio/pcm",
    ends: bool = True,
    before: Callable[[int], Awaitable[None]] | None = None,
) -> Reply:
    return scripted_server.streamed(*parts, kind=kind, ends=ends, before=before)


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


@define
class SpeechServer(ScriptedServer):
    """Where there are no replies it works.  ``hears`` gives the text for a WAV file, None never gives one."""

    hears: Callable[[bytes], str | None] = lambda _: "Hello."

    def reply_to(self, asked: Asked) -> Reply:
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
    async with listening(SpeechServer(replies=list(replies), **options)) as server:
        yield server
