"""The way to the speaker that outlives its device: sound in, and out to whichever device is there.

What a device took and did not play is kept here for the next one.
"""

from __future__ import annotations

from types import TracebackType
from typing import final

import trio

from .errors import DeviceError, DeviceLost
from .messages import SAMPLE_BYTES
from .ports import Playback


@final
class Outlet:
    """Implements ``Playback``, for one writer at a time.

    While there is no device ``write`` and ``drain`` wait.  What had been written and had not left a device when it was
    lost is played by the next one, from the first sample that nobody heard and before anything else.  A device's
    DeviceError is therefore nothing the writer sees; its other errors come out of ``write`` and ``drain``.  Leaving the
    context closes it: then there is no next device, and who waits or comes later gets a DeviceError.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._device: Playback | None = None
        self._ready = False
        self._closed = False
        self._changed = trio.Event()
        self._stops = 0
        self._gain = 1.0
        self._earlier = 0
        """Samples that left earlier devices."""
        self._kept = bytearray()
        """What was written since the last stop and may not have left yet, beginning with sample ``_position``."""
        self._position = 0
        self._base = 0
        """What the device had played when sample ``_position`` was the next to leave."""
        self._resumed = (0, 0.0)
        """The sample the device began with, and when it left."""
        self._lost_at = 0.0

    def __enter__(self) -> Outlet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._change()

    @property
    def device(self) -> Playback | None:
        """What plays at present."""
        return self._device

    async def attach(self, device: Playback) -> None:
        """Play what earlier devices left unplayed on ``device``, then let in who waits.

        Raises what ``device`` does; ``detach`` has to follow in any case.
        """
        self._device, self._base = device, device.played()
        self._earlier -= self._base
        device.duck(self._gain)
        if self._kept:
            self._resumed = self._position, await device.write(bytes(self._kept))
        self._ready = True
        self._change()

    def detach(self) -> None:
        """There is no device any longer."""
        if self._device is not None:
            self._earlier += self._forget_played(self._device)
            self._lost_at = trio.current_time()
        self._device, self._ready = None, False
        self._change()

    async def write(self, pcm: bytes) -> float:
        """As ``Playback``; what is stopped while it waits for a device is forgotten, and said to leave now."""
        stops = self._stops
        device = await self._wait_ready(stops)
        if device is None:
            return trio.current_time()
        self._forget_played(device)
        start = self._position + len(self._kept) // SAMPLE_BYTES
        self._kept += pcm
        try:
            return await device.write(pcm)
        except DeviceError:
            await self._wait_successor(device, stops)
        position, resumed = self._resumed
        return (resumed if start >= position else self._lost_at) + (start - position) / self.rate

    async def drain(self) -> None:
        while True:
            stops = self._stops
            device = await self._wait_ready(stops) if self._kept else self._device
            if device is None:
                return await trio.lowlevel.checkpoint()
            try:
                return await device.drain()
            except DeviceError:
                await self._wait_successor(device, stops)

    def stop(self) -> None:
        self._stops += 1
        self._kept.clear()
        if self._device is not None:
            self._device.stop()
        self._change()

    def played(self) -> int:
        """How many of the samples written have left any device."""
        return self._earlier + (0 if self._device is None else self._device.played())

    def overlay(self, pcm: bytes) -> None:
        """As ``Playback``; without a device nothing is played."""
        if self._device is not None:
            self._device.overlay(pcm)

    def duck(self, gain: float) -> None:
        """As ``Playback``; devices to come play at ``gain`` too."""
        if not 0.0 <= gain <= 1.0:
            raise ValueError(f"a gain of {gain:g}, which is not from 0 to 1")
        self._gain = gain
        if self._device is not None:
            self._device.duck(gain)

    async def lost(self) -> DeviceLost:
        """An outlet is lost when it is closed."""
        while not self._closed:
            await self._changed.wait()
        return DeviceLost("The speaker is closed; open the conversation again before playing.")

    async def _wait_ready(self, stops: int) -> Playback | None:
        """The device, as soon as there is one; None when somebody has called ``stop`` before that."""
        while not self._ready and stops == self._stops:
            if self._closed:
                raise await self.lost()
            await self._changed.wait()
        return self._device if self._ready else None

    async def _wait_successor(self, device: Playback, stops: int) -> None:
        """``device`` says that it has gone: wait until whoever keeps the speaker has put another in its place."""
        while self._device is device and stops == self._stops and not self._closed:
            await self._changed.wait()
        await self._wait_ready(stops)

    def _forget_played(self, device: Playback) -> int:
        """What has left ``device`` is not kept any longer; say how much that is since it was opened."""
        played = device.played()
        if not self._kept:
            # what the device still plays after a stop counts, but is no part of what is kept
            self._base = played
        left = min(played - self._base, len(self._kept) // SAMPLE_BYTES)
        del self._kept[: SAMPLE_BYTES * left]
        self._position += left
        self._base += left
        return played

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
