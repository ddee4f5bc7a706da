"""Engines, models and devices with the mistakes of somebody who makes their first: the check tells what to do, and a
conversation ends with who it was and what they gave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np
import pytest
import trio
from trio.testing import MockClock

import voicemode
from actors.errors import ProviderUnavailable, SettingsError
from actors.messages import Synthesis, Transcript
from tests.conversing import Room, conversing
from tests.fakes import FakeEars, FakeVoice, said, tone
from voicemode import Settings
from voicemode.devices import FedMicrophone, StreamMicrophone
from voicemode.engines import live_recogniser, recogniser, voice
from voicemode.promises import (
    BrokenPromise,
    check_live_recogniser,
    check_microphone,
    check_recogniser,
    check_speaker,
    check_turn_model,
    check_voice,
)

SPEECH = tone(0.5)


def hearing(answer: object) -> Any:
    async def hear(*_: object) -> object:
        await trio.sleep(0.1)
        return answer

    return hear


def at_once(*_: object) -> Any:
    return "hello"


def saying(stretch: object) -> Any:
    async def say(*_: object) -> AsyncIterator[Any]:
        await trio.lowlevel.checkpoint()
        yield stretch

    return say


def raising(error: Exception) -> Any:
    async def fail(*_: object) -> str:
        await trio.lowlevel.checkpoint()
        raise error

    return fail


async def swallowing(*_: object) -> str:
    try:
        await trio.sleep(1)
    except BaseException:  # noqa: BLE001  the mistake
        return "too late"
    return "hello"


class Ears(FakeEars):
    """A class of its own, whose answer is what it is."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Any:
        await trio.lowlevel.checkpoint()
        return self.answer


class Judge:
    name = "judge"

    def __init__(self, likely: object) -> None:
        self.likely = likely

    async def finished(self, pcm: bytes, rate: int) -> Any:
        await trio.lowlevel.checkpoint()
        return self.likely


class PlainJudge(Judge):
    def finished(self, pcm: bytes, rate: int) -> Any:  # type: ignore[override]
        return self.likely


class SwallowingJudge(Judge):
    async def finished(self, pcm: bytes, rate: int) -> Any:
        await swallowing()
        return self.likely


NOT_TEXT = [
    (hearing(b"hello"), "engine mine gave bytes, and what is due is the text, or a Transcript"),
    (hearing(None), "engine mine gave None, and what is due is the text"),
    (at_once, "engine mine gave a str at once, .* make it an async def"),
]


@pytest.mark.parametrize(
    ("hear", "sentence"),
    [
        *NOT_TEXT,
        (raising(ValueError("my bug.")), "raised ValueError: my bug. That ends a conversation"),
        (raising(ConnectionRefusedError("nobody")), r"failed: The engine mine failed: nobody.*\(ProviderUnavailable\)"),
    ],
)
async def test_a_check_tells_what_a_function_that_hears_does(
    autojump_clock: MockClock, hear: Any, sentence: str
) -> None:
    with pytest.raises(BrokenPromise, match=sentence):
        await check_recogniser(recogniser(hear, name="mine"), SPEECH)
    with pytest.raises(BrokenPromise, match=sentence):
        await check_live_recogniser(live_recogniser(hear, name="mine"), SPEECH)


@pytest.mark.parametrize(("hear", "sentence"), NOT_TEXT)
@pytest.mark.parametrize("make", [recogniser, live_recogniser])
async def test_a_conversation_names_who_heard_and_what_they_gave(
    autojump_clock: MockClock, hear: Any, sentence: str, make: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match=sentence):
        await heard_by(make(hear, name="mine"))


async def heard_by(engine: Any, **parts: Any) -> None:
    room = Room()
    room.microphone.place(said(1.0), 0.5)
    async with conversing(room, stt=engine, **parts) as conversation:
        await conversation.listen()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("hello", "a str"),
        (Transcript(text=b"hello", engine="fake ears", seconds=0.0), "bytes"),  # type: ignore[arg-type]
    ],
)
async def test_a_class_that_hears_is_told_the_same(autojump_clock: MockClock, answer: object, sentence: str) -> None:
    with pytest.raises(BrokenPromise, match=f"is {sentence}, not a"):
        await check_recogniser(Ears(answer), SPEECH)
    with pytest.raises(TypeError, match=f"engine fake ears gave {sentence}, and what is due is"):
        await heard_by(Ears(answer))


