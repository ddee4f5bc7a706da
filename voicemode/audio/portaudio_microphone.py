"""A real microphone: blocks from PortAudio's thread in, frames of 10 ms on the Trio clock out."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from actors.messages import SAMPLE_BYTES, AudioFrame

from .portaudio import DeviceName, DeviceStream, open_stream
from .resampler import StreamResampler
from .sample_clock import SampleClock

FRAMES_PER_SECOND = 100

BACKLOG = FRAMES_PER_SECOND
"""Blocks that wait for a listener who is late, about one second; then the oldest goes."""


@frozen
class _Block:
    position: int
    at: float
    glitch: bool
    pcm: bytes


class PortAudioMicrophone:
    """Implements ``Microphone``.  ``rate`` is what the device is to run at, where that is not the listener's."""

    def __init__(self, device: DeviceName = None, *, rate: int | None = None) -> None:
        self.device, self.rate = device, rate
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Blocks of 10 ms, of all openings, that were lost because they were not fetched in time."""
        return self._dropped

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[MicrophoneFrames]:
        """Implements the port.  Where frames were lost the next one starts later; no frame spans a gap."""
        frames = MicrophoneFrames(rate, self._count)
        stream = await open_stream(
            "microphone",
            self.device,
            self.rate or rate,
            frames.take,
            block_seconds=1 / FRAMES_PER_SECOND,
            on_lost=frames.wake,
        )
        try:
            frames.begin(stream)
            yield frames
        finally:
            frames.end()
            await stream.close()

    def _count(self, blocks: int) -> None:
        self._dropped += blocks


class MicrophoneFrames:
    """One opening, to be iterated by one task.  What was heard before a loss is delivered before it is raised."""

    def __init__(self, rate: int, count: Callable[[int], None]) -> None:
        self._rate, self._count = rate, count
        self._blocks: deque[_Block] = deque(maxlen=BACKLOG)
        self._taken = 0
        self._token = trio.lowlevel.current_trio_token()
        self._woken = trio.Event()
        self._stream: DeviceStream | None = None
        self._clock = SampleClock(rate)
        self._resampler = StreamResampler(rate, rate)
        self._expected = 0
        self._begun = 0
        self._given = 0
        self._pending = b""

    def take(self, samples: memoryview, frames: int, at: float, glitch: bool) -> None:
        """Keep a block.  In PortAudio's thread; raises RunFinishedError when the run is over."""
        self._blocks.append(_Block(self._taken, at, glitch, bytes(samples)))
        self._taken += frames
        self._token.run_sync_soon(self.wake, idempotent=True)

    def wake(self) -> None:
        self._woken.set()

    def begin(self, stream: DeviceStream) -> None:
        self._stream = stream
        self._clock = SampleClock(stream.rate)
        self._resampler = StreamResampler(stream.rate, self._rate)

    def end(self) -> None:
        self._stream = None
        self._blocks.clear()

    def __aiter__(self) -> MicrophoneFrames:
        return self

    async def __anext__(self) -> AudioFrame:
        if self._blocks or self._stream is None:
            await trio.lowlevel.checkpoint()
        while self._stream is not None:
            self._woken = trio.Event()
            if (frame := self._next()) is not None:
                return frame
            if gone := self._stream.gone():
                raise gone
            with trio.move_on_after(self._stream.next_look()):
                await self._woken.wait()
        raise StopAsyncIteration

    def _next(self) -> AudioFrame | None:
        """The first 10 ms of what is there, when there are so many."""
        size = self._rate // FRAMES_PER_SECOND
        while len(self._pending) < SAMPLE_BYTES * size:
            if not self._blocks:
                return None
            self._add(self._blocks.popleft())
        start = self._clock.time_of(self._begun + self._given * self._clock.rate / self._rate)
        pcm, self._pending = self._pending[: SAMPLE_BYTES * size], self._pending[SAMPLE_BYTES * size :]
        self._given += size
        return AudioFrame(start=start, pcm=pcm, rate=self._rate)

    def _add(self, block: _Block) -> None:
        frames = len(block.pcm) // SAMPLE_BYTES
        missing = block.position - self._expected
        self._expected = block.position + frames
        if missing:
            self._count(missing // frames)
        if self._clock.hear(block.position, block.at, glitch=block.glitch) or missing:
            self._resampler = StreamResampler(self._clock.rate, self._rate)
            self._begun, self._given, self._pending = block.position, 0, b""
        self._pending += self._resampler.convert(block.pcm)
