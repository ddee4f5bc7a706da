"""Engines that stand in and fail when they are told to, each with another behind it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio
from stand_ins import InstantEars, InstantVoice

from actors.errors import ProviderUnavailable
from actors.failover import Candidate
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.machines.board import Board
from actors.messages import Synthesis, Transcript


class FlakyVoice(InstantVoice):
    """Breaks off behind its first stretches when it ``fails``."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(seconds)
        self.name, self.fails = name, False

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        if not self.fails:
            async with super().speak(text, voice=voice, speed=speed) as parts:
                yield parts
            return
        send, receive = trio.open_memory_channel[Synthesis](1)
        with receive:
            with send:
                send.send_nowait(Synthesis(pcm=b"\1\1" * (self.rate // 10), rate=self.rate))
            yield receive
        raise ProviderUnavailable(self.name, f"{self.name} broke off.", code="died")


class FlakyEars(InstantEars):
    """Understands nothing when it ``fails``."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.fails = name, False

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        await trio.lowlevel.checkpoint()
        if self.fails:
            raise ProviderUnavailable(self.name, f"{self.name} is not ready (503).", code="busy")
        return await super().transcribe(pcm, rate, phrases=phrases)


class FlakyEngines:
    """Two of each; ``fail`` says how many of the first fail from now on."""

    def __init__(self, seconds: float) -> None:
        """``seconds`` of voice for each text."""
        self.voices = [FlakyVoice(name, seconds) for name in ("first voice", "second voice")]
        self.ears = [FlakyEars(name) for name in ("first ears", "second ears")]
        board = Board()
        for voice in self.voices:
            board.add("tts", voice.name, "local", 0.0)
        for ears in self.ears:
            board.add("stt", ears.name, "local", 0.0)
        self.tts = FailoverVoice([Candidate(name=each.name, engine=each, place="local") for each in self.voices], board)
        self.stt = FailoverRecogniser(
            [Candidate(name=each.name, engine=each, place="local") for each in self.ears], board
        )

    def fail(self, *, voices: int = 0, ears: int = 0) -> None:
        for number, voice in enumerate(self.voices):
            voice.fails = number < voices
        for number, each in enumerate(self.ears):
            each.fails = number < ears
