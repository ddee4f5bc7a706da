from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from actors.errors import AudioFileError
from voicemode.audio.file_speaker import FileSpeaker
from voicemode.audio.files import read_audio

RATE = 16_000


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    return (8_000 * np.sin(2 * np.pi * 500 * np.arange(round(seconds * rate)) / rate)).astype("<i2")


def recorded(path: Path) -> np.ndarray:
    return np.frombuffer(read_audio(path, None).pcm, "<i2")


async def test_the_file_holds_what_was_played_and_the_silences_between(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    await trio.sleep(7)
    async with FileSpeaker(path).open(RATE) as playback:
        await trio.sleep(0.203)
        await playback.write(tone(0.3).tobytes())
        await playback.drain()
        await trio.sleep(0.5)
        await playback.write(tone(0.06).tobytes())
        await trio.sleep_until(7 + 1.035)
        playback.stop()
        await trio.sleep_until(7 + 1.5)
    samples = recorded(path)
    expected = np.zeros(24_000, int)
    expected[3_360:8_160] = tone(0.3)
    expected[16_160:16_640] = tone(0.06)[:480]
    assert samples.tolist() == expected.tolist()


async def test_a_second_opening_goes_on_in_the_same_file(autojump_clock: MockClock, tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "a.wav")
    for _ in range(2):
        async with speaker.open(RATE) as playback:
            await playback.write(tone(0.05).tobytes())
            await playback.drain()
        await trio.sleep_until(0.5)
    samples = recorded(tmp_path / "a.wav")
    assert len(samples) == 8_800
    assert samples[:800].tolist() == samples[8_000:].tolist() == tone(0.05).tolist()
    assert not samples[800:8_000].any()


async def test_an_opening_at_another_rate_is_resampled_in_one_piece(autojump_clock: MockClock, tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "a.wav")
    async with speaker.open(RATE):
        await trio.sleep(0.1)
    async with speaker.open(24_000) as playback:
        for piece in np.array_split(tone(0.5, 24_000), 17):
            await playback.write(piece.tobytes())
        await playback.drain()
        await trio.sleep(0.2)
        await playback.write(tone(0.1, 24_000).tobytes())
        await playback.drain()
    samples = recorded(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(0.9 * RATE, abs=1)
    assert not samples[:1_600].any()
    assert np.max(np.abs(samples[1_600:9_600] - tone(0.5).astype(int))[50:-50]) < 40
    assert np.max(np.abs(samples[12_800:14_400] - tone(0.1).astype(int))[50:-50]) < 40
    assert not samples[9_600:12_800].any()


async def test_a_chime_is_in_the_file_where_it_sounded(autojump_clock: MockClock, tmp_path: Path) -> None:
    chime = np.full(1_600, 500, "<i2")
    async with FileSpeaker(tmp_path / "a.wav").open(RATE) as playback:
        await trio.sleep(0.1)
        playback.overlay(chime.tobytes())
        await trio.sleep(0.3)
        await playback.write(tone(0.2).tobytes())
        playback.overlay(chime.tobytes())
        await playback.drain()
        await trio.sleep(0.1)
        playback.overlay(chime.tobytes())
        await trio.sleep(0.05)
    expected = np.zeros(len(recorded(tmp_path / "a.wav")), int)
    expected[1_600:3_200] = 500
    expected[6_400:9_600] = tone(0.2)
    expected[8_640:10_240] += 500
    expected[11_200:] = 500
    assert recorded(tmp_path / "a.wav").tolist() == expected.tolist()


async def test_a_chime_over_speech_at_another_rate_does_not_cut_it(autojump_clock: MockClock, tmp_path: Path) -> None:
    speaker = FileSpeaker(tmp_path / "a.wav")
    async with speaker.open(RATE):
        pass
    async with speaker.open(24_000) as playback:
        await playback.write(tone(0.2, 24_000).tobytes())
        playback.overlay(np.zeros(1_000, "<i2").tobytes())
        await playback.drain()
    assert np.max(np.abs(recorded(tmp_path / "a.wav")[:3_200] - tone(0.2).astype(int))[50:-50]) < 40


async def test_an_existing_file_is_overwritten_at_the_opening_not_before(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    speaker = FileSpeaker(path)
    assert path.read_bytes() == b"old"
    async with speaker.open(RATE):
        assert path.stat().st_size == 44


def test_making_the_device_leaves_no_file_behind(tmp_path: Path) -> None:
    FileSpeaker(tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


async def test_a_path_that_cannot_be_written_is_refused_when_the_device_is_made_or_opened(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    with pytest.raises(AudioFileError, match="there is no directory"):
        FileSpeaker(tmp_path / "no" / "a.wav")
    with pytest.raises(AudioFileError, match="is a directory"):
        FileSpeaker(tmp_path)
    (tmp_path / "soon").mkdir()
    speaker = FileSpeaker(tmp_path / "soon" / "a.wav")
    (tmp_path / "soon").rmdir()
    with pytest.raises(AudioFileError, match="there is no directory"):
        async with speaker.open(RATE):
            pass


async def test_the_file_can_be_read_while_it_is_recorded(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with FileSpeaker(tmp_path / "a.wav").open(RATE) as playback:
        await playback.write(tone(1.0).tobytes())
        assert len(recorded(tmp_path / "a.wav")) >= 0.9 * RATE
