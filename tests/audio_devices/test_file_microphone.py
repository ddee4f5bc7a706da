from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from actors.errors import AudioFileError, SettingsError
from actors.events import State, StateChanged
from actors.messages import SpeakingStarted, TurnId
from voicemode.audio.file_microphone import FileMicrophone, Start
from voicemode.audio.files import Sound, read_audio

SPEECH = Path(__file__).parent.parent / "audio"
CLIP = Sound(pcm=np.arange(1, 801, dtype="<i2").tobytes(), rate=16_000)


def state(name: State, at: float) -> StateChanged:
    return StateChanged(turn=TurnId(1), at=at, state=name)


def speaking(at: float) -> SpeakingStarted:
    return SpeakingStarted(turn=TurnId(1), at=at)


def places(microphone: FileMicrophone) -> list[float]:
    return [at for at, _ in microphone.placed]


async def test_start_0_begins_with_the_first_opening_and_only_then(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP, Start.parse("0"))
    await trio.sleep(2)
    async with microphone.open(16_000) as stream:
        assert (await anext(stream)).pcm == CLIP.pcm[:320]
    async with microphone.open(16_000):
        pass
    assert places(microphone) == [2.0]


async def test_listen_begins_when_listening_begins_and_is_said_once(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP)
    async with microphone.open(16_000) as stream:
        microphone.cue(state("speaking", 0.0))
        await trio.sleep_until(1.0)
        for _ in range(100):
            await anext(stream)
        microphone.cue(state("listening", 1.0))
        microphone.cue(state("hearing", 1.2))
        microphone.cue(state("listening", 1.5))
        microphone.cue(speaking(1.6))
    assert places(microphone) == [1.0]


async def test_hearing_straight_after_speaking_places_nothing(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP)
    async with microphone.open(16_000):
        microphone.cue(state("speaking", 0.0))
        microphone.cue(state("hearing", 1.0))
    assert places(microphone) == []


async def test_listening_that_begins_before_the_opening_waits_for_it(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP)
    microphone.cue(state("listening", 0.0))
    assert places(microphone) == []
    await trio.sleep(0.5)
    async with microphone.open(16_000) as stream:
        assert (await anext(stream)).pcm == CLIP.pcm[:320]
    assert places(microphone) == [0.5]


async def test_speech_begins_so_long_after_the_first_sample_of_the_assistant(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP, Start.parse("speech+1.5"))
    async with microphone.open(16_000):
        microphone.cue(state("listening", 0.1))
        microphone.cue(speaking(0.2))
        microphone.cue(speaking(9.0))
    assert places(microphone) == [1.7]


async def test_a_late_cue_costs_nothing_while_the_audio_is_undelivered(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP, Start.parse("speech+0"))
    async with microphone.open(16_000) as stream:
        await trio.sleep(0.2)
        await anext(stream)
        microphone.cue(speaking(0.015))
        assert places(microphone) == [0.015]


async def test_a_cue_too_late_keeps_the_head_of_the_recording(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(CLIP, Start.parse("speech+0"))
    async with microphone.open(16_000) as stream:
        for _ in range(5):
            await anext(stream)
        microphone.cue(speaking(0.015))
        assert places(microphone) == [0.05]
        assert (await anext(stream)).pcm == CLIP.pcm[:320]


async def test_a_recording_at_another_rate_is_ready_before_it_is_due(autojump_clock: MockClock) -> None:
    microphone = FileMicrophone(Sound(pcm=bytes(48_000), rate=48_000))
    async with microphone.open(16_000):
        microphone.cue(state("listening", 0.0))
    assert microphone.placed == [(0.0, Sound(pcm=bytes(16_000), rate=16_000))]


def test_a_path_is_decoded_at_once() -> None:
    with pytest.raises(AudioFileError, match="no audio file"):
        FileMicrophone(SPEECH / "missing.wav")
    assert read_audio(SPEECH / "lj001-0002.wav", None).rate == 22_050
    FileMicrophone(SPEECH / "lj001-0002.wav")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("0", Start(after="opening")),
        ("listen", Start(after="listening")),
        ("speech+1.5", Start(after="speech", seconds=1.5)),
        ("speech+0", Start(after="speech", seconds=0.0)),
        ("speech+.25", Start(after="speech", seconds=0.25)),
        ("speech+2.", Start(after="speech", seconds=2.0)),
    ],
)
def test_a_start_is_read(text: str, start: Start) -> None:
    assert Start.parse(text) == start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "Listen",
        "speech",
        "speech+",
        "speech 1",
        "speech-1",
        "speech+-1",
        "speech+nan",
        "speech+1e3",
        "speech+1e999",
        "speech+1s",
    ],
)
def test_a_start_that_is_none_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(SettingsError, match=r"write start=0 .* start=listen .* start=speech\+SECONDS"):
        Start.parse(text)
