"""The recorder cuts utterances out of the sound that was there before anybody asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import AudioFileError
from actors.growing import Recordings
from actors.messages import AudioFrame, StreamId, Utterance
from actors.orders import BeginUtterance, DropUtterance, EndUtterance, RecorderOrder
from actors.recorder import record_utterances
from actors.ring import Ring

RATE = 1_000
STREAM = StreamId(1)


class NotedSpool:
    path = Path("utterance.wav")

    def __init__(self) -> None:
        self.pcm, self.finished, self.discarded = b"", None, False
        self.broken = False

    def write(self, pcm: bytes) -> None:
        if self.broken:
            raise AudioFileError("The disk is full.")
        self.pcm += pcm

    async def finish(self, length: int) -> Path | None:
        await trio.lowlevel.checkpoint()
        self.finished: int | None = length
        return Path("utterance.wav")

    def discard(self) -> None:
        self.discarded = True


class NotedStore:
    def __init__(self, *, writable: bool = True) -> None:
        self.spools: list[NotedSpool] = []
        self.writable = writable

    def begin(self, rate: int) -> NotedSpool:
        if not self.writable:
            raise AudioFileError("The disk is full.")
        self.spools.append(NotedSpool())
        return self.spools[-1]

    async def settle(self, path: Path) -> Path | None:
        raise NotImplementedError


def frame(number: int, stream: StreamId = STREAM) -> AudioFrame:
    """Ten milliseconds, every sample of which is the frame's number."""
    return AudioFrame(start=number / 100, pcm=number.to_bytes(2, "little") * 10, rate=RATE, stream=stream)


class Bench:
    """A running recorder with its channels."""

    def __init__(self, store: NotedStore) -> None:
        self.store = store
        self.frames = Ring[AudioFrame](10_000)
        self.orders, self._ordered = trio.open_memory_channel[RecorderOrder](10)
        self._made, self.utterances = trio.open_memory_channel[Utterance](10)
        self.run = partial(
            record_utterances,
            self.frames,
            self._ordered,
            self._made,
            store=store,
            recordings=Recordings(),
            rate=RATE,
        )

    async def hear(self, *numbers: int) -> None:
        for number in numbers:
            self.frames.put_nowait(frame(number))
        await wait_all_tasks_blocked()

    async def order(self, order: RecorderOrder) -> None:
        await self.orders.send(order)
        await wait_all_tasks_blocked()


@asynccontextmanager
async def recording(store: NotedStore | None = None) -> AsyncGenerator[Bench]:
    bench = Bench(store or NotedStore())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.run)
        yield bench
        nursery.cancel_scope.cancel()


def begin(since: float, number: int = 1) -> BeginUtterance:
    return BeginUtterance(number=number, stream=STREAM, since=since)


async def test_an_utterance_begins_before_it_was_asked_for() -> None:
    async with recording() as bench:
        await bench.hear(*range(100))
        await bench.order(begin(0.5))
        await bench.order(EndUtterance(number=1, until=0.8))
        utterance = bench.utterances.receive_nowait()
    assert utterance.start == 0.5
    assert utterance.end == pytest.approx(0.8)
    assert utterance.pcm == b"".join(frame(number).pcm for number in range(50, 80))
    assert bench.store.spools[0].pcm.startswith(utterance.pcm)
    assert bench.store.spools[0].finished == len(utterance.pcm)
    assert utterance.path == Path("utterance.wav")


async def test_an_utterance_goes_on_while_frames_come() -> None:
    async with recording() as bench:
        await bench.hear(*range(10))
        await bench.order(begin(0.05))
        await bench.hear(*range(10, 30))
        await bench.order(EndUtterance(number=1, until=0.25))
        assert len(bench.utterances.receive_nowait().pcm) == 2 * 200


async def test_frames_lost_on_the_way_leave_a_silence_of_their_own_length() -> None:
    async with recording() as bench:
        await bench.hear(0, 1, 2)
        await bench.order(begin(0.0))
        await bench.hear(5, 6)
        await bench.order(EndUtterance(number=1, until=0.07))
        pcm = bench.utterances.receive_nowait().pcm
    assert pcm == frame(0).pcm + frame(1).pcm + frame(2).pcm + bytes(40) + frame(5).pcm + frame(6).pcm