@pytest.mark.parametrize(
    ("stretch", "sentence"),
    [
        ("hello", "engine mine gave a str, and what is due is sound as bytes"),
        (np.zeros(1_000, np.int16), "engine mine gave a ndarray, .* its tobytes"),
        (Synthesis(pcm="hello", rate=16_000), "engine mine gave a str"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_no_sound_is_told(autojump_clock: MockClock, stretch: object, sentence: str) -> None:
    engine = voice(saying(stretch), name="mine", rate=16_000)
    with pytest.raises(BrokenPromise, match=sentence):
        await check_voice(engine)
    with pytest.raises(TypeError, match=sentence):
        async with conversing(Room(), tts=engine) as conversation:
            await conversation.say("one.")


async def test_bytes_of_another_kind_are_sound(autojump_clock: MockClock) -> None:
    for stretch in (bytearray(SPEECH), memoryview(SPEECH)):
        async with voice(saying(stretch), name="mine", rate=16_000).speak("one.") as parts:
            assert [part.pcm async for part in parts] == [SPEECH]


@pytest.mark.parametrize("rate", [0, -1, 7, 24_000.5, "x", None, 1_000_000])
def test_a_rate_that_cannot_be_is_refused_at_the_door(rate: Any) -> None:
    with pytest.raises(SettingsError, match="rate of the engine mine is a whole number of samples a second"):
        voice(saying(SPEECH), name="mine", rate=rate)
    with pytest.raises(SettingsError, match="rate of the far microphone"):
        StreamMicrophone(saying(SPEECH), rate)


async def test_a_rate_that_cannot_be_is_told_to_a_class(autojump_clock: MockClock) -> None:
    engine = FakeVoice()
    engine.rate = 7
    with pytest.raises(BrokenPromise, match="is a whole number of samples a second from 8000 to 192000, not 7"):
        await check_voice(engine)


def plain(*_: object) -> Any:
    yield SPEECH


async def two(pcm: bytes, rate: int) -> str:
    return "hello"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: recogniser("hello", name="mine"), "made of a str, and what is due is a function that is called with"),  # type: ignore[arg-type]
        (lambda: recogniser(two, name="mine"), r"two, which is called with \(pcm, rate, phrases\)"),  # type: ignore[arg-type]
        (lambda: recogniser(saying(SPEECH), name="mine"), "say, which yields: make it an async def that returns"),
        (lambda: live_recogniser(two, name="mine"), r"called with \(sound, rate, phrases, partial\)"),  # type: ignore[arg-type]
        (lambda: voice(hearing(SPEECH), name="mine", rate=16_000), "hear, which returns and does not yield"),
        (lambda: voice(plain, name="mine", rate=16_000), "plain, which is not async"),
        (lambda: StreamMicrophone(saying(SPEECH)(), 16_000), "made of an async_generator, .* not what it returns"),
    ],
)
def test_a_function_that_cannot_be_it_is_refused_at_the_door(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(TypeError, match=sentence):
        make()


async def test_a_plain_function_that_returns_what_is_awaited_is_as_good(autojump_clock: MockClock) -> None:
    def hear(*given: object) -> Any:
        return hearing("hello")(*given)

    def say(*given: object) -> Any:
        return saying(SPEECH)(*given)

    await check_recogniser(recogniser(hear, name="mine"), SPEECH)
    async with voice(say, name="mine", rate=16_000).speak("one.") as parts:
        assert [part.pcm async for part in parts] == [SPEECH]


@pytest.mark.parametrize(
    ("check", "brought", "sentence"),
    [
        (lambda it: check_recogniser(it, SPEECH), swallowing, "stt that was passed is a function .*engines.recogniser"),
        (lambda it: check_live_recogniser(it, SPEECH), swallowing, "engines.live_recogniser makes one"),
        (lambda it: check_turn_model(it, SPEECH), swallowing, "has no finished and no name"),
        (lambda it: check_turn_model(it, SPEECH), Judge, "is the class Judge itself"),
        (check_voice, swallowing, "engines.voice makes one"),
        (check_microphone, swallowing, "has no open.*StreamMicrophone makes one"),
        (check_speaker, "portaudio:", "speaker that was passed is a str"),
    ],
)
async def test_what_is_not_the_port_at_all_is_told(check: Callable[[Any], Any], brought: object, sentence: str) -> None:
    with pytest.raises(BrokenPromise, match=sentence):
        await check(brought)


@pytest.mark.parametrize("port", ["microphone", "speaker", "tts", "stt", "vad", "turn_model", "store"])
async def test_what_is_not_the_port_at_all_opens_no_conversation(port: str) -> None:
    parts: dict[str, Any] = {port: swallowing}
    opening: AbstractAsyncContextManager[object] = voicemode.open_conversation(**parts)
    with pytest.raises(TypeError, match=f"The {port} that was passed is a function and has no"):
        async with opening:
            pass


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Judge(None), "gave None, and what is due is a float from 0 to 1"),
        (Judge("x"), "gave a str, and what is due is a float"),
        (Judge(1.5), "gave 1.5, which is not from 0 to 1"),
        (Judge(float("nan")), "gave nan, which is not from 0 to 1"),
        (PlainJudge(0.5), "gave a float at once, .* make it an async def"),
    ],
)
async def test_a_turn_model_that_gives_no_likelihood_is_told(
    autojump_clock: MockClock, model: Any, sentence: str
) -> None:
    with pytest.raises(BrokenPromise, match=f"finished {sentence}"):
        await check_turn_model(model, SPEECH)
    with pytest.raises((TypeError, ValueError), match=f"turn model judge {sentence}"):
        await heard_by(FakeEars("hello"), turn_model=model, settings=Settings())


