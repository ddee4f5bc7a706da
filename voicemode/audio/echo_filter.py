"""An adaptive filter: what was played and what is heard in, what the one explains of the other out.

A Kalman filter in the frequency domain, after Enzner and Vary, "Frequency-domain adaptive Kalman filter for acoustic
echo control in hands-free telephones", Signal Processing 86 (2006), with the response cut into partitions of 10 ms.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME = RATE // 100

PARTITIONS = 36
"""Of 10 ms each: 250 ms of delay, the lead of what was played over its echo, and 90 ms of the room's answer."""

CONSTANCY = 0.9995
"""How much of the way is still the same 10 ms later."""

UNKNOWN = 0.01
"""Variance of the way in each partition and frequency, as long as nothing is known of it."""

GIVEN = 0.05
"""Variance, of its power, of a response that was given."""

SMOOTHING = 0.5
"""How much of the estimated power of all that is no echo is taken over from the frame before."""

TURNS = 6
"""Frames in which all partitions are brought back to responses of 10 ms once; all of them each time costs too much."""

_QUIETEST = np.float32(1e-6)
_LOUDEST = np.float32(1e-3)

Samples = NDArray[np.float32]
"""Full scale is 1."""


class EchoFilter:
    """Frames are of 10 ms at 16 kHz; ``explain`` and ``learn`` follow each other.  Takes 0.2 ms for a frame."""

    def __init__(self) -> None:
        bins = FRAME + 1
        self._played: NDArray[np.complex64] = np.zeros((PARTITIONS, bins), np.complex64)
        self._way: NDArray[np.complex64] = np.zeros((PARTITIONS, bins), np.complex64)
        self._doubt: Samples = np.full((PARTITIONS, bins), UNKNOWN, np.float32)
        self._other: Samples = np.full(bins, _LOUDEST, np.float32)
        self._turn = 0

    def forget(self) -> None:
        """The way is unknown; what was played is not."""
        self._way[:] = 0.0
        self._doubt[:] = UNKNOWN

    def forget_played(self) -> None:
        self._played[:] = 0.0
        self._other[:] = _LOUDEST

    @property
    def response(self) -> Samples:
        """What one sample played is heard as, 0.36 s of it."""
        return np.fft.irfft(self._way)[:, :FRAME].astype(np.float32).ravel()

    @response.setter
    def response(self, response: Samples) -> None:
        self._way[:] = np.fft.rfft(response.reshape(PARTITIONS, FRAME), 2 * FRAME)
        power = _power(self._way)
        self._doubt[:] = GIVEN * (power + power.mean())

    def play(self, recent: deque[Samples]) -> None:
        """A frame was played, the first of ``recent``."""
        self._played[1:] = self._played[:-1]
        self.correct(recent, 0)

    def correct(self, recent: deque[Samples], late: int) -> None:
        """The frame of ``recent`` that was played ``late`` frames ago is another one, or the one before it is."""
        self._played[late] = np.fft.rfft(np.concatenate([recent[late + 1], recent[late]]))

    def explain(self) -> Samples:
        """The echo to expect in the next 10 ms."""
        return np.fft.irfft((self._played * self._way).sum(axis=0))[FRAME:].astype(np.float32)

    def learn(self, left: Samples) -> None:
        """``left`` is what was heard without the echo that was to be expected."""
        error = np.fft.rfft(np.concatenate([np.zeros(FRAME, np.float32), left])).astype(np.complex64)
        self._other += np.float32(1 - SMOOTHING) * (_power(error) - self._other)
        power = _power(self._played)
        step = self._doubt / (np.float32(0.5) * (power * self._doubt).sum(axis=0) + self._other + _QUIETEST)
        constancy = np.float32(CONSTANCY)
        self._way *= constancy
        self._way += step * self._played.conj() * error
        self._doubt *= constancy**2 * (1 - np.float32(0.5) * step * power)
        self._doubt += (1 - constancy**2) * _power(self._way)
        some = slice(self._turn, PARTITIONS, TURNS)
        response = np.fft.irfft(self._way[some])
        response[:, FRAME:] = 0.0
        self._way[some] = np.fft.rfft(response).astype(np.complex64)
        self._turn = (self._turn + 1) % TURNS


def _power(spectrum: NDArray[np.complex64]) -> Samples:
    return np.square(spectrum.real) + np.square(spectrum.imag)
