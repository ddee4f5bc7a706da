"""One form for an utterance, however it was cut out."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from tests.speech.human_speech import Recording, recording
from voicemode.speech.canonical import FLOOR, PADDING, RATE, canonical


def padded(pcm: bytes, rate: int, before: float, after: float) -> bytes:
    return bytes(2 * round(before * rate)) + pcm + bytes(2 * round(after * rate))


@pytest.mark.parametrize("name", ["librivox-0870.wav", "librivox-0880.wav", "librivox-0890.wav"])
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.3), (0.5, 0.3), (1.0, 1.0), (0.10375, 0.0), (0.0, 0.7)])
def test_silence_round_speech_makes_no_difference_at_all(name: str, before: float, after: float) -> None:
    human = recording(name)
    assert np.array_equal(
        canonical(human.pcm, human.rate).samples,
        canonical(padded(human.pcm, human.rate, before, after), human.rate).samples,
    )


@pytest.mark.parametrize("shift", [1, 137, 441, 7777])
def test_a_shift_by_a_part_of_a_sample_is_undone(short_human: Recording, shift: int) -> None:
    """At 22 050 Hz one sample is not a whole number of samples at 16 000."""
    assert short_human.rate == 22_050
    shifted = canonical(bytes(2 * shift) + short_human.pcm, short_human.rate).samples.astype(float)
    straight = canonical(short_human.pcm, short_human.rate).samples.astype(float)
    assert len(shifted) == len(straight)
    assert (shifted - straight).std() < 0.01 * straight.std()


def test_loudness_makes_no_difference_but_for_rounding(short_human: Recording) -> None:
    softer = (np.frombuffer(short_human.pcm, "<i2") // 4).astype("<i2").tobytes()
    loud, soft = (canonical(pcm, short_human.rate).samples.astype(float) for pcm in (short_human.pcm, softer))
    assert len(loud) == len(soft)
    assert (loud - soft).std() < 0.02 * loud.std()


def test_there_is_a_noise_floor_and_nothing_else_before_speech(short_human: Recording) -> None:
    before = canonical(short_human.pcm, short_human.rate).samples[:PADDING]
    assert before.std() == pytest.approx(FLOOR, rel=0.1)


@pytest.mark.parametrize("pcm", [b"", b"\0", bytes(2), bytes(32_000)])
def test_silence_is_nothing(pcm: bytes) -> None:
    assert len(canonical(pcm, RATE).samples) == 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_a_click_is_put_up_with(rate: int) -> None:
    assert len(canonical(b"\xff\x7f" * 10, rate).samples) > 0


def test_a_constant_is_put_up_with() -> None:
    assert np.abs(canonical(b"\x00\x10" * RATE, RATE).samples).max() < 32_767


@pytest.mark.parametrize("before", [0.0, 0.5, 0.5123])
def test_what_is_in_it_can_be_found_in_the_utterance(short_human: Recording, before: float) -> None:
    pcm, rate = padded(short_human.pcm, short_human.rate, before, 0.3), short_human.rate
    form = canonical(pcm, rate)
    utterance = soxr.resample(np.frombuffer(pcm, "<i2").astype(float), rate, RATE)
    size = len(utterance) + len(form.samples)
    alike = np.fft.irfft(np.fft.rfft(utterance, size) * np.fft.rfft(form.samples, size).conj(), size)
    later = (int(alike.argmax()) + size // 2) % size - size // 2
    assert form.begin == pytest.approx(later / RATE, abs=1.1 / RATE)
