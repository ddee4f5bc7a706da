"""What the user said stays on disk until its transcript has been written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from actors.errors import VoiceError
from voicemode import Settings
from voicemode.cli.until_written import UntilWritten


async def understood(base: Path, **options: bool) -> tuple[UntilWritten, Path]:
    store = UntilWritten(Settings(base_dir=base, **options))  # type: ignore[arg-type]  # all of them are switches
    spool = store.begin(16_000)
    spool.write(bytes(3_200))
    await spool.finish(3_200)
    await store.settle(spool.path)
    return store, spool.path


async def test_a_recording_goes_when_its_transcript_has_been_written(tmp_path: Path) -> None:
    store, path = await understood(tmp_path)
    with store.written():
        assert path.exists()
    assert not path.exists()


async def test_what_could_not_be_written_stays_and_the_error_says_where(tmp_path: Path) -> None:
    store, path = await understood(tmp_path)
    with pytest.raises(VoiceError) as caught, store.written():
        raise VoiceError("Standard output cannot be written: No space left on device.")
    assert (path.exists(), caught.value.recording) == (True, path)


async def test_a_reader_who_has_gone_leaves_the_recording(tmp_path: Path) -> None:
    store, path = await understood(tmp_path)
    with pytest.raises(BrokenPipeError), store.written():
        raise BrokenPipeError
    assert path.exists()


async def test_without_a_standard_output_nothing_is_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = await understood(tmp_path)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(VoiceError, match="no standard output") as caught, store.written():
        pass
    assert (path.exists(), caught.value.recording) == (True, path)


async def test_what_is_kept_anyhow_moves_at_once(tmp_path: Path) -> None:
    _, path = await understood(tmp_path, save_audio=True)
    assert not path.exists()
    assert list((tmp_path / "audio").rglob("*.wav"))
