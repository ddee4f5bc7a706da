"""The chimes: the notes people know, no click, and nothing that a voice detector could take for speech."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from actors.machines.endpointer import EndpointPolicy
from actors.messages import Chime, seconds_of
from voicemode.audio.chimes import AMPLITUDE, NOTES, chimes
from voicemode.speech.silero import SileroModel

RATES = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
NAMES: tuple[Chime, ...] = get_args(Chime)

every_chime = pytest.mark.parametrize("chime", NAMES)
every_rate = pytest.mark.parametrize("rate", RATES)


def samples(chime: Chime, rate: int) -> np.ndarray:
    return np.frombuffer(chimes(rate)[chime], "<i2").astype(float) / 32768


def spectrum(sound: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and the power at each, padded to a resolution of 1 Hz."""
    return np.fft.rfftfreq(rate, 1 / rate), np.abs(np.fft.rfft(sound, rate)) ** 2


def test_there_is_one_for_every_occasion() -> None:
    assert set(chimes(16_000)) == set(NAMES)


def test_they_are_the_same_each_time() -> None:
    assert chimes(24_000) == chimes(24_000)


@every_rate
@every_chime
def test_they_are_over_within_120_ms_and_as_loud_as_intended(chime: Chime, rate: int) -> None:
    assert 0.05 < seconds_of(chimes(rate)[chime], rate) <= 0.12
    assert np.abs(samples(chime, rate)).max() == pytest.approx(AMPLITUDE, rel=0.02)


@every_rate
@every_chime
def test_the_notes_are_played_in_their_order(chime: Chime, rate: int) -> None:
    for note, sound in zip(NOTES[chime][0], np.array_split(samples(chime, rate), 2), strict=True):
        frequencies, power = spectrum(sound, rate)
        assert frequencies[power.argmax()] == pytest.approx(note, abs=5)


@every_rate
@every_chime
def test_they_begin_and_end_at_zero_and_never_jump(chime: Chime, rate: int) -> None:
    sound = samples(chime, rate)
    assert (sound[0], sound[-1]) == (0, 0)
    steepest = AMPLITUDE * 2 * np.pi * max(NOTES[chime][0]) / rate
    assert np.abs(np.diff(sound)).max() < 1.02 * steepest


@pytest.mark.parametrize("rate", RATES[1:])
@every_chime
def test_there_is_no_click_in_them(chime: Chime, rate: int) -> None:
    """A click is wide; all but a ten-thousandth of their power lies within 250 Hz of the two notes."""
    low, high = min(NOTES[chime][0]) - 250, max(NOTES[chime][0]) + 250
    frequencies, power = spectrum(samples(chime, rate), rate)
    assert power[(frequencies < low) | (frequencies > high)].sum() < 1e-4 * power.sum()


@every_chime
async def test_the_voice_detector_takes_none_for_speech(chime: Chime) -> None:
    """Wherever its windows fall, as heard from 0 to 20 dB louder than they are played."""
    model = await SileroModel.load()
    sound = samples(chime, model.rate)
    for gain in (1, 3, 10):
        for shift in range(0, model.window, model.window // 8):
            room = np.concatenate([np.zeros(model.rate // 2 + shift), gain * sound, np.zeros(model.rate // 2)])
            pcm = (32767 * room).astype("<i2").tobytes()
            stream, size = model.stream(), 2 * model.window
            heard = [stream.probability_now(pcm[at : at + size]) for at in range(0, len(pcm) - size, size)]
            assert max(heard) < EndpointPolicy().stop
