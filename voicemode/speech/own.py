"""Engines made of a function each: an async function that hears, an async generator that speaks.

Measures, cuts and translates what the ports ask for, so that the function need not.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias, final

import trio
from attrs import evolve

from actors.errors import ProviderUnavailable
from actors.given import given, pcm_given, to_await, to_iterate
from actors.messages import SAMPLE_BYTES, Synthesis, Transcript

from ..door import refuse_rate, refuse_unless_it_returns, refuse_unless_it_yields
from ..groups import unwrapped

Hear: TypeAlias = Callable[[bytes, int, Sequence[str]], Awaitable[str | Transcript]]
"""Is given an utterance, its rate in Hz, and the phrases that are expected, if any."""

Say: TypeAlias = Callable[[str, str | None, float | None], AsyncIterable[bytes | Synthesis]]
"""Is given a text, the voice that is wished for, and the pace, 1.0 being the usual; None is as you like."""

Faults: TypeAlias = tuple[type[Exception], ...]

FAULTS: Faults = (
    OSError,
    subprocess.CalledProcessError,
    trio.TooSlowError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
)
"""What is taken for the failure of an engine wherever it comes from; anything else is a bug of the function's."""

AHEAD = 4
"""Stretches that a voice may be ahead of whoever takes them."""


@final
class FunctionRecogniser:
    """Implements ``SpeechToText``.  See ``recogniser``."""

    def __init__(self, hear: Hear, name: str, faults: Faults) -> None:
        self.name, self._hear, self._faults = name, hear, faults

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Implements the port."""
        began = trio.current_time()
        pcm = pcm[: len(pcm) - len(pcm) % SAMPLE_BYTES]
        with translating(self.name, self._faults):
            heard = await to_await(self._hear(pcm, rate, phrases), f"The engine {self.name}")
        return transcript_of(heard, self.name, trio.current_time() - began)


@final
class FunctionVoice:
    """Implements ``TextToSpeech``.  See ``voice``."""

    def __init__(self, say: Say, name: str, rate: int, faults: Faults) -> None:
        self.name, self.rate, self._say, self._faults = name, rate, say, faults

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        """Implements the port."""
        send, receive = trio.open_memory_channel[Synthesis](AHEAD)
        with unwrapped(), send, receive:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._deliver, text, voice, speed, send)
                yield receive
                nursery.cancel_scope.cancel("whoever listened is done")

    async def _deliver(
        self, text: str, voice: str | None, speed: float | None, send: trio.MemorySendChannel[Synthesis]
    ) -> None:
        half, who = b"", f"The engine {self.name}"
        with translating(self.name, self._faults):
            stretches = to_iterate(self._say(text, voice, speed), who)
            try:
                async for stretch in stretches:
                    part = stretch if isinstance(stretch, Synthesis) else Synthesis(pcm=stretch, rate=self.rate)
                    whole = half + pcm_given(part.pcm, who)
                    cut = len(whole) - len(whole) % SAMPLE_BYTES
                    half = whole[cut:]
                    if cut and not await _delivered(evolve(part, pcm=whole[:cut]), send):
                        return
            finally:
                if isinstance(stretches, AsyncGenerator):
                    await stretches.aclose()
        send.close()  # not when it failed: the reader would take that for the end before the failure reaches it


async def _delivered(part: Synthesis, send: trio.MemorySendChannel[Synthesis]) -> bool:
    """Whether anybody takes it."""
    try:
        await send.send(part)
    except trio.BrokenResourceError:
        return False
    return True


def transcript_of(heard: str | Transcript, engine: str, seconds: float) -> Transcript:
    """What was ``heard``, in the engine's name.  Raises TypeError for what is neither."""
    heard = given(heard, (str, Transcript), f"The engine {engine}", "the text, or a Transcript")
    if isinstance(heard, Transcript):
        return evolve(heard, engine=engine, seconds=heard.seconds or seconds)
    return Transcript(text=heard.strip(), engine=engine, seconds=seconds)


@contextmanager
def translating(name: str, faults: Faults) -> Generator[None]:
    """Raises ProviderUnavailable for any of ``faults``, also where a nursery has wrapped it."""
    try:
        with unwrapped():
            yield
    except trio.TooSlowError as error:
        message = f"The engine {name} was too slow. Try again, or another engine."
        raise ProviderUnavailable(name, message, code="timeout", retryable=True) from error
    except faults as error:
        message = f"The engine {name} failed: {_sentence(error)}. Try again, or another engine."
        raise ProviderUnavailable(name, message, code="failed", retryable=True) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        complaint = error.stderr.decode("utf-8", "replace").strip() if isinstance(error.stderr, bytes) else ""
        last = complaint.splitlines()[-1:]
        return f"its program ended with status {error.returncode}{''.join(f' ({line})' for line in last)}"
    return str(error).rstrip(".") or type(error).__name__


def recogniser(hear: Hear, *, name: str, faults: Faults = ()) -> FunctionRecogniser:
    """An engine that recognises, of ``await hear(pcm, rate, phrases)``, which returns the text, or a ``Transcript``
    where it knows when the words were said.

    It is called for several utterances at once if it must, and cancelled as soon as its answer is not wanted.  OSError,
    CalledProcessError, TooSlowError, Trio's resource errors and ``faults`` are failures of the engine; VoiceErrors come
    out as they are, and everything else is a bug and ends the conversation.  Raises TypeError for a function that
    cannot be it; one that returns something else than text raises it when it is called.
    """
    refuse_unless_it_returns(hear, f"The engine {name}", ("pcm", "rate", "phrases"))
    return FunctionRecogniser(hear, name, (*FAULTS, *faults))


def voice(say: Say, *, name: str, rate: int, faults: Faults = ()) -> FunctionVoice:
    """An engine that speaks, of ``async for pcm in say(text, voice, speed)``, sound at ``rate`` Hz as it is made, or a
    ``Synthesis`` where it knows when the words are said.

    The generator is closed as soon as nobody listens, and failures are as those of ``recogniser``.  Raises TypeError as
    that does, and SettingsError for a rate that is no whole number from 8000 to 192000.
    """
    refuse_unless_it_yields(say, f"The engine {name}", ("text", "voice", "speed"))
    refuse_rate(rate, f"the engine {name}")
    return FunctionVoice(say, name, rate, (*FAULTS, *faults))