async def test_a_likelihood_may_be_a_number_of_a_models_own_width(autojump_clock: MockClock) -> None:
    await check_turn_model(Judge(np.float32(0.5)), SPEECH)


async def test_who_swallows_a_cancel_is_told(autojump_clock: MockClock) -> None:
    with pytest.raises(BrokenPromise, match=r"A transcription was cancelled .* swallows trio\.Cancelled"):
        await check_recogniser(recogniser(swallowing, name="mine"), SPEECH)
    with pytest.raises(BrokenPromise, match=r"A judgement was cancelled .* swallows trio\.Cancelled"):
        await check_turn_model(SwallowingJudge(0.5), SPEECH)


async def test_who_is_slow_to_begin_with_is_cancelled_halfway(autojump_clock: MockClock) -> None:
    async def hear(*_: object) -> str:
        await trio.sleep(0.5)
        return await swallowing()

    with pytest.raises(BrokenPromise, match=r"was cancelled after 0\.75 s and went on"):
        await check_recogniser(recogniser(hear, name="mine"), SPEECH)


@pytest.mark.realtime
async def test_a_thread_that_is_waited_for_swallows_no_cancel() -> None:
    async def hear(*_: object) -> str:
        await trio.to_thread.run_sync(lambda: trio.from_thread.run(trio.sleep, 0.03))
        return "hello"

    await check_recogniser(recogniser(hear, name="mine"), SPEECH)


async def test_a_microphone_that_nobody_feeds_is_told_so(autojump_clock: MockClock) -> None:
    with pytest.raises(BrokenPromise, match=r"No frame came in 20 s.* has to be given sound"):
        await check_microphone(FedMicrophone(16_000))


async def test_a_stream_of_something_else_than_sound_is_told(autojump_clock: MockClock) -> None:
    for listen, sentence in (
        (saying("text"), "gave a str, .*sound as bytes"),
        (lambda: SPEECH, "gave bytes, .*stream"),
    ):
        room = Room()
        room.microphone = StreamMicrophone(listen, 16_000, name="phone")
        with pytest.raises(BrokenPromise, match=f"The phone {sentence}"):
            await check_microphone(room.microphone)
        with pytest.raises(TypeError, match=f"The phone {sentence}"):
            async with conversing(room) as conversation:
                await conversation.listen()


async def test_an_outage_is_raised_with_the_engines_name(autojump_clock: MockClock) -> None:
    outage = ProviderUnavailable("mine", "The ears are shut. Open them.", retryable=True)
    with pytest.raises(ProviderUnavailable, match=r"The ears are shut\. Open them\."):
        await heard_by(recogniser(raising(outage), name="mine"))
