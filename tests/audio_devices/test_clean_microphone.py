from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from attrs import evolve

from actors.errors import DeviceLost
from actors.events import Event, TurnStarted
from actors.messages import AudioFrame, StreamId, TurnId
from actors.ports import Cued
from voicemode.audio.clean_microphone import CleanMicrophone
from voicemode.audio.echo import EchoCanceller

RATE = 16_000


class Inverter(EchoCanceller):
    """Keeps what it is given and turns it upside down."""

    def __init__(self) -> None:
        self.story: list[str | AudioFrame] = []

    def open(self) -> None:
        self.story.append("open")

    def close(self) -> None:
        self.story.append("close")

    def clean(self, frame: AudioFrame) -> AudioFrame:
        self.story.append(frame)
        return evolve(frame, pcm=frame.pcm[::-1])


class Scripted:
    """Delivers frames as they are written down, and then goes away."""

    def __init__(self, frames: list[AudioFrame]) -> None:
        self.frames = frames
        self.cues: list[Event] = []

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:
        assert rate == RATE
        yield self._deliver()

    async def _deliver(self) -> AsyncGenerator[AudioFrame]:
        for frame in self.frames:
            await trio.lowlevel.checkpoint()
            yield frame
        raise DeviceLost("The microphone was unplugged.")

    def cue(self, event: Event) -> None:
        self.cues.append(event)


def pieces(*milliseconds: float, start: float = 5.0) -> list[AudioFrame]:
    """One frame after another; the n-th byte heard is n."""
    frames, taken = [], 0
    for length in milliseconds:
        size = 2 * round(length * RATE / 1000)
        pcm = bytes((taken + number) % 256 for number in range(size))
        frames.append(AudioFrame(start=start + taken / 2 / RATE, pcm=pcm, rate=RATE, stream=StreamId(3)))
        taken += size
    return frames


async def listen(frames: list[AudioFrame]) -> tuple[list[AudioFrame], Inverter]:
    canceller, heard = Inverter(), []
    with pytest.raises(DeviceLost):
        async with CleanMicrophone(Scripted(frames), canceller).open(RATE) as clean:
            async for frame in clean:
                heard.append(frame)
    return heard, canceller


@pytest.mark.parametrize("lengths", [(10, 10, 10), (30,), (3, 3, 3, 3, 3, 3, 3, 3, 3, 3), (20, 7, 4), (25, 5.5)])
async def test_frames_of_any_length_become_frames_of_some_times_10_ms(lengths: tuple[float, ...]) -> None:
    frames = pieces(*lengths)
    heard, canceller = await listen(frames)
    assert b"".join(frame.pcm[::-1] for frame in heard) == b"".join(each.pcm for each in frames)[:960]
    assert not any(len(frame.pcm) % 320 for frame in heard)
    assert heard[0].start == pytest.approx(5.0)
    assert all(later.start == pytest.approx(earlier.end) for earlier, later in pairwise(heard))
    assert {(frame.rate, frame.stream) for frame in heard} == {(RATE, StreamId(3))}
    assert canceller.story[0] == "open"
    assert canceller.story[-1] == "close"


async def test_no_frame_spans_a_gap() -> None:
    first, second = pieces(14), pieces(20, start=6.0)
    heard, _ = await listen(first + second)
    assert [frame.start for frame in heard] == pytest.approx([5.0, 6.0])
    assert heard[1].pcm[::-1] == second[0].pcm


async def test_a_cancelled_listener_closes_both() -> None:
    class Endless(Scripted):
        async def _deliver(self) -> AsyncGenerator[AudioFrame]:
            yield self.frames[0]
            await trio.sleep_forever()

    canceller, heard = Inverter(), []
    with trio.CancelScope() as scope:
        async with CleanMicrophone(Endless(pieces(10)), canceller).open(RATE) as clean:
            async for frame in clean:
                heard.append(frame)
                scope.cancel()
    assert scope.cancelled_caught
    assert len(heard) == 1
    assert canceller.story[-1] == "close"


def test_what_happens_is_told_to_a_microphone_that_wants_to_know() -> None:
    inner = Scripted([])
    microphone = CleanMicrophone(inner, Inverter())
    assert isinstance(microphone, Cued)
    event = TurnStarted(turn=TurnId(1), at=0.0)
    microphone.cue(event)
    assert inner.cues == [event]
