"""A sound card's loudspeaker: speech in from Trio, sound out, and the account of what has left the device."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio

from actors.errors import DeviceError, DeviceLost
from actors.ports import Tap

from ..groups import unwrapped
from .playout import PlayoutBuffer
from .portaudio import DeviceName, DeviceStream, open_stream
from .pulled_playback import QUEUE_SECONDS, PulledPlayback

BLOCK_SECONDS = 0.005
"""What the device takes at a time; a stop waits for the next."""

LATENCY = 0.015
"""Seconds of sound the device holds: a stop waits for these too, and a callback may be as late before it is heard."""

ROOMIEST = 0.060
"""Seconds it may hold after all, on a machine that is too busy for less: each time it is twice as much."""

DRY = 3
"""Gaps in speech after which the device is given more room."""

CALM = 30.0
"""Seconds of speech without a gap after which it is given half as much again: the machine was busy for a while."""

SETTLING_SECONDS = 0.030
"""Of sound that a device asks for before its times are believed: while it fills itself up they are milliseconds off."""

ENDING_SECONDS = 0.3
"""For a chime that still sounds at the closing; what is being said is faded out."""


class PortAudioPlayback(PulledPlayback):
    """Implements ``Playback`` for a device that runs, and plays silence when there is nothing to play.

    A device that keeps running dry is closed at the end of a speech and opened again by ``open_stream``, which is given
    the seconds it is to hold; a stop then takes as much longer, until it has been calm for long enough.
    """

    def __init__(
        self,
        rate: int,
        stream: DeviceStream,
        taps: tuple[Tap, ...],
        open_stream: Callable[[float], Awaitable[DeviceStream]],
    ) -> None:
        super().__init__(rate, stream.rate, name=stream.name, taps=taps, settling=SETTLING_SECONDS)
        self.latency = LATENCY
        """Seconds of sound the device is to hold."""
        self._open_stream = open_stream
        self._watching = trio.CancelScope()
        self._forgiven = self._seen = self._calm_from = 0
        self._wanted = LATENCY
        self._stream = stream
        self._until = math.inf
        """When the device fell silent for good."""

    async def drain(self) -> None:
        """Wait until the last sample has left the device.  Raises DeviceLost when the device goes before."""
        await super().drain()
        if self.underruns > self._seen:
            self._seen, self._calm_from = self.underruns, self.played()
        if self.underruns - self._forgiven >= DRY:
            self._hold(min(2 * self.latency, ROOMIEST))
        elif self.played() - self._calm_from >= CALM * self.rate:
            self._hold(max(self.latency / 2, LATENCY))

    def played(self) -> int:
        """Samples written that have left the device; what one that has gone still held did not."""
        return self.buffer.played(min(trio.current_time(), self._until))

    async def run(self) -> None:
        """Watch over the device.  Returns when it has gone."""
        gone: DeviceLost | None = None
        while gone is None:
            with self._watching:
                gone = await self._stream.lost()
            if gone is None:
                gone = await self._reopen()
        self._until = min(trio.current_time(), self.buffer.asked_until - self._stream.latency)
        self._lose(gone)

    def _hold(self, seconds: float) -> None:
        """Have the device hold so much."""
        if seconds != self.latency:
            self._wanted = seconds
            self._watching.cancel("the device is to hold more, or less")

    async def _reopen(self) -> DeviceLost | None:
        self._watching = trio.CancelScope()
        self.latency = self._wanted
        self._forgiven, self._calm_from = self.underruns, self.played()
        await self._stream.close()
        try:
            self._stream = await self._open_stream(self.latency)
        except DeviceError as error:
            return DeviceLost(str(error))
        if self._stream.rate != self.buffer.device_rate:
            return DeviceLost(f"The speaker {self._stream.name!r} has changed its rate.")
        return None

    async def close(self) -> None:
        """Close the device, within half a second."""
        await self._stream.close()

    async def started(self) -> None:
        """Wait until the device asks for sound.  Raises DeviceLost when it goes before it does."""
        await self._until_down_to(QUEUE_SECONDS)
        self._raise_if_gone()

    async def finish(self) -> None:
        """Stop, and let the fade and a chime leave the device, which takes at most 0.3 s."""
        self.stop()
        if self._gone is None:
            now = trio.current_time()
            await trio.sleep_until(min(self.buffer.silent_at(now), now + ENDING_SECONDS))
        self._closed = True
        self._until = min(trio.current_time(), self._until)
        self._waiting.unpark_all()


class PortAudioSpeaker:
    """Implements ``Speaker`` and ``Monitored``.

    ``device`` is a name, an index, or None for the default; ``rate`` what the device is to run at where that is not
    the voice's.  While it is open it plays, be it silence, so that it is warm when the first word comes.
    """

    def __init__(self, device: DeviceName = None, *, rate: int | None = None) -> None:
        self.device, self.rate = device, rate
        self._taps: tuple[Tap, ...] = ()

    def monitor(self, tap: Tap) -> None:
        """Give ``tap`` blocks of 5 ms at the device's rate, in the device's thread."""
        self._taps += (tap,)

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[PortAudioPlayback]:
        """Implements the port.  Raises DeviceError when the device cannot be opened or does not begin to play."""
        door = _Door()
        open_door = partial(self._open_stream, door, self.rate or rate)
        stream = await open_door(LATENCY)
        playback = PortAudioPlayback(rate, stream, self._taps, open_door)
        try:
            door.buffer = playback.buffer
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(playback.run)
                    await playback.started()
                    try:
                        yield playback
                    finally:
                        with trio.CancelScope(shield=True):
                            await playback.finish()
                        nursery.cancel_scope.cancel("the speaker is closed")
        finally:
            await playback.close()

    async def _open_stream(self, door: _Door, rate: int, latency: float) -> DeviceStream:
        return await open_stream("speaker", self.device, rate, door.fill, block_seconds=BLOCK_SECONDS, latency=latency)


class _Door:
    """Closed until the device's rate is known, and silent."""

    def __init__(self) -> None:
        self.buffer: PlayoutBuffer | None = None

    def fill(self, buffer: memoryview, frames: int, at: float, underflow: bool) -> None:
        if self.buffer is None:
            buffer[:] = bytes(buffer.nbytes)
        else:
            self.buffer.fill(buffer, frames, at, underflow)
