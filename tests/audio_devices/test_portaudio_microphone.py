"""The microphone against a real sound server at 16 kHz, where nothing but ours may touch a sample."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import numpy as np
import pytest
import trio
from virtual_audio import DEADLINE, MICROPHONE, MICROPHONE_INPUT, SPEAKER, VirtualAudio, until

from actors.errors import DeviceError, DeviceLost
from actors.messages import AudioFrame
from voicemode.audio.frame_cutter import LONGEST
from voicemode.audio.portaudio import open_streams
from voicemode.audio.portaudio_microphone import BACKLOG, PortAudioMicrophone

pytestmark = pytest.mark.realtime

RATE = 16_000


def speech_like(seconds: float, seed: int = 1) -> np.ndarray:
    """Noise below 4 kHz that begins and ends at full strength, so that a missing sample shows."""
    size = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    spectrum[round(4_000 * seconds) :] = 0
    noise = np.fft.irfft(spectrum, size)
    return np.rint(8_000 * noise / np.abs(noise).max()).astype(np.int16)


async def heard_while_said(
    audio: VirtualAudio, microphone: PortAudioMicrophone, said: np.ndarray, into: str = MICROPHONE_INPUT
) -> list[AudioFrame]:
    """All frames from before ``said`` is played until all of it must have come."""
    heard: list[AudioFrame] = []
    played = trio.Event()

    async def say() -> None:
        await audio.say(said, into=into)
        played.set()

    async with microphone.open(RATE) as frames, trio.open_nursery() as nursery:
        nursery.start_soon(say)
        left = 30
        async for frame in frames:
            heard.append(frame)
            left -= played.is_set()
            if not left:
                break
    return heard


def samples_of(frames: list[AudioFrame]) -> np.ndarray:
    return np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2")


def place_of(said: np.ndarray, heard: np.ndarray) -> int:
    """The sample of ``heard`` at which ``said`` begins."""
    size = len(heard) + len(said)
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    return int(np.fft.irfft(product, size)[: len(heard)].argmax())


async def take(frames: AsyncIterator[AudioFrame], count: int) -> list[AudioFrame]:
    with trio.fail_after(DEADLINE):
        return [await anext(frames) for _ in range(count)]


def windows_in(frames: list[AudioFrame]) -> int:
    """How many windows of the speech detector they hold."""
    return sum(len(frame.pcm) // 2 for frame in frames) // 512


def follow_one_another(frames: list[AudioFrame]) -> bool:
    """Give or take a millisecond, and what the time line moves in a frame: 5 % of it when it was late before."""
    return all(
        abs(later.start - earlier.end) < 0.001 + 0.05 * (later.end - later.start)
        for earlier, later in itertools.pairwise(frames)
    )


async def test_what_is_said_arrives_whole_and_to_the_sample(virtual_audio: VirtualAudio) -> None:
    microphone = PortAudioMicrophone()
    for seed in range(2):
        said = speech_like(0.5, seed)
        heard = samples_of(await heard_while_said(virtual_audio, microphone, said))
        begin = place_of(said, heard)
        assert np.array_equal(heard[begin : begin + len(said)], said)
        assert not heard[:begin].any()
        assert not heard[begin + len(said) :].any()
    assert microphone.dropped == 0


@pytest.mark.parametrize(("gain", "delay"), [(1.0, 0.03), (0.1, 0.25)])
async def test_the_microphone_hears_the_speaker_when_there_is_an_echo(
    virtual_audio: VirtualAudio, gain: float, delay: float
) -> None:
    said = speech_like(0.5)
    with virtual_audio.echo(gain, delay):
        heard = samples_of(await heard_while_said(virtual_audio, PortAudioMicrophone(), said, SPEAKER))
    begin = place_of(said, heard)
    echo = heard[begin : begin + len(said)]
    assert np.corrcoef(echo, said)[0, 1] > 0.99
    assert np.linalg.norm(echo.astype(float)) / np.linalg.norm(said.astype(float)) == pytest.approx(gain, rel=0.01)


async def test_frames_complete_a_window_each_and_follow_one_another_in_time(virtual_audio: VirtualAudio) -> None:
    async with PortAudioMicrophone().open(RATE) as frames:
        before = trio.current_time()
        heard = await take(frames, 50)
        after = trio.current_time()
    assert {(frame.rate, len(frame.pcm) % 320) for frame in heard} == {(RATE, 0)}
    # a listener who is late finds more, or a block too many
    assert windows_in(heard) > 0.8 * len(heard)
    assert before - 0.1 < heard[0].start
    assert heard[-1].end < after
    assert follow_one_another(heard)


@pytest.mark.parametrize("rate", [44_100, 22_050])
async def test_a_device_at_another_rate_is_resampled(virtual_audio: VirtualAudio, rate: int) -> None:
    said = speech_like(0.5)
    frames = await heard_while_said(virtual_audio, PortAudioMicrophone(rate=rate), said)
    heard = samples_of(frames)
    begin = place_of(said, heard)
    assert np.corrcoef(heard[begin : begin + len(said)], said)[0, 1] > 0.98
    assert {(frame.rate, len(frame.pcm) % 320) for frame in frames} == {(RATE, 0)}
    assert windows_in(frames) > 0.8 * len(frames)
    assert follow_one_another(frames)


async def test_a_listener_who_is_late_misses_the_oldest_and_it_is_counted(virtual_audio: VirtualAudio) -> None:
    microphone = PortAudioMicrophone()
    async with microphone.open(RATE) as frames:
        (before,) = await take(frames, 1)
        taken = frames._taken
        await until(lambda: frames._taken >= taken + RATE // 100 * (BACKLOG + 20))
        after, *_ = await take(frames, BACKLOG // LONGEST)
        assert 20 <= microphone.dropped < 40
        missed = microphone.dropped * 0.010
        assert after.start - before.end == pytest.approx(missed, abs=0.010)
        again, following = await take(frames, 2)
        assert follow_one_another([again, following])


async def test_a_loss_is_raised_after_what_was_heard_before_it(own_virtual_audio: VirtualAudio) -> None:
    async with PortAudioMicrophone().open(RATE) as frames:
        await until(lambda: len(frames._blocks) >= 10)
        own_virtual_audio.kill()
        heard = 0.0
        with pytest.raises(DeviceLost, match="'default' has gone"), trio.fail_after(DEADLINE):
            async for frame in frames:
                heard += frame.end - frame.start
        assert heard >= 0.0999
        with pytest.raises(DeviceLost):
            await anext(frames)
    own_virtual_audio.start()
    async with PortAudioMicrophone().open(RATE) as frames:
        await take(frames, 1)


async def test_a_source_that_falls_asleep_is_a_loss(own_virtual_audio: VirtualAudio) -> None:
    async with PortAudioMicrophone().open(RATE) as frames:
        await take(frames, 3)
        own_virtual_audio.suspend(MICROPHONE)
        with pytest.raises(DeviceLost, match="nothing came from it"), trio.fail_after(DEADLINE):
            async for _ in frames:
                pass


async def test_a_listener_who_is_cancelled_leaves_the_device_closed(virtual_audio: VirtualAudio) -> None:
    for patience in (0, 0.001, 0.003, 0.05):
        with trio.move_on_after(patience):
            async with PortAudioMicrophone().open(RATE) as frames:
                async for _ in frames:
                    pass
    await until(lambda: not open_streams(), "the closing of what was opened too late")
    await until(lambda: not virtual_audio.captures())


async def test_a_listener_who_fails_leaves_the_device_closed(virtual_audio: VirtualAudio) -> None:
    with pytest.raises(ZeroDivisionError):
        async with PortAudioMicrophone().open(RATE) as frames:
            await take(frames, 2)
            raise ZeroDivisionError
    assert open_streams() == 0
    with pytest.raises(StopAsyncIteration):
        await anext(frames)


async def test_a_device_that_is_not_there_is_told_at_the_opening(virtual_audio: VirtualAudio) -> None:
    with pytest.raises(DeviceError, match=r"There is no microphone called 'Blaster'\. There is: 0 pulse"):
        async with PortAudioMicrophone("Blaster").open(RATE):
            pass


async def test_two_can_listen_at_once(virtual_audio: VirtualAudio) -> None:
    microphone = PortAudioMicrophone()
    async with microphone.open(RATE) as one, microphone.open(RATE) as other:
        await take(one, 5)
        await take(other, 5)
    assert open_streams() == 0
