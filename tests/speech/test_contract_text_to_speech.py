"""What every voice does.  A new engine is one more line in ENGINES; behind the endpoint is a fake."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator

import numpy as np
import pytest
import trio

from actors.errors import ProviderRefused
from actors.messages import Synthesis, WordTime
from actors.ports import TextToSpeech
from tests.speech.speech_server import serving
from voicemode.speech.registry import load_text_to_speech, release

ENDPOINTS = {"endpoint": "", "endpoint with captions": "?captions=yes"}
ENGINES = ["espeak-ng", *ENDPOINTS]

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it rests."
ENDLESS = "One two three four five six seven eight nine ten. " * 60
"""More than any engine holds ready, so that it is at work until it is stopped."""


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncGenerator[TextToSpeech]:
    if request.param not in ENDPOINTS:
        yield await load_text_to_speech(request.param)
        return
    async with serving() as server:
        engine = await load_text_to_speech(server.url + ENDPOINTS[request.param])
        yield engine
        await release(engine)


async def said(engine: TextToSpeech, text: str, speed: float | None = None) -> list[Synthesis]:
    async with engine.speak(text, speed=speed) as parts:
        return [part async for part in parts]


def words_of(parts: list[Synthesis]) -> list[WordTime]:
    return [word for part in parts for word in part.words]


def seconds_of(parts: list[Synthesis]) -> float:
    return sum(len(part.pcm) for part in parts) / (2 * parts[0].rate)


async def test_a_sentence_comes_in_more_than_one_part_and_is_loud(engine: TextToSpeech) -> None:
    parts = await said(engine, SENTENCE)
    assert len(parts) > 1
    assert {part.rate for part in parts} == {engine.rate}
    assert all(part.pcm and len(part.pcm) % 2 == 0 for part in parts)
    assert np.abs(np.frombuffer(b"".join(part.pcm for part in parts), "<i2").astype(int)).max() > 1000


@pytest.mark.parametrize("speed", [0.25, 1.0, 2.0, 4.0])
async def test_word_times_are_in_order_and_within_text_and_audio(engine: TextToSpeech, speed: float) -> None:
    parts = await said(engine, SENTENCE, speed)
    words = words_of(parts)
    for word in words:
        assert 0 <= word.start < word.end <= len(SENTENCE)
        assert 0 <= word.begin <= word.finish <= seconds_of(parts)
    for word, following in itertools.pairwise(words):
        assert word.end <= following.start
        assert word.finish <= following.begin


async def test_faster_is_shorter(engine: TextToSpeech) -> None:
    slow, usual, fast = [seconds_of(await said(engine, SENTENCE, speed)) for speed in (0.5, 1.0, 2.0)]
    assert slow > usual > fast


async def test_leaving_stops_it_and_the_next_text_is_whole(engine: TextToSpeech) -> None:
    whole = seconds_of(await said(engine, SENTENCE))
    for _ in range(3):
        with trio.fail_after(5):
            async with engine.speak(ENDLESS) as parts:
                await parts.receive()
    assert seconds_of(await said(engine, SENTENCE)) == pytest.approx(whole, rel=0.02)


async def test_a_cancel_stops_it_and_the_next_text_is_whole(engine: TextToSpeech) -> None:
    whole = seconds_of(await said(engine, SENTENCE))
    with trio.fail_after(5), trio.CancelScope() as scope:
        async with engine.speak(ENDLESS) as parts:
            async for _ in parts:
                scope.cancel()
    assert scope.cancelled_caught
    assert seconds_of(await said(engine, SENTENCE)) == pytest.approx(whole, rel=0.02)


async def test_an_abandoned_channel_stops_it(engine: TextToSpeech) -> None:
    with trio.fail_after(5):
        async with engine.speak(ENDLESS) as parts:
            parts.close()
    assert await said(engine, SENTENCE)


async def test_a_text_that_nobody_reads_keeps_no_other_waiting(engine: TextToSpeech) -> None:
    with trio.fail_after(5):
        async with engine.speak(SENTENCE):
            assert await said(engine, SENTENCE)


async def test_two_texts_at_once_are_both_whole(engine: TextToSpeech) -> None:
    whole = seconds_of(await said(engine, SENTENCE))
    lengths: list[float] = []

    async def say() -> None:
        lengths.append(seconds_of(await said(engine, SENTENCE)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say)
        nursery.start_soon(say)
    assert lengths == pytest.approx([whole, whole], rel=0.02)


async def test_an_unknown_voice_is_refused_by_itself(engine: TextToSpeech) -> None:
    with pytest.raises(ProviderRefused, match="no voice 'nobody'"):
        async with engine.speak(SENTENCE, voice="nobody") as parts:
            async for _ in parts:
                pass
    assert await said(engine, SENTENCE)


async def test_what_its_user_raises_comes_out_as_it_is(engine: TextToSpeech) -> None:
    cause = ValueError("why")
    with pytest.raises(KeyError) as raised:
        async with engine.speak(ENDLESS):
            raise KeyError("mine") from cause
    assert raised.value.__cause__ is cause


@pytest.mark.parametrize("text", ["", "   ", "…", "\0\x01"])
async def test_text_without_sound_gives_no_audio(engine: TextToSpeech, text: str) -> None:
    assert await said(engine, text) == []
