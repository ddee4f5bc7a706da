"""A recogniser behind an endpoint, over a real socket: what it is asked, and what is made of its answers."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import soundfile
import trio
import trio.testing

from actors.errors import ProviderRefused, SettingsError
from tests.speech.speech_server import Reply, SpeechServer, hang, hang_up, refusal, serving, tone, whole
from voicemode.speech.endpoint_name import RECOGNISERS, EndpointName
from voicemode.speech.openai_stt import OpenAIRecogniser

SECOND = tone(1.0, 16_000)


@asynccontextmanager
async def recognising(
    *replies: Reply, choices: str = "", **options: Any
) -> AsyncGenerator[tuple[OpenAIRecogniser, SpeechServer]]:
    async with serving(*replies) as server:
        name = EndpointName.parse(server.url + choices, RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={}, **options)
        try:
            yield engine, server
        finally:
            await engine.aclose()


async def test_it_sends_the_utterance_as_wav_at_16_khz() -> None:
    async with recognising() as (engine, server):
        transcript = await engine.transcribe(tone(1.0, 48_000), 48_000)
        assert (transcript.text, transcript.engine) == ("Hello.", server.url)
    (asked,) = server.asked
    assert asked.line == "POST /v1/audio/transcriptions"
    assert {name: value for name, value in asked.form.items() if name != "file"} == {
        "model": b"whisper-1",
        "response_format": b"json",
    }
    sound = soundfile.info(io.BytesIO(asked.form["file"]))
    assert (sound.samplerate, sound.channels, sound.subtype, sound.frames) == (16_000, 1, "PCM_16", 16_000)


async def test_sound_at_16_khz_is_sent_as_it_is() -> None:
    async with recognising() as (engine, server):
        await engine.transcribe(SECOND + b"\1", 16_000)
    assert server.asked[0].form["file"][44:] == SECOND


async def test_model_language_and_phrases_are_passed_on() -> None:
    async with recognising(choices="?model=large-v3&language=de") as (engine, server):
        await engine.transcribe(SECOND, 16_000, phrases=["Ja, gern.", "N\u00f6."])
    form = server.asked[0].form
    assert (form["model"], form["language"], form["prompt"].decode()) == (b"large-v3", b"de", "Ja, gern., N\u00f6.")


async def test_what_was_heard_is_given_as_the_phrase_it_is_and_otherwise_as_it_was_heard() -> None:
    heard = [whole(json.dumps({"text": text}).encode()) for text in (" what\u2019s the TIME.", "Neither of them", "")]
    async with recognising(*heard) as (engine, _):
        texts = [(await engine.transcribe(SECOND, 16_000, phrases=["Stop!", "What's the time?"])).text for _ in heard]
    assert texts == ["What's the time?", "Neither of them", ""]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (whole(b'{"text": "  Hello there. \\n", "usage": {"seconds": 1}}'), "Hello there."),
        (whole(b"Hello there.\n", "text/plain; charset=utf-8"), "Hello there."),
        (whole(b'{"text": "Hello there."}', "text/plain"), "Hello there."),
        (whole(b'{"text": ""}'), ""),
        (whole(b"", "text/plain"), ""),
        (whole(b'{"text": " [BLANK_AUDIO]\\n"}'), ""),
    ],
)
async def test_an_answer_is_read_as_what_it_is(reply: Reply, text: str) -> None:
    async with recognising(reply) as (engine, _):
        assert (await engine.transcribe(SECOND, 16_000)).text == text


async def test_a_server_without_json_is_asked_for_text_and_remembered() -> None:
    no = refusal("400 Bad Request", "Unsupported response_format")
    text = whole(b"Hello.", "text/plain")
    async with recognising(no, text, text) as (engine, server):
        for _ in range(2):
            assert (await engine.transcribe(SECOND, 16_000)).text == "Hello."
    assert [asked.form["response_format"] for asked in server.asked] == [b"json", b"text", b"text"]


async def test_a_server_that_knows_no_format_at_all_is_asked_for_each_once() -> None:
    no = refusal("422 Unprocessable Content", "Unsupported response_format")
    async with recognising(no, no) as (engine, server):
        with pytest.raises(ProviderRefused, match="response_format"):
            await engine.transcribe(SECOND, 16_000)
    assert len(server.asked) == 2


@pytest.mark.parametrize("pcm", [b"", b"\0", bytes(2), bytes(3_000)])
async def test_what_is_too_short_for_a_word_is_not_sent(pcm: bytes) -> None:
    async with recognising() as (engine, server):
        assert (await engine.transcribe(pcm, 16_000)).text == ""
    assert server.asked == []


async def test_a_rate_that_is_none_is_refused() -> None:
    async with recognising() as (engine, _):
        with pytest.raises(SettingsError, match="at least 1 Hz"):
            await engine.transcribe(SECOND, 0)


async def test_one_connection_serves_one_utterance_after_the_other_also_after_a_refusal() -> None:
    async with recognising(refusal("400 Bad Request", "no")) as (engine, server):
        with pytest.raises(ProviderRefused):
            await engine.transcribe(SECOND, 16_000)
        for _ in range(3):
            await engine.transcribe(SECOND, 16_000)
    assert len(server.asked) == 4
    assert server.connections == 1


async def test_a_kept_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    async with recognising(whole(b'{"text": "One."}'), hang_up) as (engine, server):
        assert (await engine.transcribe(SECOND, 16_000)).text == "One."
        assert (await engine.transcribe(SECOND, 16_000)).text == "Hello."
    assert server.connections == 2


async def test_a_cancelled_request_leaves_the_server_and_the_next_one_works() -> None:
    async with recognising(hang) as (engine, server):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.transcribe, SECOND, 16_000)
            await server.was_asked.wait()
            nursery.cancel_scope.cancel()
        await server.left.wait()
        assert (await engine.transcribe(SECOND, 16_000)).text == "Hello."


async def test_an_upload_that_is_cancelled_half_way_leaves_nothing_behind() -> None:
    connected = trio.Event()

    async def read_nothing(_: trio.SocketStream) -> None:
        connected.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, read_nothing, 0)
        name = EndpointName.parse(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1", RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={})
        nursery.start_soon(engine.transcribe, tone(600.0, 16_000), 16_000)
        await connected.wait()
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    await engine.aclose()
    gc.collect()
