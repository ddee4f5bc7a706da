"""Engines for tests under a virtual clock: no threads, no models, times that are exact."""

from __future__ import annotations

from array import array
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio

from actors.errors import ProviderUnavailable, VoiceError
from actors.messages import Synthesis, Transcript, WordTime
from voicemode.audio.files import Sound

WORD = 0.25
"""Seconds a word takes in the fake voice; the last 0.05 of them are silent."""


def tone(seconds: float, rate: int = 16_000, level: int = 8_000) -> bytes:
    """Loud enough to be speech for ``LoudnessModel``."""
    return array("h", [level if index % 16 < 8 else -level for index in range(round(seconds * rate))]).tobytes()


def said(seconds: float) -> Sound:
    return Sound(pcm=tone(seconds), rate=16_000)


class FakeVoice:
    """Says every word in a quarter of a second, ``wait`` seconds after it was asked; may die at a word."""

    name = "fake voice"
    rate = 16_000

    def __init__(self, *, wait: float = 0.0, word_times: bool = True, dies_at: str | None = None) -> None:
        self.wait, self.word_times, self.dies_at = wait, word_times, dies_at
        self.open = 0
        self.asked: list[str] = []

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        self.asked.append(text)
        self.open += 1
        try:
            send, receive = trio.open_memory_channel[Synthesis](1)
            async with trio.open_nursery() as nursery:
                failure: list[VoiceError] = []
                nursery.start_soon(self._make, text, send, failure)
                with receive:
                    yield receive
                nursery.cancel_scope.cancel()
            if failure:
                raise failure[0]
        finally:
            self.open -= 1

    async def _make(self, text: str, send: trio.MemorySendChannel[Synthesis], failure: list[VoiceError]) -> None:
        with send:
            await trio.sleep(self.wait)
            begin, position = 0.0, 0
            for word in text.split():
                if word == self.dies_at:
                    failure.append(ProviderUnavailable(self.name, "The fake voice died."))
                    return
                start = text.index(word, position)
                position = start + len(word)
                time = WordTime(start=start, end=position, begin=begin, finish=begin + WORD - 0.05)
                begin += WORD
                pcm = tone(WORD - 0.05) + bytes(2 * round(0.05 * self.rate))
                await send.send(Synthesis(pcm=pcm, rate=self.rate, words=(time,) if self.word_times else ()))


class FakeEars:
    """Understands the same thing every time, after ``wait`` seconds; or fails."""

    name = "fake ears"

    def __init__(self, *texts: str, wait: float = 0.0, error: VoiceError | None = None) -> None:
        self.texts, self.wait, self.error = list(texts) or ["yes"], wait, error
        self.heard: list[tuple[bytes, int]] = []
        self.phrases: list[Sequence[str]] = []

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        self.heard.append((pcm, rate))
        self.phrases.append(phrases)
        await trio.sleep(self.wait)
        if self.error is not None:
            raise self.error
        return Transcript(
            text=self.texts.pop(0) if len(self.texts) > 1 else self.texts[0], engine=self.name, seconds=self.wait
        )
