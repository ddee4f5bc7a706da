"""The spectrum that Whisper's relatives take."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from voicemode.speech.log_mel import BANDS, HOP, RATE, log_mel

SECONDS = 8
TIMES = np.arange(SECONDS * RATE) / RATE


def chirp() -> NDArray[np.float32]:
    """From 100 Hz up to 7.3 kHz."""
    return (0.3 * np.sin(2 * np.pi * (100 + 450 * TIMES) * TIMES)).astype(np.float32)


def test_it_is_what_the_reference_makes_of_the_same_sound() -> None:
    """Rounded values of transformers 5.24, ``WhisperFeatureExtractor(chunk_length=8)`` with ``do_normalize``."""
    reference = {
        (0, 0): 1.6130, (5, 10): 1.5826, (10, 100): -0.3223, (30, 150): 0.1143, (60, 600): -0.3223, (79, 799): 0.6642,
    }  # fmt: skip
    spectrum = log_mel(chirp())
    assert {at: float(spectrum[at]) for at in reference} == pytest.approx(reference, abs=1e-4)


def test_every_hop_is_a_column_of_all_bands() -> None:
    spectrum = log_mel(chirp())
    assert spectrum.shape == (BANDS, SECONDS * RATE // HOP)
    assert spectrum.dtype == np.float32


def test_the_loudest_and_the_least_are_80_decibels_apart() -> None:
    spectrum = log_mel(chirp())
    assert np.ptp(spectrum) == pytest.approx(2.0)


@pytest.mark.parametrize("gain", [0.01, 3.0])
def test_how_loud_it_was_says_nothing(gain: float) -> None:
    assert np.allclose(log_mel(chirp() * np.float32(gain)), log_mel(chirp()), atol=1e-2)


def test_a_higher_tone_is_loudest_in_a_higher_band() -> None:
    tones = [np.sin(2 * np.pi * hertz * TIMES).astype(np.float32) for hertz in (200, 500, 1000, 2000, 4000, 7000)]
    loudest = [int(log_mel(tone).mean(axis=1).argmax()) for tone in tones]
    assert loudest == sorted(set(loudest))


def test_silence_is_even() -> None:
    assert np.ptp(log_mel(np.zeros(RATE, np.float32))) == 0.0


def test_of_next_to_nothing_there_is_no_spectrum() -> None:
    with pytest.raises(ValueError, match="more than 200 samples, not 200"):
        log_mel(np.zeros(200, np.float32))
