"""A microphone in a room made of clips: sounds placed at moments of the Trio clock in, frames in real time out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
import trio
from numpy.typing import NDArray

from actors.events import Event
from actors.messages import SAMPLE_BYTES, AudioFrame

from .files import Sound, resampled

FRAME = 0.01
"""Seconds of sound in a frame, unless a room has it otherwise."""

ROUNDING = 0.01
"""Seconds by which a clip may reach further than its times say: to a sample of either rate, and of the resampler."""


class _Clip:
    """A sound and its absolute place in the world."""

    def __init__(self, at: float, sound: Sound) -> None:
        self.at, self.sound = at, sound
        self.until = at + sound.seconds
        self._heard = sound

    def add_to(self, mix: NDArray[np.int32], first: int, opened: float, rate: int) -> None:
        """Add what sounds in ``mix``, whose first sample is number ``first`` since ``opened``."""
        if self._heard.rate != rate:
            self._heard = resampled(self.sound, rate)
        samples = np.frombuffer(self._heard.pcm, "<i2")
        offset = first - round((self.at - opened) * rate)
        begin, end = max(offset, 0), min(offset + len(mix), len(samples))
        if begin < end:
            mix[begin - offset : end - offset] += samples[begin:end]


class MicrophoneStream:
    """One opening of the microphone: an iterator that waits for each frame's end and loses none when it is late."""

    def __init__(self, room: VirtualMicrophone, rate: int) -> None:
        self.rate = rate
        self.opened = trio.current_time()
        self.closed = False
        self._room = room
        self._size = round(rate * room.frame)
        self._taken = 0

    def __aiter__(self) -> MicrophoneStream:
        return self

    async def __anext__(self) -> AudioFrame:
        end = self.opened + (self._taken + self._size) / self.rate
        await trio.sleep_until(end)
        if self.closed:
            raise StopAsyncIteration
        pcm = self._room.take(self._taken, self._size, self.opened, self.rate)
        frame = AudioFrame(start=self.opened + self._taken / self.rate, pcm=pcm, rate=self.rate)
        self._taken += self._size
        return frame


class VirtualMicrophone:
    """Implements ``Microphone`` and ``Cued``.  Where nothing is placed there is digital silence.

    A clip placed at ``at`` begins with sample ``round((at - opening) * rate)`` of an opening, exactly.  What sounds
    while the microphone is closed is not heard.  Clips that overlap are added and limited to full scale.  No threads
    and no background tasks, so that it is exact under a virtual clock too; a clip at another rate than the
    microphone's is resampled where it is first heard, about 0.3 ms for a second of sound.
    """

    frame = FRAME

    def __init__(self) -> None:
        self._clips: list[_Clip] = []
        self._streams: set[MicrophoneStream] = set()
        self._taken_until = float("-inf")

    @property
    def placed(self) -> list[tuple[float, Sound]]:
        """All that is said in this world: when (seconds on the Trio clock) and what."""
        return [(clip.at, clip.sound) for clip in self._clips]

    @property
    def taken_until(self) -> float:
        """The end of the newest frame delivered: what is placed before it has lost its head."""
        return self._taken_until

    @property
    def is_open(self) -> bool:
        return bool(self._streams)

    def place(self, sound: Sound, at: float) -> None:
        """Let ``sound`` begin at ``at``, seconds on the Trio clock."""
        self._clips.append(_Clip(at, sound))

    def cue(self, event: Event) -> None:
        """Nothing that happens in the conversation changes this world."""

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[MicrophoneStream]:
        await trio.lowlevel.checkpoint()
        stream = MicrophoneStream(self, rate)
        self._streams.add(stream)
        try:
            self.on_open(stream)
            yield stream
        finally:
            stream.closed = True
            self._streams.discard(stream)

    def on_open(self, stream: MicrophoneStream) -> None:
        """For those who place a clip when the microphone opens."""

    def take(self, first: int, size: int, opened: float, rate: int) -> bytes:
        """The ``size`` samples from number ``first`` since ``opened``."""
        begin, end = opened + first / rate, opened + (first + size) / rate
        self._taken_until = max(self._taken_until, end)
        sounding = [clip for clip in self._clips if clip.at < end + ROUNDING and clip.until > begin - ROUNDING]
        if not sounding:
            return bytes(SAMPLE_BYTES * size)
        mix = np.zeros(size, np.int32)
        for clip in sounding:
            clip.add_to(mix, first, opened, rate)
        return np.clip(mix, -32768, 32767).astype("<i2").tobytes()


class NullMicrophone(VirtualMicrophone):
    """Hears nothing, for ever."""
