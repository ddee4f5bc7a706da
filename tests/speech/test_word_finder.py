"""How far a voice has come in a text is found out from its sound, also of a voice nobody has heard before."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from actors.errors import ProviderUnavailable
from actors.machines.resume import Seam
from actors.messages import SAMPLE_BYTES, WordTime
from actors.ports import TextToSpeech
from voicemode.speech.registry import load_text_to_speech
from voicemode.speech.word_finder import WordFinder

TEXTS = (
    "The quick brown fox jumps over the lazy dog, and then it goes home to sleep.",
    "Your meeting with Doctor Alvarez is on Tuesday, March 14th, at 9:30 in room 204.",
    "I could not find the file config.yaml, so I created a new one.",
)
VOICES = (("en-us+f3", 1.0), ("en-gb+m7", 0.9), ("en-us+croak", 1.25), ("en-us+whisper", 1.0))
CUTS = 6
EDGE = 0.06
"""Seconds at the ends of a word that nobody misses."""


@pytest.fixture
async def espeak(require: Callable[[object, str], None]) -> TextToSpeech:
    try:
        return await load_text_to_speech("espeak-ng")
    except ProviderUnavailable as error:
        require(False, str(error))
        raise


async def speech(
    engine: TextToSpeech, text: str, voice: str | None = None, speed: float | None = None
) -> tuple[bytes, list[WordTime]]:
    pcm, words = b"", list[WordTime]()
    async with engine.speak(text, voice=voice, speed=speed) as audio:
        async for part in audio:
            pcm += part.pcm
            words += part.words
    return pcm, words


@pytest.mark.thorough
async def test_at_most_one_word_is_lost_or_repeated_wherever_an_unknown_voice_breaks_off(espeak: TextToSpeech) -> None:
    find, chance = WordFinder(espeak), random.Random(1)
    harmed: list[int] = []
    for text in TEXTS:
        for voice, speed in VOICES:
            pcm, words = await speech(espeak, text, voice, speed)
            for _ in range(CUTS):
                cut = pcm[: SAMPLE_BYTES * chance.randrange(len(pcm) // SAMPLE_BYTES)]
                seam = Seam(text, espeak.rate)
                seam.feed(cut, ())
                _, goes_on = seam.cut(await find(cut, espeak.rate, text) or ())
                lost = [word for word in words if word.start < goes_on and word.finish > seam.sent + EDGE]
                again = [word for word in words if word.start >= goes_on and word.begin < seam.sent - EDGE]
                harmed.append(len(lost) + len(again))
    assert max(harmed) <= 1
    assert harmed.count(0) > 0.8 * len(harmed)


async def test_all_of_a_text_is_found_in_all_of_its_sound(espeak: TextToSpeech) -> None:
    pcm, _ = await speech(espeak, TEXTS[0], "en-us+f3")
    words = await WordFinder(espeak)(pcm, espeak.rate, TEXTS[0])
    assert words is not None
    assert words[-1].end == len(TEXTS[0])


async def test_the_sound_may_have_another_rate(espeak: TextToSpeech) -> None:
    pcm, _ = await speech(espeak, TEXTS[0])
    half = bytes(memoryview(pcm).cast("h")[::2].tobytes())
    words = await WordFinder(espeak)(half, espeak.rate // 2, TEXTS[0])
    assert words is not None
    assert words[-1].end == len(TEXTS[0])


@pytest.mark.parametrize("pcm", [b"", bytes(2), bytes(2_000), bytes(60_000)])
async def test_there_are_no_words_in_silence_or_nothing(espeak: TextToSpeech, pcm: bytes) -> None:
    words = await WordFinder(espeak)(pcm, espeak.rate, TEXTS[0])
    assert not words


async def test_of_a_text_without_words_nothing_is_said(espeak: TextToSpeech) -> None:
    assert await WordFinder(espeak)(bytes(20_000), espeak.rate, "...") is None
