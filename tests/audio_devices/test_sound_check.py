"""A sound check over virtual devices: what is played, what is heard, and that it ends however it is ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio
from trio.testing import MockClock

from actors.errors import DeviceLost
from actors.events import Event, StateChanged
from actors.messages import AudioFrame, SpeechActivity
from voicemode.audio.file_microphone import FileMicrophone, Start
from voicemode.audio.file_speaker import FileSpeaker
from voicemode.audio.files import Sound
from voicemode.audio.findings import tone
from voicemode.audio.sound_check import QUIET, RATE, SoundCheck
from voicemode.audio.virtual_microphone import NullMicrophone, VirtualMicrophone
from voicemode.audio.virtual_speaker import NullSpeaker


class NoisyMicrophone(FileMicrophone):
    """Hears a room, and in it ``sound``."""

    def __init__(self, sound: Sound, start: Start) -> None:
        super().__init__(sound, start)
        noise = np.random.default_rng(1).normal(0, 20, 5 * RATE).astype("<i2")
        self.noise = Sound(pcm=noise.tobytes(), rate=RATE)

    def on_open(self, stream: object) -> None:
        super().on_open(stream)
        self.place(self.noise, trio.current_time())


def echoing(delay: float) -> NoisyMicrophone:
    """As the tone comes back ``delay`` seconds after it has left the speaker."""
    quieter = (np.frombuffer(tone(RATE), "<i2") // 4).astype("<i2").tobytes()
    return NoisyMicrophone(Sound(pcm=quieter, rate=RATE), Start(after="speech", seconds=delay))


def nothing(event: Event) -> None:
    pass


async def test_the_speaker_is_heard_where_there_is_an_echo(autojump_clock: MockClock) -> None:
    check = SoundCheck(echoing(0.08), NullSpeaker(), 3.0, watch=nothing)
    await check.run()
    assert check.findings is not None
    assert (check.findings.echo, check.findings.delay) == (True, pytest.approx(0.08, abs=0.002))


async def test_it_takes_as_long_as_asked_for_and_shows_what_happens(autojump_clock: MockClock) -> None:
    events: list[Event] = []
    began = trio.current_time()
    check = SoundCheck(NullMicrophone(), NullSpeaker(), 2.0, watch=events.append)
    await check.run()
    assert trio.current_time() == pytest.approx(began + 2.0, abs=0.011)
    assert sum(isinstance(event, SpeechActivity) for event in events) == 200
    assert [event.state for event in events if isinstance(event, StateChanged)] == [
        "listening",
        "speaking",
        "listening",
    ]
    assert check.findings is not None
    assert check.findings.silent


async def test_the_tone_is_played_whole(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    await SoundCheck(NullMicrophone(), FileSpeaker(path), 1.5, watch=nothing).run()
    played, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    begin = played.tobytes().index(tone(RATE)) / 2
    assert begin / RATE == pytest.approx(QUIET, abs=0.03)


async def test_stopped_before_the_tone_it_knows_what_there_was(autojump_clock: MockClock) -> None:
    microphone = NullMicrophone()
    check = SoundCheck(microphone, NullSpeaker(), 3.0, watch=nothing)
    with trio.move_on_after(0.5):
        await check.run()
    assert not microphone.is_open
    assert check.findings is not None
    assert check.findings.with_tone is None


async def test_stopped_at_once_it_knows_nothing() -> None:
    check = SoundCheck(NullMicrophone(), NullSpeaker(), 3.0, watch=nothing)
    with trio.CancelScope() as scope:
        scope.cancel("at once")
        await check.run()
    assert check.findings is None


class Stalled(VirtualMicrophone):
    """Opens and gives nothing."""

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[Stalled]:
        yield self

    def __aiter__(self) -> Stalled:
        return self

    async def __anext__(self) -> AudioFrame:
        await trio.sleep_forever()
        raise StopAsyncIteration


async def test_a_microphone_that_gives_nothing_is_not_waited_for_for_ever(autojump_clock: MockClock) -> None:
    check = SoundCheck(Stalled(), NullSpeaker(), 3.0, watch=nothing)
    await check.run()
    assert check.findings is None


class Pulled(Stalled):
    """Is pulled out."""

    async def __anext__(self) -> AudioFrame:
        await trio.sleep(1)
        raise DeviceLost("The microphone has gone: it was disconnected.")


async def test_a_device_that_goes_meanwhile_is_the_error_of_the_check(autojump_clock: MockClock) -> None:
    check = SoundCheck(Pulled(), NullSpeaker(), 3.0, watch=nothing)
    with pytest.raises(DeviceLost, match="disconnected"):
        await check.run()
