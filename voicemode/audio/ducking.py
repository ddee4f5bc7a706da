"""How loud the voice is played: wished gains and their moments in, samples with a share of their level out."""

from __future__ import annotations

import numpy as np

DOWN_SECONDS = 0.010
"""How long it takes to become quieter: a quantum, as good as at once and without a click."""

UP_SECONDS = 0.050
"""How long it takes to become louder again: soft enough not to startle."""


class Ducking:
    """A gain for every position, which is in samples and never goes back; 1.0 at first."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._positions, self._gains = [0], [1.0]
        """Corners of the gain's course, between which it is straight and after which it stays."""

    def change(self, gain: float, at: int, *, ramp: bool) -> None:
        """From position ``at`` on it goes to ``gain``; without ``ramp``, where nothing sounds, at once.

        Raises ValueError, and nothing changes, for a gain that is not from 0 to 1.
        """
        if not 0.0 <= gain <= 1.0:
            raise ValueError(f"a gain of {gain:g}, which is not from 0 to 1")
        before = float(np.interp(at, self._positions, self._gains))
        seconds = DOWN_SECONDS if gain < before else UP_SECONDS
        kept = sum(position < at for position in self._positions)
        del self._positions[kept:], self._gains[kept:]
        if ramp:
            self._corner(at, before)
            self._corner(at + round(seconds * self._rate), gain)
        else:
            # the step lies between two samples
            self._corner(at - 1, before)
            self._corner(at, gain)

    def apply(self, pcm: bytes | memoryview, at: int) -> bytes | memoryview:
        """``pcm``, of which the first sample has position ``at``; what it is given where all is played in full."""
        self.forget(at)
        if self._gains == [1.0]:
            return pcm
        samples = np.frombuffer(pcm, "<i2")
        gains = np.interp(np.arange(at, at + len(samples)), self._positions, self._gains)
        return np.rint(samples * gains).astype("<i2").tobytes()

    def forget(self, before: int) -> None:
        """What lies ``before`` this position is not asked for any more."""
        while len(self._positions) > 1 and self._positions[1] <= before:
            del self._positions[0], self._gains[0]

    def _corner(self, position: int, gain: float) -> None:
        self._positions.append(position)
        self._gains.append(gain)
