"""A speaker somewhere else, under a virtual clock: ``Phone`` is the far side, whose sound comes out to the sample."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from actors.errors import DeviceError, DeviceLost
from actors.messages import Spoken, TurnId
from tests.interrupting import interrupt_at_random
from tests.traceable import Story
from voicemode.audio.sent_speaker import FarSpeaker, SentPlayback, SentSpeaker
from voicemode.promises import check_speaker

RATE = 16_000
AHEAD = 0.060


def audio(seconds: float) -> bytes:
    return (1 + np.arange(round(seconds * RATE)) % 32_000).astype("<i2").tobytes()


class Line:
    """Takes sound and plays it from when it comes, in order; a sample that was cleared is never played."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.broken = False

    async def send(self, pcm: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.broken:
            raise trio.BrokenResourceError("hung up")
        self.sent.append((trio.current_time(), pcm))

    @property
    def pcm(self) -> bytes:
        return b"".join(pcm for _, pcm in self.sent)


class Phone(Line):
    """Clears within ``away`` seconds, there and back, and reports every 5 ms what it has played."""

    def __init__(self, away: float = 0.010) -> None:
        super().__init__()
        self.away = away
        self.heard = bytearray()
        self.held = bytearray()
        self.reports, self._next_report = trio.open_memory_channel[int](100)
        self.deaf = False

    async def send(self, pcm: bytes) -> None:
        await super().send(pcm)
        self.held += pcm

    async def clear(self) -> int | None:
        await trio.sleep(self.away / 2)
        self.held.clear()
        heard = len(self.heard) // 2
        await trio.sleep(self.away / 2)
        return heard

    async def played(self) -> int:
        return await self._next_report.receive()

    async def play(self) -> None:
        while True:
            await trio.sleep(0.005)
            self.heard += self.held[: 2 * RATE // 200]
            del self.held[: 2 * RATE // 200]
            if not self.deaf:
                self.reports.send_nowait(len(self.heard) // 2)
                while self._next_report.statistics().current_buffer_used > 1:
                    self._next_report.receive_nowait()


class Clearing(Line):
    async def clear(self) -> int | None:
        await trio.lowlevel.checkpoint()
        return None


@asynccontextmanager
async def opened(far: FarSpeaker, rate: int = RATE, latency: float = 0.0) -> AsyncGenerator[SentPlayback]:
    @asynccontextmanager
    async def connect(far_rate: int) -> AsyncGenerator[FarSpeaker]:
        assert far_rate == RATE
        async with trio.open_nursery() as nursery:
            if isinstance(far, Phone):
                nursery.start_soon(far.play)
            yield far
            nursery.cancel_scope.cancel()

    async with SentSpeaker(connect, rate=RATE, latency=latency).open(rate) as playback:
        yield playback


async def test_sound_is_sent_at_the_pace_of_the_clock_a_little_ahead(autojump_clock: MockClock) -> None:
    line = Line()
    async with opened(line) as playback:
        await trio.sleep(1.0)
        assert await playback.write(audio(0.5)) == pytest.approx(1.0)
        await playback.drain()
        assert trio.current_time() == pytest.approx(1.5)
        assert playback.played() == 0.5 * RATE
    assert line.pcm == audio(0.5)
    sent = 0.0
    for at, pcm in line.sent:
        assert at == pytest.approx(max(1.0, 1.0 + sent - AHEAD), abs=1e-3)
        assert len(pcm) <= 2 * 0.020 * RATE
        sent += len(pcm) / (2 * RATE)


async def test_nothing_is_sent_while_nothing_is_said_and_what_follows_is_due_at_once(autojump_clock: MockClock) -> None:
    line = Line()
    async with opened(line) as playback:
        await playback.write(audio(0.04))
        await playback.drain()
        await trio.sleep(5.0)
        assert await playback.write(audio(0.04)) == pytest.approx(trio.current_time())
        await playback.drain()
    assert [round(at, 3) for at, _ in line.sent] == pytest.approx([0.0, 0.0, 5.04, 5.04])


async def test_by_the_clock_a_sample_has_left_when_it_is_due_and_the_latency_is_over(autojump_clock: MockClock) -> None:
    async with opened(Line(), latency=0.1) as playback:
        assert await playback.write(audio(0.06)) == pytest.approx(0.1)
        await trio.sleep_until(0.1)
        assert playback.played() == 0
        await trio.sleep_until(0.13)
        assert playback.played() == pytest.approx(0.03 * RATE, abs=1)
        await playback.drain()
        assert trio.current_time() == pytest.approx(0.16)


async def test_a_line_that_cannot_forget_gets_a_fade_after_what_it_has(autojump_clock: MockClock) -> None:
    line = Line()
    async with opened(line) as playback, trio.open_nursery() as nursery:
        nursery.start_soon(playback.write, audio(1.0))
        await trio.sleep(0.2)
        playback.stop()
        await playback.drain()
        assert trio.current_time() <= 0.2 + AHEAD + 0.006 + 0.020
        assert playback.played() == pytest.approx(len(line.pcm) / 2, abs=0.005 * RATE)
    whole = len(line.pcm) - 2 * RATE // 200
    assert line.pcm[:whole] == audio(1.0)[:whole]
    assert abs(int(np.frombuffer(line.pcm, "<i2")[-1])) < 100


@pytest.mark.parametrize("after", [0.003, 0.1, 0.2014, 0.41])
async def test_what_counts_as_played_is_what_the_far_side_has_played_to_the_sample(
    autojump_clock: MockClock, after: float
) -> None:
    phone = Phone()
    async with opened(phone) as playback, trio.open_nursery() as nursery:
        nursery.start_soon(playback.write, audio(0.4))
        await trio.sleep(after)
        playback.stop()
        await playback.drain()
        assert trio.current_time() <= after + phone.away + 0.006
        assert playback.played() == len(phone.heard) // 2
        before = bytes(phone.heard)
        await playback.write(audio(0.2))
        await playback.drain()
        assert playback.played() == len(phone.heard) // 2
    assert bytes(phone.heard) == before + audio(0.2)
    assert audio(0.4).startswith(before)


async def test_a_far_side_that_clears_and_says_nothing_is_reckoned_by_the_clock(autojump_clock: MockClock) -> None:
    line = Clearing()
    async with opened(line) as playback, trio.open_nursery() as nursery:
        nursery.start_soon(playback.write, audio(0.4))
        await trio.sleep(0.2)
        playback.stop()
        await playback.drain()
        assert playback.played() == pytest.approx(0.2 * RATE, abs=1)
        await playback.write(audio(0.1))
        await playback.drain()
        assert playback.played() == pytest.approx(0.3 * RATE, abs=1)


async def test_one_whose_reports_stop_is_lost(autojump_clock: MockClock) -> None:
    phone = Phone()
    async with opened(phone) as playback:
        await playback.write(audio(0.1))
        phone.deaf = True
        with pytest.raises(DeviceLost, match="has not said for 2 s that it plays"):
            await playback.drain()


@pytest.mark.parametrize("kind", [Line, Phone])
async def test_a_connection_that_ends_is_the_loss_of_the_device(autojump_clock: MockClock, kind: type[Line]) -> None:
    line = kind()
    async with opened(line) as playback:
        await playback.write(audio(0.05))
        line.broken = True
        with pytest.raises(DeviceLost, match="connection to the far speaker has ended: hung up"):
            await playback.write(audio(1.0))
        assert "hung up" in str(await playback.lost())
        played = playback.played()
        await trio.sleep(1.0)
        assert playback.played() == played


async def test_one_that_reports_is_lost_while_nothing_is_said(autojump_clock: MockClock) -> None:
    phone = Phone()
    async with opened(phone) as playback, trio.open_nursery() as nursery:
        nursery.start_soon(playback.lost)
        await trio.sleep(1.0)
        phone.deaf = True
        phone.reports.close()


async def test_who_is_not_there_is_no_speaker() -> None:
    @asynccontextmanager
    async def connect(_: int) -> AsyncGenerator[FarSpeaker]:
        raise ConnectionRefusedError("nobody answers")
        yield

    with pytest.raises(DeviceLost, match="far speaker has ended: nobody answers"):
        async with SentSpeaker(connect).open(RATE):
            pass


@pytest.mark.parametrize("kind", [Line, Clearing, Phone])
async def test_it_keeps_the_promises_of_a_speaker(autojump_clock: MockClock, kind: type[Line]) -> None:
    @asynccontextmanager
    async def connect(_: int) -> AsyncGenerator[FarSpeaker]:
        far = kind()
        async with trio.open_nursery() as nursery:
            if isinstance(far, Phone):
                nursery.start_soon(far.play)
            yield far
            nursery.cancel_scope.cancel()

    await check_speaker(SentSpeaker(connect, rate=RATE))


async def test_a_bug_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    class Wrong(Line):
        async def send(self, pcm: bytes) -> None:
            raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        async with opened(Wrong()) as playback:
            await playback.write(audio(0.05))
            await trio.sleep(1.0)


async def test_ducking_and_chimes_are_in_what_is_sent(autojump_clock: MockClock) -> None:
    line = Line()
    async with opened(line) as playback:
        playback.duck(0.5)
        playback.overlay(np.full(RATE // 50, 100, "<i2").tobytes())
        await trio.sleep(0.1)
        assert playback.played() == 0
        await playback.write(np.full(RATE // 50, 1000, "<i2").tobytes())
        await playback.drain()
        assert playback.played() == RATE // 50
    assert set(np.frombuffer(line.pcm, "<i2").tolist()) == {100, 500}


async def test_another_rate_is_converted_and_counted_in_samples_written(autojump_clock: MockClock) -> None:
    line = Line()
    async with opened(line, rate=24_000) as playback:
        await playback.write(bytes(2 * 2_400))
        await playback.drain()
        assert playback.played() == 2_400
    assert len(line.pcm) == pytest.approx(2 * 1_600, abs=2)


async def test_after_the_closing_nothing_is_played(autojump_clock: MockClock) -> None:
    async with opened(Line()) as playback:
        pass
    with pytest.raises(DeviceError, match="closed"):
        await playback.write(audio(0.1))


async def interrupted(dice: random.Random, far: Phone) -> tuple[Story, Spoken]:
    story = Story(dice, TurnId(1), RATE, timed=True)
    async with opened(far) as playback:
        done = await interrupt_at_random(dice, story, playback)
        played = len(far.heard)
        await trio.sleep(1.0)
        assert len(far.heard) == played
    assert done.account is not None
    return story, done.account


@pytest.mark.thorough
@pytest.mark.parametrize("away", [0.0, 0.030, 0.085])
def test_however_it_is_interrupted_the_words_heard_are_those_the_far_side_played(away: float) -> None:
    for seed in range(20):
        dice, phone = random.Random(seed), Phone(away)
        story, account = trio.run(
            lambda dice=dice, phone=phone: interrupted(dice, phone), clock=MockClock(autojump_threshold=0)
        )
        unbroken = story.unbroken(np.frombuffer(phone.heard, "<i2").astype(np.int16))
        said = len(account.heard.split())
        assert account.samples == len(phone.heard) // 2, seed
        assert account.complete == (unbroken == len(story.samples)), seed
        assert story.surely_said(unbroken) <= said <= story.said(unbroken), seed
