"""The way from the loudspeaker to the microphone, learnt: what was played and what is heard in, the rest of it out.

A Kalman filter in the frequency domain, after Enzner and Vary, "Frequency-domain adaptive Kalman filter for acoustic
echo control in hands-free telephones", Signal Processing 86 (2006), with the response cut into partitions of 10 ms.
It only subtracts, so it leaves a user who speaks at the same time as they are.  Echo that the straight model cannot
explain remains; what comes after it has less to suppress, and harms the user less.
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

SMOOTHING = 0.5
"""How much of the estimated power of all that is no echo is taken over from the frame before."""

TURNS = 6
"""Frames in which all partitions are brought back to responses of 10 ms once; all of them each time costs too much."""

LATEST = 10
"""Frames by which what was played may be told late, and one."""

WORSE = 1.5
"""From how much more power in what is left than in what was heard on the way must have changed, and is forgotten."""

_FULL_SCALE = np.float32(32768)
_QUIETEST = np.float32(1e-6)

Samples = NDArray[np.float32]


class EchoPath:
    """Takes 0.2 ms for a frame."""

    def __init__(self) -> None:
        bins = FRAME + 1
        self._recent: deque[Samples] = deque([np.zeros(FRAME, np.float32)] * LATEST, maxlen=LATEST)
        self._owed = 0
        self._played: NDArray[np.complex64] = np.zeros((PARTITIONS, bins), np.complex64)
        self._way: NDArray[np.complex64] = np.zeros((PARTITIONS, bins), np.complex64)
        self._doubt: Samples = np.full((PARTITIONS, bins), UNKNOWN, np.float32)
        self._other: Samples = np.full(bins, 1e-3, np.float32)
        self._heard_power = self._left_power = 0.0
        self._turn = 0

    def play(self, reference: bytes) -> None:
        """The next 10 ms of what was played, be it late."""
        if self._owed:
            self._owed -= 1
            self._recent[self._owed] = _floats(reference)
            for late in range(max(0, self._owed - 1), self._owed + 1):
                self._played[late] = self._spectrum(late)
        else:
            self._push(_floats(reference))

    def expect(self, owed: int) -> None:
        """So many times 10 ms of what was played by now are not known yet: they are silence until ``play`` tells.

        The echo of what was played last is still on its way, so that little harm is done.
        """
        while self._owed < min(owed, LATEST - 1):
            self._push(np.zeros(FRAME, np.float32))
            self._owed += 1

    def _push(self, new: Samples) -> None:
        self._recent.appendleft(new)
        self._played[1:] = self._played[:-1]
        self._played[0] = self._spectrum(0)

    def _spectrum(self, late: int) -> NDArray[np.complex64]:
        """Of the frame that is ``late`` frames old, and the one before it."""
        return np.fft.rfft(np.concatenate([self._recent[late + 1], self._recent[late]])).astype(np.complex64)

    def remove(self, heard: bytes) -> bytes:
        """``heard``, 10 ms, without what is known to be echo of what was played until now; learns from the rest."""
        sound = _floats(heard)
        echo = np.fft.irfft((self._played * self._way).sum(axis=0))[FRAME:].astype(np.float32)
        left: Samples = sound - echo
        self._learn(left)
        self._heard_power += 0.1 * (float(sound @ sound) - self._heard_power)
        self._left_power += 0.1 * (float(left @ left) - self._left_power)
        if self._left_power > WORSE * self._heard_power:
            self._forget()
        scaled: NDArray[np.int16] = np.clip(np.rint(left * _FULL_SCALE), -32768, 32767).astype("<i2")
        return scaled.tobytes()

    def _forget(self) -> None:
        self._way[:] = 0.0
        self._doubt[:] = UNKNOWN
        self._left_power = self._heard_power

    def _learn(self, left: Samples) -> None:
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


def _floats(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE


def _power(spectrum: NDArray[np.complex64]) -> Samples:
    return np.square(spectrum.real) + np.square(spectrum.imag)
