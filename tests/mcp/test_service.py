"""The tools ``service`` and ``voices`` say of engines what ``voicemode providers`` says."""

from __future__ import annotations

import pytest

from actors.errors import SettingsError
from tests.speech.listing_server import offering
from tests.speech.speech_server import refusal
from voicemode import Settings
from voicemode.mcp.service import ServiceArguments, VoicesArguments, service, voices


async def test_every_engine_is_there_with_how_it_does() -> None:
    async with offering("tts-1", voices=("af_sky",)) as good, offering(lists=refusal("500 Oops", "no")) as bad:
        settings = Settings(tts=(good.url, "espeak-ng"), stt=(bad.url, "pocketsphinx"), microphone="null:")
        answer = await service(settings, ServiceArguments())
    assert {(each.service, each.engine): (each.place, each.health, each.model) for each in answer.engines} == {
        ("stt", bad.url): ("local", "down", "whisper-1"),
        ("stt", "pocketsphinx"): ("embedded", "up", ""),
        ("tts", good.url): ("local", "up", "tts-1"),
        ("tts", "espeak-ng"): ("embedded", "up", ""),
    }
    assert f"{good.url} speaks: up\nespeak-ng speaks: up\n" in answer.in_words()
    assert "in use: null: to listen, portaudio: to speak" in answer.in_words()


async def test_voices_are_those_of_all_engines_or_of_one() -> None:
    async with offering("tts-1", voices=("af_sky", "bf_emma")) as server:
        settings = Settings(tts=(server.url, "espeak-ng"), stt="pocketsphinx")
        found = (await voices(settings, VoicesArguments())).voices
        alone = await voices(settings, VoicesArguments(provider=server.url))
    assert list(found) == [server.url, "espeak-ng"]
    assert "en-us" in found["espeak-ng"]
    assert alone.in_words() == f"{server.url}: af_sky, bf_emma"


async def test_who_asks_for_the_voices_of_an_engine_that_there_is_not_is_told_which_there_are() -> None:
    async with offering("tts-1", voices=("af_sky",)) as server:
        settings = Settings(tts=(server.url, "espeak-ng"), stt="pocketsphinx")
        with pytest.raises(SettingsError, match=f"called zzz; there is {server.url}, espeak-ng"):
            await voices(settings, VoicesArguments(provider="zzz"))


async def test_a_key_that_is_not_used_is_told() -> None:
    settings = Settings(tts="espeak-ng", look_around=False, keys={"OPENAI_API_KEY": "hush"})
    answer = await service(settings, ServiceArguments())
    assert "There is a key for OpenAI, which is not used: VOICEMODE_ALLOW_REMOTE is off.\n" in answer.in_words()
