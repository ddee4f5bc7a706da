"""A real microphone: blocks of 10 ms from PortAudio's thread in, frames of some of them on the Trio clock out.

A frame is handed over when it completes another window of the speech detector, and not with every block: nothing would
be decided sooner, and it would cost three times as many wake-ups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from actors.messages import SAMPLE_BYTES, AudioFrame

from .frame_cutter import FRAMES_PER_SECOND, FrameCutter
from .portaudio import DeviceName, DeviceStream, open_stream

WINDOW = 0.032
"""Seconds of sound that are judged at a time; Silero's windows have 512 samples at 16 kHz."""

BACKLOG = FRAMES_PER_SECOND
"""Blocks that wait for a listener who is late, about one second; then the oldest goes."""

_ROUNDING = 1e-6


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
        self._cutter = FrameCutter(rate, rate)
        self._ready = 0
        self._expected = 0

    def take(self, samples: memoryview, frames: int, at: float, glitch: bool) -> None:
        """Keep a block.  In PortAudio's thread; raises RunFinishedError when the run is over."""
        self._blocks.append(_Block(self._taken, at, glitch, bytes(samples)))
        self._taken += frames
        ready = self._windows()
        if ready != self._ready:
            self._ready = ready
            self._token.run_sync_soon(self.wake, idempotent=True)

    def wake(self) -> None:
        self._woken.set()

    def _windows(self) -> int:
        """How many windows can be handed over, of all that was taken so far."""
        if self._stream is None:
            return 0
        blocks = int((self._taken / self._stream.rate - self._cutter.delay) * FRAMES_PER_SECOND + _ROUNDING)
        return int(blocks / FRAMES_PER_SECOND / WINDOW + _ROUNDING)

    def begin(self, stream: DeviceStream) -> None:
        self._cutter = FrameCutter(stream.rate, self._rate)
        self._stream = stream

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
        """The whole blocks of what is there, up to the next gap."""
        while self._blocks and not self._cutter.is_full:
            block = self._blocks.popleft()
            missing = block.position - self._expected
            frames = len(block.pcm) // SAMPLE_BYTES
            self._expected = block.position + frames
            if missing:
                self._count(missing // frames)
            before = self._cutter.add(block.pcm, block.position, block.at, glitch=block.glitch, missing=bool(missing))
            if before is not None:
                return before
        return self._cutter.cut()
