"""Recordings that wait: found oldest first, whole again after a crash, left alone while somebody writes them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.errors import AudioFileError
from voicemode.audio.claim import GROWING, Claim
from voicemode.audio.files import read_audio
from voicemode.audio.pending import claim, load_pending, waiting
from voicemode.audio.store import DirectoryStore
from voicemode.audio.wav_writer import Head, WavWriter, make_whole

RATE = 16_000
PCM = bytes(range(256)) * 50
HEADER = 44


def recording(path: Path, pcm: bytes = PCM, rate: int = RATE) -> Path:
    path.parent.mkdir(exist_ok=True)
    writer = WavWriter(path, rate)
    writer.write(pcm)
    writer.close()
    return path


@contextmanager
def another_process(script: str, *args: str) -> Generator[subprocess.Popen[str]]:
    """It has got to its end when it has written a line, and waits there."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{script}\nprint('ready', flush=True)\nsys.stdin.read()", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


RECORDS = """
import sys, pathlib
from voicemode.audio.store import DirectoryStore
spool = DirectoryStore(pathlib.Path(sys.argv[1]), keep=False).begin(16_000)
spool.write(bytes([7, 0]) * 4_000)
"""


def open_files() -> int:
    return len([*Path("/dev/fd").iterdir()])


def test_where_nothing_was_ever_recorded_nothing_waits(tmp_path: Path) -> None:
    assert waiting(tmp_path / "nowhere") == []
    (tmp_path / "pending").mkdir()
    assert waiting(tmp_path) == []


def test_what_waits_is_found_oldest_first_with_its_length(tmp_path: Path) -> None:
    names = ["c.wav", "a.wav", "b.wav"]
    for when, name in enumerate(names):
        path = recording(tmp_path / "pending" / name, bytes(3_200 * (when + 1)))
        os.utime(path, (1_000_000 + when, 1_000_000 + when))
    found = waiting(tmp_path)
    assert [each.path.name for each in found] == names
    assert [each.seconds for each in found] == [0.1, 0.2, 0.3]
    assert [each.recorded.timestamp() for each in found] == [1_000_000, 1_000_001, 1_000_002]


def test_what_is_no_recording_is_passed_over(tmp_path: Path) -> None:
    recording(tmp_path / "pending" / ".hidden.wav")
    (tmp_path / "pending" / "folder.wav").mkdir()
    (tmp_path / "pending" / "notes.txt").touch()
    assert waiting(tmp_path) == []


def test_of_what_is_no_wav_file_the_length_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "pending").mkdir()
    (tmp_path / "pending" / "a.wav").write_bytes(b"garbage" * 100)
    (only,) = waiting(tmp_path)
    assert only.seconds is None


async def test_a_recording_is_claimed_while_it_grows_and_free_when_it_is_whole(tmp_path: Path) -> None:
    spool = DirectoryStore(tmp_path, keep=True).begin(RATE)
    assert claim(spool.path) is None
    spool.write(PCM)
    assert claim(spool.path) is None
    await spool.finish(len(PCM))
    held = claim(spool.path)
    assert held is not None
    assert claim(spool.path) is None
    held.release()
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600


async def test_a_discarded_recording_leaves_neither_a_file_nor_a_claim(tmp_path: Path) -> None:
    before = open_files()
    spool = DirectoryStore(tmp_path, keep=True).begin(RATE)
    spool.discard()
    assert [*(tmp_path / "pending").iterdir()] == []
    assert open_files() == before


def test_what_another_process_records_is_its_own_until_it_dies(tmp_path: Path) -> None:
    with another_process(RECORDS, str(tmp_path)) as process:
        (only,) = waiting(tmp_path)
        assert claim(only.path) is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        held = claim(only.path)
        assert held is not None
        held.release()


def test_what_somebody_else_has_just_finished_cannot_be_claimed(tmp_path: Path) -> None:
    path = recording(tmp_path / "pending" / "a.wav")
    held = claim(path)
    assert held is not None
    with held:
        path.unlink()
    with pytest.raises(AudioFileError):
        claim(path)


def test_a_claim_on_a_file_that_was_replaced_meanwhile_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recording(tmp_path / "a.wav")
    lock = Claim._locked

    def replaced_before(self: Claim) -> bool | None:
        path.unlink()
        recording(path)
        return lock(self)

    monkeypatch.setattr(Claim, "_locked", replaced_before)
    with pytest.raises(FileNotFoundError):
        Claim.on(path)


def test_without_locks_a_file_that_has_just_grown_is_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Claim, "_locked", lambda _: None)
    path = recording(tmp_path / "a.wav")
    assert Claim.on(path) is None
    past = path.stat().st_mtime - GROWING - 1
    os.utime(path, (past, past))
    held = Claim.on(path)
    assert held is not None
    held.release()


async def test_a_whole_recording_is_read_as_it_is(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav")
    before = path.stat().st_mtime_ns
    sound = await load_pending(path, RATE)
    assert sound is not None
    assert sound.pcm == PCM
    assert path.stat().st_mtime_ns == before


PROMISES = {"nothing": 0, "less": 1_000, "more": 10**6, "endless": 0xFFFFFFFF}


@pytest.mark.parametrize("promised", PROMISES.values(), ids=PROMISES)
async def test_whatever_the_header_promises_all_that_is_there_is_read(tmp_path: Path, promised: int) -> None:
    path = recording(tmp_path / "a.wav")
    content = bytearray(path.read_bytes())
    content[40:44] = promised.to_bytes(4, "little")
    path.write_bytes(content + b"\x01")  # half a sample, as a crash leaves it
    os.utime(path, (1_000_000, 1_000_000))
    sound = await load_pending(path, RATE)
    assert sound is not None
    assert sound.pcm == PCM
    assert path.stat().st_mtime == 1_000_000
    assert Head.of(path) == Head(RATE, 1, len(PCM), len(PCM))


@pytest.mark.parametrize("length", [0, 1, 20, HEADER, HEADER + 1])
async def test_what_holds_no_sample_is_empty(tmp_path: Path, length: int) -> None:
    path = recording(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:length])
    assert await load_pending(path, RATE) is None


@pytest.mark.parametrize("content", [b"hello", b"garbage" * 100, bytes(1_000), b"RIFF" + bytes(100)])
async def test_garbage_is_told_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError):
        await load_pending(path, RATE)
    assert path.read_bytes() == content


def test_other_peoples_wav_files_are_not_touched(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav")
    content = path.read_bytes()
    changed = content[:20] + b"\x03" + content[21:40] + bytes(4) + content[44:]  # samples of another coding
    path.write_bytes(changed)
    make_whole(path)
    assert path.read_bytes() == changed


def test_what_a_killed_process_was_recording_is_whole(tmp_path: Path) -> None:
    with another_process(RECORDS, str(tmp_path)) as process:
        process.kill()
        process.wait()
    (only,) = waiting(tmp_path)
    assert only.seconds == 0.25
    make_whole(only.path)
    assert read_audio(only.path, None).pcm == bytes([7, 0]) * 4_000
