"""Files are made in ``tmp_path``; ``wav`` builds headers that no well-behaved writer would."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, strategies as st

from actors.errors import AudioFileError
from voicemode.audio.files import Sound, load_audio, read_audio, resampled

SPEECH = Path(__file__).parent.parent / "audio"


def tone(rate: int, seconds: float = 1.0, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def pcm_of(samples: np.ndarray) -> bytes:
    return np.rint(samples * 32768).astype("<i2").tobytes()


def wav(
    samples: bytes,
    *,
    riff: int | None = None,
    data: int | None = None,
    rate: int = 16_000,
    bits: int = 16,
    tag: int = 1,
) -> bytes:
    riff = 36 + len(samples) if riff is None else riff
    data = len(samples) if data is None else data
    form = struct.pack("<IHHIIHH", 16, tag, 1, rate, rate * bits // 8, bits // 8, bits)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data) + samples


def loudest_hertz(sound: Sound) -> float:
    samples = np.frombuffer(sound.pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * sound.rate / len(samples))


def refusal(path: Path) -> str:
    with pytest.raises(AudioFileError) as caught:
        read_audio(path, 16_000)
    return str(caught.value)


@pytest.fixture
def without_privileges() -> Iterator[None]:
    """File permissions mean nothing to root, so the test is nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_sixteen_bit_mono_comes_out_bit_by_bit(tmp_path: Path) -> None:
    samples = np.arange(-32768, 32768).astype("<i2")
    soundfile.write(tmp_path / "all.wav", samples, 16_000)
    assert read_audio(tmp_path / "all.wav", None) == Sound(pcm=samples.tobytes(), rate=16_000)
    assert read_audio(tmp_path / "all.wav", 16_000).pcm == samples.tobytes()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_sample_format_of_wav_is_read(tmp_path: Path, subtype: str) -> None:
    expected = tone(16_000)
    soundfile.write(tmp_path / "a.wav", expected, 16_000, subtype=subtype)
    read = np.frombuffer(read_audio(tmp_path / "a.wav", None).pcm, "<i2") / 32768
    assert len(read) == len(expected)
    assert np.max(np.abs(read - expected)) < (0.02 if subtype in {"PCM_U8", "ULAW"} else 1e-4)


@pytest.mark.parametrize("ending", ["flac", "ogg", "aiff", "au", "mp3"])
def test_other_containers_are_read(tmp_path: Path, ending: str) -> None:
    soundfile.write(tmp_path / f"a.{ending}", tone(16_000), 16_000)
    sound = read_audio(tmp_path / f"a.{ending}", None)
    assert sound.seconds == pytest.approx(1.0, abs=0.1)
    assert loudest_hertz(sound) == pytest.approx(440, abs=2)


def test_channels_are_averaged_so_that_full_scale_does_not_clip(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([[32767, 32767], [-32768, -32768], [10_000, 0]], "<i2"), 16_000)
    assert np.frombuffer(read_audio(tmp_path / "a.wav", None).pcm, "<i2").tolist() == [32767, -32768, 5000]


def test_a_channel_beyond_full_scale_does_not_drown_the_other(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([[3.0, -0.5]]), 16_000, subtype="FLOAT")
    assert np.frombuffer(read_audio(tmp_path / "a.wav", None).pcm, "<i2").tolist() == [8192]


