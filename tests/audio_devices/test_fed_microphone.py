"""Microphones that are given their sound, under a virtual clock."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import DeviceLost
from actors.messages import AudioFrame
from voicemode.audio.fed_microphone import FedMicrophone, StreamMicrophone
from voicemode.promises import check_microphone

RATE = 16_000


def audio(seconds: float, first: int = 0, rate: int = RATE) -> bytes:
    return ((first + np.arange(round(seconds * rate))) % 32_000).astype("<i2").tobytes()


async def take(frames: AsyncIterator[AudioFrame], count: int) -> list[AudioFrame]:
    return [await anext(frames) for _ in range(count)]


def whole(frames: list[AudioFrame]) -> bytes:
    return b"".join(frame.pcm for frame in frames)


async def test_sound_that_is_pushed_comes_in_frames_that_began_when_it_was_taken(autojump_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)
    async with microphone.open(RATE) as frames:
        for index in range(10):
            await trio.sleep(0.020)
            microphone.push(audio(0.020, 320 * index))
            frame = await anext(frames)
            assert frame.start == pytest.approx(0.020 * index)
            assert frame.pcm == audio(0.020, 320 * index)


async def test_what_comes_unsteadily_is_on_a_steady_time_line(autojump_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)
    got: list[AudioFrame] = []
    async with microphone.open(RATE) as frames:
        for index in range(50):
            await trio.sleep_until(0.020 * (index + 1) + (0.015 if index % 3 else 0.0))
            microphone.push(audio(0.020, 320 * index))
            got += await take(frames, 1)
    assert whole(got) == audio(1.0)
    assert all(abs(after.start - before.end) < 0.002 for before, after in pairwise(got))


async def test_nothing_is_kept_while_nobody_listens(autojump_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)
    microphone.push(audio(0.5))
    assert not microphone.is_open
    async with microphone.open(RATE) as frames:
        assert microphone.is_open
        microphone.push(audio(0.020, 7))
        assert (await anext(frames)).pcm == audio(0.020, 7)
    assert not microphone.is_open


async def test_who_is_late_loses_the_oldest_and_the_next_frame_begins_later(autojump_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)
    async with microphone.open(RATE) as frames:
        for index in range(75):
            await trio.sleep(0.020)
            microphone.push(audio(0.020, 320 * index))
        assert microphone.dropped == 25 * 320
        frame = await anext(frames)
        assert frame.start == pytest.approx(0.5)
        assert frame.pcm == audio(0.1, 25 * 320)


async def test_a_loss_is_told_after_what_was_heard_before_and_sound_brings_it_back(autojump_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)
    async with microphone.open(RATE) as frames:
        microphone.push(audio(0.020))
        microphone.lose("The phone hung up.")
        assert (await anext(frames)).pcm == audio(0.020)
        with pytest.raises(DeviceLost, match="hung up"):
            await anext(frames)
    with pytest.raises(DeviceLost, match="hung up"):
        async with microphone.open(RATE):
            pass
    microphone.push(b"")
    async with microphone.open(RATE):
        pass


async def test_another_rate_is_converted(autojump_clock: MockClock) -> None:
    microphone = FedMicrophone(8_000)
    got: list[AudioFrame] = []
    async with microphone.open(RATE) as frames:
        for _ in range(50):
            await trio.sleep(0.020)
            microphone.push(bytes(320))
            got += await take(frames, 1)
    assert {frame.rate for frame in got} == {RATE}
    assert len(whole(got)) == pytest.approx(2 * RATE, abs=2 * 0.02 * RATE)


async def test_an_iterable_is_cut_into_frames_whatever_its_stretches_and_closed(autojump_clock: MockClock) -> None:
    closed = 0

    async def listen() -> AsyncIterator[bytes]:
        nonlocal closed
        sound, at = audio(1.0), 0
        try:
            while True:
                size = 777 if at % 2 else 4_242
                await trio.sleep(size / (2 * RATE))
                yield sound[at : at + size]
                at += size
        finally:
            closed += 1

    async with StreamMicrophone(listen, RATE).open(RATE) as frames:
        got = await take(frames, 9)
        assert audio(1.0).startswith(whole(got))
        assert len(whole(got)) > 0.3 * 2 * RATE
        assert got[0].start == pytest.approx(0.0, abs=1e-3)
        assert all(len(frame.pcm) <= 2 * 0.1 * RATE for frame in got)
    assert closed == 1


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset by peer"), trio.EndOfChannel()])
async def test_an_iterable_that_ends_or_breaks_is_a_lost_microphone(error: Exception | None) -> None:
    async def listen() -> AsyncIterator[bytes]:
        await trio.lowlevel.checkpoint()
        yield audio(0.020)
        if error is not None:
            raise error

    async with StreamMicrophone(listen, RATE).open(RATE) as frames:
        assert (await anext(frames)).pcm == audio(0.020)
        with pytest.raises(DeviceLost, match="far microphone"):
            await anext(frames)


async def test_a_channel_is_an_iterable(autojump_clock: MockClock) -> None:
    send, receive = trio.open_memory_channel[bytes](10)
    async with StreamMicrophone(lambda: receive, RATE).open(RATE) as frames:
        send.send_nowait(audio(0.010))
        assert (await anext(frames)).pcm == audio(0.010)


async def test_both_keep_the_promises_of_a_microphone(autojump_clock: MockClock) -> None:
    async def listen() -> AsyncIterator[bytes]:
        while True:
            await trio.sleep(0.020)
            yield bytes(640)

    microphone = FedMicrophone(RATE)

    async def feed() -> None:
        async for pcm in listen():
            microphone.push(pcm)

    await check_microphone(StreamMicrophone(listen, RATE))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        await check_microphone(microphone)
        nursery.cancel_scope.cancel()


async def test_a_listener_that_is_cancelled_closes_what_it_listens_to() -> None:
    closed = trio.Event()

    async def listen() -> AsyncIterator[bytes]:
        try:
            await trio.sleep_forever()
            yield b""
        finally:
            closed.set()

    async def hear() -> None:
        async with StreamMicrophone(listen, RATE).open(RATE) as frames:
            await anext(frames)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert closed.is_set()


async def test_sound_from_another_thread_wakes_the_listener_and_keeps_its_time(mock_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)
    got: list[AudioFrame] = []
    async with microphone.open(RATE) as frames, trio.open_nursery() as nursery:

        async def listen() -> None:
            got.append(await anext(frames))

        nursery.start_soon(listen)
        await wait_all_tasks_blocked()
        mock_clock.jump(3.0)
        await trio.to_thread.run_sync(microphone.push, audio(0.020, 7))
    assert [(frame.start, frame.pcm) for frame in got] == [(pytest.approx(2.98), audio(0.020, 7))]


async def test_another_thread_never_waits_for_who_is_late(mock_clock: MockClock) -> None:
    microphone = FedMicrophone(RATE)

    def push() -> None:
        for index in range(75):
            mock_clock.jump(0.020)
            microphone.push(audio(0.020, 320 * index))

    async with microphone.open(RATE) as frames:
        thread = threading.Thread(target=push)
        thread.start()
        # Trio's loop stands still meanwhile
        thread.join()
        assert microphone.dropped == 25 * 320
        frame = await anext(frames)
        assert frame.start == pytest.approx(0.5)
        assert frame.pcm == audio(0.1, 25 * 320)


async def test_a_loss_is_told_by_another_thread() -> None:
    microphone = FedMicrophone(RATE)
    async with microphone.open(RATE) as frames, trio.open_nursery() as nursery:

        async def listen() -> None:
            with pytest.raises(DeviceLost, match="hung up"):
                await anext(frames)

        nursery.start_soon(listen)
        await wait_all_tasks_blocked()
        await trio.to_thread.run_sync(microphone.lose, "The phone hung up.")


def test_without_any_loop_nothing_is_kept_and_nothing_goes_wrong() -> None:
    microphone = FedMicrophone(RATE)
    microphone.push(audio(0.5))
    microphone.lose("The phone hung up.")
    assert (microphone.is_open, microphone.dropped) == (False, 0)
