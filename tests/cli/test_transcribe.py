"""``voicemode transcribe``: every kind of recording, with the real engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from .conftest import Run

SAID = "has never been surpassed"
PHRASES = ("--phrase", "is there anything else", "--phrase", SAID)

pytestmark = pytest.mark.realtime

FORMATS = {
    "8 bit": ("PCM_U8", "WAV", 22_050, 1),
    "24 bit": ("PCM_24", "WAV", 22_050, 1),
    "float": ("FLOAT", "WAV", 22_050, 1),
    "stereo": ("PCM_16", "WAV", 22_050, 2),
    "8 kHz": ("PCM_16", "WAV", 8_000, 1),
    "44.1 kHz": ("PCM_16", "WAV", 44_100, 1),
    "48 kHz": ("PCM_16", "WAV", 48_000, 1),
    "flac": ("PCM_16", "FLAC", 22_050, 1),
    "ogg": ("VORBIS", "OGG", 22_050, 1),
}


@pytest.mark.parametrize(("subtype", "container", "rate", "channels"), FORMATS.values(), ids=FORMATS)
def test_any_recording_is_understood(
    run: Run, audio: Path, tmp_path: Path, subtype: str, container: str, rate: int, channels: int
) -> None:
    samples, own_rate = soundfile.read(audio / "lj001-0008.wav")
    sound = soxr.resample(samples, own_rate, rate)
    path = tmp_path / f"a.{container.lower()}"
    soundfile.write(path, np.stack([sound] * channels, axis=1), rate, subtype=subtype, format=container)
    ran = run("transcribe", path, *PHRASES, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["transcript", "engine", "failures", "audio_ms", "stt_ms"]
    assert (ran.json["transcript"], ran.json["engine"]) == (SAID, "pocketsphinx")
    assert ran.json["audio_ms"] == pytest.approx(1000 * len(samples) / own_rate, abs=60)


def test_who_failed_before_is_in_the_json(run: Run, audio: Path) -> None:
    nobody = "http://127.0.0.1:9/v1"
    ran = run("transcribe", audio / "lj001-0008.wav", *PHRASES, "--stt", f"{nobody},pocketsphinx", "--json")
    assert [failure["provider"] for failure in ran.json["failures"]] == [nobody]
    assert (ran.json["engine"], ran.json["transcript"]) == ("pocketsphinx", SAID)


def test_the_transcript_alone_is_on_stdout(run: Run, audio: Path) -> None:
    ran = run("transcribe", audio / "lj001-0008.wav", *PHRASES)
    assert (ran.code, ran.out) == (0, f"{SAID}\n")
    assert ran.err.startswith("pocketsphinx: 1.8 s of sound in ")


def test_silence_is_no_speech(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(16_000), 16_000)
    ran = run("transcribe", path, "--json")
    assert (ran.code, ran.json["transcript"]) == (3, "")
    ran = run("transcribe", path)
    assert (ran.code, ran.out) == (3, "")
    assert "Nobody spoke" in ran.err


def test_a_name_that_is_no_text_can_be_told(run: Run) -> None:
    ran = run("transcribe", "\udcff.wav", "--json")
    assert ran.code == 1
    assert "There is no audio file \ufffd.wav" in ran.json["error"]["message"]
