"""Devices for tests that go and come back when they are told to, exact under a virtual clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import trio

from actors.errors import DeviceError, DeviceLost
from actors.messages import AudioFrame
from voicemode.audio.virtual_microphone import VirtualMicrophone
from voicemode.audio.virtual_speaker import Sink, VirtualPlayback


class MortalPlayback(VirtualPlayback):
    """Dies on demand: what is queued is not played, and ``write`` and ``drain`` raise."""

    def __init__(self, rate: int, sink: Sink | None) -> None:
        super().__init__(rate, sink)
        self.gone = trio.Event()
        self.error = DeviceLost("The speaker was pulled out.")
        self.overlaid: list[bytes] = []

    def die(self) -> None:
        self.close()
        self.gone.set()

    async def write(self, pcm: bytes) -> float:
        at = await super().write(pcm)
        self._refuse_if_gone()
        return at

    async def drain(self) -> None:
        await super().drain()
        self._refuse_if_gone()

    def overlay(self, pcm: bytes) -> None:
        self.overlaid.append(pcm)
        super().overlay(pcm)

    async def lost(self) -> DeviceLost:
        await self.gone.wait()
        return self.error

    def _refuse_if_gone(self) -> None:
        if self.gone.is_set():
            raise self.error


class MortalSpeaker:
    """Every opening is a new device; while ``refusal`` is set there is none."""

    def __init__(self, sink: Sink | None = None) -> None:
        self.refusal: Exception | None = None
        self.closing_error: Exception | None = None
        self.openings: list[float] = []
        self.playback: MortalPlayback | None = None
        self._sink = sink

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[MortalPlayback]:
        await trio.lowlevel.checkpoint()
        self.openings.append(trio.current_time())
        if self.refusal is not None:
            raise self.refusal
        self.playback = playback = MortalPlayback(rate, self._sink)
        try:
            yield playback
        finally:
            playback.close()
            self.playback = None
            if self.closing_error is not None:
                raise self.closing_error

    def die(self) -> None:
        if self.playback is not None:
            self.playback.die()


class MortalMicrophone(VirtualMicrophone):
    """A room whose microphone can be pulled out, which shows with its next frame; with ``refusal`` there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.refusal: Exception | None = None
        self.openings: list[float] = []
        self._dead = False

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:  # type: ignore[override]  # as the port
        self.openings.append(trio.current_time())
        if self.refusal is not None:
            await trio.lowlevel.checkpoint()
            raise self.refusal
        self._dead = False
        async with super().open(rate) as frames:
            yield self._deliver(frames)

    def die(self) -> None:
        self._dead = True

    async def _deliver(self, frames: AsyncIterator[AudioFrame]) -> AsyncIterator[AudioFrame]:
        async for frame in frames:
            if self._dead:
                raise DeviceLost("The microphone was pulled out.")
            yield frame


def refused(device: str) -> DeviceError:
    return DeviceError(f"There is no {device}.")
