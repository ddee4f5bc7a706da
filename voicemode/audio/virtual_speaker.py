"""A speaker without a sound card: audio in, and what leaves it and when, to the sample, out.

The device is a calculation on the Trio clock, without threads or tasks of its own, so it is exact under a virtual
clock too.  Positions are samples since the opening.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import trio

from actors.errors import DeviceError, DeviceLost
from actors.messages import SAMPLE_BYTES

from .ducking import Ducking
from .mixing import Placed, mixed

QUANTA_PER_SECOND = 100
QUEUE_SECONDS = 0.060
_TOLERANCE = 1e-3
"""In samples: what the sums of floating point times may be off."""

Sink: TypeAlias = Callable[[float, bytes, int], None]
"""Is given (time of the first sample, pcm, rate)."""


class VirtualPlayback:
    """Implements ``Playback``.  The device takes audio at the boundaries of 10 ms quanta counted from ``opened``."""

    def __init__(self, rate: int, sink: Sink | None) -> None:
        self.rate = rate
        self.opened = trio.current_time()
        self._sink = sink
        self._quantum = rate // QUANTA_PER_SECOND
        self._limit = round(QUEUE_SECONDS * rate)
        self._queue: deque[Placed] = deque()
        self._overlays: deque[Placed] = deque()
        self._ducking = Ducking(rate)
        self._end = 0
        self._delivered = 0
        self._stops = 0
        self._closed: float | None = None

    async def write(self, pcm: bytes) -> float:
        """Play ``pcm`` after what is queued, or from the next quantum on when nothing is.

        Returns when at most 60 ms of it remain to be played.  When it is cancelled, what was queued until then is
        played; when ``stop`` or the closing comes first, the rest is forgotten.  Raises DeviceError when it is closed
        already, and what the sink raises.
        """
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        stops = self._stops
        await trio.lowlevel.checkpoint()
        if self._closed is not None:
            raise DeviceError("The virtual speaker is closed; open it again before playing.")
        rest = memoryview(pcm)
        first = max(self._end, self._boundary())
        while stops == self._stops and self._closed is None:
            self._deliver()
            start = max(self._end, self._boundary())
            if rest.nbytes == len(pcm):
                first = start
            room = SAMPLE_BYTES * max(0, self._now() + self._limit - start)
            if accepted := bytes(rest[:room]):
                self._queue.append((start, accepted))
                start = self._end = start + len(accepted) // SAMPLE_BYTES
            rest = rest[room:]
            if not rest:
                break
            wanted = min(self._quantum, rest.nbytes // SAMPLE_BYTES)
            await self.wait_until(self._time(start + wanted - self._limit))
        return self._time(first)

    async def drain(self) -> None:
        """Wait until everything queued has been played; a ``stop`` meanwhile is noticed within a quantum."""
        await trio.lowlevel.checkpoint()
        self._deliver()
        while (now := self._now()) < self._end:
            await self.wait_until(self._time(min(self._end, now + self._quantum)))
            self._deliver()

    async def wait_until(self, at: float) -> None:
        """For those who have a clock of their own: wait until ``at`` on Trio's."""
        await trio.sleep_until(at)

    def stop(self) -> None:
        """Forget all but the quantum that the device has taken already.  The sink is not called here."""
        self._stops += 1
        self._forget_from(self._boundary())

    def played(self) -> int:
        """Samples written that have left the device by now; after the closing, until then."""
        now = self._now()
        return self._delivered + sum(min(max(now - start, 0), len(pcm) // SAMPLE_BYTES) for start, pcm in self._queue)

    def overlay(self, pcm: bytes) -> None:
        """Mix ``pcm`` in from the next quantum on.  The sink gets it with what is played meanwhile, at the latest at
        the closing, and only what has left by then."""
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        if self._closed is None and pcm:
            self._overlays.append((self._boundary(), pcm))

    def duck(self, gain: float) -> None:
        """Play at ``gain`` from the next quantum on; what the sink gets is what is heard."""
        boundary = self._boundary()
        self._ducking.forget(self._queue[0][0] if self._queue else boundary)
        self._ducking.change(gain, boundary, ramp=self._end > boundary)

    async def lost(self) -> DeviceLost:
        """Never: a calculation does not go away."""
        await trio.sleep_forever()

    def close(self) -> None:
        """Stop at once.  The sink gets what has left until now; the rest is forgotten."""
        self._closed = trio.current_time()
        self._forget_from(self._now())
        self._deliver()
        self._overlays.clear()

    def _deliver(self) -> None:
        """Hand what has left the device to the sink."""
        now = self._now()
        voice, chimes = _taken(self._queue, now), _taken(self._overlays, now)
        self._delivered += sum(len(pcm) // SAMPLE_BYTES for _, pcm in voice)
        if self._sink:
            voice = [(start, bytes(self._ducking.apply(pcm, start))) for start, pcm in voice]
            for start, pcm in mixed(voice + chimes):
                self._sink(self._time(start), pcm, self.rate)

    def _forget_from(self, position: int) -> None:
        self._queue = deque(
            (start, pcm[: SAMPLE_BYTES * (position - start)]) for start, pcm in self._queue if start < position
        )
        self._end = min(self._end, position)

    def _elapsed(self) -> float:
        now = trio.current_time() if self._closed is None else self._closed
        return (now - self.opened) * self.rate

    def _now(self) -> int:
        """How many sample periods have gone by."""
        return math.floor(self._elapsed() + _TOLERANCE)

    def _boundary(self) -> int:
        """The first boundary between quanta that is not past."""
        return -(-math.ceil(self._elapsed() - _TOLERANCE) // self._quantum) * self._quantum

    def _time(self, position: int) -> float:
        return self.opened + position / self.rate


def _taken(queue: deque[Placed], until: int) -> list[Placed]:
    """Take what lies before the position ``until`` out of ``queue``, which is in order."""
    taken: list[Placed] = []
    kept: list[Placed] = []
    while queue and queue[0][0] < until:
        start, pcm = queue.popleft()
        cut = SAMPLE_BYTES * (until - start)
        taken.append((start, pcm[:cut]))
        if pcm[cut:]:
            kept.append((until, pcm[cut:]))
    queue.extendleft(reversed(kept))
    return taken


class VirtualSpeaker:
    """Implements ``Speaker``.  ``sink`` is called with what really left the device and only that, in order, from
    ``write``, ``drain`` and the closing; an error it raises comes out there."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[VirtualPlayback]:
        await trio.lowlevel.checkpoint()
        playback = VirtualPlayback(rate, self._sink)
        try:
            yield playback
        finally:
            playback.close()


class NullSpeaker(VirtualSpeaker):
    """Plays in real time to nobody."""

    def __init__(self) -> None:
        super().__init__(None)
