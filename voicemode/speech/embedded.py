"""Engines in this process, loaded when they are needed or before.  In: a name.  Out: the engine, behind its port.

A voice comes at the rate that is wanted, and takes its own voice that is most like the one that is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar, runtime_checkable

import trio

from actors.messages import Synthesis, Transcript
from actors.ports import SpeechToText, TextToSpeech

from ..audio.resampler import StreamResampler
from ..groups import unwrapped
from .choices import closest_voice
from .offer import Offer
from .registry import EMBEDDED_VOICE, release

Engine = TypeVar("Engine", SpeechToText, TextToSpeech)

VARIANTS = ("en-us+f3", "en-us+m3", "en-gb+f3", "en-gb+m3")
"""Of espeak-ng, which has variants of every voice and lists none of them."""

AHEAD = 1000
"""Stretches that the engine may be ahead of whoever takes them."""


@runtime_checkable
class _Listing(Protocol):
    async def voices(self) -> Sequence[str]: ...


class Embedded(Generic[Engine]):
    """Loads once, whoever is first; a load that failed is tried again by the next who needs it.  ``offer`` is what it
    has, once it is loaded."""

    model: str | None = None
    """There is no other to choose."""

    def __init__(self, name: str, load: Callable[[], Awaitable[Engine]]) -> None:
        self.name, self.offer = name, Offer()
        self._make: Callable[[], Awaitable[Engine]] = load
        self._loading = trio.Lock()
        self._engine: Engine | None = None

    async def load(self) -> Engine:
        """Raises ProviderUnavailable."""
        async with self._loading:
            if self._engine is None:
                self._engine = await self._make()
                await self._loaded(self._engine)
        return self._engine

    async def probe(self) -> None:
        """Implements ``Probe``: it is there when it can be loaded."""
        await self.load()

    async def aclose(self) -> None:
        await release(self._engine)

    async def _loaded(self, engine: Engine) -> None:
        """Take note of what it has."""


class EmbeddedRecogniser(Embedded[SpeechToText]):
    """Implements ``SpeechToText``."""

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        return await (await self.load()).transcribe(pcm, rate, phrases=phrases)


class EmbeddedVoice(Embedded[TextToSpeech]):
    """Implements ``TextToSpeech``.  ``rate`` None is the engine's own, once it is loaded.

    ``cast`` has every voice that some engine is known to have, and ``preferred`` are taken where none is asked for.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Awaitable[TextToSpeech]],
        *,
        cast: set[str],
        preferred: Sequence[str],
        rate: int | None,
    ) -> None:
        super().__init__(name, load)
        self.rate = rate or 0
        self._cast, self._preferred = cast, preferred

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        engine = await self.load()
        with unwrapped():
            async with engine.speak(text, voice=self.voice_for(voice), speed=speed) as parts:
                if engine.rate == self.rate:
                    yield parts
                    return
                send, receive = trio.open_memory_channel[Synthesis](AHEAD)
                with receive:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(_convert, parts, send, StreamResampler(engine.rate, self.rate), self.rate)
                        yield receive
                        nursery.cancel_scope.cancel("whoever listened is done")

    def voice_for(self, asked: str | None) -> str | None:
        """Of the engine's voices; None is the one it takes by itself."""
        if asked is None:
            return next((voice for voice in self._preferred if voice in self.offer.voices), None)
        return closest_voice(asked, self.offer.voices, self._cast)

    async def _loaded(self, engine: TextToSpeech) -> None:
        self.rate = self.rate or engine.rate
        if isinstance(engine, _Listing):
            variants = VARIANTS if engine.name == EMBEDDED_VOICE else ()
            self.offer = Offer(voices=(*await engine.voices(), *variants))
            self._cast.update(self.offer.voices)


async def _convert(
    parts: trio.MemoryReceiveChannel[Synthesis],
    send: trio.MemorySendChannel[Synthesis],
    resampler: StreamResampler,
    rate: int,
) -> None:
    with send:
        async for part in parts:
            pcm = resampler.convert(part.pcm)
            await send.send(Synthesis(pcm=pcm, rate=rate, words=part.words, engine=part.engine))
        await send.send(Synthesis(pcm=resampler.convert(b"", last=True), rate=rate))
