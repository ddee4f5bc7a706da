"""The project's own adapters against its own server and real engines: word times, and text while it is heard."""

from __future__ import annotations

import itertools
from contextlib import aclosing

import trio
from trio.testing import wait_all_tasks_blocked

from actors.messages import Synthesis
from tests.serve.conftest import Recogniser, Serve, Served, Voice
from tests.serve.test_transcriptions import sound
from tests.speech.human_speech import recording
from voicemode.serve.engines import Engines
from voicemode.speech.endpoint_name import RECOGNISERS, VOICES, EndpointName
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.openai_tts import OpenAIVoice

TEXT = "Well, he owes me $5. She said \u201cno\u201d, didn\u2019t she?"


async def voice_of(served: Served) -> OpenAIVoice:
    name = EndpointName.parse(f"http://127.0.0.1:{served.port}/v1?captions=yes", VOICES)
    assert name is not None
    return await OpenAIVoice.open(name, environment={})


async def recogniser_of(served: Served) -> OpenAIRecogniser:
    name = EndpointName.parse(f"http://127.0.0.1:{served.port}/v1", RECOGNISERS)
    assert name is not None
    return await OpenAIRecogniser.open(name, environment={})


async def said(engine: OpenAIVoice, text: str) -> list[Synthesis]:
    async with engine.speak(text) as parts:
        return [part async for part in parts]


async def test_the_words_of_a_text_and_their_times_arrive(serve: Serve, engines: Engines) -> None:
    async with aclosing(await voice_of(await serve(engines))) as engine:
        parts = await said(engine, TEXT)
    words = [word for part in parts for word in part.words]
    assert [TEXT[word.start : word.end] for word in words] == TEXT.split()
    for word, following in itertools.pairwise(words):
        assert 0 <= word.begin <= word.finish <= following.begin
    assert words[-1].finish <= sum(len(part.pcm) for part in parts) / 48_000


async def test_a_line_of_captions_is_as_kokoro_writes_it(serve: Serve) -> None:
    served = await serve(Engines(speech=Voice(blocks=2), recogniser=Recogniser()))
    answer = await served.client.post("/dev/captioned_speech", json={"input": "Hello.", "response_format": "pcm"})
    assert answer.headers["content-type"] == "application/json"
    for line in answer.text.splitlines():
        assert line.startswith('{"audio":"')
        assert line.endswith('","audio_format":"audio/pcm","timestamps":[]}')


async def test_models_voices_and_whether_it_is_there(serve: Serve, engines: Engines) -> None:
    async with aclosing(await voice_of(await serve(engines))) as engine:
        await engine.probe()
        assert {"tts-1", "whisper-1"} <= set(await engine.models())
        assert {"nova", "en-us"} <= set(await engine.voices())


async def test_a_long_recording_is_told_bit_by_bit(serve: Serve) -> None:
    known: list[str] = []
    async with (
        aclosing(await recogniser_of(await serve())) as engine,
        engine.listen(16_000, partial=known.append) as hearing,
    ):
        hearing.write(sound(seconds=150)[44:])
        transcript = await hearing.finish()
    assert known == [" ".join(["a word"] * count) for count in range(1, len(known) + 1)]
    assert len(known) > 2
    assert transcript.text == known[-1]


async def test_an_utterance_is_sent_while_it_is_being_said_because_the_server_says_so(serve: Serve) -> None:
    recogniser = Recogniser()
    served = await serve(Engines(speech=Voice(), recogniser=recogniser, uploads=trio.CapacityLimiter(1)))
    pcm = sound(seconds=3)[44:]
    async with aclosing(await recogniser_of(served)) as engine:
        await engine.probe()
        assert engine.uploads.live
        async with engine.listen(16_000) as hearing:
            hearing.write(pcm[:64_000])
            # others are not kept waiting by who is still speaking
            assert (await engine.transcribe(pcm, 16_000)).text == "a word"
            hearing.write(pcm[64_000:])
            assert (await hearing.finish()).text == "a word"
        assert engine.uploads.proven
    assert [(heard, rate) for heard, rate, _ in recogniser.heard] == [(pcm, 16_000)] * 2


async def test_human_speech_that_is_sent_while_it_is_said_is_understood(serve: Serve, engines: Engines) -> None:
    human = recording("lj001-0008.wav")
    phrases = ["Is there anything else?", "Has never been surpassed."]
    async with aclosing(await recogniser_of(await serve(engines))) as engine:
        await engine.probe()
        whole = await engine.transcribe(human.pcm, human.rate, phrases=phrases)
        async with engine.listen(human.rate, phrases=phrases) as hearing:
            for at in range(0, len(human.pcm), 2_000):
                hearing.write(human.pcm[at : at + 2_000])
            assert (await hearing.finish()).text == whole.text
        assert engine.uploads.proven


async def test_an_utterance_of_which_the_rest_never_comes_is_heard_by_nobody(serve: Serve) -> None:
    recogniser = Recogniser()
    served = await serve(Engines(speech=Voice(), recogniser=recogniser, uploads=trio.CapacityLimiter(1)))
    async with aclosing(await recogniser_of(served)) as engine:
        await engine.probe()
        for _ in range(3):
            async with engine.listen(16_000) as hearing:
                hearing.write(bytes(2_000_000))
                await wait_all_tasks_blocked(0.01)
        assert (await engine.transcribe(sound(), 16_000)).text == "a word"
    assert len(recogniser.heard) == 1
