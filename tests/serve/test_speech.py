"""``POST /v1/audio/speech``: what is asked for is said, as it is made, and by nobody when nobody listens."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
import trio

from actors.errors import ProviderRefused, ProviderUnavailable
from tests.serve.conftest import FailingVoice, Recogniser, Serve, Served, Voice, error_of
from voicemode.audio.files import read_audio
from voicemode.serve.engines import OPENAI_VOICES, Engines

SPEECH = "/v1/audio/speech"
SENTENCE = "The quick brown fox jumps over the lazy dog."
LONG = "One two three four five six seven eight nine ten. " * 81


async def say(served: Served, **fields: object) -> httpx.Response:
    return await served.client.post(SPEECH, json={"model": "tts-1", "voice": "alloy", "input": SENTENCE} | fields)


async def test_a_wav_answer_is_speech_at_24_khz_that_any_reader_takes(
    serve: Serve, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> None:
    response = await say(await serve(engines), response_format="wav")
    assert (response.status_code, response.headers["content-type"]) == (200, "audio/wav")
    path = tmp_path_factory.mktemp("wav") / "answer.wav"
    path.write_bytes(response.content)
    sound = read_audio(path, None)
    assert sound.rate == 24_000
    assert 1.5 < sound.seconds < 5.0
    assert np.abs(np.frombuffer(sound.pcm, "<i2").astype(int)).max() > 1000


async def test_a_pcm_answer_is_the_same_sound_without_a_header(serve: Serve) -> None:
    served = await serve(Engines(speech=Voice(blocks=10), recogniser=Recogniser()))
    wav, pcm = await say(served, response_format="wav"), await say(served, response_format="pcm")
    assert pcm.headers["content-type"] == "audio/pcm"
    assert wav.content[:4] == b"RIFF"
    assert wav.content[44:] == pcm.content


@pytest.mark.parametrize(("wanted", "kind"), [("mp3", "audio/mpeg"), ("opus", "audio/ogg; codecs=opus")])
async def test_a_coded_answer_is_the_same_sound_coded(
    serve: Serve, engines: Engines, tmp_path: Path, wanted: str, kind: str
) -> None:
    served = await serve(engines)
    plain, coded = await say(served, response_format="pcm"), await say(served, response_format=wanted)
    assert (coded.status_code, coded.headers["content-type"]) == (200, kind)
    path = tmp_path / "answer"
    path.write_bytes(coded.content)
    sound = read_audio(path, 24_000)
    assert sound.seconds == pytest.approx(len(plain.content) / 48_000, abs=0.2)
    assert len(coded.content) < len(plain.content) / 4
    assert np.abs(np.frombuffer(sound.pcm, "<i2").astype(int)).max() > 1000


async def test_coded_sound_is_sent_before_all_of_it_is_made(serve: Serve) -> None:
    go_on = trio.Event()
    served = await serve(Engines(speech=Voice(blocks=30, go_on=go_on), recogniser=Recogniser()))
    request = {"input": SENTENCE, "response_format": "mp3"}
    async with served.client.stream("POST", SPEECH, json=request) as response:
        parts = response.aiter_bytes()
        begin = await anext(parts)
        go_on.set()
        rest = [part async for part in parts]
    assert begin
    assert rest


async def test_without_a_format_it_is_wav_and_says_so(serve: Serve) -> None:
    response = await say(await serve())
    assert response.headers["content-type"] == "audio/wav"
    assert response.content[:4] == b"RIFF"


async def test_the_text_alone_is_enough(serve: Serve) -> None:
    response = await (await serve()).client.post(SPEECH, json={"input": SENTENCE})
    assert response.status_code == 200


async def test_resampling_keeps_the_length(serve: Serve) -> None:
    voice = Voice(blocks=50)
    response = await say(await serve(Engines(speech=voice, recogniser=Recogniser())), response_format="pcm")
    assert len(response.content) / 2 == 24_000 * 50 * 0.06


async def test_the_first_sound_is_sent_while_the_rest_is_not_made_yet(serve: Serve) -> None:
    voice = Voice(go_on=trio.Event())
    served = await serve(Engines(speech=voice, recogniser=Recogniser()))
    with trio.fail_after(5):
        async with served.client.stream("POST", SPEECH, json={"input": SENTENCE, "response_format": "pcm"}) as response:
            parts = response.aiter_bytes()
            assert await anext(parts)
            assert voice.go_on is not None
            voice.go_on.set()
            async for _ in parts:
                pass


async def test_text_without_sound_is_an_empty_recording(serve: Serve, engines: Engines) -> None:
    response = await say(await serve(engines), input="…")
    assert response.status_code == 200
    assert len(response.content) == 44


async def test_each_of_openais_voices_speaks_and_sounds_like_itself(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    sounds = [(await say(served, voice=name, input="Hello.")).content for name in OPENAI_VOICES]
    assert all(len(sound) > 10_000 for sound in sounds)
    assert len(set(sounds)) == len(sounds)


async def test_espeaks_own_voices_can_be_named(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    listed = (await served.client.get("/v1/audio/voices")).json()["voices"]
    assert {"alloy", "de", "en-gb"} <= set(listed)
    assert (await say(served, voice="de+f3", input="Guten Tag.")).status_code == 200


async def test_faster_is_shorter(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    slow, fast = [len((await say(served, speed=speed)).content) for speed in (1, 2.0)]
    assert fast < 0.7 * slow


async def test_an_unknown_voice_is_refused(serve: Serve, engines: Engines) -> None:
    response = await say(await serve(engines), voice="nobody")
    assert response.status_code == 400
    error = error_of(response)
    assert (error["code"], error["param"]) == ("invalid_value", "voice")
    assert "'nobody'" in str(error["message"])


@pytest.mark.parametrize(
    ("fields", "status", "param", "words"),
    [
        ({"response_format": "aac"}, 400, "response_format", "wav, pcm, mp3, opus"),
        ({"stream_format": "sse"}, 400, "stream_format", "audio"),
        ({"speed": 5}, 400, "speed", "0.25 to 4.0"),
        ({"speed": "fast"}, 400, None, "speed"),
        ({"input": ""}, 400, "input", "no text"),
        ({"input": "a" * 4097}, 400, "input", "4097 characters"),
        ({"input": None}, 400, None, "input"),
        ({"model": "whisper-1"}, 404, "model", "espeak-ng and tts-1"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_the_field_and_what_there_is(
    serve: Serve, fields: dict[str, object], status: int, param: str | None, words: str
) -> None:
    response = await say(await serve(), **fields)
    assert response.status_code == status
    error = error_of(response)
    assert error["param"] == param
    assert words in str(error["message"])


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"{}", b'{"input": "\xff"}', b'{"input": "a"'])
async def test_what_is_no_speech_request_is_refused(serve: Serve, body: bytes) -> None:
    response = await (await serve()).client.post(SPEECH, content=body)
    assert response.status_code == 400
    error_of(response)


async def test_4096_characters_are_taken_however_they_are_escaped(serve: Serve) -> None:
    content = json.dumps({"input": "\N{GRINNING FACE}" * 4096}).encode()
    assert (await (await serve()).client.post(SPEECH, content=content)).status_code == 200


async def test_a_request_beyond_all_texts_is_too_large(serve: Serve) -> None:
    response = await say(await serve(), padding="a" * 300_000)
    assert response.status_code == 413
    error_of(response)


async def test_an_engine_that_is_missing_is_503(serve: Serve) -> None:
    missing = ProviderUnavailable("espeak-ng", "It is not installed.", code="not_installed")
    response = await say(await serve(Engines(speech=missing, recogniser=Recogniser())))
    assert response.status_code == 503
    error = error_of(response)
    assert (error["message"], error["code"]) == ("It is not installed.", "not_installed")


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ProviderUnavailable("voice", "It broke.", code="failed"), 503),
        (ProviderRefused("voice", "It will not.", code="refused"), 400),
        (KeyError("text"), 500),
    ],
)
async def test_a_failure_before_the_first_sound_is_told(serve: Serve, failure: Exception, status: int) -> None:
    voice = FailingVoice(blocks=0, failure=failure)
    response = await say(await serve(Engines(speech=voice, recogniser=Recogniser())))
    assert response.status_code == status
    error_of(response)


async def test_a_failure_after_the_first_sound_breaks_the_answer_off_and_the_next_is_whole(serve: Serve) -> None:
    voice = FailingVoice(blocks=2, failure=ProviderUnavailable("voice", "It broke.", code="failed"))
    served = await serve(Engines(speech=voice, recogniser=Recogniser()))
    with pytest.raises(httpx.RemoteProtocolError):
        await say(served)
    assert (await served.client.get("/health")).status_code == 200


async def test_the_engine_stops_when_the_client_leaves(serve: Serve) -> None:
    voice = Voice(blocks=3, go_on=trio.Event())
    served = await serve(Engines(speech=voice, recogniser=Recogniser()))
    await (await served.hear_the_beginning(input=SENTENCE)).aclose()
    with trio.fail_after(2):
        await voice.left.wait()


async def test_the_engine_stops_when_the_client_leaves_before_the_first_sound(serve: Serve) -> None:
    voice = Voice(blocks=0, go_on=trio.Event())
    served = await serve(Engines(speech=voice, recogniser=Recogniser()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, served)
        await voice.begun.wait()
        assert not voice.left.is_set()
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        await voice.left.wait()


async def test_real_speech_stops_within_a_block_when_the_client_leaves(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    for _ in range(5):
        await (await served.hear_the_beginning(input=LONG, speed=0.5)).aclose()
    with trio.fail_after(2):
        assert (await say(served)).status_code == 200


async def test_a_client_that_takes_nothing_keeps_no_other_waiting(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    stuck = [await served.hear_the_beginning(input=LONG, speed=0.5) for _ in range(3)]
    with trio.fail_after(5):
        assert (await say(served)).status_code == 200
    for stream in stuck:
        await stream.aclose()


async def test_texts_at_once_are_all_whole(serve: Serve, engines: Engines) -> None:
    served = await serve(engines)
    alone = (await say(served)).content
    answers: list[bytes] = []

    async def once() -> None:
        answers.append((await say(served)).content)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(once)
    assert [len(answer) for answer in answers] == pytest.approx(5 * [len(alone)], rel=0.02)
