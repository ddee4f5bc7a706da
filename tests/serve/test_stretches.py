"""Long recordings are cut where it is quiet, and nothing of them is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from voicemode.audio.files import Sound
from voicemode.serve.stretches import LONGEST, stretches

RATE = 1000


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).integers(-9000, 9000, round(seconds * RATE)).astype("<i2")


@given(seconds=st.floats(0, 400))
def test_nothing_is_lost_and_none_is_too_long(seconds: float) -> None:
    pcm = noise(seconds).tobytes()
    pieces = stretches(Sound(pcm=pcm, rate=RATE))
    assert b"".join(piece.pcm for piece in pieces) == pcm
    assert all(piece.seconds <= LONGEST for piece in pieces)
    assert all(piece.seconds >= LONGEST / 2 for piece in pieces[:-1])


def test_the_cut_is_in_a_pause() -> None:
    samples = noise(100)
    samples[40 * RATE : 40 * RATE + RATE // 2] //= 100
    first, second = stretches(Sound(pcm=samples.tobytes(), rate=RATE))
    assert first.seconds == pytest.approx(40.25, abs=0.25)
    assert second.seconds == 100 - first.seconds
