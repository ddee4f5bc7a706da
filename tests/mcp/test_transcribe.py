"""The tool ``transcribe`` with real recordings and a real recogniser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.errors import SettingsError, VoiceError
from voicemode import Settings
from voicemode.mcp.arguments import checked
from voicemode.mcp.transcribe import TranscribeArguments, transcribe

CLIP = Path(__file__).parents[1] / "audio" / "lj001-0002.wav"


def settings(tmp_path: Path, **others: Any) -> Settings:
    return Settings(stt="pocketsphinx", base_dir=tmp_path, **others)


async def test_the_words_of_a_file(tmp_path: Path) -> None:
    answer = await transcribe(settings(tmp_path), TranscribeArguments(path=str(CLIP)))
    [words] = answer.files
    assert words.engine == "pocketsphinx"
    assert words.transcript == answer.in_words() != ""


@pytest.mark.parametrize("path", ["/not/there.wav", "/", __file__])
async def test_a_file_that_cannot_be_transcribed_is_one_error_with_a_sentence(tmp_path: Path, path: str) -> None:
    with pytest.raises(VoiceError, match=r"audio|folder|directory"):
        await transcribe(settings(tmp_path), TranscribeArguments(path=path))


@pytest.mark.parametrize("given", [{}, {"path": "x.wav", "pending": True}])
async def test_either_a_file_or_what_waits_is_named(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="pending"):
        await transcribe(settings(tmp_path), checked(TranscribeArguments, given))


async def test_what_waits_is_finished_and_gone(tmp_path: Path) -> None:
    pending = tmp_path / "pending" / "20261128_120000_000001_stt.wav"
    pending.parent.mkdir()
    pending.write_bytes(CLIP.read_bytes())
    answer = await transcribe(settings(tmp_path), TranscribeArguments(pending=True))
    assert [words.file for words in answer.files] == [str(pending)]
    assert answer.files[0].transcript
    assert not pending.exists()
    assert (await transcribe(settings(tmp_path), TranscribeArguments(pending=True))).files == []


async def test_what_cannot_be_finished_is_an_error_and_kept(tmp_path: Path) -> None:
    pending = tmp_path / "pending" / "20261128_120000_000001_stt.wav"
    pending.parent.mkdir()
    pending.write_bytes(CLIP.read_bytes())
    silent = Settings(stt="http://127.0.0.1:9/v1", base_dir=tmp_path)
    with pytest.raises(VoiceError, match="kept"):
        await transcribe(silent, TranscribeArguments(pending=True))
    assert pending.exists()
