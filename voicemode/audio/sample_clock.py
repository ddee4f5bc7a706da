"""Tells when each sample of a stream was taken: the device's jittery accounts in, a steady time line out."""

from __future__ import annotations

GAP = 0.05
"""Seconds a device may be off its time line before samples are believed to be missing, if it stays so."""
CONFIRMED = 5
"""Blocks for which it has to stay so; one late account is no gap."""
FLAGGED = 0.005
"""Seconds that are enough when the device itself says that it lost samples."""

_SETTLING = 2.0
"""Seconds in which the line follows for the most part when it is early: the device may just have been late."""
_RISE, _FALL = 0.01, 0.05
"""Of the time that passes: how fast it follows at most when it is early, and when it is late."""


class SampleClock:
    """The time line of a stream at ``rate`` Hz, whose samples are counted from 0.

    No sample is heard before it was taken, but many are heard late: so the line keeps to the earliest accounts.  It
    follows a device whose clock is off by up to 1 %, never runs backward, and jumps, always forward, only where samples
    are missing.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._zero: float | None = None
        self._position = 0
        self._off: list[float] = []

    def hear(self, position: int, at: float, *, glitch: bool = False) -> bool:
        """Sample ``position`` was taken at ``at``, says the device; ``glitch`` that it lost some before.

        Returns whether the line jumps between the samples before ``position`` and those from there on.
        """
        if self._zero is None:
            self._zero = at - position / self.rate
        passed = (position - self._position) / self.rate
        self._position = position
        error = at - self.time_of(position)
        if glitch and error > FLAGGED:
            return self._jump(error)
        self._off = [*self._off, error] if error > GAP else []
        if len(self._off) >= CONFIRMED:
            return self._jump(min(self._off))
        self._zero += max(error, -_FALL * passed) if error < 0 else min(error / _SETTLING, _RISE) * passed
        return False

    def time_of(self, position: float) -> float:
        """When sample ``position`` was taken, as far as is known; between two samples too."""
        if self._zero is None:
            raise ValueError("nothing was heard of the device yet")
        return self._zero + position / self.rate

    def _jump(self, seconds: float) -> bool:
        self._zero = self.time_of(0) + seconds
        self._off = []
        return True
