"""Engines for tests of failover: each goes wrong where it is told to, at the time it is told to."""

from __future__ import annotations

import re
from array import array
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf

import trio
from attrs import define, field

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable
from actors.failover import Candidate
from actors.machines.board import Board
from actors.messages import Place, Service, Synthesis, Transcript, WordTime
from voicemode.groups import unwrapped

RATE = 1_000
WORD, PAUSE = 0.2, 0.05
"""Seconds of each word's sound, and of the silence after it."""

MIDDLE = 10
"""The value of a sample that is in a word, plus which word of the text it is; 0 is silence."""


def died(name: str) -> ProviderError:
    return ProviderUnavailable(name, f"{name} broke off in the middle of its answer.", code="died", retryable=True)


def unreachable(name: str) -> ProviderError:
    return ProviderUnavailable(name, f"{name} cannot be reached (no). Is it running?", code="unreachable")


def refused(name: str) -> ProviderError:
    return ProviderRefused(name, f"{name} refused (400): no such thing.")


@define
class Ears:
    """Hears what it is called, ``wait`` seconds after it was asked; ``errors`` come first, one for each call."""

    name: str
    wait: float = 0.1
    errors: list[ProviderError] = field(factory=list[ProviderError])
    heard: list[bytes] = field(factory=list[bytes])
    running: int = 0

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        self.heard.append(pcm)
        self.running += 1
        try:
            await trio.sleep(self.wait)
        finally:
            self.running -= 1
        if self.errors:
            raise self.errors.pop(0)
        return Transcript(text=f"heard by {self.name}", engine=self.name, seconds=self.wait)


@define
class LiveEars(Ears):
    """Hears also what is still being said; ``live_errors`` come first, one for each utterance.

    ``tells`` is told at once, when an utterance ends it takes ``live_wait`` seconds more.  ``written`` are the pieces
    that came, ``left`` is how often somebody left.
    """

    live_wait: float = 0.1
    live_errors: list[ProviderError] = field(factory=list[ProviderError])
    tells: str = "heard"
    written: list[bytes] = field(factory=list[bytes])
    left: int = 0
    partial: Callable[[str], None] | None = None

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[LiveEars]:
        self.running += 1
        self.partial = partial
        try:
            yield self
        finally:
            self.running -= 1
            self.left += 1

    def write(self, pcm: bytes) -> None:
        self.written.append(pcm)
        if self.partial is not None:
            self.partial(self.tells)

    async def finish(self) -> Transcript:
        await trio.sleep(self.live_wait)
        if self.live_errors:
            raise self.live_errors.pop(0)
        return Transcript(text=f"heard live by {self.name}", engine=self.name, seconds=self.live_wait)


@define
class Voice:
    """Says word ``i`` of ``of`` as samples of 10 + i, in stretches of ``stretch`` samples every ``every`` seconds.

    ``stops`` are after how many samples each call ends: with its error, or in silence if there is none.  One that is
    ``abrupt`` raises it at once, whatever the listener is at; otherwise what there is can be taken before.
    """

    name: str
    of: str
    timed: bool = True
    abrupt: bool = False
    wait: float = 0.1
    every: float = 0.0
    stretch: int = 60
    rate: int = RATE
    stops: list[tuple[float, ProviderError | None]] = field(factory=list[tuple[float, ProviderError | None]])
    asked: list[str] = field(factory=list[str])
    voices: list[str | None] = field(factory=list[str | None])
    running: int = 0

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        self.asked.append(text)
        self.voices.append(voice)
        self.running += 1
        failures: list[ProviderError] = []
        send, receive = trio.open_memory_channel[Synthesis](1000)
        try:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._make, text, send, failures)
                    with receive:
                        yield receive
                    nursery.cancel_scope.cancel()
        finally:
            self.running -= 1
        if failures:
            raise failures[0]

    async def _make(self, text: str, send: trio.MemorySendChannel[Synthesis], failures: list[ProviderError]) -> None:
        sound, words = said(text, self.of, self.rate)
        stop, error = self.stops.pop(0) if self.stops else (inf, None)
        with send:
            await trio.sleep(self.wait)
            for begin in range(0, len(sound), self.stretch):
                end = min(begin + self.stretch, len(sound))
                cut = min(end, int(min(stop, len(sound))))
                within = tuple(word for word in words if begin <= round(word.begin * self.rate) < cut)
                if cut > begin:
                    part = Synthesis(pcm=sound[begin:cut].tobytes(), rate=self.rate, words=within if self.timed else ())
                    await send.send(part)
                if cut < end or stop == end:
                    if error is None:
                        await trio.sleep_forever()
                    elif self.abrupt:
                        raise error
                    else:
                        failures.append(error)
                    return
                await trio.sleep(self.every)


def said(text: str, of: str, rate: int = RATE) -> tuple[array[int], list[WordTime]]:
    """The sound of ``text``, which is the end of ``of``, and its words."""
    before = len(of[: len(of) - len(text)].split())
    sound, words = array("h"), list[WordTime]()
    for index, match in enumerate(re.finditer(r"\S+", text), before):
        begin = len(sound) / rate
        sound.extend([MIDDLE + index] * round(WORD * rate))
        words.append(WordTime(start=match.start(), end=match.end(), begin=begin, finish=len(sound) / rate))
        sound.extend([0] * round(PAUSE * rate))
    return sound, words


def heard(pcm: bytes) -> list[tuple[int, int]]:
    """(which word, how many samples) in the order in which they were said."""
    runs: list[tuple[int, int]] = []
    previous = 0
    for sample in array("h", pcm):
        if sample and sample == previous:
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        elif sample:
            runs.append((sample - MIDDLE, 1))
        previous = sample
    return runs


def board_of(service: Service, *engines: Ears | Voice, place: Place = "local") -> Board:
    board = Board()
    for engine in engines:
        board.add(service, engine.name, place, trio.current_time())
    return board


def ears(*engines: Ears) -> list[Candidate[Ears]]:
    return [Candidate(name=engine.name, engine=engine, place="local") for engine in engines]


def voices(*engines: Voice) -> list[Candidate[Voice]]:
    return [Candidate(name=engine.name, engine=engine, place="local") for engine in engines]
