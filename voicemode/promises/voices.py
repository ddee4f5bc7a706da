"""The promises of ``TextToSpeech``."""

from __future__ import annotations

from itertools import pairwise

import trio

from actors.errors import ProviderRefused
from actors.messages import SAMPLE_BYTES, Synthesis
from actors.ports import TextToSpeech

from ..groups import unwrapped
from .cancelling import cancelled_after
from .keeping import (
    CANCELS,
    BrokenPromise,
    both,
    in_time,
    others_have_their_turn,
    promised,
    promised_kind,
    promised_port,
    promised_rate,
)

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it rests."
LONG = "One two three four five six seven eight nine ten. " * 60


async def check_voice(engine: TextToSpeech, text: str = SENTENCE) -> None:
    """``text`` is a sentence that ``engine`` can say.  Raises BrokenPromise."""
    promised_port("tts", engine)
    promised_rate(engine.rate, f"the engine {engine.name}")
    with in_time("Saying a sentence"):
        async with others_have_their_turn("speak"):
            parts = await _said(engine, text)
    whole = _seconds(parts)
    promised(whole > 0, "A sentence made no sound.")
    _check_words(parts, text)
    with in_time("Two sentences at once"):
        for each in await both(lambda: _said(engine, text)):
            promised(_seconds(each) > whole / 2, "Of two sentences at once one was not whole.")
    for seconds in CANCELS:
        with in_time("A text that was cancelled"):
            await cancelled_after(seconds, lambda: _said(engine, LONG), "A text")
    with in_time("Leaving a text that is not over"):
        async with engine.speak(LONG) as channel:
            await channel.receive()
    await _check_that_it_may_be_abandoned(engine)
    with in_time("A sentence while nobody reads another"):
        async with engine.speak(text):
            promised(_seconds(await _said(engine, text)) > whole / 2, "A text that nobody reads kept another waiting.")
    for empty in ("", "   ", "…"):
        with in_time(f"Saying {empty!r}"):
            try:
                await _said(engine, empty)
            except ProviderRefused:
                continue
    await _check_that_errors_come_out(engine)
    with in_time("Saying a sentence in the end"):
        promised(_seconds(await _said(engine, text)) > whole / 2, "In the end a sentence was not whole.")


async def _check_that_it_may_be_abandoned(engine: TextToSpeech) -> None:
    with in_time("A text whose channel is closed by its reader"):
        try:
            with unwrapped():
                async with engine.speak(LONG) as channel:
                    channel.close()
                    await trio.sleep(0.1)
        except trio.BrokenResourceError as error:
            raise BrokenPromise(
                "A channel that its reader has closed is no failure, and it came out as one."
            ) from error


async def _check_that_errors_come_out(engine: TextToSpeech) -> None:
    error = KeyError("of whoever listens")

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise error

    with in_time("Leaving with an error"):
        try:
            async with engine.speak(LONG):
                await fail()
        except KeyError as raised:
            promised(raised is error, f"An error of who listens came out as {raised!r}.")
        except ExceptionGroup as group:
            raise BrokenPromise(f"An error of who listens came out as {group!r}, not as it is.") from group


def _check_words(parts: list[Synthesis], text: str) -> None:
    words = [word for part in parts for word in part.words]
    for word in words:
        promised(0 <= word.start < word.end <= len(text), f"{word} is not in the text.")
        promised(0 <= word.begin <= word.finish <= _seconds(parts) + 0.001, f"{word} is not in the sound.")
    for word, following in pairwise(words):
        promised(word.end <= following.start and word.begin <= following.begin, f"{following} is before {word}.")


async def _said(engine: TextToSpeech, text: str) -> list[Synthesis]:
    with unwrapped():
        async with engine.speak(text) as channel:
            parts = [part async for part in channel]
    for part in parts:
        promised_kind(part, Synthesis, "What speak delivered")
        promised_kind(part.pcm, bytes, "The pcm of a Synthesis")
        promised(part.rate == engine.rate, f"Sound has {part.rate} Hz, and the engine says {engine.rate}.")
        whole = part.pcm and len(part.pcm) % SAMPLE_BYTES == 0
        promised(whole, "A stretch of sound is empty, or ends in half a sample.")
    return parts


def _seconds(parts: list[Synthesis]) -> float:
    return sum(len(part.pcm) / (SAMPLE_BYTES * part.rate) for part in parts)
