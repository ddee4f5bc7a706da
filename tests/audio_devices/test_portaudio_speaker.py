"""The speaker on a device that is a task under a virtual clock, and on a real sound server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import pytest
import trio
from numpy.typing import NDArray
from trio.testing import MockClock
from virtual_audio import Recording, VirtualAudio, until

from actors.errors import DeviceError, DeviceLost
from voicemode.audio import portaudio, portaudio_speaker
from voicemode.audio.portaudio_speaker import PortAudioPlayback, PortAudioSpeaker

RATE = 16_000
HELD = 0.015
BLOCK = 0.005
FADE = RATE // 200
ROUNDING = 1e-6

T = TypeVar("T")


class FakeDevice:
    """Stands in for ``open_stream`` and for what it returns: asks for a block every 5 ms and holds 15 ms of them."""

    name, latency = "fake", HELD

    def __init__(self, rate: int | None = None) -> None:
        self.rate = rate or 0
        self.asks = True
        self.closed = 0
        self.latencies: list[float] = []
        self.heard: list[tuple[float, NDArray[np.int16]]] = []
        self._gone: DeviceLost | None = None
        self._going = trio.Event()

    async def open_stream(
        self, kind: str, device: object, rate: int, block: Callable[..., None], *, block_seconds: float, latency: float
    ) -> FakeDevice:
        assert (kind, device, block_seconds) == ("speaker", "a speaker", BLOCK)
        self.latencies.append(latency)
        self.asks = True
        await trio.lowlevel.checkpoint()
        self.rate = self.rate or rate
        self.block = block
        self.opened = trio.current_time()
        return self

    async def run(self) -> None:
        frames, asked = round(BLOCK * self.rate), 0
        while self.asks:
            buffer = bytearray(2 * frames)
            at = self.opened + HELD + asked * BLOCK
            self.block(memoryview(buffer), frames, at, False)
            self.heard.append((at, np.frombuffer(bytes(buffer), "<i2")))
            asked += 1
            await trio.sleep_until(self.opened + asked * BLOCK)

    def go(self) -> None:
        self.asks = False
        self._gone = DeviceLost("The speaker 'fake' has gone.")
        self._going.set()

    async def lost(self) -> DeviceLost:
        await self._going.wait()
        assert self._gone is not None
        return self._gone

    async def close(self) -> None:
        self.asks = False
        self.closed += 1
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()

    @property
    def samples(self) -> NDArray[np.int16]:
        return np.concatenate([block for _, block in self.heard])

    @property
    def begins(self) -> float:
        """When the first sample that is not silent left."""
        return self.heard[0][0] + np.flatnonzero(self.samples)[0] / self.rate


@asynccontextmanager
async def opened(device: FakeDevice, patch: pytest.MonkeyPatch, rate: int = RATE) -> AsyncGenerator[PortAudioPlayback]:
    async def open_stream(*arguments: object, **options: object) -> FakeDevice:
        stream = await device.open_stream(*arguments, **options)
        nursery.start_soon(device.run)
        return stream

    patch.setattr(portaudio_speaker, "open_stream", open_stream)
    async with trio.open_nursery() as nursery:
        try:
            async with PortAudioSpeaker("a speaker").open(rate) as playback:
                yield playback
        finally:
            nursery.cancel_scope.cancel()


def numbers(count: int, first: int = 1) -> bytes:
    return (first + np.arange(count)).astype("<i2").tobytes()


async def test_what_is_written_is_played_from_the_time_that_was_said(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        await trio.sleep(0.123)
        began = trio.current_time()
        first = await playback.write(numbers(4_000))
        assert trio.current_time() - began <= 0.190 + BLOCK + ROUNDING
        assert playback.buffer.queued <= portaudio_speaker.QUEUE_SECONDS
        await playback.drain()
        assert trio.current_time() == pytest.approx(first + 0.25)
        assert playback.played() == 4_000
        assert playback.underruns == 0
    assert device.begins == pytest.approx(first)
    assert device.samples[device.samples != 0].tolist() == list(range(1, 4_001))


async def test_writes_of_any_length_follow_one_another_without_a_gap(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        written = 0
        for count in [1, 0, 33, 320, 1_000, 2, 320, 3_000]:
            await playback.write(numbers(count, written + 1))
            written += count
        await playback.drain()
        assert playback.underruns == 0
    voice = np.flatnonzero(device.samples)
    assert np.array_equal(voice, np.arange(voice[0], voice[0] + written))


async def test_only_what_has_left_the_device_is_played(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(FakeDevice(), monkeypatch) as playback:
        first = await playback.write(numbers(900))
        for moment in (0.0, 0.0101, 0.02, 0.0333):
            await trio.sleep_until(first + moment)
            assert playback.played() == pytest.approx(moment * RATE, abs=1)


@pytest.mark.parametrize(("rate", "device_rate"), [(24_000, 48_000), (22_050, 48_000), (24_000, 16_000)])
async def test_a_device_with_a_rate_of_its_own_gets_that_and_the_account_stays_in_samples_written(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, rate: int, device_rate: int
) -> None:
    device = FakeDevice(device_rate)
    sound = 8_000 * np.sin(2 * np.pi * 500 * np.arange(rate) / rate)
    async with opened(device, monkeypatch, rate) as playback:
        first = await playback.write(sound[: rate // 2].astype("<i2").tobytes())
        await trio.sleep_until(first + 0.45)
        assert playback.played() == pytest.approx(0.45 * rate, abs=3)
        await playback.write(sound[rate // 2 :].astype("<i2").tobytes())
        await playback.drain()
        assert playback.played() == rate
        assert trio.current_time() == pytest.approx(first + 1.0, abs=0.001)
    begin = round((first - device.heard[0][0]) * device_rate)
    expected = 8_000 * np.sin(2 * np.pi * 500 * np.arange(device_rate) / device_rate)
    assert np.max(np.abs(device.samples[begin : begin + device_rate] - expected)[100:-100]) < 40


async def test_after_a_stop_no_more_than_the_device_held_and_the_fade_is_heard(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        with trio.CancelScope() as speaking:
            async with trio.open_nursery() as nursery:

                async def stop() -> None:
                    await trio.sleep(0.2037)
                    playback.stop()
                    speaking.cancel()

                nursery.start_soon(stop)
                await playback.write(np.full(RATE, 10_000, "<i2").tobytes())
        stopped, played = trio.current_time(), playback.played()
        await trio.sleep(0.1)
        assert played < playback.played() < played + 0.025 * RATE
        final = playback.played()
        await trio.sleep(0.1)
        assert playback.played() == final
    silent = device.begins + np.count_nonzero(device.samples) / RATE
    assert silent - stopped <= HELD + 2 * BLOCK + ROUNDING
    assert np.max(np.abs(np.diff(device.samples[device.samples > 0][1:]))) < 400


async def test_a_write_under_way_when_the_speaker_is_stopped_gives_up_its_rest(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(FakeDevice(), monkeypatch) as playback:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(playback.write, numbers(RATE))
            await trio.sleep(0.1)
            playback.stop()
            stopped = trio.current_time()
        assert trio.current_time() == stopped
        await playback.drain()
        assert trio.current_time() - stopped <= HELD + 2 * BLOCK + ROUNDING


async def test_of_a_cancelled_write_only_what_was_queued_is_played(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(FakeDevice(), monkeypatch) as playback:
        with trio.move_on_after(0.1):
            await playback.write(numbers(RATE))
        await playback.drain()
        assert 0.1 * RATE < playback.played() <= (0.1 + portaudio_speaker.QUEUE_SECONDS) * RATE


async def test_an_overlay_sounds_in_silence_and_is_not_counted(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        await trio.sleep(0.1)
        playback.overlay(numbers(1_600))
        playback.stop()
        await trio.sleep(0.2)
        assert playback.played() == 0
    assert device.samples[device.samples != 0].tolist() == list(range(1, 1_601))


async def test_closing_lets_a_chime_end_and_fades_what_is_being_said(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        await playback.write(np.full(800, 10_000, "<i2").tobytes())
        playback.overlay(np.full(1_600, 1, "<i2").tobytes())
        closing = trio.current_time()
    assert trio.current_time() - closing == pytest.approx(0.1 + HELD, abs=2 * BLOCK)
    assert np.count_nonzero(device.samples) == 1_600
    assert np.count_nonzero(device.samples > 1) <= (BLOCK + 0.005) * RATE
    assert device.closed == 1


async def test_closing_takes_a_moment_at_most_and_happens_on_every_way_out(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    with trio.CancelScope() as scope:
        async with opened(device, monkeypatch) as playback:
            playback.overlay(numbers(30_000))
            scope.cancel()
            began = trio.current_time()
            await trio.sleep_forever()
    assert trio.current_time() == pytest.approx(began + portaudio_speaker.ENDING_SECONDS)
    assert device.closed == 1
    with pytest.raises(DeviceError, match="closed"):
        await playback.write(numbers(1))
    await playback.drain()

    device = FakeDevice()
    with pytest.RaisesGroup(KeyError):
        async with opened(device, monkeypatch):
            raise KeyError
    assert device.closed == 1


async def test_a_device_that_goes_is_named_to_all_who_use_it_and_what_it_held_was_not_played(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    told: list[DeviceLost] = []

    async def use(method: Callable[..., object], *arguments: object) -> None:
        with pytest.raises(DeviceLost) as caught:
            await method(*arguments)
        told.append(caught.value)

    async with opened(device, monkeypatch) as playback:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, playback.write, numbers(RATE))
            await trio.sleep(0.101)
            nursery.start_soon(use, playback.drain)
            await trio.sleep(0.001)
            device.asks = False
            await trio.sleep(0.6)
            device.go()
        lost = await playback.lost()
        assert told == [lost, lost]
        await use(playback.write, numbers(1))
        await use(playback.drain)
        assert playback.played() <= 0.102 * RATE
        closing = trio.current_time()
    assert trio.current_time() == closing
    assert playback.played() <= 0.102 * RATE
    assert device.closed == 1


async def test_a_device_that_never_plays_is_lost_before_it_is_there(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    device.go()
    with pytest.RaisesGroup(DeviceLost):
        async with opened(device, monkeypatch):
            pytest.fail("it is not there")
    assert device.closed == 1


async def test_a_device_that_keeps_running_dry_is_given_more_room_when_the_speech_is_over(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        for begin in range(portaudio_speaker.DRY + 1):
            await playback.write(numbers(100, 1 + 100 * begin))
            await trio.sleep(0.1)
        assert playback.underruns == portaudio_speaker.DRY
        assert device.latencies == [0.015]
        await playback.drain()
        await trio.sleep(0.1)
        assert (device.latencies, device.closed) == ([0.015, 0.030], 1)
        await playback.write(numbers(1_000, 1_001))
        await playback.drain()
        assert playback.played() == 1_400
    assert device.samples[device.samples != 0].tolist() == [*range(1, 401), *range(1_001, 2_001)]
    assert device.closed == 2


async def test_a_device_that_ran_dry_is_given_less_room_again_when_it_has_been_calm(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio_speaker, "CALM", 0.3)
    device = FakeDevice()
    async with opened(device, monkeypatch) as playback:
        for begin in range(portaudio_speaker.DRY + 1):
            await playback.write(numbers(100, 1 + 100 * begin))
            await trio.sleep(0.1)
        await playback.drain()
        await trio.sleep(0.1)
        latencies = [playback.latency]
        spoken = 0
        while playback.latency > portaudio_speaker.LATENCY:
            await playback.write(numbers(100, 1 + spoken))
            await playback.drain()
            await trio.sleep(0.1)
            spoken += 100
            latencies.append(playback.latency)
        assert 0.3 <= spoken / playback.rate <= 0.32
    assert (device.latencies, latencies[-1]) == ([0.015, 0.030, 0.015], 0.015)


async def undisturbed(attempt: Callable[[], Awaitable[tuple[PortAudioPlayback, T]]]) -> T:
    """What comes of an attempt in which this busy machine kept up with the device."""
    for _ in range(5):
        playback, result = await attempt()
        if not playback.underruns:
            return result
    raise AssertionError("five attempts, and underruns in every one of them")


@pytest.mark.realtime
async def test_a_sound_server_gets_every_sample_and_silence_between_two_speeches(virtual_audio: VirtualAudio) -> None:
    async def attempt() -> tuple[PortAudioPlayback, tuple[Recording, list[float], list[bytes]]]:
        speaker = PortAudioSpeaker()
        blocks: list[bytes] = []
        speaker.monitor(lambda *block: blocks.append(block[1]))
        begins = []
        async with virtual_audio.record() as recording, speaker.open(RATE) as playback:
            for first in (1, 4_001):
                begins.append(await playback.write(numbers(4_000, first)))
                await playback.drain()
                assert playback.played() == first + 3_999
                await trio.sleep(0.1)
        return playback, (recording, begins, blocks)

    recording, begins, blocks = await undisturbed(attempt)
    samples = recording.samples()
    begin = np.flatnonzero(samples)[0]
    assert samples[begin : begin + 4_000].tolist() == list(range(1, 4_001))
    again = begin + 4_000 + np.flatnonzero(samples[begin + 4_000 :])[0]
    assert samples[again : again + 4_000].tolist() == list(range(4_001, 8_001))
    assert not samples[again + 4_000 :].any()
    assert (again - begin) / RATE == pytest.approx(begins[1] - begins[0], abs=0.005)
    tapped = np.frombuffer(b"".join(blocks), "<i2")
    assert tapped[tapped != 0].tolist() == list(range(1, 8_001))


@pytest.mark.realtime
async def test_what_is_still_heard_after_a_stop_lasts_less_than_30_ms_and_ends_in_a_fade(
    virtual_audio: VirtualAudio,
) -> None:
    async def attempt() -> tuple[PortAudioPlayback, tuple[Recording, list[tuple[int, int]]]]:
        counts = []
        async with virtual_audio.record() as recording, PortAudioSpeaker().open(RATE) as playback:
            for turn in range(3):
                begun = playback.played()
                await playback.write(np.full(1_600 + 37 * turn, 10_000, "<i2").tobytes())
                stopped = playback.played()
                playback.stop()
                await playback.drain()
                counts.append((stopped - begun, playback.played() - begun))
                await trio.sleep(0.05)
        return playback, (recording, counts)

    recording, counts = await undisturbed(attempt)
    samples = recording.samples().astype(int)
    begins = np.flatnonzero(np.diff(samples) == 10_000) + 1
    assert len(begins) == len(counts)
    for begin, (stopped, played) in zip(begins, counts, strict=True):
        speech = samples[begin:][: np.flatnonzero(samples[begin:] == 0)[0]]
        assert len(speech) - stopped <= 0.03 * RATE
        assert stopped <= played == pytest.approx(len(speech) - FADE / 2, abs=2)
        assert np.max(-np.diff(speech)) < 10_000 * np.pi / 2 / FADE + 1


@pytest.mark.realtime
async def test_a_server_that_ends_while_somebody_speaks_is_a_lost_device(own_virtual_audio: VirtualAudio) -> None:
    async with PortAudioSpeaker().open(RATE) as playback:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, own_virtual_audio.kill)
            with pytest.raises(DeviceLost):
                await playback.write(bytes(2 * 60 * RATE))
        assert isinstance(await playback.lost(), DeviceLost)
        with pytest.raises(DeviceLost):
            await playback.drain()
    assert portaudio.open_streams() == 0


@pytest.mark.realtime
async def test_a_server_that_hangs_is_a_lost_device_and_closing_does_not_wait_for_it(
    own_virtual_audio: VirtualAudio,
) -> None:
    with trio.fail_after(5):
        async with PortAudioSpeaker().open(RATE) as playback:
            await playback.write(numbers(1_600))
            own_virtual_audio.stall()
            with pytest.raises(DeviceLost):
                await playback.write(bytes(2 * 60 * RATE))
            assert playback.played() <= 1_600
    own_virtual_audio.resume()
    await until(lambda: portaudio.open_streams() == 0)
