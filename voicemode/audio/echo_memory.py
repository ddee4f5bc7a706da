"""Where the way from loudspeaker to microphone lies now: an earlier response, and what was played and heard lately in,
the response moved to where it explains that out.

A room stays as it is, but devices are some milliseconds off their accounts, differently at each opening and after each
gap.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

REACH = 320
"""Samples at 16 kHz by which the way may have moved, earlier or later: 20 ms.  Devices are off by up to 11 ms."""

ENOUGH = 0.8
"""Correlation between what is heard and what was to be expected, from which on this is the same way."""

FAINTEST = 10**-5.0
"""Power, of full scale, of an expected echo that can be compared: -50 dBFS."""

_TINY = 1e-12

Samples = NDArray[np.float32]


@frozen
class Found:
    """The ``response`` as it is now, and the share of the energy of what is heard that it does not explain."""

    response: Samples
    unexplained: float


def found_again(response: Samples, played: Samples, heard: Samples) -> Found | None:
    """``response`` where it lies now and as loud as it is now, or None if it does not explain ``heard``.

    ``played`` ends with ``heard`` and is longer by at least ``REACH``; all are at 16 kHz, full scale being 1.  Takes
    1 ms.
    """
    size = 1 << (len(played) + len(response)).bit_length()
    echo: Samples = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(response, size)).astype(np.float32)
    expected = echo[len(played) - len(heard) - REACH : len(played) + REACH]
    energies = np.concatenate([[0.0], np.cumsum(np.square(expected, dtype=np.float64))])
    energy = energies[len(heard) :] - energies[: -len(heard)]
    if energy.max() < FAINTEST * len(heard):
        return None
    products = _correlated(expected, heard)
    match = products / np.sqrt(energy * float(heard @ heard) + _TINY)
    best = int(np.argmax(match))
    if match[best] < ENOUGH or not 0 < best < len(match) - 1:
        return None
    before, at, after = (float(value) for value in match[best - 1 : best + 2])
    between = 0.5 * (before - after) / (before - 2 * at + after)
    louder = np.float32(products[best] / energy[best])
    return Found(louder * _moved(response, REACH - best - between), 1.0 - min(1.0, float(match[best])) ** 2)


def _correlated(expected: Samples, heard: Samples) -> Samples:
    """The products of ``heard`` with each stretch of ``expected``."""
    size = 1 << len(expected).bit_length()
    spectrum = np.fft.rfft(expected, size) * np.fft.rfft(heard, size).conj()
    return np.fft.irfft(spectrum)[: len(expected) - len(heard) + 1].astype(np.float32)


def _moved(response: Samples, later: float) -> Samples:
    """``response`` later by so many samples, which need not be whole."""
    size = len(response) + 4 * REACH
    frequencies = np.arange(size // 2 + 1) / size
    spectrum = np.fft.rfft(response, size) * np.exp(-2j * np.pi * frequencies * later)
    return np.fft.irfft(spectrum, size)[: len(response)].astype(np.float32)
