"""Brings an utterance into one form, however it was cut out.  In: its audio.  Out: 16 kHz samples for a decoder.

A decoder that looks at frames of 10 ms and chooses between near ties may hear other words when the same speech begins
three milliseconds later or has more silence before it.  So the speech is found by its own level, laid so that its
loudest moment falls on the border of a frame, to a fraction of a sample, brought to one level, and put between equal
stretches of one noise floor.  Without the floor digital silence would break the decoder.
"""

from __future__ import annotations

import numpy as np
import soxr
from attrs import field, frozen
from numpy.typing import NDArray

RATE = 16_000

FRAME = RATE // 100
"""Samples from one of the decoder's frames to the next."""

SMOOTHING = 801
"""Samples, 50 ms, over which loudness is taken: a few periods of the lowest voice."""

BELOW = 30.0
"""What is this many dB below the loudest moment, before the first louder sound and after the last, is no speech."""

MARGIN = RATE // 10
"""Samples kept beyond that for soft beginnings and endings."""

AROUND = 2 * MARGIN + SMOOTHING
"""Samples of silence put round an utterance, so that there is something beyond its ends to keep."""

PADDING = RATE // 5
"""Samples of noise floor before and after."""

LEVEL = 4_000.0
"""Root mean square of the loudest moment, in steps of 16 bits: about -18 dB of full scale, with room for its peaks."""

LOUDEST_GAIN = 30.0
"""Factor beyond which nothing is made louder, so that silence does not become speech."""

FLOOR = 16.0
"""Standard deviation of the noise floor in steps of 16 bits, 48 dB below the speech."""

SEED = 1
"""Of the noise floor: the same utterance has the same one."""


@frozen
class Canonical:
    """``samples`` at 16 kHz, none when there is no sound; the first stands ``begin`` seconds into the utterance, which
    is before it where the noise floor is."""

    samples: NDArray[np.int16] = field(repr=False)
    begin: float


def canonical(pcm: bytes, rate: int) -> Canonical:
    """The utterance in that form.  Takes about 1 ms for a second of audio."""
    sound: NDArray[np.float64] = np.frombuffer(pcm, "<i2", len(pcm) // 2).astype(np.float64)
    if rate != RATE and len(sound):
        sound = soxr.resample(sound, rate, RATE, quality="HQ")
    sound = np.pad(sound, AROUND)
    power = _smoothed(sound**2)
    peak = int(power.argmax())
    if power[peak] < 1.0:
        return Canonical(np.zeros(0, np.int16), 0.0)
    loud = np.flatnonzero(power > power[peak] * 10 ** (-BELOW / 10))
    begin = peak - _whole_frames(peak - int(loud[0]) + MARGIN)
    end = peak + _whole_frames(int(loud[-1]) - peak + MARGIN)
    beyond = _beyond(power[peak - 1 : peak + 2])
    speech = _moved(sound[begin - FRAME : end + FRAME], beyond)[FRAME:-FRAME]
    speech = np.pad(speech * min(LEVEL / np.sqrt(power[peak]), LOUDEST_GAIN), PADDING)
    speech += np.random.default_rng(SEED).normal(0.0, FLOOR, len(speech))
    samples = np.clip(np.round(speech), -32768, 32767).astype(np.int16)
    return Canonical(samples, (begin + beyond - AROUND - PADDING) / RATE)


def _smoothed(power: NDArray[np.float64]) -> NDArray[np.float64]:
    window = np.hanning(SMOOTHING)
    size = 1 << (len(power) + SMOOTHING).bit_length()
    both = np.fft.rfft(power, size) * np.fft.rfft(window / window.sum(), size)
    return np.fft.irfft(both, size)[SMOOTHING // 2 :][: len(power)]


def _whole_frames(samples: int) -> int:
    return -(-samples // FRAME) * FRAME


def _beyond(power: NDArray[np.float64]) -> float:
    """How far the top of the parabola through three points lies beyond the middle one, from -0.5 to 0.5."""
    before, middle, after = (float(value) for value in power)
    bend = before - 2 * middle + after
    return min(max((before - after) / (2 * bend), -0.5), 0.5) if bend else 0.0


def _moved(sound: NDArray[np.float64], samples: float) -> NDArray[np.float64]:
    """``sound`` earlier by a part of a sample."""
    spectrum = np.fft.rfft(sound)
    turn = np.exp(2j * np.pi * np.arange(len(spectrum)) * samples / len(sound))
    return np.fft.irfft(spectrum * turn, len(sound))
