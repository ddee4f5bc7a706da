"""Speech engines made of asyncio functions.  In: functions that run in the host's loop.  Out: a recogniser, a voice.

Cancellation and back-pressure cross.  An exception of the function's own, as of a client that finds no network, means
that the engine is unavailable.  What it gives that is nothing for an engine to give is a TypeError.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TypeAlias

import trio
from attrs import define, evolve

from actors.errors import ProviderUnavailable, VoiceError
from actors.given import given, pcm_given, to_await, to_iterate
from actors.messages import SAMPLE_BYTES, Synthesis, Transcript

from ..agents.answering import stream_of
from ..door import refuse_rate, refuse_unless_it_returns, refuse_unless_it_yields
from ..embed.errand import carried
from .host import Host

Transcribe: TypeAlias = Callable[[bytes, int, Sequence[str]], Awaitable[str | Transcript]]
"""Is given pcm (16 bit, mono), its rate in Hz, and the phrases that are expected."""

Speak: TypeAlias = Callable[[str, str | None, float | None], AsyncIterator[bytes]]
"""Is given the text, the voice and the speed; gives pcm (16 bit, mono) as it is made, cut anywhere."""

CHUNKS = 4
"""Stretches of sound that wait for the engine; then the function waits."""


def speech_to_text(name: str, transcribe: Transcribe) -> HostSpeechToText:
    """A recogniser for ``voicemode.aio.open_conversation(stt=…)`` that asks ``transcribe``, a coroutine function.
    Raises TypeError for a function that cannot be it."""
    refuse_unless_it_returns(transcribe, name, ("pcm", "rate", "phrases"))
    return HostSpeechToText(name=name, ask=transcribe)


def text_to_speech(name: str, rate: int, speak: Speak) -> HostTextToSpeech:
    """A voice for ``voicemode.aio.open_conversation(tts=…)`` at ``rate`` Hz that asks ``speak``, an async generator
    function.  Raises TypeError for a function that cannot be it, and SettingsError for a rate that is no whole number
    from 8000 to 192000."""
    refuse_unless_it_yields(speak, name, ("text", "voice", "speed"))
    refuse_rate(rate, name)
    return HostTextToSpeech(name=name, rate=rate, ask=speak)


@define(kw_only=True)
class HostSpeechToText:
    """Implements ``SpeechToText`` where it is bound to a host."""

    name: str
    ask: Transcribe
    host: Host | None = None

    def bound(self, host: Host) -> HostSpeechToText:
        return evolve(self, host=host)

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        host, began = _bound(self.host, self.name), trio.current_time()

        async def only() -> AsyncGenerator[str | Transcript, None]:
            with _translated(self.name):
                asked = self.ask(pcm, rate, phrases)
            to_await(asked, self.name)
            with _translated(self.name):
                answer = await asked
            yield given(answer, (str, Transcript), self.name, "the text, or a Transcript")

        answer: str | Transcript = ""
        async with aclosing(carried(host.begin(only), host.patience)) as answers:
            async for each in answers:
                answer = each
        if isinstance(answer, Transcript):
            return answer
        return Transcript(text=answer, engine=self.name, seconds=trio.current_time() - began)


@define(kw_only=True)
class HostTextToSpeech:
    """Implements ``TextToSpeech`` where it is bound to a host."""

    name: str
    rate: int
    ask: Speak
    host: Host | None = None

    def bound(self, host: Host) -> HostTextToSpeech:
        return evolve(self, host=host)

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        host = _bound(self.host, self.name)

        async def stretches() -> AsyncGenerator[bytes, None]:
            with _translated(self.name):
                asked = self.ask(text, voice, speed)
            to_iterate(asked, self.name)
            with _translated(self.name):
                async with aclosing(stream_of(asked)) as made:
                    async for pcm in made:
                        yield pcm

        send, receive = trio.open_memory_channel[Synthesis](CHUNKS)
        failure: list[Exception] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, carried(host.begin(stretches), host.patience), send, failure)
            with receive:
                yield receive
            nursery.cancel_scope.cancel("nobody listens to the rest")
        if failure:
            raise failure[0]

    async def _read(
        self, made: AsyncGenerator[bytes, None], send: trio.MemorySendChannel[Synthesis], failure: list[Exception]
    ) -> None:
        """Hand on whole samples, wherever the function cuts."""
        rest = b""
        with send:
            try:
                async with aclosing(made):
                    async for pcm in made:
                        sound = rest + pcm_given(pcm, self.name)
                        whole = len(sound) - len(sound) % SAMPLE_BYTES
                        rest = sound[whole:]
                        if whole:
                            await send.send(Synthesis(pcm=sound[:whole], rate=self.rate))
            except Exception as error:  # noqa: BLE001  it comes out of the context
                failure.append(error)


def _bound(host: Host | None, name: str) -> Host:
    if host is None:
        raise RuntimeError(f"{name} runs in an asyncio loop: give it to voicemode.aio.open_conversation.")
    return host


@contextmanager
def _translated(name: str) -> Generator[None]:
    """What a client raises, as what the engine's neighbours are told."""
    try:
        yield
    except VoiceError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ProviderUnavailable(name, f"{name} failed: {reason}.".replace("..", "."), retryable=True) from error
