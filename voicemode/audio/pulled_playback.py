"""What is common to speakers that ask for sound block by block: speech in from Trio, what has left the device out.

Who asks, a device's thread or a task, calls ``fill`` of the ``buffer``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import trio

from actors.errors import DeviceError, DeviceLost
from actors.messages import SAMPLE_BYTES
from actors.ports import Tap

from .playout import PlayoutBuffer

QUEUE_SECONDS = 0.060
"""Of speech that may wait for the device, in addition to what the device has taken."""

STEP_SECONDS = 0.010
"""A writer who waits is woken when there is room for so much."""


class PulledPlayback:
    """All of ``Playback`` but for the device.  ``name`` is the device's, for people."""

    def __init__(
        self, rate: int, device_rate: int, *, name: str, taps: Sequence[Tap] = (), settling: float = 0.0
    ) -> None:
        self.rate, self.name = rate, name
        self.buffer = PlayoutBuffer(rate, device_rate, wake=self._wake, taps=taps, settling=settling)
        self._token = trio.lowlevel.current_trio_token()
        self._waiting = trio.lowlevel.ParkingLot()
        self._gone: DeviceLost | None = None
        self._gone_event = trio.Event()
        self._stops = 0
        self._closed = False

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
                first = self._next()
            self.buffer.append(pcm[:room])
            self._appended()
            pcm = pcm[room:]
            if not pcm:
                break
            wanted = min(STEP_SECONDS, len(pcm) / (SAMPLE_BYTES * self.rate))
            await self._until_down_to(QUEUE_SECONDS - wanted)
        return self._next() if first is None else first

    async def drain(self) -> None:
        """Wait until the last sample has left the device.  Raises DeviceLost when the device goes before."""
        await trio.lowlevel.checkpoint()
        self.buffer.flush()
        self._appended()
        while not self._closed:
            self._raise_if_gone()
            if not self.buffer.is_down_to(0):
                await self._waiting.park()
            elif await self._left():
                break

    def stop(self) -> None:
        """Fade out within 5 ms what the device takes next, and forget the rest."""
        self._stops += 1
        self.buffer.stop()
        self._appended()
        self._waiting.unpark_all()

    def overlay(self, pcm: bytes) -> None:
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        self.buffer.overlay(pcm)
        self._appended()

    def duck(self, gain: float) -> None:
        self.buffer.duck(gain)

    async def lost(self) -> DeviceLost:
        while self._gone is None:
            await self._gone_event.wait()
        return self._gone

    def _next(self) -> float:
        """When a sample that is appended now will leave the device."""
        return self.buffer.next(trio.current_time())

    async def _left(self) -> bool:
        """Whether what the device has taken has left it; if not, some time has passed."""
        now = trio.current_time()
        if (end := self.buffer.end(now)) <= now:
            return True
        await trio.sleep_until(end)
        return False

    def _appended(self) -> None:
        """There may be something for the device, for those that ask only then."""

    async def _until_down_to(self, seconds: float) -> None:
        """Wait until no more than this is queued, or ``stop``, the closing or the loss comes first."""
        stops = self._stops
        while stops == self._stops and not self._is_over and not self.buffer.is_down_to(seconds):
            await self._waiting.park()

    def _lose(self, why: DeviceLost) -> None:
        self._gone = why
        self._gone_event.set()
        self._waiting.unpark_all()

    @property
    def _is_over(self) -> bool:
        return self._closed or self._gone is not None

    def _wake(self) -> None:
        """In the thread that asks for sound."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._waiting.unpark_all, idempotent=True)

    def _raise_if_gone(self) -> None:
        if self._gone is not None:
            raise self._gone
        if self._closed:
            raise DeviceError(f"The speaker {self.name!r} is closed; open it again before playing.")
