"""What is played at a share of its level, in every kind of speaker; sounds are constant, so that gain is to be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trio
from hypothesis import given, strategies as st
from trio.testing import MockClock

from actors.outlet import Outlet
from tests.fakes_devices import MortalSpeaker
from voicemode.audio.ducking import Ducking
from voicemode.audio.file_speaker import FileSpeaker
from voicemode.audio.files import read_audio
from voicemode.audio.playout import PlayoutBuffer
from voicemode.audio.virtual_speaker import VirtualSpeaker

RATE = 8_000
DOWN, UP = RATE // 100, RATE // 20
LEVEL = 10_000


def level(samples: int) -> bytes:
    return np.full(samples, LEVEL, "<i2").tobytes()


class Heard:
    def __init__(self) -> None:
        self.samples = np.zeros(RATE, np.int16)

    def __call__(self, at: float, pcm: bytes, rate: int) -> None:
        begin = round(at * rate)
        self.samples[begin : begin + len(pcm) // 2] = np.frombuffer(pcm, "<i2")


def applied(ducking: Ducking, samples: int, at: int = 0) -> list[int]:
    return np.frombuffer(ducking.apply(level(samples), at), "<i2").tolist()


def test_nothing_is_changed_at_full_level() -> None:
    pcm = level(100)
    assert Ducking(RATE).apply(pcm, 5) is pcm


def test_it_becomes_quieter_within_a_quantum_and_louder_softly() -> None:
    ducking = Ducking(RATE)
    ducking.change(0.25, 40, ramp=True)
    heard = applied(ducking, 200)
    assert heard[:41] == [LEVEL] * 41
    assert heard[40 + DOWN :] == [LEVEL // 4] * (160 - DOWN)
    assert np.diff(heard).max() <= 0
    ducking.change(1.0, 200, ramp=True)
    heard = applied(ducking, 1_000, 200)
    assert heard[0] == LEVEL // 4
    assert heard[UP - 1] < LEVEL
    assert heard[UP:] == [LEVEL] * (1_000 - UP)
    assert np.diff(heard).min() >= 0


def test_where_nothing_sounds_there_is_no_ramp() -> None:
    ducking = Ducking(RATE)
    ducking.change(0.5, 0, ramp=False)
    assert applied(ducking, 10) == [LEVEL // 2] * 10


@pytest.mark.parametrize("gain", [-0.1, 1.1, float("nan")])
def test_a_gain_that_is_none_changes_nothing(gain: float) -> None:
    ducking = Ducking(RATE)
    with pytest.raises(ValueError, match="from 0 to 1"):
        ducking.change(gain, 0, ramp=True)
    with pytest.raises(ValueError, match="from 0 to 1"):
        Outlet(RATE).duck(gain)
    assert applied(ducking, 10) == [LEVEL] * 10


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 500)), max_size=8))
def test_however_often_it_changes_no_step_is_larger_than_that_of_the_shortest_ramp(
    changes: list[tuple[float, int]],
) -> None:
    ducking, now, heard = Ducking(RATE), 0, list[int]()
    for gain, stretch in changes:
        ducking.change(gain, now, ramp=True)
        heard += applied(ducking, stretch, now)
        now += stretch
    assert all(0 <= value <= LEVEL for value in heard)
    assert np.abs(np.diff(heard)).max(initial=0) <= LEVEL / DOWN + 1


def test_a_device_is_given_the_voice_more_quietly_from_its_next_block_on_and_chimes_as_they_are() -> None:
    buffer, out = PlayoutBuffer(RATE, RATE, wake=lambda: None), list[int]()

    def ask(frames: int = 40) -> None:
        block = bytearray(2 * frames)
        buffer.fill(memoryview(block), frames, len(out) / RATE, False)
        out.extend(np.frombuffer(block, "<i2").tolist())

    buffer.append(level(1_000))
    ask()
    buffer.duck(0.5)
    ask()
    buffer.overlay(np.full(40, 100, "<i2").tobytes())
    ask()
    ask()
    assert out[: 40 + 1] == [LEVEL] * 41
    assert out[40 + DOWN - 1] == pytest.approx(LEVEL / 2 + 100, abs=LEVEL / DOWN)
    assert out[120:] == [LEVEL // 2] * 40
    assert buffer.played(1.0) == 160


def test_a_stop_of_what_is_ducked_does_not_click() -> None:
    buffer, out = PlayoutBuffer(RATE, RATE, wake=lambda: None), list[int]()
    buffer.duck(0.3)
    buffer.append(level(40))
    for frames in (40, 100):
        if frames == 100:
            buffer.stop()
        block = bytearray(2 * frames)
        buffer.fill(memoryview(block), frames, len(out) / RATE, False)
        out.extend(np.frombuffer(block, "<i2").tolist())
    assert out[:40] == [3_000] * 40
    assert np.diff(out).min() >= -3_000 * np.pi / 2 / 40 - 1


async def test_a_virtual_speaker_is_ducked_from_the_next_quantum_on_and_stays_so(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await playback.write(level(800))
        await trio.sleep_until(0.055)
        playback.duck(0.5)
        await trio.sleep_until(0.155)
        assert playback.played() == 800
        playback.stop()
        await playback.write(level(160))
        await playback.drain()
        ended = playback.played()
    assert ended == 960
    assert heard.samples[: 480 + 1].tolist() == [LEVEL] * 481
    assert heard.samples[480 + DOWN : 800].tolist() == [LEVEL // 2] * (320 - DOWN)
    assert set(heard.samples[1_280:1_440].tolist()) == {LEVEL // 2}


async def test_a_file_holds_the_sound_as_it_was_ducked(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "ducked.wav"
    async with FileSpeaker(path).open(RATE) as playback:
        playback.duck(0.25)
        await playback.write(level(800))
        await playback.drain()
    assert set(np.frombuffer(read_audio(path, RATE).pcm, "<i2").tolist()) == {LEVEL // 4}


async def test_the_next_device_is_as_quiet_as_the_one_that_was_lost(autojump_clock: MockClock) -> None:
    heard = Heard()
    speaker, outlet = MortalSpeaker(heard), Outlet(RATE)
    with outlet:
        outlet.duck(0.5)
        for _ in range(2):
            async with speaker.open(RATE) as device:
                await outlet.attach(device)
                await outlet.write(level(80))
                await outlet.drain()
                outlet.detach()
    assert set(heard.samples.tolist()) == {0, LEVEL // 2}