def test_many_channels_are_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.repeat(tone(16_000)[:, None], 6, axis=1), 16_000)
    assert loudest_hertz(read_audio(tmp_path / "a.wav", None)) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_keeps_duration_and_pitch(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.flac", tone(rate, 1.5), rate)
    sound = read_audio(tmp_path / "a.flac", 16_000)
    assert sound.rate == 16_000
    assert sound.seconds == pytest.approx(1.5, abs=0.001)
    assert loudest_hertz(sound) == pytest.approx(440, abs=1)
    assert loudest_hertz(resampled(sound, rate)) == pytest.approx(440, abs=1)
    assert resampled(sound, rate).seconds == pytest.approx(1.5, abs=0.001)


def test_recorded_speech_keeps_its_length_at_another_rate() -> None:
    own = read_audio(SPEECH / "lj001-0008.wav", None)
    assert own.rate == 22_050
    assert read_audio(SPEECH / "lj001-0008.wav", 16_000).seconds == pytest.approx(own.seconds, abs=0.001)


def test_not_a_number_is_silence_and_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    samples = np.array([0.5, np.nan, np.inf, -np.inf, 3.0, -3e38, -0.5], "<f4")
    (tmp_path / "a.wav").write_bytes(wav(samples.tobytes(), bits=32, tag=3))
    read = np.frombuffer(read_audio(tmp_path / "a.wav", None).pcm, "<i2")
    assert read.tolist() == [16384, 0, 0, 0, 32767, -32768, -16384]


@pytest.mark.parametrize(
    ("riff", "data"),
    [(0, 0), (36, 0), (0xFFFFFFFF, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0, 0xFFFFFFFF), (0x7FFFF024, 0x7FFFF000)],
)
def test_sizes_a_streaming_writer_left_do_not_hide_the_samples(tmp_path: Path, riff: int, data: int) -> None:
    pcm = pcm_of(tone(16_000))
    (tmp_path / "a.wav").write_bytes(wav(pcm, riff=riff, data=data))
    assert read_audio(tmp_path / "a.wav", None).pcm == pcm


def test_a_chunk_after_an_empty_data_chunk_is_not_taken_for_sound(tmp_path: Path) -> None:
    comment = b"LIST" + struct.pack("<I", 4) + b"INFO"
    (tmp_path / "a.wav").write_bytes(wav(comment, data=0))
    assert "no samples" in refusal(tmp_path / "a.wav")


def test_a_truncated_wav_is_read_to_where_it_ends_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pcm = pcm_of(tone(16_000))
    (tmp_path / "a.wav").write_bytes(wav(pcm)[:-10_001])
    assert read_audio(tmp_path / "a.wav", None).pcm == pcm[:-10_002]
    assert "is cut short or damaged" in caplog.text


def test_a_whole_wav_is_read_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.wav").write_bytes(wav(pcm_of(tone(16_000))))
    read_audio(tmp_path / "a.wav", None)
    assert caplog.text == ""


def test_a_truncated_flac_is_read_to_where_it_ends(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 160_000)
    soundfile.write(tmp_path / "whole.flac", noise, 16_000)
    whole = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
    read = read_audio(tmp_path / "a.flac", None)
    assert 4 < read.seconds < 5
    assert read_audio(tmp_path / "whole.flac", None).pcm.startswith(read.pcm)


@pytest.mark.parametrize("length", [1, 8, 12, 20, 30, 40])
def test_a_file_cut_off_in_its_header_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int) -> None:
    (tmp_path / "a.wav").write_bytes(wav(pcm_of(tone(16_000)))[:length])
    assert str(tmp_path / "a.wav") in refusal(tmp_path / "a.wav")
    assert caplog.text == ""


def test_each_bad_file_gets_its_own_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "header.wav").write_bytes(wav(b""))
    (tmp_path / "text.wav").write_text("This is not audio. " * 100)
    (tmp_path / "rate.wav").write_bytes(wav(b"\0\0", rate=2))
    os.mkfifo(tmp_path / "pipe.wav")
    assert refusal(tmp_path / "missing.wav") == f"There is no audio file {tmp_path}/missing.wav; check the path."
    assert refusal(tmp_path) == f"{tmp_path} is a directory; name an audio file in it."
    assert refusal(tmp_path / "empty.wav") == f"{tmp_path}/empty.wav is empty; it holds no audio."
    assert "has a header but no samples" in refusal(tmp_path / "header.wav")
    assert "does not hold audio in a format that can be read" in refusal(tmp_path / "text.wav")
    assert "claims a sample rate of 2 Hz" in refusal(tmp_path / "rate.wav")
    assert "not a regular file" in refusal(tmp_path / "pipe.wav")
    assert "there is a file where a directory should be" in refusal(tmp_path / "text.wav" / "a.wav")
    assert "not a possible file name" in refusal(Path("a\0.wav"))


@pytest.mark.usefixtures("without_privileges")
def test_a_file_without_permission_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    # root's temporary directory is closed to others already; an ordinary user's is closed here
    directory = tmp_path_factory.getbasetemp()
    if os.access(directory, os.X_OK, effective_ids=True):
        directory = tmp_path_factory.mktemp("closed")
        (directory / "a.wav").touch(mode=0)
    assert "permission denied" in refusal(directory / "a.wav")


async def test_loading_is_reading_in_a_thread() -> None:
    assert await load_audio(SPEECH / "librivox-0880.wav", 16_000) == read_audio(SPEECH / "librivox-0880.wav", 16_000)


@given(st.data())
def test_a_damaged_file_is_read_or_refused_but_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(wav(pcm_of(tone(8_000, 0.02)), rate=8_000))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(4, 43))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    try:
        sound = read_audio(path, 16_000)
    except AudioFileError as error:
        assert str(path) in str(error)  # noqa: PT017 - either way is right
    else:
        assert sound.pcm
        assert len(sound.pcm) % 2 == 0
