"""What is promised holds for what is here, and what breaks a promise is told which."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock
from virtual_audio import VirtualAudio

from actors.errors import DeviceLost
from actors.messages import AudioFrame, Synthesis, Transcript, WordTime
from tests.fakes import FakeEars, FakeVoice, tone
from tests.fakes_devices import MortalSpeaker
from voicemode.audio.portaudio_microphone import PortAudioMicrophone
from voicemode.audio.portaudio_speaker import PortAudioSpeaker
from voicemode.audio.virtual_microphone import NullMicrophone
from voicemode.audio.virtual_speaker import NullSpeaker, VirtualPlayback
from voicemode.devices import FileMicrophone, FileSpeaker, Sound
from voicemode.engines import load_text_to_speech, recogniser, voice
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


class Judge:
    name = "judge"

    def __init__(self, likely: float = 0.5) -> None:
        self.likely = likely

    async def finished(self, pcm: bytes, rate: int) -> float:
        await trio.lowlevel.checkpoint()
        return self.likely


class LiveEars:
    """Collects what it is given, and has its last word ready."""

    def __init__(self, *words: str) -> None:
        self.words = words

    @asynccontextmanager
    async def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AsyncGenerator[LiveEars]:
        await trio.lowlevel.checkpoint()
        if partial is not None:
            partial(" ".join(self.words))
        yield self

    def write(self, pcm: bytes) -> None:
        pass

    async def finish(self) -> Transcript:
        await trio.sleep(0.1)
        return Transcript(text=" ".join(self.words), engine="live ears", seconds=0.1)


async def test_fakes_keep_their_promises(autojump_clock: MockClock) -> None:
    await check_recogniser(FakeEars(wait=0.1), SPEECH)
    await check_live_recogniser(LiveEars("yes"), SPEECH)
    await check_turn_model(Judge(), SPEECH)
    await check_microphone(NullMicrophone())
    await check_speaker(NullSpeaker())
    await check_speaker(MortalSpeaker())


@pytest.mark.realtime
async def test_the_embedded_voice_keeps_its_promises() -> None:
    await check_voice(await load_text_to_speech("espeak-ng"))


@pytest.mark.realtime
async def test_sound_cards_keep_their_promises(virtual_audio: VirtualAudio) -> None:
    await check_speaker(PortAudioSpeaker())
    await check_microphone(PortAudioMicrophone())


@pytest.mark.realtime
async def test_files_keep_their_promises(tmp_path: Path) -> None:
    await check_speaker(FileSpeaker(tmp_path / "out.wav"))
    await check_microphone(FileMicrophone(Sound(pcm=SPEECH, rate=16_000)))


def ears(answer: Callable[[], Any], name: str = "ears") -> Any:
    class Ears(FakeEars):
        async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
            heard = await super().transcribe(pcm, rate, phrases=phrases)
            found = answer()
            return evolve(heard, **found) if isinstance(found, dict) else found

    return Ears()


def sleeping() -> dict[str, str]:
    time.sleep(0.2)
    return {}


@pytest.mark.parametrize(
    ("engine", "broken"),
    [
        (ears(lambda: {"text": ""}), "text of the speech is empty"),
        (ears(lambda: {"engine": "somebody"}), "not of 'fake ears'"),
        (ears(lambda: "yes"), "returned is a str, not a Transcript"),
        (ears(sleeping), "kept everybody else waiting"),
        (FakeEars(wait=1000.0), "was not over after 20 s"),
    ],
)
async def test_a_recogniser_is_told_what_it_breaks(autojump_clock: MockClock, engine: Any, broken: str) -> None:
    with pytest.raises(BrokenPromise, match=broken):
        await check_recogniser(engine, SPEECH)


async def test_a_live_recogniser_is_told_what_it_breaks(autojump_clock: MockClock) -> None:
    with pytest.raises(BrokenPromise, match="text of the speech is empty"):
        await check_live_recogniser(LiveEars(), SPEECH)


class Altered(FakeVoice):
    def __init__(self, change: Callable[[Synthesis], Synthesis]) -> None:
        super().__init__()
        self.change = change

    async def _make(self, text: str, send: trio.MemorySendChannel[Synthesis], failure: list[Any]) -> None:
        altered, made = trio.open_memory_channel[Synthesis](1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super()._make, text, altered, failure)
            with send:
                async for part in made:
                    await send.send(self.change(part))


WORD = WordTime(start=90, end=95, begin=0.0, finish=0.1)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda part: evolve(part, rate=8_000), "Sound has 8000 Hz"),
        (lambda part: evolve(part, pcm=part.pcm[1:]), "half a sample"),
        (lambda part: evolve(part, words=(WORD,)), "is not in the text"),
        (lambda part: evolve(part, words=(evolve(WORD, start=0, end=1, finish=100.0),)), "is not in the sound"),
    ],
)
async def test_a_voice_is_told_what_it_breaks(
    autojump_clock: MockClock, change: Callable[[Synthesis], Synthesis], broken: str
) -> None:
    with pytest.raises(BrokenPromise, match=broken):
        await check_voice(Altered(change))


async def test_a_voice_is_told_that_a_closed_channel_is_no_failure(autojump_clock: MockClock) -> None:
    with pytest.raises(BrokenPromise, match="its reader has closed is no failure"):
        await check_voice(FakeVoice())


async def test_a_voice_is_told_that_it_wraps_the_errors_of_others(autojump_clock: MockClock) -> None:
    class Wrapping(FakeVoice):
        async def _make(self, text: str, send: trio.MemorySendChannel[Synthesis], failure: list[Any]) -> None:
            with suppress(trio.BrokenResourceError):
                await super()._make(text, send, failure)

    with pytest.raises(BrokenPromise, match="came out as ExceptionGroup"):
        await check_voice(Wrapping())


async def test_a_turn_model_is_told_what_it_breaks(autojump_clock: MockClock) -> None:
    with pytest.raises(BrokenPromise, match="not from 0 to 1"):
        await check_turn_model(Judge(7.0), SPEECH)


class Hasty(NullMicrophone):
    """Frames that are not what they should be."""

    def __init__(self, **wrong: Any) -> None:
        super().__init__()
        self.wrong = wrong

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:  # type: ignore[override]
        async with super().open(rate) as frames:

            async def wrong() -> AsyncGenerator[AudioFrame]:
                async for frame in frames:
                    yield evolve(frame, **self.wrong)

            async with aclosing(wrong()) as wrongly:
                yield wrongly


@pytest.mark.parametrize(
    ("wrong", "broken"),
    [
        ({"rate": 8_000}, "A frame has 8000 Hz"),
        ({"pcm": bytes(20)}, "A frame lasts 0.001 s"),
        ({"pcm": bytes(321)}, "middle of a sample"),
        ({"start": 100.0}, "came before"),
    ],
)
async def test_a_microphone_is_told_what_it_breaks(
    autojump_clock: MockClock, wrong: dict[str, Any], broken: str
) -> None:
    with pytest.raises(BrokenPromise, match=broken):
        await check_microphone(Hasty(**wrong))


class Instant(VirtualPlayback):
    """Swallows what it is given."""

    async def write(self, pcm: bytes) -> float:
        await trio.lowlevel.checkpoint()
        return trio.current_time()


class Deaf(VirtualPlayback):
    def stop(self) -> None:
        pass


class Gone(VirtualPlayback):
    async def lost(self) -> DeviceLost:
        await trio.lowlevel.checkpoint()
        return DeviceLost("It has gone.")


class Bold(VirtualPlayback):
    def duck(self, gain: float) -> None:
        pass


@pytest.mark.parametrize(
    ("playback", "broken"),
    [
        (Instant, "all was taken after 0.000 s"),
        (Deaf, "After a stop at 0.2 s 5.00 s count as played"),
        (Gone, "says that it has gone"),
        (Bold, "A gain of 1.5"),
    ],
)
async def test_a_speaker_is_told_what_it_breaks(
    autojump_clock: MockClock, playback: type[VirtualPlayback], broken: str
) -> None:
    class Broken(NullSpeaker):
        @asynccontextmanager
        async def open(self, rate: int) -> AsyncGenerator[VirtualPlayback]:
            await trio.lowlevel.checkpoint()
            device = playback(rate, None)
            try:
                yield device
            finally:
                device.close()

    with pytest.raises(BrokenPromise, match=broken):
        await check_speaker(Broken())


async def test_engines_of_a_function_keep_their_promises(autojump_clock: MockClock) -> None:
    async def hear(pcm: bytes, rate: int, phrases: Sequence[str]) -> str:
        await trio.sleep(len(pcm) / (2 * rate) / 10)
        return " yes\n"

    async def say(text: str, wished: str | None, speed: float | None) -> AsyncIterator[bytes]:
        for _ in text.split():
            await trio.sleep(0.01)
            # stretches that end in the middle of a sample
            yield tone(0.1)[:1_601]
            yield tone(0.1)[1_601:]

    await check_recogniser(recogniser(hear, name="mine"), SPEECH)
    await check_voice(voice(say, name="mine", rate=16_000))
