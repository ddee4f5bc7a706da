"""Tells whether the microphone hears the loudspeaker at all: what is played, heard and left of it in, yes or no out.

With headphones it does not, and then suppression would only harm the user: WebRTC's takes a voice for echo as long as
it has not met any.
"""

from __future__ import annotations

from collections import deque

import numpy as np

WINDOW = 35
"""Frames of 10 ms in which the echo of a sound may be heard: delay, and dying away."""

TELLING = 10**-4.5
"""Power, of full scale, from which on what is played tells something: -45 dBFS."""

INAUDIBLE = 10**-4.0
"""Share of the power of what is played below which its echo is none: -40 dB."""

UNHEARD = 120
"""Frames in a row, under sound that tells something, in which nothing may be heard of it: no delay is so long."""

EXPLAINED = 0.5
"""From how little is left of what is heard, once the straight way is subtracted, that was an echo after all."""

FOLLOWING = 0.1
"""How fast the powers before and after are followed, for each frame."""


class EchoPresence:
    """``audible`` until the contrary is shown, and again as soon as what is heard is explained by what is played."""

    def __init__(self) -> None:
        self.audible = True
        self._played: deque[float] = deque(maxlen=WINDOW)
        self._unheard = 0
        self._heard = self._left = 0.0

    @property
    def sounding(self) -> bool:
        """Whether anything was played lately whose echo could be heard."""
        return max(self._played, default=0.0) >= TELLING

    def play(self, reference: bytes) -> None:
        """The next 10 ms of what was played."""
        self._played.append(_power(reference))

    def hear(self, heard: bytes, left: bytes) -> None:
        """10 ms from the microphone, and what is left of them when the known echo is subtracted."""
        power = _power(heard)
        self._heard += FOLLOWING * (power - self._heard)
        self._left += FOLLOWING * (_power(left) - self._left)
        if not self.sounding:
            return
        loudest = max(self._played)
        self._unheard = self._unheard + 1 if power < INAUDIBLE * loudest else 0
        if self._unheard >= UNHEARD:
            self.audible = False
        elif not self.audible and self._heard > INAUDIBLE * loudest and self._left < EXPLAINED * self._heard:
            self.audible = True


def _power(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    return float(samples @ samples) / max(1, len(samples)) / 32768**2
