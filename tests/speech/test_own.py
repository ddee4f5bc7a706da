"""Engines made of a function: what it need not do itself."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.errors import ProviderRefused, ProviderUnavailable, VoiceError
from actors.messages import HeardWord, Synthesis, Transcript, WordTime
from actors.ports import LiveSpeechToText, SpeechToText, TextToSpeech
from tests.fakes import tone
from voicemode.engines import live_recogniser, recogniser, voice
from voicemode.promises import check_live_recogniser, check_recogniser

REFUSED = ProviderRefused("mine", "No.")

FAILURES = [
    (ConnectionRefusedError("nobody answers"), "The engine mine failed: nobody answers. Try again"),
    (trio.BrokenResourceError(), "failed: BrokenResourceError."),
    (trio.TooSlowError(), "was too slow"),
    (subprocess.CalledProcessError(3, "x", stderr=b"one\nno model\n"), r"ended with status 3 \(no model\)"),
    (ZeroDivisionError("my own"), "failed: my own"),
]


def raising(error: Exception) -> Callable[..., Any]:
    async def hear(*_: object) -> str:
        await trio.lowlevel.checkpoint()
        raise error

    return hear


def saying(error: Exception) -> Callable[..., Any]:
    async def say(*_: object) -> AsyncIterator[bytes]:
        yield tone(0.1)
        raise error

    return say


async def spoken(engine: TextToSpeech) -> list[Synthesis]:
    async with engine.speak("a text") as parts:
        return [part async for part in parts]


async def heard_live(engine: LiveSpeechToText) -> Transcript:
    async with engine.listen(16_000) as hearing:
        hearing.write(tone(0.1))
        await trio.sleep(0.01)
        hearing.write(tone(0.1))
        return await hearing.finish()


@pytest.mark.parametrize(("error", "sentence"), FAILURES, ids=lambda value: type(value).__name__)
async def test_a_failure_is_one_of_the_engine_with_a_sentence(error: Exception, sentence: str) -> None:
    own = (ZeroDivisionError,)
    for fail in (
        lambda: recogniser(raising(error), name="mine", faults=own).transcribe(b"", 16_000),
        lambda: heard_live(live_recogniser(raising(error), name="mine", faults=own)),
        lambda: spoken(voice(saying(error), name="mine", rate=16_000, faults=own)),
    ):
        with pytest.raises(ProviderUnavailable, match=sentence) as raised:
            await fail()
        assert raised.value.retryable
        assert raised.value.code == ("timeout" if isinstance(error, trio.TooSlowError) else "failed")
        assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [REFUSED, TypeError("a bug")], ids=["refusal", "bug"])
async def test_a_refusal_and_a_bug_come_out_as_they_are(error: Exception) -> None:
    for fail in (
        lambda: recogniser(raising(error), name="mine").transcribe(b"", 16_000),
        lambda: heard_live(live_recogniser(raising(error), name="mine")),
        lambda: spoken(voice(saying(error), name="mine", rate=16_000)),
    ):
        with pytest.raises((VoiceError, TypeError)) as raised:
            await fail()
        assert raised.value is error


async def test_word_times_of_the_function_are_kept_in_its_engines_name(autojump_clock: MockClock) -> None:
    word = HeardWord(text="yes", begin=0.1, finish=0.2)

    async def hear(pcm: bytes, rate: int, phrases: Sequence[str]) -> Transcript:
        await trio.sleep(0.5)
        return Transcript(text=phrases[0], engine="?", seconds=0.0, words=(word,))

    engine: SpeechToText = recogniser(hear, name="mine")
    assert await engine.transcribe(b"", 16_000, phrases=["yes"]) == Transcript(
        text="yes", engine="mine", seconds=0.5, words=(word,)
    )


async def test_a_voice_may_know_its_words_and_be_asked_for_another() -> None:
    word = WordTime(start=0, end=1, begin=0.0, finish=0.1)
    asked: list[object] = []

    async def say(*wishes: object) -> AsyncIterator[Synthesis]:
        asked.append(wishes)
        yield Synthesis(pcm=tone(0.1), rate=16_000, words=(word,))

    engine = voice(say, name="mine", rate=16_000)
    async with engine.speak("a text", voice="deep", speed=1.5) as parts:
        assert (await parts.receive()).words == (word,)
    assert asked == [("a text", "deep", 1.5)]


async def test_the_generator_is_closed_as_soon_as_nobody_listens() -> None:
    closed = trio.Event()

    async def say(*_: object) -> AsyncIterator[bytes]:
        try:
            while True:
                await trio.lowlevel.checkpoint()
                yield tone(0.01)
        finally:
            closed.set()

    async with voice(say, name="mine", rate=16_000).speak("a text") as parts:
        await parts.receive()
    assert closed.is_set()


async def test_a_live_engine_hears_while_it_is_said_and_tells_what_it_understands(autojump_clock: MockClock) -> None:
    told: list[tuple[float, str]] = []

    async def hear(
        sound: AsyncIterable[bytes], rate: int, phrases: Sequence[str], partial: Callable[[str], None]
    ) -> str:
        text = ""
        async for _ in sound:
            text += "word "
            partial(text)
        await trio.sleep(0.25)
        return text

    engine = live_recogniser(hear, name="mine")
    assert isinstance(engine, LiveSpeechToText)
    async with engine.listen(16_000, partial=lambda text: told.append((trio.current_time(), text))) as hearing:
        for _ in range(2):
            await trio.sleep(1.0)
            hearing.write(tone(0.1))
        await trio.sleep(1.0)
        transcript = await hearing.finish()
    assert told == [(1.0, "word "), (2.0, "word word ")]
    assert transcript == Transcript(text="word word", engine="mine", seconds=0.25)
    await check_live_recogniser(engine, tone(0.5))
    await check_recogniser(engine, tone(0.5))


async def test_what_is_written_after_an_engine_is_done_does_no_harm() -> None:
    engine = live_recogniser(raising(OSError("gone")), name="mine")
    async with engine.listen(16_000) as hearing:
        await trio.testing.wait_all_tasks_blocked()
        hearing.write(tone(0.1))
        with pytest.raises(ProviderUnavailable, match="gone"):
            await hearing.finish()
