"""Speech from espeak-ng: text in, 22 kHz audio with word times out, as it is made."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio

from actors.errors import ProviderRefused
from actors.messages import Synthesis

from .espeak_library import NAME, Espeak, load_espeak
from .espeak_words import SpokenText, WordEvent

DEFAULT_VOICE = "en-us"

VOICE = re.compile(r"[\w+/-]{1,39}", re.ASCII)
"""What may name a voice: the library writes the name into a buffer of 40 bytes."""

USUAL_PACE = 175
"""Words a minute at speed 1, the library's own.  It speaks no slower than 80 (speed 0.46), and from 450 (speed 2.6) it
shortens the waves of slower speech, where its word times are exact to a block of 60 ms only."""

SLOWEST, FASTEST = 0.25, 4.0

AHEAD = 1000
"""Blocks, a minute of audio and 2.6 MB, that the engine may be ahead of whoever takes them.  A process has one engine,
so what fits is made at once: nobody has to wait until somebody else's speech has been played."""


class EspeakSpeech:
    """Implements ``TextToSpeech``.  Instances share the one engine; what they say is made one after another."""

    name = NAME

    def __init__(self, engine: Espeak, voice: str = DEFAULT_VOICE) -> None:
        self._engine = engine
        self._voice = voice
        self.rate = engine.rate
        self.limiter = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls, *, voice: str = DEFAULT_VOICE) -> EspeakSpeech:
        """Raises ProviderUnavailable when there is no espeak-ng library on this machine."""
        return cls(await trio.to_thread.run_sync(load_espeak), voice)

    async def voices(self) -> list[str]:
        """The languages it has voices for; ``+f3`` or ``+m2`` after one chooses a variant."""
        return await trio.to_thread.run_sync(self._list_voices, limiter=self.limiter)

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        """Implements the port.  Words come with the audio they begin in; text without any sound gives no audio.

        Raises ProviderRefused for a voice the library does not have and for a speed outside 0.25 to 4.
        """
        voice, speed = voice or self._voice, 1.0 if speed is None else speed
        if not VOICE.fullmatch(voice):
            raise ProviderRefused(
                NAME,
                f"{voice!r} cannot be a voice of espeak-ng; try en-us, or en-us+f3.",
                code="voice",
            )
        if not SLOWEST <= speed <= FASTEST:
            raise ProviderRefused(
                NAME, f"espeak-ng speaks at a speed from {SLOWEST} to {FASTEST}, not at {speed}.", code="speed"
            )
        send, receive = trio.open_memory_channel[Synthesis](AHEAD)
        with send, receive:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._run, speakable(text), voice, round(USUAL_PACE * speed), send)
                    yield receive
                    nursery.cancel_scope.cancel("whoever listened is done")
            except BaseExceptionGroup as failures:
                error = _alone(failures)
                raise error from error.__cause__

    async def _run(self, text: str, voice: str, pace: int, send: trio.MemorySendChannel[Synthesis]) -> None:
        await trio.to_thread.run_sync(self._synthesise, text, voice, pace, send, limiter=self.limiter)
        send.close()  # not when it failed: the reader would take that for the end before the failure reaches it

    def _synthesise(self, text: str, voice: str, pace: int, send: trio.MemorySendChannel[Synthesis]) -> None:
        """Runs in a thread until the text ends, the task is cancelled, or the reader has closed its end."""
        spoken = SpokenText(text, self.rate)

        def take(pcm: bytes, events: Sequence[WordEvent]) -> None:
            trio.from_thread.check_cancelled()
            for part in spoken.feed(pcm, events):
                trio.from_thread.run(send.send, part)

        try:
            with self._engine.turn.hold():
                self._engine.synthesise(text, voice, pace, take)
            for part in spoken.finish():
                trio.from_thread.run(send.send, part)
        except trio.BrokenResourceError:
            return

    def _list_voices(self) -> list[str]:
        with self._engine.turn.hold():
            return sorted(self._engine.voices())


def speakable(text: str) -> str:
    """``text`` with a space for each control character, which are commands to the library, and each lone surrogate."""
    return "".join(
        " " if ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 or 0xD800 <= ord(letter) < 0xE000 else letter
        for letter in text
    )


def _alone(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one thing that went wrong, when the rest was only cancelled for it."""
    errors = [error for error in failures.exceptions if not isinstance(error, trio.Cancelled)]
    return errors[0] if len(errors) == 1 else failures
