"""A sound card's loudspeaker: speech in from Trio, sound out, and the account of what has left the device."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio

from actors.errors import DeviceError, DeviceLost
from actors.messages import SAMPLE_BYTES
from actors.ports import Tap

from ..groups import unwrapped
from .playout import PlayoutBuffer
from .portaudio import DeviceName, DeviceStream, open_stream

QUEUE_SECONDS = 0.060
"""Of speech that may wait for the device, in addition to what the device has taken."""

STEP_SECONDS = 0.010
"""A writer who waits is woken when there is room for so much."""

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


class PortAudioPlayback:
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
        self.rate = rate
        self.latency = LATENCY
        """Seconds of sound the device is to hold."""
        self._open_stream = open_stream
        self._watching = trio.CancelScope()
        self._forgiven = self._seen = self._calm_from = 0
        self._wanted = LATENCY
        self.buffer = PlayoutBuffer(rate, stream.rate, wake=self._wake, taps=taps, settling=SETTLING_SECONDS)
        self._stream = stream
        self._token = trio.lowlevel.current_trio_token()
        self._waiting = trio.lowlevel.ParkingLot()
        self._gone: DeviceLost | None = None
        self._gone_event = trio.Event()
        self._stops = 0
        self._closed = False
        self._until = math.inf
        """When the device fell silent for good."""

    @property
    def underruns(self) -> int:
        """How often there was a gap in the middle of speech."""
        return self.buffer.underruns

    async def write(self, pcm: bytes) -> float:
        """Play ``pcm`` after what is queued.  Returns when at most 60 ms wait for the device.

        When it is cancelled, what was queued until then is played; when ``stop`` comes first, the rest is forgotten.
        Raises DeviceLost when the device goes, and DeviceError when it is closed.
        """
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        stops = self._stops
        await trio.lowlevel.checkpoint()
        first: float | None = None
        while stops == self._stops:
            self._raise_if_gone()
            room = SAMPLE_BYTES * max(0, round((QUEUE_SECONDS - self.buffer.queued) * self.rate))
            if first is None and (room or not pcm):
                first = self.buffer.next(trio.current_time())
            self.buffer.append(pcm[:room])
            pcm = pcm[room:]
            if not pcm:
                break
            wanted = min(STEP_SECONDS, len(pcm) / (SAMPLE_BYTES * self.rate))
            await self._until_down_to(QUEUE_SECONDS - wanted)
        return self.buffer.next(trio.current_time()) if first is None else first

    async def drain(self) -> None:
        """Wait until the last sample has left the device.  Raises DeviceLost when the device goes before."""
        await trio.lowlevel.checkpoint()
        self.buffer.flush()
        while not self._closed:
            self._raise_if_gone()
            if not self.buffer.is_down_to(0):
                await self._waiting.park()
            elif (end := self.buffer.end(trio.current_time())) > trio.current_time():
                await trio.sleep_until(end)
            else:
                break
        if self.underruns > self._seen:
            self._seen, self._calm_from = self.underruns, self.played()
        if self.underruns - self._forgiven >= DRY:
            self._hold(min(2 * self.latency, ROOMIEST))
        elif self.played() - self._calm_from >= CALM * self.rate:
            self._hold(max(self.latency / 2, LATENCY))

    def stop(self) -> None:
        """Fade out within 5 ms what the device takes next, and forget the rest."""
        self._stops += 1
        self.buffer.stop()
        self._waiting.unpark_all()

    def played(self) -> int:
        """Samples written that have left the device; what one that has gone still held did not."""
        return self.buffer.played(min(trio.current_time(), self._until))

    def overlay(self, pcm: bytes) -> None:
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        self.buffer.overlay(pcm)

    def duck(self, gain: float) -> None:
        self.buffer.duck(gain)

    async def lost(self) -> DeviceLost:
        while self._gone is None:
            await self._gone_event.wait()
        return self._gone

    async def run(self) -> None:
        """Watch over the device.  Returns when it has gone."""
        while self._gone is None:
            with self._watching:
                self._gone = await self._stream.lost()
            if self._gone is None:
                await self._reopen()
        self._until = min(trio.current_time(), self.buffer.asked_until - self._stream.latency)
        self._gone_event.set()
        self._waiting.unpark_all()

    def _hold(self, seconds: float) -> None:
        """Have the device hold so much."""
        if seconds != self.latency:
            self._wanted = seconds
            self._watching.cancel("the device is to hold more, or less")

    async def _reopen(self) -> None:
        self._watching = trio.CancelScope()
        self.latency = self._wanted
        self._forgiven, self._calm_from = self.underruns, self.played()
        await self._stream.close()
        try:
            self._stream = await self._open_stream(self.latency)
        except DeviceError as error:
            self._gone = DeviceLost(str(error))
        else:
            if self._stream.rate != self.buffer.device_rate:
                self._gone = DeviceLost(f"The speaker {self._stream.name!r} has changed its rate.")

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

    async def _until_down_to(self, seconds: float) -> None:
        """Wait until no more than this is queued, or ``stop``, the closing or the loss comes first."""
        stops = self._stops
        while stops == self._stops and not self._is_over and not self.buffer.is_down_to(seconds):
            await self._waiting.park()

    @property
    def _is_over(self) -> bool:
        return self._closed or self._gone is not None

    def _wake(self) -> None:
        """In the device's thread."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._waiting.unpark_all, idempotent=True)

    def _raise_if_gone(self) -> None:
        if self._gone is not None:
            raise self._gone
        if self._closed:
            raise DeviceError(f"The speaker {self._stream.name!r} is closed; open it again before playing.")


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
