"""Makes frames of what a microphone delivers: stretches of any length at the device's rate in, frames of whole blocks
of 10 ms at the listener's rate out, on a steady time line."""

from __future__ import annotations

from actors.messages import SAMPLE_BYTES, AudioFrame

from .resampler import StreamResampler
from .sample_clock import SampleClock

FRAMES_PER_SECOND = 100

LONGEST = 10
"""Blocks in one frame at most, for a listener who is late."""


class FrameCutter:
    """One opening of a microphone at ``device_rate`` Hz.  No frame spans a gap."""

    def __init__(self, device_rate: int, rate: int) -> None:
        self._rate = rate
        self._clock = SampleClock(device_rate)
        self._resampler = StreamResampler(device_rate, rate)
        self._begun = 0
        """The position of the sound without gaps that is cut now, and in ``_given`` the samples cut of it."""
        self._given = 0
        self._pending = b""

    @property
    def delay(self) -> float:
        """Seconds of sound that the resampler holds back."""
        return self._resampler.delay

    @property
    def is_full(self) -> bool:
        """Whether there is enough for the longest frame."""
        return len(self._pending) >= LONGEST * self._size

    def add(
        self, pcm: bytes, position: int, at: float, *, glitch: bool = False, missing: bool = False
    ) -> AudioFrame | None:
        """Go on with ``pcm``, whose first sample has this position and was taken ``at``; ``glitch`` says that the
        device may have lost some before, ``missing`` that it has.  Returned is what was pending before a gap."""
        start = self._start
        if not self._clock.hear(position, at, glitch=glitch) and not missing:
            self._pending += self._resampler.convert(pcm)
            return None
        before = self._cut(start)
        self._resampler = StreamResampler(self._clock.rate, self._rate)
        self._begun, self._given = position, 0
        self._pending = self._resampler.convert(pcm)
        return before

    def cut(self) -> AudioFrame | None:
        """The whole blocks of what is pending, if there is one."""
        return self._cut(self._start)

    @property
    def _size(self) -> int:
        """Bytes of 10 ms."""
        return self._rate // FRAMES_PER_SECOND * SAMPLE_BYTES

    @property
    def _start(self) -> float:
        """When what is pending was taken."""
        if not self._pending:
            return 0.0
        return self._clock.time_of(self._begun + self._given * self._clock.rate / self._rate)

    def _cut(self, start: float) -> AudioFrame | None:
        whole = min(len(self._pending) // self._size, LONGEST) * self._size
        if not whole:
            return None
        pcm, self._pending = self._pending[:whole], self._pending[whole:]
        self._given += whole // SAMPLE_BYTES
        return AudioFrame(start=start, pcm=pcm, rate=self._rate)
