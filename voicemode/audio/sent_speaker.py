"""A speaker somewhere else: speech in, stretches of sound out to whoever sends them there, at the pace of the clock.

The far side is told to be silent when the speech is stopped, if it can be, and says what it has played, if it does.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Protocol, runtime_checkable

import trio

from actors.errors import DeviceError, DeviceLost, VoiceError

from ..groups import unwrapped
from .far_side import reaching
from .pulled_playback import PulledPlayback

QUANTUM_SECONDS = 0.020
"""Of sound in a stretch at most."""

AHEAD = 0.060
"""Seconds of sound that the far side has before it is due, unless said otherwise."""

PATIENCE = 2.0
"""Seconds in which the far side has to answer a ``clear`` and to say that it plays; else it is lost."""

ENDING_SECONDS = 0.3
"""For the fade and a chime that still sounds at the closing."""

_ROUNDING = 1e-6


class FarSpeaker(Protocol):
    """The way to a speaker somewhere else, while it is open.

    What is raised when the connection ends (OSError, Trio's resource errors, EndOfChannel) is the loss of the device.
    Only ``send`` has to be there; ``ClearsSound`` and ``SaysWhatPlayed`` are one more method each.
    """

    async def send(self, pcm: bytes) -> None:
        """Have ``pcm``, at most 20 ms, played after what was sent before.  Is called when it is due, by one task."""
        ...


@runtime_checkable
class ClearsSound(Protocol):
    """A far side that holds sound which it can drop."""

    async def clear(self) -> int | None:
        """Have what was sent and not played dropped, and return how many samples were played since the opening; None
        where the far side does not answer that.  Nothing is sent meanwhile."""
        ...


@runtime_checkable
class SaysWhatPlayed(Protocol):
    """A far side that tells how far it is."""

    async def played(self) -> int:
        """Wait for the next report: how many samples were played since the opening, without those that were dropped.
        When the connection ends it raises, also while nothing is said."""
        ...


class SentPlayback(PulledPlayback):
    """Implements ``Playback``.  Its buffer's time is seconds of the sound that was sent, dropped or not."""

    def __init__(self, far: FarSpeaker, rate: int, far_rate: int, *, name: str, ahead: float, latency: float) -> None:
        super().__init__(rate, far_rate, name=name)
        self._far = far
        self._ahead, self._latency = ahead, latency
        self._sent = self._skipped = self._reported = 0
        """Samples that were sent, those of them that were dropped, and those that were played by the last report."""
        self._due = trio.current_time()
        """When the next sample is to leave, without the latency."""
        self._until = math.inf
        """When the connection ended."""
        self._clearing = False
        self._more = trio.Event()
        # the buffer takes this for a device that has begun to ask
        self.buffer.fill(memoryview(b""), 0, 0.0, False)

    def stop(self) -> None:
        """Have the far side drop what it holds; where it cannot, fade out within 5 ms.  The rest is forgotten."""
        sounding, clears = self._left_until() < self._sent, isinstance(self._far, ClearsSound)
        if clears or not sounding:
            self.buffer.drop()
        self._clearing = self._clearing or (clears and sounding)
        super().stop()

    def played(self) -> int:
        """Samples written that have left the far side: as it says, or by the clock where it says nothing."""
        return self.buffer.played(self._left_until() / self.buffer.device_rate)

    async def run(self) -> None:
        """Send what is due.  Returns when the device is lost."""
        try:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    if isinstance(self._far, SaysWhatPlayed):
                        nursery.start_soon(self._follow, self._far)
                    await self._send_what_is_due()
        except VoiceError as error:
            self._until = trio.current_time()
            self._lose(error if isinstance(error, DeviceLost) else DeviceLost(str(error)))

    async def finish(self) -> None:
        """Stop, and let the fade and a chime be sent, which takes at most 0.3 s."""
        self.stop()
        with trio.move_on_after(ENDING_SECONDS), suppress(DeviceError):
            await trio.sleep(self.buffer.to_come / self.buffer.device_rate)
            await self.drain()
        self._closed = True
        self._until = min(trio.current_time(), self._until)
        self._waiting.unpark_all()

    async def _send_what_is_due(self) -> None:
        rate = self.buffer.device_rate
        while True:
            self._more = trio.Event()
            if self._clearing and isinstance(self._far, ClearsSound):
                await self._clear(self._far)
                continue
            if self.buffer.is_empty:
                await self._more.wait()
                continue
            now = trio.current_time()
            self._due = max(self._due, now)
            if self._due - self._ahead > now + _ROUNDING:
                with trio.move_on_at(self._due - self._ahead):
                    await self._more.wait()
                continue
            if self._sent - self._left_until() > (PATIENCE + self._ahead + self._latency) * rate:
                raise self._silent()
            frames = min(self.buffer.to_come, round(QUANTUM_SECONDS * rate))
            pcm = bytearray(2 * frames)
            self.buffer.fill(memoryview(pcm), frames, self._sent / rate, False)
            self._sent += frames
            self._due += frames / rate
            if pcm:
                with reaching(self.name):
                    await self._far.send(bytes(pcm))

    async def _clear(self, far: ClearsSound) -> None:
        with trio.move_on_after(PATIENCE) as scope, reaching(self.name):
            count = await far.clear()
            left = self._left_until() if count is None else min(count + self._skipped, self._sent)
            self.buffer.forget(left / self.buffer.device_rate)
            self._reported = left - self._skipped
            self._skipped += self._sent - left
            self._due = trio.current_time() - self._latency
            self._clearing = False
            self._waiting.unpark_all()
        if scope.cancelled_caught:
            raise self._silent()

    async def _follow(self, far: SaysWhatPlayed) -> None:
        while True:
            with reaching(self.name):
                count = await far.played()
            self._reported = max(self._reported, min(count, self._sent - self._skipped))
            self._waiting.unpark_all()

    def _left_until(self) -> int:
        """How many of the samples sent have left, or were dropped."""
        if isinstance(self._far, SaysWhatPlayed):
            return self._reported + self._skipped
        to_come = self._due + self._latency - min(trio.current_time(), self._until)
        return self._sent - min(max(math.ceil(to_come * self.buffer.device_rate - _ROUNDING), 0), self._sent)

    def _next(self) -> float:
        now = trio.current_time()
        sent = self._sent / self.buffer.device_rate
        return max(self._due, now) + self._latency + self.buffer.next(sent) - sent

    async def _left(self) -> bool:
        left = self._left_until()
        if left >= self._sent and not self._clearing:
            return True
        reports = self._clearing or isinstance(self._far, SaysWhatPlayed)
        until = trio.current_time() + PATIENCE if reports else self._due + self._latency
        with trio.move_on_at(until) as scope:
            await self._waiting.park()
        if reports and scope.cancelled_caught and self._left_until() == left:
            self._until = trio.current_time()
            self._lose(self._silent())
        return False

    def _appended(self) -> None:
        self._more.set()

    def _wake(self) -> None:
        self._waiting.unpark_all()

    def _silent(self) -> DeviceLost:
        return DeviceLost(f"The {self.name} has not said for {PATIENCE:g} s that it plays. Check it and its network.")


class SentSpeaker:
    """Implements ``Speaker`` for what ``connect`` opens; that is given the rate, in Hz, of what will be sent.

    The far side gets sound at ``rate``, or the voice's when that is None, ``ahead`` seconds before it is due: a cushion
    against an unsteady network, but what is sent can only be dropped, not made softer.  Between speech nothing is sent.
    A far side that does not report what it plays counts as playing a sample ``latency`` seconds after it is due.  One
    that cannot drop what it holds plays that after a stop.
    """

    def __init__(
        self,
        connect: Callable[[int], AbstractAsyncContextManager[FarSpeaker]],
        *,
        rate: int | None = None,
        ahead: float = AHEAD,
        latency: float = 0.0,
        name: str = "far speaker",
    ) -> None:
        self._connect, self._rate, self._name = connect, rate, name
        self._ahead, self._latency = ahead, latency

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[SentPlayback]:
        """Implements the port.  Raises DeviceLost when ``connect`` does not get there."""
        far_rate = self._rate or rate
        with unwrapped():
            async with AsyncExitStack() as stack:
                with reaching(self._name):
                    far = await stack.enter_async_context(self._connect(far_rate))
                playback = SentPlayback(far, rate, far_rate, name=self._name, ahead=self._ahead, latency=self._latency)
                nursery = await stack.enter_async_context(trio.open_nursery())
                nursery.start_soon(playback.run)
                try:
                    yield playback
                finally:
                    with trio.CancelScope(shield=True):
                        await playback.finish()
                    nursery.cancel_scope.cancel("the speaker is closed")