async def test_nothing_is_put_between_the_frames_of_a_device_whose_clock_is_slow() -> None:
    async with recording() as bench:
        await bench.order(begin(0.0))
        for number in range(300):
            # 0.3 %: after 5 frames a sample and a half
            bench.frames.put_nowait(evolve(frame(number), start=1.003 * number / 100))
        await wait_all_tasks_blocked()
        await bench.order(EndUtterance(number=1, until=2.0))
        pcm = bench.utterances.receive_nowait().pcm
    assert pcm == b"".join(frame(number).pcm for number in range(200))


async def test_the_sound_of_an_earlier_opening_is_not_taken() -> None:
    async with recording() as bench:
        bench.frames.put_nowait(frame(0, StreamId(7)))
        await bench.hear(1, 2)
        await bench.order(begin(0.0))
        await bench.order(EndUtterance(number=1, until=0.03))
        assert bench.utterances.receive_nowait().start == 0.01


async def test_an_utterance_cut_at_this_moment_waits_for_its_last_frames(autojump_clock: MockClock) -> None:
    async with recording() as bench:
        await bench.hear(*range(10))
        await bench.order(begin(0.0))
        await bench.orders.send(EndUtterance(number=1, until=0.12))
        await bench.hear(10, 11)
        assert len(bench.utterances.receive_nowait().pcm) == 2 * 120


async def test_a_microphone_that_gives_no_more_does_not_hold_up_the_utterance(autojump_clock: MockClock) -> None:
    async with recording() as bench:
        await bench.hear(*range(10))
        await bench.order(begin(0.0))
        await bench.orders.send(EndUtterance(number=1, until=5.0))
        began = trio.current_time()
        utterance = await bench.utterances.receive()
    assert trio.current_time() - began == pytest.approx(0.1)
    assert len(utterance.pcm) == 2 * 100


async def test_a_dropped_utterance_is_forgotten_everywhere() -> None:
    async with recording() as bench:
        await bench.hear(0)
        await bench.order(begin(0.0))
        await bench.order(DropUtterance(1))
        assert bench.store.spools[0].discarded
        await bench.order(EndUtterance(number=1, until=0.01))
        with pytest.raises(trio.WouldBlock):
            bench.utterances.receive_nowait()


async def test_a_full_disk_does_not_lose_the_utterance() -> None:
    async with recording(NotedStore(writable=False)) as bench:
        await bench.hear(0, 1)
        await bench.order(begin(0.0))
        await bench.order(EndUtterance(number=1, until=0.02))
        utterance = bench.utterances.receive_nowait()
    assert (len(utterance.pcm), utterance.path) == (40, None)


async def test_a_disk_that_fills_up_midway_does_not_lose_the_utterance() -> None:
    async with recording() as bench:
        await bench.hear(0, 1)
        await bench.order(begin(0.0))
        bench.store.spools[0].broken = True
        await bench.hear(2, 3)
        await bench.order(EndUtterance(number=1, until=0.04))
        utterance = bench.utterances.receive_nowait()
    assert (len(utterance.pcm), utterance.path) == (80, None)


async def test_what_is_being_recorded_when_it_is_cancelled_is_left_on_disk() -> None:
    async with recording() as bench:
        await bench.hear(0, 1)
        await bench.order(begin(0.0))
    [spool] = bench.store.spools
    assert (len(spool.pcm), spool.finished, spool.discarded) == (40, 40, False)


async def test_what_was_not_worth_being_woken_for_is_in_the_utterance_all_the_same(autojump_clock: MockClock) -> None:
    async with recording() as bench:
        await bench.hear(0)
        await bench.order(begin(0.0))
        assert bench.store.spools[0].pcm == frame(0).pcm
        await bench.hear(1, 2, 3, 4, 5)
        assert bench.store.spools[0].pcm == frame(0).pcm
        await bench.hear(6)
        assert bench.store.spools[0].pcm == b"".join(frame(number).pcm for number in range(7))
        await bench.hear(7)
        await bench.order(EndUtterance(number=1, until=0.09))
        await bench.hear(8)
        utterance = await bench.utterances.receive()
        assert utterance.pcm == b"".join(frame(number).pcm for number in range(9))


async def test_nothing_is_lost_of_what_is_kept_before_anybody_asks_while_nobody_is_woken(
    autojump_clock: MockClock,
) -> None:
    async with recording() as bench:
        await bench.hear(*range(7))
        assert bench.frames.statistics().waiting == 7
        await bench.order(begin(0.02))
        assert bench.frames.statistics().waiting == 0
        assert bench.store.spools[0].pcm == b"".join(frame(number).pcm for number in range(2, 7))
