"""What every recogniser does.  A new engine is one more line in ENGINES; behind the endpoint is a fake that knows the
recordings by their length."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import numpy as np
import pytest
import trio

from actors.ports import LiveSpeechToText, SpeechToText
from tests.speech.human_speech import TRANSCRIPTS, Recording, recording
from tests.speech.speech_server import serving
from voicemode.speech.registry import load_speech_to_text, release

ENDPOINT, LIVE = "endpoint", "endpoint that is sent what is still being said"
LISTENING = [ENDPOINT, LIVE]
"""Those that take an utterance while it is being said."""

ENGINES = ["pocketsphinx", *LISTENING]


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncGenerator[SpeechToText]:
    if request.param not in {ENDPOINT, LIVE}:
        yield await load_speech_to_text(request.param)
        return
    known = {len(each.pcm) / (2 * each.rate): each.said for each in map(recording, TRANSCRIPTS)}

    def hears(wav: bytes) -> str | None:
        samples = np.frombuffer(wav, "<i2", offset=44)
        if np.abs(samples.astype(int)).max() < 100:
            return ""
        return next((said for length, said in known.items() if abs(length - len(samples) / 16_000) < 0.01), None)

    async with serving(hears=hears) as server:
        engine = await load_speech_to_text(f"{server.url}?upload=live" if request.param == LIVE else server.url)
        yield engine
        await release(engine)


async def test_it_hears_something_and_says_how_long_it_took(engine: SpeechToText, short_human: Recording) -> None:
    transcript = await engine.transcribe(short_human.pcm, short_human.rate)
    assert transcript.text
    assert transcript.engine == engine.name
    assert transcript.seconds > 0


@pytest.mark.parametrize("pcm", [b"", b"\0", bytes(2), bytes(32_000)], ids=["nothing", "half", "sample", "second"])
async def test_silence_does_no_harm(engine: SpeechToText, pcm: bytes) -> None:
    assert (await engine.transcribe(pcm, 16_000)).text == ""


async def test_noise_does_no_harm(engine: SpeechToText) -> None:
    hiss = np.random.default_rng(1).normal(0, 5, 8_000).astype("<i2").tobytes()
    assert isinstance((await engine.transcribe(hiss, 16_000)).text, str)


async def test_the_same_audio_gives_the_same_text_whatever_came_between(
    engine: SpeechToText, short_human: Recording
) -> None:
    other = recording("lj001-0002.wav")
    first = await engine.transcribe(short_human.pcm, short_human.rate)
    await engine.transcribe(other.pcm, other.rate)
    assert (await engine.transcribe(short_human.pcm, short_human.rate)).text == first.text


async def test_two_at_once_do_not_disturb_each_other(engine: SpeechToText, short_human: Recording) -> None:
    alone = (await engine.transcribe(short_human.pcm, short_human.rate)).text
    heard: list[str] = []

    async def hear() -> None:
        heard.append((await engine.transcribe(short_human.pcm, short_human.rate)).text)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        nursery.start_soon(hear)
    assert heard == [alone, alone]


@pytest.mark.thorough
@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.1, 0.2])
async def test_it_can_be_cancelled_and_used_again(
    engine: SpeechToText, long_human: Recording, short_human: Recording, after: float
) -> None:
    before = (await engine.transcribe(short_human.pcm, short_human.rate)).text
    with trio.move_on_after(after) as scope:
        await engine.transcribe(long_human.pcm * 3, long_human.rate)
    assert scope.cancelled_caught
    assert (await engine.transcribe(short_human.pcm, short_human.rate)).text == before


async def test_one_of_the_phrases_is_the_answer_as_it_was_given(engine: SpeechToText, short_human: Recording) -> None:
    phrases = ["Stop!", "Has never been SURPASSED.", "What's the time?"]
    transcript = await engine.transcribe(short_human.pcm, short_human.rate, phrases=phrases)
    assert transcript.text == "Has never been SURPASSED."


@pytest.mark.parametrize("engine", LISTENING, indirect=True)
async def test_what_is_heard_while_it_is_said_is_what_is_heard_whole(
    engine: SpeechToText, short_human: Recording
) -> None:
    assert isinstance(engine, LiveSpeechToText)
    whole = await engine.transcribe(short_human.pcm, short_human.rate)
    for size in (641, len(short_human.pcm)):
        async with engine.listen(short_human.rate) as hearing:
            for at in range(0, len(short_human.pcm), size):
                hearing.write(short_human.pcm[at : at + size])
            transcript = await hearing.finish()
        assert (transcript.text, transcript.engine) == (whole.text, engine.name)
        assert transcript.seconds > 0


@pytest.mark.parametrize("engine", LISTENING, indirect=True)
async def test_leaving_before_the_end_of_an_utterance_does_no_harm(
    engine: SpeechToText, short_human: Recording
) -> None:
    assert isinstance(engine, LiveSpeechToText)
    for said in (b"", short_human.pcm):
        async with engine.listen(short_human.rate) as hearing:
            hearing.write(said)
    assert (await engine.transcribe(short_human.pcm, short_human.rate)).text
