"""A speaker that comes and goes, and the sound that does not: nothing is lost and nothing is heard twice."""

from __future__ import annotations

from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import AudioFileError, DeviceError
from actors.messages import SpeakerFailed, SpeakerOpened
from actors.outlet import Outlet
from actors.speaker import keep_speaker
from tests.fakes_devices import MortalSpeaker, refused
from voicemode.audio.virtual_speaker import VirtualSpeaker

RATE = 16_000
SLICE = RATE // 50

Report = SpeakerOpened | SpeakerFailed


class Kept:
    """A kept speaker, what left it and what was told about it."""

    def __init__(self) -> None:
        self.left: list[tuple[float, int]] = []
        """When each sample left, and which."""
        self.speaker = MortalSpeaker(self._sink)
        self.outlet = Outlet(RATE)
        self.seen: list[Report] = []
        self.told, self.reports = trio.open_memory_channel[Report](100)

    def _sink(self, at: float, pcm: bytes, rate: int) -> None:
        self.left += [(at + index / rate, sample) for index, sample in enumerate(array("h", pcm))]

    @property
    def samples(self) -> list[int]:
        return [sample for _, sample in self.left]

    def left_at(self, sample: int) -> float:
        [at] = [at for at, one in self.left if one == sample]
        return at

    async def say(self, count: int) -> list[float]:
        """Samples 1 to ``count``, 20 ms at a time; when each slice is said to leave."""
        pcm = ramp(count)
        return [await self.outlet.write(pcm[at : at + 2 * SLICE]) for at in range(0, len(pcm), 2 * SLICE)]


def ramp(count: int) -> bytes:
    return array("h", range(1, count + 1)).tobytes()


@asynccontextmanager
async def keeping() -> AsyncGenerator[Kept]:
    kept = Kept()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: keeper(kept, task_status))
        yield kept
        nursery.cancel_scope.cancel()


async def keeper(kept: Kept, task_status: trio.TaskStatus[None]) -> None:
    await keep_speaker(kept.speaker, kept.outlet, kept.told, publish=kept.seen.append, task_status=task_status)


async def pull_out(kept: Kept, after: float, back_after: float | None = None) -> None:
    await trio.sleep(after)
    kept.speaker.refusal = refused("speaker")
    kept.speaker.die()
    if back_after is not None:
        await trio.sleep(back_after)
        kept.speaker.refusal = None


async def test_what_is_written_leaves_as_if_there_were_no_outlet(autojump_clock: MockClock) -> None:
    async with VirtualSpeaker().open(RATE) as playback:
        began = trio.current_time()
        plain = [await playback.write(bytes(2 * SLICE)) - began for _ in range(50)]
        written = trio.current_time() - began
        await playback.drain()
        drained = trio.current_time() - began
    async with keeping() as kept:
        began = trio.current_time()
        assert [at - began for at in await kept.say(RATE)] == pytest.approx(plain)
        assert trio.current_time() - began == pytest.approx(written)
        await kept.outlet.drain()
        assert trio.current_time() - began == pytest.approx(drained)
        assert kept.outlet.played() == RATE
    assert kept.samples == list(range(1, RATE + 1))


async def test_sound_goes_on_with_the_next_device_at_the_first_sample_that_nobody_heard(
    autojump_clock: MockClock,
) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pull_out, kept, 0.3141, 1.0)
            times = await kept.say(RATE)
            await kept.outlet.drain()
        # tries after 0.1, 0.2, 0.4 and 0.8 s
        assert kept.speaker.openings == pytest.approx(
            [began, *(began + 0.3141 + wait for wait in (0.1, 0.3, 0.7, 1.5))]
        )
        assert trio.current_time() == pytest.approx(began + 1.0 + 1.5, abs=0.001)
        assert kept.outlet.played() == RATE
    assert kept.samples == list(range(1, RATE + 1))
    # what had been written and waited in the device left later than it had been promised to
    times[16:18] = [time + 1.5 for time in times[16:18]]
    assert times == pytest.approx([kept.left_at(1 + number * SLICE) for number in range(50)], abs=0.0001)


