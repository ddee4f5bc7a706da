"""A microphone without echo: frames of any length from another one in, clean ones of some times 10 ms out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import evolve

from actors.events import Event
from actors.messages import SAMPLE_BYTES, AudioFrame, seconds_of
from actors.ports import Cued, Microphone

from .echo import FRAMES_PER_SECOND, EchoCanceller


class CleanMicrophone:
    """Implements ``Microphone`` and ``Cued`` round another microphone, whose frames pass through ``canceller``.

    Where frames are missing, what is left of the last one (less than 10 ms) is dropped with them, so that no frame
    spans a gap.
    """

    def __init__(self, microphone: Microphone, canceller: EchoCanceller) -> None:
        self._microphone, self._canceller = microphone, canceller

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:
        """Implements the port; the iterator raises DeviceError as well when the canceller fails."""
        async with self._microphone.open(rate) as frames:
            self._canceller.open()
            try:
                yield _CleanFrames(frames, self._canceller)
            finally:
                self._canceller.close()

    def cue(self, event: Event) -> None:
        if isinstance(self._microphone, Cued):
            self._microphone.cue(event)


class _CleanFrames:
    """One opening."""

    def __init__(self, frames: AsyncIterator[AudioFrame], canceller: EchoCanceller) -> None:
        self._frames, self._canceller = frames, canceller
        self._limiter = trio.CapacityLimiter(1)
        self._heard: AudioFrame | None = None

    def __aiter__(self) -> _CleanFrames:
        return self

    async def __anext__(self) -> AudioFrame:
        while (frame := self._next()) is None:
            self._add(await anext(self._frames))
        return await trio.to_thread.run_sync(self._canceller.clean, frame, limiter=self._limiter)

    def _add(self, frame: AudioFrame) -> None:
        left = self._heard
        if left is None or not left.pcm or frame.missing_after(left.end):
            self._heard = frame
        else:
            start = frame.start - seconds_of(left.pcm, frame.rate)
            self._heard = evolve(frame, start=start, pcm=left.pcm + frame.pcm)

    def _next(self) -> AudioFrame | None:
        """The whole 10 ms of what is there."""
        heard = self._heard
        if heard is None:
            return None
        size = heard.rate // FRAMES_PER_SECOND * SAMPLE_BYTES
        whole = len(heard.pcm) // size * size
        if not whole:
            return None
        rest = heard.start + seconds_of(heard.pcm[:whole], heard.rate)
        self._heard = evolve(heard, start=rest, pcm=heard.pcm[whole:])
        return evolve(heard, pcm=heard.pcm[:whole])
