from __future__ import annotations

import numpy as np
import pytest
import trio
from hypothesis import given, strategies as st
from trio.testing import MockClock

from actors.messages import AudioFrame
from actors.ports import Cued
from voicemode.audio.files import Sound
from voicemode.audio.virtual_microphone import MicrophoneStream, NullMicrophone, VirtualMicrophone


def sound(*samples: int, rate: int = 16_000) -> Sound:
    return Sound(pcm=np.array(samples, "<i2").tobytes(), rate=rate)


async def hear(stream: MicrophoneStream, frames: int) -> list[AudioFrame]:
    return [await anext(stream) for _ in range(frames)]


def samples(frames: list[AudioFrame]) -> list[int]:
    return np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2").tolist()


async def test_a_frame_comes_when_its_last_sample_was_taken(autojump_clock: MockClock) -> None:
    await trio.sleep(1.5)
    async with VirtualMicrophone().open(16_000) as stream:
        for number in range(300):
            frame = await anext(stream)
            assert frame.start == 1.5 + number * 160 / 16_000
            assert trio.current_time() == pytest.approx(frame.end, abs=1e-9)
            assert frame.rate == 16_000
            assert len(frame.pcm) == 320


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
async def test_frames_of_any_rate_follow_one_another_without_drift(autojump_clock: MockClock, rate: int) -> None:
    async with VirtualMicrophone().open(rate) as stream:
        frames = await hear(stream, 1000)
    assert frames[-1].end == pytest.approx(sum(len(frame.pcm) for frame in frames) / 2 / rate, abs=1e-9)


async def test_a_clip_begins_at_its_sample(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    async with microphone.open(16_000) as stream:
        microphone.place(sound(1, 2, 3), 0.010 + 7 / 16_000)
        heard = samples(await hear(stream, 3))
    assert heard == [0] * 167 + [1, 2, 3] + [0] * 310


async def test_a_clip_may_be_placed_while_its_frame_is_under_way(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    async with microphone.open(16_000) as stream, trio.open_nursery() as nursery:

        async def say() -> None:
            await trio.sleep(0.005)
            microphone.place(sound(9), trio.current_time())

        nursery.start_soon(say)
        assert samples(await hear(stream, 1)) == [0] * 80 + [9] + [0] * 79


async def test_clips_that_overlap_are_added_and_limited(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    microphone.place(sound(30_000, -30_000, 100, 5), 0.0)
    microphone.place(sound(30_000, -30_000, 100), 0.0)
    async with microphone.open(16_000) as stream:
        assert samples(await hear(stream, 1))[:4] == [32_767, -32_768, 200, 5]


async def test_a_late_consumer_catches_up_without_loss(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    microphone.place(sound(*range(1, 1601)), 0.0)
    async with microphone.open(16_000) as stream:
        await trio.sleep(0.35)
        frames = await hear(stream, 30)
        assert trio.current_time() == 0.35
    assert samples(frames) == [*range(1, 1601), *[0] * 3200]


async def test_a_cancelled_wait_loses_no_frame(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    microphone.place(sound(*range(1, 161)), 0.0)
    async with microphone.open(16_000) as stream:
        with trio.move_on_after(0.004):
            await anext(stream)
        assert samples(await hear(stream, 1)) == [*range(1, 161)]


async def test_what_is_said_to_a_closed_microphone_is_not_heard(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    microphone.place(sound(*range(1, 1601)), 0.0)
    async with microphone.open(16_000) as stream:
        assert samples(await hear(stream, 2)) == [*range(1, 321)]
    await trio.sleep_until(0.05)
    async with microphone.open(16_000) as stream:
        assert samples(await hear(stream, 6)) == [*range(801, 1601), *[0] * 160]


async def test_iteration_ends_when_the_microphone_is_closed(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    async with trio.open_nursery() as nursery:
        heard: list[AudioFrame] = []

        async def listen(stream: MicrophoneStream) -> None:
            heard.extend([frame async for frame in stream])

        async with microphone.open(16_000) as stream:
            nursery.start_soon(listen, stream)
            await trio.sleep(0.025)
    assert len(heard) == 2
    assert not microphone.is_open


async def test_a_clip_at_another_rate_is_resampled(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    tone = (10_000 * np.sin(2 * np.pi * 300 * np.arange(48_000) / 48_000)).astype("<i2")
    microphone.place(Sound(pcm=tone.tobytes(), rate=48_000), 0.5)
    async with microphone.open(16_000) as stream:
        heard = np.array(samples(await hear(stream, 200)))
    assert not heard[:8_000].any()
    assert not heard[24_000:].any()
    expected = 10_000 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)
    assert np.max(np.abs(heard[8_000:24_000] - expected)[100:-100]) < 20


async def test_the_world_tells_what_was_said_in_it(autojump_clock: MockClock) -> None:
    microphone = VirtualMicrophone()
    microphone.place(sound(1), 2.0)
    microphone.place(sound(2, rate=8_000), 1.0)
    assert microphone.placed == [(2.0, sound(1)), (1.0, sound(2, rate=8_000))]
    assert isinstance(microphone, Cued)


async def test_a_null_microphone_hears_nothing(autojump_clock: MockClock) -> None:
    async with NullMicrophone().open(16_000) as stream:
        assert not any(samples(await hear(stream, 100)))


@pytest.mark.thorough
@given(
    opened=st.floats(0, 5),
    rate=st.sampled_from([8_000, 16_000, 22_050, 48_000]),
    clips=st.lists(st.tuples(st.floats(0, 6), st.integers(1, 3_000)), max_size=4),
)
def test_every_clip_is_where_the_arithmetic_says(opened: float, rate: int, clips: list[tuple[float, int]]) -> None:
    async def listen() -> list[int]:
        await trio.sleep_until(opened)
        microphone = VirtualMicrophone()
        for at, length in clips:
            microphone.place(Sound(pcm=b"\1\0" * length, rate=rate), at)
        async with microphone.open(rate) as stream:
            return samples(await hear(stream, 150))

    heard = trio.run(listen, clock=MockClock(autojump_threshold=0))
    expected = np.zeros(len(heard), int)
    for at, length in clips:
        begin = round((at - opened) * rate)
        expected[max(begin, 0) : max(begin + length, 0)] += 1
    assert heard == expected.tolist()
