"""Sound goes in; its log-mel spectrogram as Whisper takes it comes out.

Frames of 25 ms every 10 ms under a Hann window, their power in 80 bands, its logarithm from the loudest down to 80 dB
below it: "Robust Speech Recognition via Large-Scale Weak Supervision" (arXiv 2212.04356, section 2.2) and
github.com/openai/whisper, ``audio.py``.  The bands are those of Slaney's Auditory Toolbox (1998): linear up to 1 kHz,
above it 27 to every factor of 6.4, each of the same area.  The sound is brought to mean 0 and variance 1 before, as
Smart Turn's models were trained.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME, HOP, BANDS = 400, 160, 80

_LINEAR, _LINEAR_TOP, _FACTOR, _FACTOR_BANDS = 200 / 3, 1000.0, 6.4, 27
"""Hertz to a mel, up to so many hertz; then so many mels to every such factor."""


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """``BANDS`` rows of one column for every whole ``HOP`` of ``samples``, which are mono at ``RATE``.

    Takes a few milliseconds for 8 s.  Raises ValueError for less than half a frame, of which there is no spectrum.
    """
    if len(samples) <= FRAME // 2:
        raise ValueError(f"a spectrum needs more than {FRAME // 2} samples, not {len(samples)}")
    even = (samples - samples.mean()) / np.sqrt(samples.var() + np.float32(1e-7))
    mirrored = np.pad(even, FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, FRAME)[: len(samples) // HOP * HOP : HOP]
    spectrum = np.fft.rfft(frames * _window())
    power = spectrum.real**2 + spectrum.imag**2
    loudness = np.log10(np.maximum(_bands() @ power.T, 1e-10))
    scaled: NDArray[np.floating[Any]] = (np.maximum(loudness, loudness.max() - 8.0) + 4.0) / 4.0
    return scaled.astype(np.float32)


@cache
def _window() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


@cache
def _bands() -> NDArray[np.float32]:
    """The share that each frequency of a frame has in each band."""
    knee = _LINEAR_TOP / _LINEAR
    top = knee + _FACTOR_BANDS * math.log(RATE / 2 / _LINEAR_TOP, _FACTOR)
    mels = np.linspace(0.0, top, BANDS + 2)
    edges: NDArray[np.float64] = np.where(
        mels < knee, mels * _LINEAR, _LINEAR_TOP * _FACTOR ** ((mels - knee) / _FACTOR_BANDS)
    )
    frequencies = np.linspace(0.0, RATE / 2, FRAME // 2 + 1)
    bands = np.empty((BANDS, len(frequencies)), np.float32)
    for band in range(BANDS):
        low, middle, high = (float(edge) for edge in edges[band : band + 3])
        bands[band] = np.interp(frequencies, (low, middle, high), (0.0, 2 / (high - low), 0.0))
    return bands
