"""Times are exact: the clock is virtual and the device is arithmetic.  ``Heard`` collects what left the device."""

from __future__ import annotations

import numpy as np
import pytest
import trio
from hypothesis import given, strategies as st
from trio.testing import MockClock

from actors.errors import DeviceError
from voicemode.audio.virtual_speaker import NullSpeaker, VirtualPlayback, VirtualSpeaker

RATE = 16_000
QUANTUM = RATE // 100


class Heard:
    def __init__(self) -> None:
        self.pieces: list[tuple[float, bytes, int]] = []

    def __call__(self, at: float, pcm: bytes, rate: int) -> None:
        self.pieces.append((at, pcm, rate))

    @property
    def pcm(self) -> bytes:
        return b"".join(pcm for _, pcm, _ in self.pieces)

    @property
    def samples(self) -> list[tuple[int, int]]:
        """(position on the clock in samples, sample), for everything that left."""
        return [
            (round(at * rate) + index, int(value))
            for at, pcm, rate in self.pieces
            for index, value in enumerate(np.frombuffer(pcm, "<i2"))
        ]


def audio(seconds: float, first: int = 0) -> bytes:
    return ((first + np.arange(round(seconds * RATE))) % 32_768).astype("<i2").tobytes()


async def test_half_a_second_starts_on_the_grid_and_waits_for_its_last_60_ms(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await trio.sleep(0.003)
        assert await playback.write(audio(0.5)) == pytest.approx(0.010)
        assert trio.current_time() == pytest.approx(0.450)
        assert playback.played() == pytest.approx(0.440 * RATE, abs=1)
        await trio.sleep_until(0.4805)
        assert playback.played() == round(0.4705 * RATE)
        await playback.drain()
        assert trio.current_time() == pytest.approx(0.510)
        assert playback.played() == len(audio(0.5)) // 2
    assert heard.pcm == audio(0.5)
    assert heard.samples[0] == (QUANTUM, 0)


async def test_a_first_short_write_returns_at_once(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        assert await playback.write(audio(0.060)) == 0.0
        assert trio.current_time() == 0.0
        assert playback.played() == 0
        assert await playback.write(audio(0.020)) == pytest.approx(0.060)
        assert trio.current_time() == pytest.approx(0.020)


async def test_writes_of_odd_lengths_follow_one_another_without_a_gap(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        for start in range(0, 5_000, 333):
            await playback.write(audio(333 / RATE, start))
        await playback.drain()
    assert [position for position, _ in heard.samples] == list(range(len(heard.samples)))
    assert [value for _, value in heard.samples] == list(range(len(heard.samples)))


async def test_after_the_queue_ran_dry_sound_starts_at_the_next_quantum(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        await playback.write(audio(0.0137))
        await trio.sleep_until(0.0251)
        assert await playback.write(audio(0.01)) == pytest.approx(0.030)
        await trio.sleep_until(0.050)
        assert await playback.write(audio(0.01)) == pytest.approx(0.050)


async def test_a_quantum_the_device_has_taken_half_filled_is_not_filled_later(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        await playback.write(audio(0.0137))
        await trio.sleep_until(0.012)
        assert await playback.write(audio(0.01)) == pytest.approx(0.020)


async def test_stopping_silences_within_the_quantum(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await playback.write(audio(0.060))
        await trio.sleep_until(0.0235)
        playback.stop()
        assert playback.played() == round(0.0235 * RATE)
        await trio.sleep_until(0.0275)
        assert playback.played() == round(0.0275 * RATE)
        await trio.sleep_until(1.0)
        assert playback.played() == 3 * QUANTUM
        playback.stop()
    assert heard.pcm == audio(0.030)


async def test_what_is_written_right_after_a_stop_starts_at_the_next_quantum(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await playback.write(audio(0.060))
        await trio.sleep_until(0.013)
        playback.stop()
        assert await playback.write(audio(0.010, 30_000)) == pytest.approx(0.020)
        await playback.drain()
    assert heard.pcm == audio(0.020) + audio(0.010, 30_000)


async def test_a_write_under_way_when_the_speaker_is_stopped_gives_up_its_rest(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(playback.write, audio(1.0))
            await trio.sleep_until(0.105)
            playback.stop()
        assert trio.current_time() < 0.12
        await playback.drain()
        assert trio.current_time() == pytest.approx(0.110)
        await trio.sleep(1)
    assert heard.pcm == audio(0.110)


async def test_of_a_cancelled_write_only_what_was_queued_is_played(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        with trio.move_on_after(0.0999):
            await playback.write(audio(1.0))
        await playback.drain()
        assert trio.current_time() == pytest.approx(0.150)
    assert heard.pcm == audio(0.150)


async def test_a_write_cancelled_before_it_begins_queues_nothing(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        with trio.CancelScope() as scope:
            scope.cancel()
            await playback.write(audio(0.01))
        await trio.sleep(1)
        assert playback.played() == 0


async def test_closing_forgets_what_has_not_left(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await playback.write(audio(0.060))
        await trio.sleep_until(0.0125)
    assert heard.pcm == audio(0.0125)
    await trio.sleep(1)
    assert playback.played() == len(heard.pcm) // 2
    playback.stop()
    await playback.drain()
    with pytest.raises(DeviceError, match="closed"):
        await playback.write(audio(0.01))


async def test_the_sink_gets_nothing_before_it_left(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await playback.write(audio(0.060))
        assert heard.pcm == b""
        await trio.sleep_until(0.020)
        await playback.write(audio(0.010, 960))
        assert heard.pcm == audio(0.020)


async def test_an_empty_write_says_when_the_next_sample_would_leave(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        await trio.sleep(0.001)
        assert await playback.write(b"") == pytest.approx(0.010)
        await playback.drain()
        assert playback.played() == 0
        assert trio.current_time() == 0.001


async def test_half_a_sample_is_a_mistake_of_the_caller(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        with pytest.raises(ValueError, match="middle of a sample"):
            await playback.write(b"\0")


def heard_at(heard: Heard) -> dict[int, int]:
    """Sample by position; fails when two pieces overlap or come out of order."""
    positions = [position for position, _ in heard.samples]
    assert positions == sorted(set(positions))
    return dict(heard.samples)


async def test_an_overlay_is_mixed_in_from_the_next_quantum_and_is_not_played(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await playback.write(audio(0.040))
        await trio.sleep_until(0.0123)
        playback.overlay(audio(0.015, 5_000))
        await playback.drain()
        assert playback.played() == 4 * QUANTUM
    sound = heard_at(heard)
    begin = 2 * QUANTUM
    assert list(sound) == list(range(4 * QUANTUM))
    assert [sound[index] for index in range(begin)] == list(range(begin))
    assert [sound[begin + index] for index in range(240)] == [begin + 5_000 + 2 * index for index in range(240)]
    assert [sound[index] for index in range(begin + 240, 4 * QUANTUM)] == list(range(begin + 240, 4 * QUANTUM))


async def test_an_overlay_sounds_in_silence_and_whatever_is_stopped(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        await trio.sleep_until(0.011)
        playback.overlay(audio(0.050, 1))
        await playback.write(audio(0.020, 100))
        await trio.sleep_until(0.022)
        playback.stop()
        await trio.sleep(0.2)
        assert playback.played() == QUANTUM
    sound = heard_at(heard)
    begin = 2 * QUANTUM
    assert list(sound) == list(range(begin, begin + 800))
    assert [sound[begin + index] for index in range(QUANTUM)] == [101 + 2 * index for index in range(QUANTUM)]
    assert [sound[begin + index] for index in range(QUANTUM, 800)] == list(range(QUANTUM + 1, 801))


async def test_overlays_that_meet_are_added_up_to_full_scale(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        for _ in range(3):
            playback.overlay(np.full(QUANTUM, -15_000, "<i2").tobytes())
            await trio.sleep(0.002)
        await trio.sleep(0.1)
    values = [value for _, value in heard.samples]
    assert values == [-15_000] * QUANTUM + [-30_000] * QUANTUM


async def test_of_an_overlay_only_what_left_before_the_closing_is_heard(autojump_clock: MockClock) -> None:
    heard = Heard()
    async with VirtualSpeaker(heard).open(RATE) as playback:
        playback.overlay(audio(0.1, 1))
        await trio.sleep(0.0255)
    playback.overlay(audio(0.1, 1))
    assert [value for _, value in heard.samples] == list(range(1, 409))


async def test_a_calculation_is_never_lost(autojump_clock: MockClock) -> None:
    async with NullSpeaker().open(RATE) as playback:
        with trio.move_on_after(10_000) as scope:
            await playback.lost()
        assert scope.cancelled_caught


sequential = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 4_000)),
    st.tuples(st.just("sleep"), st.floats(0, 0.1)),
    st.tuples(st.just("stop"), st.just(0)),
    st.tuples(st.just("drain"), st.just(0)),
)
actions = st.one_of(
    sequential,
    st.tuples(st.just("write, stopped after"), st.floats(0, 0.2)),
    st.tuples(st.just("write, cancelled after"), st.floats(0, 0.2)),
)


class Run:
    """Plays a list of actions.  Every sample written has a number of its own, so that it can be recognised."""

    def __init__(self, rate: int) -> None:
        self.rate, self.heard = rate, Heard()
        self.written = 0
        self.counts: list[int] = []
        self.stops: list[tuple[float, int]] = []

    def number(self, count: int) -> bytes:
        numbers = np.arange(self.written, self.written + count) % 32_768
        self.written += count
        return numbers.astype("<i2").tobytes()

    async def write(self, playback: VirtualPlayback, count: int) -> None:
        stops = len(self.stops)
        first = await playback.write(self.number(count))
        if stops != len(self.stops):
            return
        ahead = first + count / self.rate - trio.current_time()
        assert ahead <= 0.060 + 2 / self.rate or not count

    def stop(self, playback: VirtualPlayback) -> None:
        playback.stop()
        self.stops.append((trio.current_time(), self.written))

    async def perform(self, playback: VirtualPlayback, action: str, value: float) -> None:
        match action:
            case "write":
                await self.write(playback, int(value))
            case "write, stopped after":
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.write, playback, 4_000)
                    await trio.sleep(value)
                    self.stop(playback)
            case "write, cancelled after":
                with trio.move_on_after(value):
                    await self.write(playback, 4_000)
            case "overlay":
                playback.overlay(bytes(2 * int(value)))
            case "sleep":
                await trio.sleep(value)
            case "stop":
                self.stop(playback)
            case _:
                await playback.drain()

    async def play(self, opened: float, script: list[tuple[str, float]]) -> None:
        await trio.sleep_until(opened)
        async with VirtualSpeaker(self.heard).open(self.rate) as playback:
            for action, value in script:
                await self.perform(playback, action, value)
                self.counts.append(playback.played())
        self.counts.append(playback.played())


@given(
    rate=st.sampled_from([8_000, 22_050, 24_000, 48_000]),
    opened=st.floats(0, 1_000),
    script=st.lists(actions, max_size=12),
)
def test_whatever_is_written_slept_and_stopped_the_device_accounts_for_every_sample(
    rate: int, opened: float, script: list[tuple[str, float]]
) -> None:
    run = Run(rate)
    trio.run(run.play, opened, script, clock=MockClock(autojump_threshold=0))
    assert run.counts == sorted(run.counts)
    assert run.counts[-1] == len(run.heard.pcm) // 2

    position, number = -1.0, -1
    for at, pcm, _ in run.heard.pieces:
        begin = (at - opened) * rate
        assert begin > position - 0.01
        position = begin + len(pcm) // 2
        for value in np.frombuffer(pcm, "<i2").tolist():
            unwrapped = value + 32_768 * ((number + 32_768 - value) // 32_768)
            assert unwrapped > number
            number = unwrapped
            for stopped, written in run.stops:
                assert at < stopped + 0.010 + 1e-6 or number >= written


@given(st.lists(st.one_of(sequential, st.tuples(st.just("overlay"), st.integers(1, 2_000))), max_size=12))
def test_an_overlay_of_silence_changes_nothing_but_what_the_sink_is_told_of(script: list[tuple[str, float]]) -> None:
    overlaid, plain = Run(RATE), Run(RATE)
    trio.run(overlaid.play, 0.0, script, clock=MockClock(autojump_threshold=0))
    without = [(action, 0.0 if action == "overlay" else value) for action, value in script]
    trio.run(plain.play, 0.0, without, clock=MockClock(autojump_threshold=0))
    assert overlaid.counts == plain.counts
    sound, voice = heard_at(overlaid.heard), heard_at(plain.heard)
    assert {position: sound[position] for position in voice} == voice
    assert not any(value for position, value in sound.items() if position not in voice)
