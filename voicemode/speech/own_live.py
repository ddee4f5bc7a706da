"""A live recogniser made of one async function: sound while it is said in, the text so far and the text out."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias, final

import trio

from actors.errors import VoiceError
from actors.given import to_await
from actors.messages import Transcript

from ..door import refuse_unless_it_returns
from ..groups import unwrapped
from .own import FAULTS, Faults, transcript_of, translating

Partial: TypeAlias = Callable[[str], None]

HearLive: TypeAlias = Callable[[AsyncIterable[bytes], int, Sequence[str], Partial], Awaitable[str | Transcript]]
"""Is given the sound of an utterance as it comes, its rate in Hz, the phrases that are expected, if any, and whom to
tell the text so far."""


@final
class FunctionLiveRecogniser:
    """Implements ``LiveSpeechToText`` and ``SpeechToText``.  See ``live_recogniser``."""

    def __init__(self, hear: HearLive, name: str, faults: Faults) -> None:
        self.name, self._hear, self._faults = name, hear, faults

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Partial | None = None
    ) -> AsyncGenerator[FunctionHearing]:
        """Implements the port."""
        hearing = FunctionHearing(self.name)
        with unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hearing.run, self._hear, self._faults, rate, phrases, partial or _nobody)
                yield hearing
                nursery.cancel_scope.cancel("nobody wants the answer any longer")

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port."""
        async with self.listen(rate, phrases=phrases) as hearing:
            hearing.write(pcm[: len(pcm) // 2 * 2])
            return await hearing.finish()


@final
class FunctionHearing:
    """Implements ``Hearing``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._send, self._sound = trio.open_memory_channel[bytes](math.inf)
        self._done = trio.Event()
        self._heard: str | Transcript = ""
        self._error: VoiceError | None = None

    def write(self, pcm: bytes) -> None:
        if pcm and not self._done.is_set():
            self._send.send_nowait(pcm)

    async def finish(self) -> Transcript:
        self._send.close()
        began = trio.current_time()
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return transcript_of(self._heard, self._name, trio.current_time() - began)

    async def run(self, hear: HearLive, faults: Faults, rate: int, phrases: Sequence[str], partial: Partial) -> None:
        try:
            with translating(self._name, faults):
                self._heard = await to_await(hear(self._sound, rate, phrases, partial), f"The engine {self._name}")
        except VoiceError as error:
            self._error = error
        self._done.set()


def live_recogniser(hear: HearLive, *, name: str, faults: Faults = ()) -> FunctionLiveRecogniser:
    """An engine that recognises while somebody speaks, of ``await hear(sound, rate, phrases, partial)``.

    ``sound`` is iterated for pcm and ends when the utterance does; ``partial(text)`` tells what is understood so far;
    what is returned is the text, or a ``Transcript``.  Failures are as those of ``recogniser``.  It also takes an
    utterance as a whole.  Raises TypeError as ``recogniser`` does.
    """
    refuse_unless_it_returns(hear, f"The engine {name}", ("sound", "rate", "phrases", "partial"))
    return FunctionLiveRecogniser(hear, name, (*FAULTS, *faults))


def _nobody(_: str) -> None:
    """To whom the text so far is told where nobody asked."""