async def test_who_watches_and_the_dialogue_are_told(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        await pull_out(kept, 2.0, 0.05)
        await trio.sleep(1)
    opened, failed, again = kept.seen
    assert opened == SpeakerOpened(at=began)
    assert isinstance(failed, SpeakerFailed)
    assert (failed.at, str(failed.error)) == (began + 2.0, "The speaker was pulled out.")
    assert again == SpeakerOpened(at=pytest.approx(began + 2.1))
    with kept.reports:
        assert [report async for report in kept.reports] == kept.seen


async def test_a_writer_waits_for_a_device_and_is_told_when_its_sound_leaves_it(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pull_out, kept, 0, 0.15)
            await wait_all_tasks_blocked()
            at = await kept.outlet.write(ramp(SLICE))
        assert at == pytest.approx(began + 0.3)
        await kept.outlet.drain()
    assert kept.left_at(1) == pytest.approx(at)
    assert kept.samples == list(range(1, SLICE + 1))


async def test_a_long_piece_that_had_begun_to_sound_is_said_to_have_begun_then(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pull_out, kept, 0.5, 0.05)
            assert await kept.outlet.write(ramp(RATE)) == pytest.approx(began, abs=0.001)
        await kept.outlet.drain()
        assert trio.current_time() == pytest.approx(began + 1.1)
    assert kept.samples == list(range(1, RATE + 1))


async def test_what_waits_in_a_device_that_dies_is_played_though_nobody_writes_any_more(
    autojump_clock: MockClock,
) -> None:
    async with keeping() as kept:
        await kept.outlet.write(ramp(SLICE))
        kept.speaker.die()
        await trio.sleep(1)
        assert kept.outlet.played() == SLICE
    assert kept.samples == list(range(1, SLICE + 1))


async def test_draining_waits_for_the_device_to_come_back(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        await kept.outlet.write(ramp(SLICE))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pull_out, kept, 0.01, 0.15)
            await kept.outlet.drain()
        # the device was gone from 0.01 to 0.31, and half of the sound was left
        assert trio.current_time() == pytest.approx(began + 0.32)


async def test_a_second_device_that_dies_over_the_rest_leaves_the_rest_of_it_to_the_third(
    autojump_clock: MockClock,
) -> None:
    async with keeping() as kept:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.outlet.write, ramp(RATE))
            for after in (0.3, 0.25, 0.45):
                await trio.sleep(after)
                kept.speaker.die()
        await kept.outlet.drain()
        assert kept.outlet.played() == RATE
    assert kept.samples == list(range(1, RATE + 1))
    assert len(kept.speaker.openings) == 4


