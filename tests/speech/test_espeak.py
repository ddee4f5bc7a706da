"""The voice: words and their times in all sorts of text, its own refusals, and that it never blocks anybody."""

from __future__ import annotations

import ctypes.util
import itertools
import sys

import numpy as np
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.messages import Synthesis, WordTime
from voicemode.speech import espeak_library
from voicemode.speech.espeak import AHEAD, EspeakSpeech, speakable

LONG = "One two three four five six seven eight nine ten. " * 60


async def said(text: str, voice: str | None = None, speed: float | None = None) -> list[Synthesis]:
    async with (await EspeakSpeech.load()).speak(text, voice=voice, speed=speed) as parts:
        return [part async for part in parts]


def words_of(parts: list[Synthesis]) -> list[WordTime]:
    return [word for part in parts for word in part.words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Grüße", ["Grüße"]),
        ("naïve café — 42 items", ["naïve", "café —", "42", "items"]),
        ("It isn't, is it?", ["It", "isn't,", "is", "it?"]),
        ("he said “yes” (really)", ["he", "said", "yes”", "really)"]),
        ("one\x01two\0 three", ["one", "two", "three"]),
        ("a \ud800 lone surrogate", ["a", "lone", "surrogate"]),
        ("hi 🙂 there", ["hi", "🙂", "there"]),
        ("in front of the house", ["in", "front", "of the", "house"]),
    ],
)
async def test_words_stand_where_they_are_in_the_text(text: str, words: list[str]) -> None:
    spans = words_of(await said(text))
    assert [text[word.start : word.end] for word in spans] == words


@pytest.mark.parametrize(
    "text",
    [
        "At 10:45am Dr. Smith paid $3.50, i.e. 1,234,567 cents, to the U.S.A.!",
        "See https://example.com/a_b?c=1 or write to foo@bar.com.",
        "ＡＢＣ中文 e\u0301 👩\u200d👩\u200d👧 -3 5/6 100% C++ & C# 50°",
        "\ufeffone\n\ntwo\tthree\u2028four",
        "Grüße aus naïve café — résumé “quoted” text. " * 40,
        "word " * 500,
    ],
)
async def test_no_letter_is_left_out_and_no_word_overlaps_another(text: str) -> None:
    parts = await said(text)
    words = words_of(parts)
    covered: set[int] = set()
    for word, following in itertools.pairwise(words):
        assert word.end <= following.start
        assert word.finish <= following.begin
    for word in words:
        assert 0 <= word.start < word.end <= len(text)
        assert 0 <= word.begin <= word.finish
        covered.update(range(word.start, word.end))
    assert {at for at, letter in enumerate(text) if letter.isalnum()} <= covered


async def test_words_come_with_the_audio_they_begin_in() -> None:
    played = 0.0
    for part in await said(LONG):
        end = played + len(part.pcm) / (2 * part.rate)
        assert all(played - 0.0001 <= word.begin < end for word in part.words)
        played = end


async def test_a_pause_is_no_part_of_the_word_before_it() -> None:
    parts = await said("Hello, world.")
    hello, world = words_of(parts)
    sound = np.abs(np.frombuffer(b"".join(part.pcm for part in parts), "<i2").astype(int))
    rate = parts[0].rate
    assert sound[round(hello.finish * rate) : round(world.begin * rate)].max() < 200
    assert world.begin - hello.finish > 0.1
    assert sound[round(hello.begin * rate) : round(hello.finish * rate)].max() > 2000
    assert sound[round(world.finish * rate) :].max() < 200


async def test_text_in_order_is_said_in_order_at_the_same_places() -> None:
    """Without a drift: the last word begins where it begins when said alone, from the end."""
    parts = await said("Banana, banana, banana, banana, banana, banana, stop.")
    last = words_of(parts)[-1]
    alone = words_of(await said("Stop."))[0]
    assert last.finish - last.begin == pytest.approx(alone.finish - alone.begin, abs=0.08)


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-gb", "en-gb+m2", "de"])
async def test_voices_of_languages_and_variants_can_be_used(voice: str) -> None:
    assert await said("Hello", voice)


async def test_the_languages_can_be_listed() -> None:
    voices = await (await EspeakSpeech.load()).voices()
    assert {"en-us", "en-gb", "de"} <= set(voices)


async def test_the_voice_it_was_loaded_with_is_the_usual_one() -> None:
    speech = await EspeakSpeech.load(voice="nobody")
    with pytest.raises(ProviderRefused, match="no voice 'nobody'; try en-us"):
        async with speech.speak("Hello") as parts:
            await parts.receive()


@pytest.mark.parametrize("voice", ["x" * 40, "en\0us", "ünknown", " "])
async def test_a_voice_that_cannot_be_is_refused(voice: str) -> None:
    with pytest.raises(ProviderRefused, match="cannot be a voice"):
        await said("Hello", voice)


@pytest.mark.parametrize("speed", [0.0, 0.2, -1.0, 4.1, float("nan")])
async def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ProviderRefused, match=r"from 0\.25 to 4\.0"):
        await said("Hello", speed=speed)


async def test_a_reader_who_does_not_read_holds_the_engine_up_in_the_end() -> None:
    speech = await EspeakSpeech.load()
    async with speech.speak(LONG * 4) as parts:
        with trio.fail_after(10):
            while parts.statistics().tasks_waiting_send == 0:
                await wait_all_tasks_blocked(0.001)  # a loop that spins would keep the engine's thread from running
        assert parts.statistics().current_buffer_used == AHEAD
    assert speech.limiter.borrowed_tokens == 0


async def test_whoever_waits_for_the_engine_can_be_cancelled() -> None:
    first, second = await EspeakSpeech.load(), await EspeakSpeech.load()
    async with first.speak(LONG * 4) as parts:
        with trio.fail_after(10):
            while parts.statistics().tasks_waiting_send == 0:
                await wait_all_tasks_blocked(0.001)  # a loop that spins would keep the engine's thread from running
        with trio.fail_after(10), trio.move_on_after(0.05) as scope:
            async with second.speak("Hello") as others:
                await others.receive()
        assert scope.cancelled_caught
    assert second.limiter.borrowed_tokens == 0
    assert await said("Hello")


def test_control_characters_and_lone_surrogates_become_spaces_one_for_one() -> None:
    assert speakable("a\0b\x01c\nd\x7fe\x85f\udfffg") == "a b c d e f g"


async def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_library, "_loaded", [])
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(ProviderUnavailable, match=r"pip install espeakng-loader.*apt install espeak-ng"):
        await EspeakSpeech.load()


def missing(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")
