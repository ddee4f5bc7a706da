from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from actors.errors import AudioFileError
from voicemode.audio.files import read_audio
from voicemode.audio.wav_writer import WavWriter

RAMP = np.arange(1600, dtype="<i2").tobytes()


def refusal(path: Path) -> str:
    with pytest.raises(AudioFileError) as caught:
        WavWriter(path, 16_000)
    return str(caught.value)


def test_what_is_written_can_be_read_back(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 24_000)
    for start in range(0, len(RAMP), 321):
        writer.write(RAMP[start : start + 321])
    writer.close()
    writer.close()
    assert read_audio(tmp_path / "a.wav", None).pcm == RAMP
    assert soundfile.info(tmp_path / "a.wav").samplerate == 24_000
    assert (tmp_path / "a.wav").stat().st_size == 44 + len(RAMP)


def test_the_file_is_whole_after_every_write(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 16_000)
    assert soundfile.info(tmp_path / "a.wav").frames == 0
    for count in range(1, 4):
        writer.write(RAMP)
        assert soundfile.info(tmp_path / "a.wav").frames == count * 1600
    writer.write(b"\1")
    assert soundfile.info(tmp_path / "a.wav").frames == 4800
    writer.close()


def test_stereo_is_interleaved(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 16_000, channels=2)
    writer.write(np.array([[1, -1], [2, -2]], "<i2").tobytes())
    writer.close()
    assert soundfile.read(tmp_path / "a.wav", dtype="int16")[0].tolist() == [[1, -1], [2, -2]]


def test_resizing_drops_the_end_or_adds_silence(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 16_000)
    writer.write(RAMP)
    writer.resize(100)
    writer.resize(200)
    writer.write(b"\7\0")
    writer.close()
    assert read_audio(tmp_path / "a.wav", None).pcm == RAMP[:100] + bytes(100) + b"\7\0"


def test_a_later_writer_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    first = WavWriter(tmp_path / "a.wav", 16_000)
    first.write(RAMP)
    first.close()
    second = WavWriter(tmp_path / "a.wav", 16_000, kept=first.size)
    second.write(RAMP)
    second.close()
    assert read_audio(tmp_path / "a.wav", None).pcm == RAMP + RAMP
    WavWriter(tmp_path / "a.wav", 16_000).close()
    assert soundfile.info(tmp_path / "a.wav").frames == 0


def test_an_unwritable_path_is_refused_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = tmp_path / "no" / "such"
    assert refusal(missing / "a.wav") == (
        f"{missing}/a.wav cannot be written: there is no directory {missing}. Create it first."
    )
    assert refusal(tmp_path) == f"{tmp_path} is a directory; name an audio file in it."
    assert "there is a file where a directory should be" in refusal(tmp_path / "file" / "a.wav")
    assert "not a possible file name" in refusal(Path("a\0.wav"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_in_a_sentence() -> None:
    assert refusal(Path("/dev/full")) == "/dev/full cannot be written: No space left on device."


@pytest.mark.parametrize("ending", ["os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_a_killed_process_leaves_all_it_wrote(tmp_path: Path, ending: str) -> None:
    script = f"""
import os, pathlib
from voicemode.audio.wav_writer import WavWriter
writer = WavWriter(pathlib.Path({str(tmp_path / "a.wav")!r}), 16_000)
for second in range(3):
    writer.write(bytes([second, 0]) * 12_345)
{ending}
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode != 0
    pcm = read_audio(tmp_path / "a.wav", None).pcm
    assert pcm == b"".join(bytes([second, 0]) * 12_345 for second in range(3))


def test_a_private_file_is_private_from_the_start(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        WavWriter(tmp_path / "a.wav", 16_000, mode=0o600).close()
    finally:
        os.umask(umask)
    assert (tmp_path / "a.wav").stat().st_mode & 0o777 == 0o600
