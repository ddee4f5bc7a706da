from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
import trio

from actors.errors import AudioFileError
from voicemode.audio.files import read_audio
from voicemode.audio.store import DirectoryStore, MemoryStore
from voicemode.audio.wav_writer import WavWriter

PCM = bytes(range(256)) * 50


def files(base: Path) -> list[str]:
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


async def test_a_finished_recording_has_the_length_asked_for(tmp_path: Path) -> None:
    spool = DirectoryStore(tmp_path, keep=True).begin(16_000)
    for start in range(0, len(PCM), 320):
        spool.write(PCM[start : start + 320])
    path = await spool.finish(1_000)
    assert read_audio(path, None).pcm == PCM[:1_000]
    assert path.parent == tmp_path / "pending"
    assert re.fullmatch(r"\d{8}_\d{6}_\d{3}_[0-9a-f]{6}\.wav", path.name)


async def test_no_more_is_kept_than_was_written(tmp_path: Path) -> None:
    spool = DirectoryStore(tmp_path, keep=True).begin(16_000)
    spool.write(PCM)
    assert read_audio(await spool.finish(10**6), None).pcm == PCM


async def test_a_delivered_recording_is_kept_by_month(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, keep=True)
    spool = store.begin(16_000)
    spool.write(PCM)
    path = await spool.finish(len(PCM))
    recorded = datetime(2024, 2, 29, 12).astimezone()
    os.utime(path, (recorded.timestamp(), recorded.timestamp()))
    kept = await store.settle(path)
    assert kept == tmp_path / "audio" / "2024" / "02" / f"{path.stem}_stt.wav"
    assert files(tmp_path) == [str(kept.relative_to(tmp_path))]
    assert read_audio(kept, None).pcm == PCM


async def test_a_delivered_recording_is_removed_when_nothing_is_kept(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, keep=False)
    spool = store.begin(16_000)
    spool.write(PCM)
    path = await spool.finish(len(PCM))
    assert await store.settle(path) is None
    assert files(tmp_path) == []


@pytest.mark.parametrize("keep", [True, False])
async def test_what_is_gone_already_is_no_trouble(tmp_path: Path, keep: bool) -> None:
    store = DirectoryStore(tmp_path, keep=keep)
    assert await store.settle(tmp_path / "pending" / "gone.wav") is None
    spool = store.begin(16_000)
    spool.path.unlink()
    spool.discard()
    spool.discard()


async def test_a_recording_may_be_discarded_at_any_time(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, keep=True)
    begun, finished = store.begin(16_000), store.begin(16_000)
    finished.write(PCM)
    await finished.finish(len(PCM))
    begun.discard()
    finished.discard()
    assert await begun.finish(0) is None
    assert files(tmp_path) == []


async def test_a_cancelled_finish_does_not_wait_for_the_disk_and_can_be_discarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_disk, disk_is_done = threading.Event(), threading.Event()

    def slow_sync(_: WavWriter) -> None:
        at_the_disk.set()
        disk_is_done.wait()

    monkeypatch.setattr(WavWriter, "sync", slow_sync)
    spool = DirectoryStore(tmp_path, keep=True).begin(16_000)
    spool.write(PCM)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(spool.finish, len(PCM))
        await trio.to_thread.run_sync(at_the_disk.wait)
        nursery.cancel_scope.cancel()
    spool.discard()
    disk_is_done.set()
    assert files(tmp_path) == []


async def test_a_finish_cancelled_before_its_thread_runs_can_be_discarded(tmp_path: Path) -> None:
    spool = DirectoryStore(tmp_path, keep=True).begin(16_000)
    with trio.CancelScope() as scope:
        scope.cancel()
        await spool.finish(0)
    spool.discard()
    assert files(tmp_path) == []


async def test_recordings_are_for_their_owner_alone(tmp_path: Path) -> None:
    base = tmp_path / "deep" / "base"
    store = DirectoryStore(base, keep=True)
    spool = store.begin(16_000)
    kept = await store.settle(await spool.finish(0))
    assert kept is not None
    assert kept.stat().st_mode & 0o777 == 0o600
    for directory in (kept.parent, kept.parent.parent, base / "audio", base / "pending", base, tmp_path / "deep"):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_nowhere_to_write_is_told_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AudioFileError, match="there is a file where a directory should be"):
        DirectoryStore(tmp_path / "file", keep=True).begin(16_000)
    with pytest.raises(AudioFileError, match="there is a file where a directory should be"):
        DirectoryStore(tmp_path / "file" / "base", keep=True).begin(16_000)


async def test_a_recording_that_cannot_be_moved_stays_and_the_error_says_so(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, keep=True)
    spool = store.begin(16_000)
    path = await spool.finish(0)
    (tmp_path / "audio").touch()
    with pytest.raises(AudioFileError, match="cannot be moved"):
        await store.settle(path)
    assert path.exists()


def test_a_killed_process_leaves_its_recording_pending(tmp_path: Path) -> None:
    script = f"""
import os, pathlib
import trio
from voicemode.audio.store import DirectoryStore
async def main():
    spool = DirectoryStore(pathlib.Path({str(tmp_path)!r}), keep=False).begin(16_000)
    spool.write(bytes([7, 0]) * 4_000)
    os.kill(os.getpid(), 9)
trio.run(main)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == -9
    (path,) = (tmp_path / "pending").iterdir()
    assert read_audio(path, None).pcm == bytes([7, 0]) * 4_000


async def test_a_memory_store_leaves_no_trace() -> None:
    store = MemoryStore()
    spool = store.begin(16_000)
    spool.write(PCM)
    assert await spool.finish(10) is None
    spool.discard()
    assert await store.settle(Path("anything.wav")) is None
