from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from voicemode.audio.resampler import StreamResampler

RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]
PAIRS = list(itertools.permutations(RATES, 2))


def tones(seconds: float, rate: int, top: float) -> np.ndarray:
    """A chord of sines below ``top`` Hz."""
    time = np.arange(round(seconds * rate)) / rate
    pitches = [0.03 * top, 0.31 * top, top]
    return sum(8_000 * np.sin(2 * np.pi * pitch * time + pitch) for pitch in pitches)


def pcm_of(samples: np.ndarray) -> bytes:
    return np.rint(samples).astype("<i2").tobytes()


def samples_of(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2").astype(float)


def noise(size: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).integers(-9_000, 9_000, size).astype("<i2").tobytes()


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_speech_keeps_its_place_in_time_and_gains_no_noise(source: int, target: int) -> None:
    top = 0.3 * min(source, target)
    heard = samples_of(StreamResampler(source, target).convert(pcm_of(tones(0.5, source, top)), last=True))
    wanted = tones(0.5, target, top)
    assert len(heard) == len(wanted)
    middle = slice(target // 50, -target // 50)
    error = heard[middle] - wanted[middle]
    ratio = 10 * np.log10((wanted[middle] ** 2).mean() / (error**2).mean())
    assert ratio > 80  # what rounding to 16 bits twice leaves is 84 dB


@pytest.mark.parametrize(("source", "target"), [pair for pair in PAIRS if pair[0] > pair[1]])
def test_what_the_target_cannot_hold_does_not_come_back_as_something_else(source: int, target: int) -> None:
    time = np.arange(source // 2) / source
    too_high = 16_000 * np.sin(2 * np.pi * (0.5 * target + 0.5 * source) / 2 * time)
    heard = samples_of(StreamResampler(source, target).convert(pcm_of(too_high), last=True))
    assert np.abs(heard[target // 50 : -target // 50]).max() < 2


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_no_more_is_held_back_than_the_delay_says_and_that_is_below_10_ms(source: int, target: int) -> None:
    resampler = StreamResampler(source, target)
    assert resampler.delay < 0.010
    block, given_back = source // 100, 0
    for count in range(1, 100):
        given_back += len(resampler.convert(noise(block))) // 2
        assert count * block / source - given_back / target <= resampler.delay


@given(
    pair=st.sampled_from(PAIRS),
    cuts=st.lists(st.integers(0, 2_000), max_size=12),
    again=st.booleans(),
)
def test_how_the_sound_is_cut_changes_no_sample(pair: tuple[int, int], cuts: list[int], again: bool) -> None:
    pcm = noise(2_000)
    whole = StreamResampler(*pair).convert(pcm, last=True)
    resampler = StreamResampler(*pair)
    for _ in range(1 + again):
        places = [0, *sorted(cuts), 2_000]
        pieces = [pcm[2 * begin : 2 * end] for begin, end in itertools.pairwise(places)]
        cut = b"".join(resampler.convert(piece) for piece in pieces) + resampler.convert(b"", last=True)
        assert cut == whole


@given(pair=st.sampled_from(PAIRS), size=st.integers(0, 500))
def test_the_last_stretch_brings_all_there_was(pair: tuple[int, int], size: int) -> None:
    source, target = pair
    assert len(StreamResampler(source, target).convert(noise(size), last=True)) // 2 == round(size * target / source)


def test_the_same_rate_changes_nothing() -> None:
    resampler = StreamResampler(16_000, 16_000)
    assert resampler.convert(noise(100)) == noise(100)
    assert resampler.delay == 0


def test_a_sound_at_full_scale_is_limited_and_does_not_turn_over() -> None:
    loud = np.where(np.arange(8_000) // 40 % 2, 32767, -32768)
    heard = samples_of(StreamResampler(16_000, 48_000).convert(pcm_of(loud), last=True))
    assert np.abs(np.diff(heard)).max() < 32_768


def test_half_a_sample_and_no_rate_are_refused() -> None:
    with pytest.raises(ValueError, match="middle of a sample"):
        StreamResampler(16_000, 48_000).convert(b"\0")
    with pytest.raises(ValueError, match="above 0"):
        StreamResampler(0, 48_000)
