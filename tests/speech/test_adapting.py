"""Engines that are used in another way from turn to turn, on real sockets."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve

from actors.errors import SettingsError
from tests.speech.listing_server import offering
from tests.speech.speech_server import refusal, streamed, tone, whole
from tests.speech.test_openai_stt import SECOND
from tests.speech.test_providers import opened, said, who_sounds_in
from voicemode import Settings
from voicemode.speech import openai_tts

SPEECH = streamed(tone(0.5), kind="audio/pcm")


async def test_another_engine_of_those_there_are_can_speak_in_the_next_turn() -> None:
    async with (
        offering("tts-1", voices=("af_sky",), work=SPEECH) as server,
        opened(Settings(), server.spot(), listens=False, speaks=True) as found,
    ):
        usual, espeak = Settings(), Settings(tts="espeak")
        assert found.has(espeak)
        spoke: list[set[str | None]] = []
        for settings in (usual, espeak, Settings(tts=server.url), usual):
            found.adapt(settings)
            spoke.append(who_sounds_in(await said(found.tts)))
    assert spoke == [{server.url}, {"espeak-ng"}, {server.url}, {server.url}]


async def test_what_is_not_among_them_is_not_there() -> None:
    async with opened(Settings(), listens=False, speaks=True) as found:
        assert not found.has(Settings(tts="http://127.0.0.1:9/v1"))
        assert not found.has(Settings(tts="http://[broken"))
        assert not found.has(Settings(tts="espeak,http://127.0.0.1:9/v1"))
    async with opened(Settings(tts="espeak"), listens=False, speaks=True) as found:
        assert found.has(Settings(tts="espeak"))
        assert not found.has(Settings())


async def test_model_format_and_manner_are_those_of_the_next_text() -> None:
    async with offering("tts-1", "tts-1-hd", work=SPEECH) as server:
        usual = Settings(tts=server.url)
        async with opened(usual, listens=False, speaks=True) as found:
            found.adapt(evolve(usual, tts_models=("tts-1-hd",), tts_format="wav", tts_instructions="Whisper."))
            await said(found.tts)
            found.adapt(usual)
            await said(found.tts)
    first, second = (asked.json for asked in server.asked if asked.line.startswith("POST"))
    assert (first["model"], first["response_format"], first["instructions"]) == ("tts-1-hd", "wav", "Whisper.")
    assert (second["model"], second["response_format"]) == ("tts-1", "pcm")
    assert "instructions" not in second


async def test_one_that_cannot_be_told_how_speaks_all_the_same() -> None:
    async with offering("tts-1") as server:

        async def stubborn(stream: trio.SocketStream) -> None:
            told = "instructions" in server.asked[-1].json
            await (refusal("400 Bad Request", "unknown field: instructions") if told else SPEECH)(stream)

        server.work = stubborn
        async with opened(Settings(tts=server.url, tts_instructions="Whisper."), listens=False, speaks=True) as found:
            assert await said(found.tts)
        assert ["instructions" in asked.json for asked in server.asked if asked.line.startswith("POST")] == [
            True,
            False,
        ]
    async with opened(Settings(tts="espeak", tts_instructions="Whisper."), listens=False, speaks=True) as found:
        assert await said(found.tts)


async def test_what_is_expected_is_told_with_the_next_utterance() -> None:
    async with offering(work=whole(b'{"text": "hello"}')) as server:
        usual = Settings(stt=server.url, stt_prompt="Trio")
        async with opened(usual) as found:
            assert found.stt is not None
            for settings in (usual, evolve(usual, stt_prompt="Trio, attrs"), usual):
                found.adapt(settings)
                await found.stt.transcribe(SECOND, 16_000)
    told = [asked.form["prompt"] for asked in server.asked if asked.line.startswith("POST")]
    assert told == [b"Trio", b"Trio, attrs", b"Trio"]


async def test_a_format_that_cannot_be_read_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_tts, "FORMATS", ("pcm", "wav"))
    async with offering("tts-1", work=SPEECH) as server:
        usual = Settings(tts=server.url)
        async with opened(usual, listens=False, speaks=True) as found:
            with pytest.raises(SettingsError, match="codecs"):
                found.adapt(evolve(usual, tts_format="aac"))
