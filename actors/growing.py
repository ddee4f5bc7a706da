"""An utterance while it is recorded: written by the recorder, read by whoever cannot wait for its end.

In: sound as it comes.  Out: all of it up to any moment, as often as somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trio
from attrs import define, field

from .messages import SAMPLE_BYTES, StreamId, Utterance

LATEST = 0.1
"""Seconds to wait for the last frames of an utterance that is cut at this very moment; then it ends without them.  A
microphone delivers up to 40 ms at once, and those some 20 ms late."""


@define(kw_only=True, eq=False)
class Growing:
    """``end`` is that of the last sample there is; ``over`` when no more come.

    ``fetch`` adds what has come and was not worth the trouble yet, and ``awaited`` says that everything is.
    """

    number: int
    stream: StreamId
    start: float
    rate: int
    path: Path | None = None
    fetch: Callable[[], None] = lambda: None
    pcm: bytearray = field(factory=bytearray)
    end: float = field(init=False)
    over: bool = field(default=False, init=False)
    _cuts: int = field(default=0, init=False)
    _grown: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.end = self.start

    def add(self, pcm: bytes, end: float) -> None:
        self.pcm += pcm
        self.end = end
        self._wake()

    def close(self) -> None:
        """No more comes.  Idempotent."""
        self.over = True
        self._wake()

    @property
    def awaited(self) -> bool:
        return self._cuts > 0

    async def cut(self, until: float) -> Utterance:
        """What was said up to ``until``, waited for no longer than it may take to come."""
        self._cuts += 1
        try:
            self.fetch()
            with trio.move_on_after(LATEST):
                while self.end < until - 0.5 / self.rate and not self.over:
                    await self._grown.wait()
        finally:
            self._cuts -= 1
        await trio.lowlevel.checkpoint()
        length = min(len(self.pcm), SAMPLE_BYTES * max(0, round((until - self.start) * self.rate)))
        return Utterance(
            number=self.number,
            stream=self.stream,
            start=self.start,
            end=self.start + length / (SAMPLE_BYTES * self.rate),
            pcm=bytes(memoryview(self.pcm)[:length]),
            rate=self.rate,
            path=self.path,
        )

    async def after(self, position: int) -> bytes:
        """The sound from byte ``position`` on, as soon as there is some; nothing when no more comes."""
        await trio.lowlevel.checkpoint()
        while len(self.pcm) <= position and not self.over:
            await self._grown.wait()
        return bytes(memoryview(self.pcm)[position:])

    def _wake(self) -> None:
        self._grown.set()
        self._grown = trio.Event()


class Recordings:
    """Where the utterance that is being recorded is found.  There is one at a time; numbers count up."""

    def __init__(self) -> None:
        self._latest: Growing | None = None
        self._changed = trio.Event()

    def begin(self, sound: Growing) -> None:
        self._latest = sound
        self._changed.set()
        self._changed = trio.Event()

    async def find(self, number: int) -> Growing | None:
        """Utterance ``number``, as soon as it is begun; None when a later one is being recorded already."""
        await trio.lowlevel.checkpoint()
        while self._latest is None or self._latest.number < number:
            await self._changed.wait()
        return self._latest if self._latest.number == number else None
