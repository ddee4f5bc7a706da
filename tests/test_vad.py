from __future__ import annotations

import math
from array import array
from functools import partial

import pytest
import trio
from attrs import evolve
from fakes_speech import LoudnessModel
from trio.testing import wait_all_tasks_blocked

from actors.machines.endpointer import EndpointPolicy
from actors.messages import AudioFrame, SpeechActivity, SpeechEnded, SpeechEvent, SpeechPaused, SpeechStarted, StreamId
from actors.ring import Ring
from actors.vad import detect_speech
from voicemode.audio.level import FLOOR, level_of

RATE = 16_000
FRAME = 160
WINDOW = 0.032
QUIET, LOUD = 0, 8_000


def sound(*runs: tuple[float, int], start: float = 0.0, stream: int = 1) -> list[AudioFrame]:
    """Frames of 10 ms, for stretches of (seconds, amplitude)."""
    samples = array("h")
    for seconds, amplitude in runs:
        samples.extend([amplitude, -amplitude] * round(seconds * RATE / 2))
    return [
        AudioFrame(
            start=start + place / RATE,
            pcm=samples[place : place + FRAME].tobytes(),
            rate=RATE,
            stream=StreamId(stream),
        )
        for place in range(0, len(samples), FRAME)
    ]


async def detect(frames: list[AudioFrame], model: LoudnessModel | None = None) -> list[SpeechEvent]:
    """Every event of ``frames`` until the ring is closed."""
    ring = Ring[AudioFrame](max(1, len(frames)))
    for frame in frames:
        ring.put_nowait(frame)
    ring.close()
    send, receive = trio.open_memory_channel[SpeechEvent](math.inf)
    await detect_speech(ring, send, model=model or LoudnessModel(), level_of=level_of, policy=EndpointPolicy())
    return [event async for event in receive]


def activities(events: list[SpeechEvent]) -> list[SpeechActivity]:
    return [event for event in events if isinstance(event, SpeechActivity)]


def transitions(events: list[SpeechEvent]) -> list[SpeechEvent]:
    return [event for event in events if not isinstance(event, SpeechActivity)]


async def test_frames_become_windows_that_end_when_their_last_sample_was_taken() -> None:
    found = activities(await detect(sound((0.1, LOUD), start=5.0)))
    assert [each.at for each in found] == pytest.approx([5.032, 5.064, 5.096])
    assert {each.duration for each in found} == {WINDOW}


async def test_a_word_is_followed_from_its_start_to_its_end() -> None:
    events = await detect(sound((0.32, QUIET), (0.64, LOUD), (1.0, QUIET)))
    started, paused, ended = transitions(events)
    assert isinstance(started, SpeechStarted)
    assert isinstance(paused, SpeechPaused)
    assert isinstance(ended, SpeechEnded)
    assert (started.at, paused.at, ended.at) == pytest.approx((0.32, 0.96, 0.96))


async def test_what_a_window_decides_comes_right_after_it() -> None:
    events = await detect(sound((0.32, LOUD)))
    (place,) = [place for place, event in enumerate(events) if isinstance(event, SpeechStarted)]
    before = events[place - 1]
    assert isinstance(before, SpeechActivity)
    assert before.at == pytest.approx(3 * WINDOW)


@pytest.mark.parametrize("size", [100, 512, 1_700])
async def test_frames_of_any_size_give_the_same_windows(size: int) -> None:
    frames = sound((0.32, QUIET), (0.64, LOUD))
    pcm = b"".join(frame.pcm for frame in frames)
    other = [
        evolve(frames[0], start=place / 2 / RATE, pcm=pcm[place : place + 2 * size])
        for place in range(0, len(pcm), 2 * size)
    ]
    expected, got = activities(await detect(frames)), activities(await detect(other))
    assert [each.at for each in got] == pytest.approx([each.at for each in expected])
    assert [each.probability for each in got] == [each.probability for each in expected]


async def test_a_new_opening_is_judged_afresh_and_without_the_rest_of_the_old() -> None:
    model = LoudnessModel()
    before = model.streams
    events = await detect(sound((0.09, LOUD)) + sound((0.1, LOUD), start=9.0, stream=2), model)
    assert model.streams - before == 3
    assert [each.stream for each in activities(events)] == [1, 1, 2, 2, 2]
    assert [each.at for each in activities(events)[2:]] == pytest.approx([9.032, 9.064, 9.096])
    (started,) = transitions(events)
    assert started.at == pytest.approx(9.0)


async def test_after_dropped_frames_the_window_begins_anew() -> None:
    frames = sound((0.2, LOUD))
    found = activities(await detect(frames[:5] + frames[8:]))
    assert [each.at for each in found] == pytest.approx([0.032, 0.112, 0.144, 0.176])


async def test_jitter_of_time_stamps_drops_nothing() -> None:
    frames = sound((0.32, LOUD))
    shaken = [evolve(frame, start=frame.start + 0.004 * (place % 2)) for place, frame in enumerate(frames)]
    assert len(activities(await detect(shaken))) == 10


async def test_a_slow_listener_holds_the_detector_and_not_the_microphone() -> None:
    ring = Ring[AudioFrame](8)
    send, receive = trio.open_memory_channel[SpeechEvent](0)
    detecting = partial(detect_speech, ring, send, model=LoudnessModel(), level_of=level_of, policy=EndpointPolicy())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(detecting)
        for frame in sound((0.5, LOUD)):
            ring.put_nowait(frame)
            await wait_all_tasks_blocked()
        assert ring.statistics().dropped > 0
        ring.close()
        assert [each.at for each in activities([event async for event in receive])] == pytest.approx(
            [0.032, 0.452, 0.484]
        )


async def test_the_events_end_when_the_frames_do() -> None:
    assert await detect([]) == []


async def test_frames_at_another_rate_are_refused() -> None:
    with pytest.raises(ValueError, match="hears 16000 Hz, the microphone delivers 48000 Hz"):
        await detect([evolve(sound((0.1, LOUD))[0], rate=48_000)])


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        ([0], FLOOR),
        ([1], -90.3),
        ([-32_768], 0.0),
        ([round(32_767 * math.sin(place / 8 * math.pi)) for place in range(16)], -3.01),
    ],
    ids=["silence", "one step", "full scale", "sine"],
)
def test_levels_are_decibels_below_full_scale(samples: list[int], level: float) -> None:
    assert level_of(array("h", samples * 32).tobytes()) == pytest.approx(level, abs=0.02)


def test_no_sound_at_all_is_as_loud_as_silence() -> None:
    assert level_of(b"") == FLOOR
