"""A voice that tells when it is asked, when it sounds and when it is done.  In: texts.  Out: their speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import cast, final

import trio

from actors.errors import error_type
from actors.messages import Synthesis
from actors.ports import TextToSpeech

from .values import CallAnswered, CallBegan, CallEnded


@final
class ObservedVoice:
    """``engine``, whose every call is ``told``, under a number from ``numbers``."""

    def __init__(
        self,
        engine: TextToSpeech,
        numbers: Callable[[], int],
        told: Callable[[CallBegan | CallAnswered | CallEnded], None],
    ) -> None:
        self._engine, self._numbers, self._told = engine, numbers, told
        self.rate = engine.rate

    @property
    def name(self) -> str:
        """Its engine's, which may be another from text to text."""
        return self._engine.name

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        number = self._numbers()
        self._told(
            CallBegan(
                number=number,
                at=trio.current_time(),
                kind="speak",
                name=self._engine.name,
                service="tts",
                text=text,
            )
        )
        error: str | None = None
        cancelled = True
        try:
            async with self._engine.speak(text, voice=voice, speed=speed) as audio:
                heard = _Heard(audio, lambda who: self._told(_answered(number, who)))
                yield cast("trio.MemoryReceiveChannel[Synthesis]", heard)
            cancelled = False
        except Exception as raised:
            error, cancelled = error_type(raised), False
            raise
        finally:
            self._told(CallEnded(number=number, at=trio.current_time(), error=error, cancelled=cancelled))


def _answered(number: int, who: str | None) -> CallAnswered:
    return CallAnswered(number=number, at=trio.current_time(), name=who)


class _Heard:
    """The reader's end of a channel, which tells of the first sound."""

    def __init__(self, audio: trio.MemoryReceiveChannel[Synthesis], first: Callable[[str | None], None]) -> None:
        self._audio, self._first = audio, first
        self._told = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._audio, name)

    def __aiter__(self) -> _Heard:
        return self

    async def __anext__(self) -> Synthesis:
        try:
            return await self.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    async def receive(self) -> Synthesis:
        part = await self._audio.receive()
        if part.pcm and not self._told:
            self._told = True
            self._first(part.engine)
        return part
