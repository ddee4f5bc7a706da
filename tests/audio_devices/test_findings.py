"""What a sound check makes of what was heard: levels, silence, clipping, gaps, and whether the speaker is heard."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from attrs import evolve

from actors.messages import AudioFrame
from tests.speech.human_speech import TRANSCRIPTS, recording
from voicemode.audio.findings import judge, sentence, tone

RATE = 16_000
FRAME = RATE // 100
BEGAN, PLAYED = 100.0, 100.6
"""When the microphone began to hear, and when the tone left the speaker."""


def room(level: float = 20.0, seconds: float = 2.0) -> np.ndarray:
    """Noise of ``level`` steps of 16 bits."""
    return np.random.default_rng(1).normal(0, level, round(seconds * RATE))


def frames(samples: np.ndarray) -> list[AudioFrame]:
    pcm = np.clip(np.rint(samples), -32768, 32767).astype("<i2")
    firsts = range(0, len(pcm) - FRAME + 1, FRAME)
    return [
        AudioFrame(start=BEGAN + first / RATE, pcm=pcm[first : first + FRAME].tobytes(), rate=RATE) for first in firsts
    ]


def with_tone(samples: np.ndarray, gain: float, delay: float) -> np.ndarray:
    heard = gain * np.frombuffer(tone(RATE), "<i2")
    begin = round((PLAYED - BEGAN + delay) * RATE)
    samples[begin : begin + len(heard)] += heard
    return samples


@pytest.mark.parametrize("level", [0, 0.3])
def test_digital_silence_is_a_muted_microphone(level: float) -> None:
    """Also with the last bit in motion, as some converters have it."""
    found = judge(frames(np.clip(room(level), -1, 1)), PLAYED)
    assert (found.silent, found.echo) == (True, None)
    assert sentence(found) == "The microphone is silent: muted or the wrong device."


def test_levels_are_told_in_dbfs() -> None:
    wave = 3276.8 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    found = judge(frames(wave), None)
    assert (found.peak, found.rms) == (pytest.approx(-20, abs=0.1), pytest.approx(-23, abs=0.1))
    assert sentence(found) == "peak -20 dBFS, rms -23 dBFS."


def test_a_microphone_that_is_turned_up_too_far_clips() -> None:
    found = judge(frames(40_000 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)), None)
    assert found.clipping
    assert "clipping: turn the microphone down" in sentence(found)


def test_a_single_sample_at_full_scale_is_no_clipping() -> None:
    sound = room()
    sound[5000] = 32_767
    assert not judge(frames(sound), None).clipping


def test_a_quiet_microphone_is_told_apart_from_a_silent_one() -> None:
    found = judge(frames(room(10)), None)
    assert not found.silent
    assert "quiet: if somebody spoke" in sentence(found)


def test_frames_that_are_missing_are_counted() -> None:
    heard = frames(room())
    del heard[50:53], heard[100]
    found = judge(heard, None)
    assert found.dropped == 4
    assert "4 dropped frames" in sentence(found)


def test_frames_that_come_a_little_late_are_not_missing() -> None:
    heard = [evolve(frame, start=frame.start + 0.004 * (number % 2)) for number, frame in enumerate(frames(room()))]
    assert judge(heard, None).dropped == 0


def test_underruns_of_the_speaker_are_told() -> None:
    assert "1 underrun of the speaker;" in sentence(judge(frames(room()), PLAYED, 1))
    assert "2 underruns of the speaker." in sentence(judge(frames(room()), None, 2))


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("delay", [0.0, 0.03, 0.25, 0.45])
def test_the_speaker_is_heard_however_faint_and_late(gain: float, delay: float) -> None:
    found = judge(frames(with_tone(room(), gain, delay)), PLAYED)
    assert found.echo
    assert found.delay == pytest.approx(delay, abs=0.002)
    assert found.with_tone is not None
    assert found.with_tone == pytest.approx(-17 + 20 * np.log10(gain), abs=1)
    assert found.before_tone == pytest.approx(-64, abs=1)
    assert "the microphone hears the speaker" in sentence(found)


def test_the_speaker_is_heard_through_an_echoing_room() -> None:
    decay = np.random.default_rng(2).normal(size=RATE // 3) * np.exp(-np.arange(RATE // 3) / (0.05 * RATE))
    decay[0] = np.sqrt(np.sum(decay[1:] ** 2))
    silent = np.zeros(2 * RATE)
    heard = room() + 0.3 * np.convolve(with_tone(silent, 1.0, 0.04), decay)[: 2 * RATE] / decay[0]
    assert judge(frames(heard), PLAYED).echo


def test_with_headphones_the_speaker_is_not_heard() -> None:
    found = judge(frames(room(200)), PLAYED)
    assert (found.echo, found.delay) == (False, None)
    assert "does not hear the speaker: if you heard the tone, --headphones is right" in sentence(found)


@pytest.mark.parametrize("into", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_somebody_who_speaks_meanwhile_is_not_the_speaker(name: str, into: float) -> None:
    human = recording(name)
    said = soxr.resample(np.frombuffer(human.pcm, "<i2").astype(float), human.rate, RATE)[round(into * RATE) :]
    heard = room()
    begin = round((PLAYED - BEGAN) * RATE)
    heard[begin : begin + len(said)] += said[: len(heard) - begin]
    assert judge(frames(heard), PLAYED).echo is False


@pytest.mark.parametrize("seconds", [0.3, 0.9])
def test_without_waiting_for_the_tone_nothing_is_said_about_it(seconds: float) -> None:
    found = judge(frames(room(seconds=seconds)), PLAYED)
    assert (found.before_tone, found.with_tone, found.echo) == (None, None, None)
    assert "speaker" not in sentence(found)


@pytest.mark.parametrize("missing", [slice(20, 23), slice(70, 73)], ids=["before", "in it"])
def test_gaps_do_not_hide_the_tone(missing: slice) -> None:
    heard = frames(with_tone(room(), 0.3, 0.03))
    del heard[missing]
    found = judge(heard, PLAYED)
    assert found.dropped == 3
    assert found.delay == pytest.approx(0.03, abs=0.002)


def test_the_tone_itself_begins_and_ends_without_a_click() -> None:
    samples = np.frombuffer(tone(48_000), "<i2")
    assert (samples[0], samples[-1]) == (0, 0)
    assert np.abs(np.diff(samples.astype(int))).max() < 0.3 * np.abs(samples).max()