async def test_stopping_forgets_what_a_lost_device_left(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        await kept.say(4 * SLICE)
        await pull_out(kept, 0)
        await trio.sleep(0.05)
        played = kept.outlet.played()
        kept.outlet.stop()
        now = trio.current_time()
        await kept.outlet.drain()
        assert trio.current_time() == now
        kept.speaker.refusal = None
        await trio.sleep(1)
        assert kept.outlet.played() == played == len(kept.samples)
        await kept.outlet.write(array("h", [-1] * SLICE).tobytes())
        await kept.outlet.drain()
    assert kept.samples[played:] == [-1] * SLICE


async def test_stopping_lets_a_writer_go_that_waits_for_a_device(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.outlet.write, ramp(RATE))
            nursery.start_soon(pull_out, kept, 0.1)
            await trio.sleep(0.5)
            kept.outlet.stop()
        assert trio.current_time() == began + 0.5
        kept.speaker.refusal = None
        await trio.sleep(1)
        assert kept.outlet.played() == len(kept.samples) == 0.1 * RATE


async def test_stopping_silences_a_device_that_is_there(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        with trio.move_on_after(0.105):
            await kept.outlet.write(ramp(RATE))
        kept.outlet.stop()
        await trio.sleep(1)
        assert kept.outlet.played() == 0.11 * RATE
        # what was forgotten is not remembered when the device is lost later
        kept.speaker.die()
        await trio.sleep(1)
    assert kept.samples == list(range(1, 1761))


async def test_what_was_played_after_a_stop_is_not_played_again(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        with trio.move_on_after(0.105):
            await kept.outlet.write(ramp(RATE))
        kept.outlet.stop()
        await trio.sleep(0.1)
        before = kept.outlet.played()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pull_out, kept, 0.052, 0.01)
            await kept.say(4 * SLICE)
        await kept.outlet.drain()
    assert kept.samples[before:] == list(range(1, 4 * SLICE + 1))


async def test_a_chime_is_for_the_device_that_is_there(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        kept.outlet.overlay(ramp(SLICE))
        assert kept.speaker.playback is not None
        assert kept.speaker.playback.overlaid == [ramp(SLICE)]
        await pull_out(kept, 0.1)
        await trio.sleep(0.01)
        kept.outlet.overlay(ramp(SLICE))
        kept.speaker.refusal = None
        await trio.sleep(1)
        assert kept.speaker.playback.overlaid == []
    assert kept.samples == list(range(1, SLICE + 1))


async def test_the_first_opening_has_to_succeed(autojump_clock: MockClock) -> None:
    kept = Kept()
    kept.speaker.refusal = refused("speaker")
    async with trio.open_nursery() as nursery:
        with pytest.raises(DeviceError, match="There is no speaker"):
            await nursery.start(lambda task_status: keeper(kept, task_status))
    assert kept.seen == []


@pytest.mark.parametrize("refusal", [refused("speaker"), AudioFileError("The file cannot be written.")])
async def test_later_ones_are_tried_for_as_long_as_it_takes(refusal: Exception, autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        kept.speaker.refusal = refusal
        kept.speaker.die()
        await trio.sleep(3600)
        assert kept.speaker.openings[1:6] == pytest.approx([began + wait for wait in (0.1, 0.3, 0.7, 1.5, 3.1)])
        assert len(kept.speaker.openings) > 1800
        kept.speaker.refusal = None
        await trio.sleep(2)
        assert [type(event) for event in kept.seen] == [SpeakerOpened, SpeakerFailed, SpeakerOpened]


async def test_a_device_that_dies_at_once_is_tried_less_and_less_often(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        began = trio.current_time()
        for wait in (0, 0.1, 0.2, 0.4):
            await trio.sleep(wait)
            await wait_all_tasks_blocked()
            kept.speaker.die()
        await trio.sleep(0.85)
        assert kept.speaker.openings[1:] == pytest.approx([began + wait for wait in (0.1, 0.3, 0.7, 1.5)])
        await trio.sleep(1.1)
        kept.speaker.die()
        await trio.sleep(0.15)
        assert kept.speaker.openings[-1] == pytest.approx(began + 2.75)


async def test_a_lost_device_that_cannot_be_closed_is_no_more_than_lost(autojump_clock: MockClock) -> None:
    async with keeping() as kept:
        kept.speaker.closing_error = DeviceError("The speaker could not be closed.")
        kept.speaker.die()
        await trio.sleep(1)
        assert kept.speaker.playback is not None
        kept.speaker.closing_error = None


async def test_a_file_that_cannot_be_written_is_no_lost_device(autojump_clock: MockClock) -> None:
    def full(at: float, pcm: bytes, rate: int) -> None:
        raise AudioFileError("The disk is full.")

    outlet, (told, _) = Outlet(RATE), trio.open_memory_channel[Report](10)
    with pytest.RaisesGroup(pytest.RaisesExc(AudioFileError, match="The disk is full")):
        async with trio.open_nursery() as nursery:
            speaker = VirtualSpeaker(full)
            await nursery.start(
                lambda task_status: keep_speaker(speaker, outlet, told, publish=[].append, task_status=task_status)
            )
            with pytest.raises(AudioFileError, match="The disk is full"):
                await outlet.write(ramp(RATE))
            await outlet.write(ramp(SLICE))
            nursery.cancel_scope.cancel()


async def test_when_it_is_over_nobody_waits_for_a_device_any_longer(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as waiting:

        async def write() -> None:
            with pytest.raises(DeviceError, match="The speaker is closed"):
                await kept.outlet.write(ramp(SLICE))

        async with keeping() as kept:
            await pull_out(kept, 0)
            waiting.start_soon(write)
            await trio.sleep(1)
    with pytest.raises(DeviceError, match="The speaker is closed"):
        await kept.outlet.write(ramp(SLICE))
    assert str(await kept.outlet.lost()).startswith("The speaker is closed")
    assert kept.speaker.playback is None
