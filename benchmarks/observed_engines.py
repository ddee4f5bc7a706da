"""Engines whose calls are known to the benchmark: the good ones of last resort, and others seen from outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field, frozen
from marked_voice import RATE, MarkedVoice

from actors.messages import SAMPLE_BYTES, Synthesis, Transcript, WordTime
from actors.ports import Hearing, LiveSpeechToText, SpeechToText, TextToSpeech
from voicemode.groups import unwrapped

Asked = list[tuple[float, str]]
"""When which engine was asked."""


@define
class GoodEars:
    """The engine of last resort: keeps what it was given."""

    texts: dict[bytes, str]
    name: str = "good ears"
    sounds: list[bytes] = field(factory=list[bytes])

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        await trio.lowlevel.checkpoint()
        self.sounds.append(pcm)
        return Transcript(text=self.texts.get(pcm, "(something else)"), engine=self.name, seconds=0.0)


@define
class GoodVoice:
    """The voice of last resort, marked as the others are."""

    voice: MarkedVoice
    name: str = "good voice"
    rate: int = RATE

    @asynccontextmanager
    async def speak(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        pcm, words = await self.voice.say(text)
        send, receive = trio.open_memory_channel[Synthesis](1)
        with receive:
            with send:
                send.send_nowait(Synthesis(pcm=pcm, rate=RATE, words=words))
            yield receive


@define
class TimedVoice:
    """Gives word times to an engine that has none, because what it says is known here."""

    engine: TextToSpeech
    voice: MarkedVoice
    name: str = field(init=False)
    rate: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.name, self.rate = self.engine.name, self.engine.rate

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](0)
        async with self.engine.speak(text, voice=voice, speed=speed) as parts:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._add_times, text, parts, send)
                    with receive:
                        yield receive
                    nursery.cancel_scope.cancel("whoever listened is done")

    async def _add_times(
        self, text: str, parts: trio.MemoryReceiveChannel[Synthesis], send: trio.MemorySendChannel[Synthesis]
    ) -> None:
        samples, words = 0, list[WordTime]()
        with send, suppress(trio.BrokenResourceError):
            async for part in parts:
                words = words if samples else list(await self.voice.times(text))
                samples += len(part.pcm) // SAMPLE_BYTES
                begun = tuple(word for word in words if word.begin * part.rate < samples)
                del words[: len(begun)]
                await send.send(Synthesis(pcm=part.pcm, rate=part.rate, words=begun))


@define
class AskedRecogniser:
    """Notes when it is asked."""

    engine: SpeechToText
    asked: Asked
    name: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.name = self.engine.name

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        self.asked.append((trio.current_time(), self.name))
        return await self.engine.transcribe(pcm, rate, phrases=phrases)


@define
class AskedLive(AskedRecogniser):
    """Hears an utterance while it is being said; it is asked when that has ended."""

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[Hearing]:
        if not isinstance(self.engine, LiveSpeechToText):
            raise TypeError(f"{self.name} hears whole utterances only")
        async with self.engine.listen(rate, phrases=phrases, partial=partial) as hearing:
            yield _AskedHearing(hearing, self)


@frozen
class _AskedHearing:
    hearing: Hearing
    of: AskedRecogniser

    def write(self, pcm: bytes) -> None:
        self.hearing.write(pcm)

    async def finish(self) -> Transcript:
        self.of.asked.append((trio.current_time(), self.of.name))
        return await self.hearing.finish()


@define
class AskedVoice:
    """Notes when it is asked."""

    engine: TextToSpeech
    asked: Asked
    name: str = field(init=False)
    rate: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.name, self.rate = self.engine.name, self.engine.rate

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        self.asked.append((trio.current_time(), self.name))
        async with self.engine.speak(text, voice=voice, speed=speed) as parts:
            yield parts
