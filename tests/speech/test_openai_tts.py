"""A voice behind an endpoint, over a real socket: what it is asked, and how its sound is handed on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import trio

from actors.errors import ProviderUnavailable
from actors.messages import Synthesis
from tests.speech.speech_server import Reply, SpeechServer, hang, refusal, serving, streamed, tone, wav, whole
from voicemode.speech.endpoint_name import VOICES, EndpointName
from voicemode.speech.openai_tts import OpenAIVoice


@asynccontextmanager
async def voicing(
    *replies: Reply, choices: str = "", **options: Any
) -> AsyncGenerator[tuple[OpenAIVoice, SpeechServer]]:
    async with serving(*replies) as server:
        name = EndpointName.parse(server.url + choices, VOICES)
        assert name is not None
        engine = await OpenAIVoice.open(name, environment={}, **options)
        try:
            yield engine, server
        finally:
            await engine.aclose()


async def said(engine: OpenAIVoice, text: str = "Hello there.", **options: Any) -> list[Synthesis]:
    async with engine.speak(text, **options) as parts:
        return [part async for part in parts]


async def sound(engine: OpenAIVoice) -> bytes:
    return b"".join(part.pcm for part in await said(engine))


async def test_it_asks_for_raw_sound_and_hands_it_on() -> None:
    async with voicing(streamed(tone(0.5), kind="audio/pcm")) as (engine, server):
        parts = await said(engine, "Gr\u00fc\u00dfe \u2013 all\ud800\0!")
    assert b"".join(part.pcm for part in parts) == tone(0.5)
    assert {part.rate for part in parts} == {engine.rate} == {24_000}
    (asked,) = server.asked
    assert asked.line == "POST /v1/audio/speech"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.json == {
        "model": "tts-1",
        "voice": "alloy",
        "input": "Gr\u00fc\u00dfe \u2013 all  !",
        "response_format": "pcm",
    }


async def test_model_voice_instructions_and_speed_are_passed_on() -> None:
    async with voicing(choices="?model=gpt-4o-mini-tts&voice=coral&instructions=Speak+softly.") as (engine, server):
        await said(engine)
        await said(engine, voice="nova", speed=1.5)
    first, second = (asked.json for asked in server.asked)
    assert (first["model"], first["voice"], first["instructions"]) == ("gpt-4o-mini-tts", "coral", "Speak softly.")
    assert "speed" not in first
    assert (second["voice"], second["speed"]) == ("nova", 1.5)


async def test_the_first_sound_is_there_before_the_rest_is_made() -> None:
    heard = trio.Event()

    async def before(index: int) -> None:
        if index == 1:
            await heard.wait()

    for kind, begin in (("audio/pcm", b""), ("audio/wav", wav(b"", 24_000, size=0xFFFFFFFF))):
        heard = trio.Event()
        answer = streamed(begin + tone(0.05), tone(0.05), kind=kind, before=before)
        async with voicing(answer) as (engine, _), engine.speak("Hello.") as parts:
            assert (await parts.receive()).pcm == tone(0.05)
            heard.set()
            assert [part.pcm async for part in parts] == [tone(0.05)]


async def test_sound_at_another_rate_is_converted() -> None:
    async with voicing(whole(wav(tone(1.0, 44_100, 2), 44_100, 2), "audio/wav")) as (engine, _):
        samples = np.frombuffer(await sound(engine), "<i2").astype(float)
    assert len(samples) == 24_000
    assert np.abs(np.fft.rfft(samples)).argmax() == 440


async def test_a_server_without_raw_sound_is_asked_for_wav_and_remembered() -> None:
    no = refusal("400 Bad Request", "response_format 'pcm' is not supported")
    answer = whole(wav(tone(0.1), 24_000), "audio/wav")
    async with voicing(no, answer, answer) as (engine, server):
        assert await sound(engine) == await sound(engine) == tone(0.1)
    assert [asked.json["response_format"] for asked in server.asked] == ["pcm", "wav", "wav"]


@pytest.mark.parametrize("text", ["", "   ", "\u2026", "\0\x01", "\U0001f44b!"])
async def test_text_without_a_word_is_not_sent(text: str) -> None:
    async with voicing() as (engine, server):
        assert await said(engine, text) == []
    assert server.asked == []


async def test_one_connection_serves_one_text_after_the_other() -> None:
    async with voicing() as (engine, server):
        for _ in range(3):
            assert await said(engine)
    assert server.connections == 1


async def test_two_texts_at_once_have_a_connection_each_and_both_are_kept() -> None:
    async with voicing() as (engine, server):
        for _ in range(2):
            async with engine.speak("One.") as one, engine.speak("Two.") as two:
                assert [part async for part in one]
                assert [part async for part in two]
    assert server.connections == 2


async def test_who_stops_listening_leaves_the_server_at_once_and_the_next_text_is_whole() -> None:
    async def before(index: int) -> None:
        if index == 1:
            await trio.sleep_forever()

    async with voicing(streamed(tone(0.1), tone(0.1), before=before)) as (engine, server):
        async with engine.speak("Hello.") as parts:
            await parts.receive()
        await server.left.wait()
        assert len(await sound(engine)) == len(tone(0.6))


async def test_a_text_that_nobody_waits_for_leaves_the_server_at_once() -> None:
    async with voicing(hang) as (engine, server):
        async with engine.speak("Hello."):
            await server.was_asked.wait()
        await server.left.wait()


async def test_a_failure_comes_after_the_sound_also_when_nobody_reads_yet() -> None:
    async with voicing(streamed(tone(0.2), tone(0.2), ends=False)) as (engine, _):
        heard = b""
        with pytest.raises(ProviderUnavailable, match="broke off"):
            async with engine.speak("Hello.") as parts:
                while parts.statistics().open_send_channels:
                    await trio.lowlevel.checkpoint()
                async for part in parts:
                    heard += part.pcm
        assert heard == tone(0.2) * 2


async def test_closing_twice_does_no_harm() -> None:
    async with voicing() as (engine, _):
        await said(engine)
        await engine.aclose()
