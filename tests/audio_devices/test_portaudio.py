"""PortAudio's host against a real sound server.  What a test waits for it waits for; nothing is timed."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trio
from virtual_audio import DEADLINE, MICROPHONE, SPEAKER, VirtualAudio, until

from actors.errors import DeviceError, DeviceLost
from voicemode.audio import portaudio
from voicemode.audio.portaudio import Block, DeviceStream, open_stream, open_streams
from voicemode.audio.portaudio_devices import list_devices

pytestmark = pytest.mark.realtime

RATE = 16_000
ROOT = Path(__file__).parent.parent.parent


def ignore(samples: memoryview, frames: int, at: float, glitch: bool) -> None:
    pass


def silence(samples: memoryview, frames: int, at: float, glitch: bool) -> None:
    samples[:] = bytes(samples.nbytes)


class Counter:
    """A block that notes when it was called for."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, samples: memoryview, frames: int, at: float, glitch: bool) -> None:
        self.times.append(at)


async def microphone(block: Block = ignore) -> DeviceStream:
    return await open_stream("microphone", None, RATE, block)


async def loss_of(stream: DeviceStream) -> DeviceLost:
    with trio.fail_after(DEADLINE):
        return await stream.lost()


async def reopened() -> DeviceStream:
    """The microphone, as soon as it can be opened."""
    with trio.fail_after(DEADLINE):
        while True:
            try:
                return await microphone()
            except DeviceError:
                await trio.sleep(0.02)


async def test_a_stream_says_what_it_runs_at_and_when_its_samples_were_taken(virtual_audio: VirtualAudio) -> None:
    counter = Counter()
    opened = trio.current_time()
    stream = await microphone(counter)
    await until(lambda: len(counter.times) >= 5)
    assert (stream.rate, stream.name) == (RATE, "default")
    assert 0 < stream.latency < 0.1
    assert opened - 0.1 < counter.times[0] < counter.times[4] < trio.current_time()
    await stream.close()


async def test_a_speaker_is_told_when_its_samples_will_leave(virtual_audio: VirtualAudio) -> None:
    ahead: list[float] = []

    def block(samples: memoryview, frames: int, at: float, glitch: bool) -> None:
        silence(samples, frames, at, glitch)
        ahead.append(at)

    stream = await open_stream("speaker", None, RATE, block, block_seconds=0.005)
    await until(lambda: len(ahead) >= 20)
    assert 0 <= ahead[-1] - trio.current_time() + 0.02 < 0.2
    await stream.close()


async def test_nothing_is_left_of_fifty_openings(virtual_audio: VirtualAudio) -> None:
    for _ in range(25):
        for kind, block in ("microphone", ignore), ("speaker", silence):
            stream = await open_stream(kind, None, RATE, block)
            await stream.close()
    assert open_streams() == 0
    await until(lambda: not virtual_audio.captures() and not virtual_audio.playbacks())


async def test_no_block_is_called_once_it_is_closed(virtual_audio: VirtualAudio) -> None:
    counter = Counter()
    stream = await microphone(counter)
    await until(lambda: counter.times)
    await stream.close()
    called = len(counter.times)
    await stream.close()
    assert await list_devices()
    assert len(counter.times) == called


async def test_an_opening_that_is_cancelled_is_closed_again(virtual_audio: VirtualAudio) -> None:
    await list_devices()
    for delay in (0, 0.0005, 0.001, 0.002, 0.004):
        with trio.move_on_after(delay):
            stream = await microphone()
            await stream.close()
    # the calls are made in order, so that this one comes after all that were given up
    await list_devices()
    assert open_streams() == 0


async def test_several_runs_one_after_another_and_at_once_share_the_device(virtual_audio: VirtualAudio) -> None:
    async def listen() -> int:
        counter = Counter()
        stream = await microphone(counter)
        await until(lambda: len(counter.times) > 3)
        await stream.close()
        return len(counter.times)

    counts: list[int] = []

    def runs() -> None:
        counts.extend(trio.run(listen) for _ in range(2))

    threads = [threading.Thread(target=runs) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await trio.to_thread.run_sync(thread.join)
    assert len(counts) == 4
    assert open_streams() == 0


async def test_a_run_that_ends_without_closing_takes_its_stream_along(virtual_audio: VirtualAudio) -> None:
    token = None
    calls: list[int] = []

    def block(samples: memoryview, frames: int, at: float, glitch: bool) -> None:
        calls.append(frames)
        token.run_sync_soon(print)

    async def forgetful() -> None:
        nonlocal token
        token = trio.lowlevel.current_trio_token()
        await microphone(block)

    await trio.to_thread.run_sync(trio.run, forgetful)
    # its next block finds that the run is over, and then nobody needs it
    with trio.fail_after(DEADLINE):
        while open_streams():
            assert await list_devices()
            await trio.sleep(0.005)
    called = len(calls)
    assert await list_devices()
    assert len(calls) == called


async def test_a_handler_that_fails_ends_its_stream_and_says_so(
    virtual_audio: VirtualAudio, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def broken(samples: memoryview, frames: int, at: float, glitch: bool) -> None:
        samples[:] = b"\1" * samples.nbytes
        calls.append(frames)
        raise ZeroDivisionError

    async with virtual_audio.record() as recording:
        stream = await open_stream("speaker", None, RATE, broken)
        lost = await loss_of(stream)
        heard = recording.seconds
        await until(lambda: recording.seconds > heard + 0.1)
        await stream.close()
    assert isinstance(lost.__cause__, ZeroDivisionError)
    assert "failed" in caplog.text
    assert len(calls) == 1
    assert not recording.samples().any()


async def test_a_server_that_dies_is_noticed_and_its_successor_found(own_virtual_audio: VirtualAudio) -> None:
    counter = Counter()
    stream = await microphone(counter)
    # when it dies before the first block, PortAudio 19.6 spins for ever: its error path begins with itself
    await until(lambda: counter.times)
    own_virtual_audio.kill()
    lost = await loss_of(stream)
    assert "'default' has gone" in str(lost)
    assert stream.gone() is lost
    await stream.close()
    with pytest.raises(DeviceError, match="no sound card or sound server answers"):
        await microphone()
    assert await list_devices() == ()
    own_virtual_audio.start()
    again = await reopened()
    assert again.gone() is None
    await again.close()
    assert open_streams() == 0


async def test_a_server_that_hangs_is_noticed_and_keeps_nobody_waiting(own_virtual_audio: VirtualAudio) -> None:
    counter = Counter()
    stream = await microphone(counter)
    await until(lambda: counter.times)
    own_virtual_audio.stall()
    lost = await loss_of(stream)
    assert "nothing came from it" in str(lost)
    with trio.fail_after(DEADLINE):
        await stream.close()
        with pytest.raises(DeviceError, match="does not answer"):
            await microphone()
        with pytest.raises(DeviceError, match="does not answer"):
            await list_devices()
    called = len(counter.times)
    own_virtual_audio.resume()
    again = await reopened()
    await again.close()
    assert len(counter.times) == called
    assert open_streams() == 0


async def test_a_source_that_falls_asleep_is_noticed(own_virtual_audio: VirtualAudio) -> None:
    counter = Counter()
    stream = await microphone(counter)
    await until(lambda: counter.times)
    own_virtual_audio.suspend(MICROPHONE)
    assert "suspended" in str(await loss_of(stream))
    with trio.fail_after(DEADLINE):
        await stream.close()
    own_virtual_audio.suspend(MICROPHONE, False)
    again = await reopened()
    await until(lambda: again.gone() is None)
    await again.close()


async def test_a_microphone_whose_source_is_unplugged_hears_the_next_one(own_virtual_audio: VirtualAudio) -> None:
    own_virtual_audio.load("spare")
    counter = Counter()
    stream = await microphone(counter)
    await until(lambda: counter.times)
    own_virtual_audio.unload(MICROPHONE)
    called = len(counter.times)
    await until(lambda: len(counter.times) > called + 5)
    assert stream.gone() is None
    await stream.close()


async def test_a_device_that_comes_later_is_found_by_name(own_virtual_audio: VirtualAudio) -> None:
    with pytest.raises(DeviceError, match=f"There is no microphone called '{MICROPHONE}'. There is: 0 pulse"):
        await open_stream("microphone", MICROPHONE, RATE, ignore)
    own_virtual_audio.show(MICROPHONE)
    stream = await open_stream("microphone", MICROPHONE, RATE, ignore)
    assert stream.name == MICROPHONE
    await stream.close()
    assert MICROPHONE in [device.name for device in await list_devices()]


async def test_others_are_not_disturbed_at_once_by_a_device_that_is_not_there_but_lose_theirs_in_the_end(
    own_virtual_audio: VirtualAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "RENEWAL", (0.1, 0.2))
    monkeypatch.setattr(portaudio._host, "_renewal", 0.1)
    stream = await microphone()
    with pytest.raises(DeviceError):
        await open_stream("speaker", SPEAKER, RATE, silence)
    assert stream.gone() is None
    own_virtual_audio.show(SPEAKER)
    speaker = None
    with trio.fail_after(DEADLINE):
        while speaker is None:
            try:
                speaker = await open_stream("speaker", SPEAKER, RATE, silence)
            except DeviceError:
                await trio.sleep(0.02)
    assert "to look for devices anew" in str(await loss_of(stream))
    await stream.close()
    again = await microphone()
    await again.close()
    await speaker.close()
    assert open_streams() == 0


async def test_a_list_says_what_there_is_and_which_are_the_defaults(virtual_audio: VirtualAudio) -> None:
    devices = await list_devices()
    assert [device.name for device in devices] == ["pulse", "default"]
    assert [device.index for device in devices if device.default_input and device.default_output] == [1]
    assert {device.host for device in devices} == {"ALSA"}
    assert all(device.inputs and device.outputs and device.rate == 44_100 for device in devices)


def python(code: str, env: dict[str, str] | None = None) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_without_the_library_it_is_said_how_to_get_it() -> None:
    said = python(
        "import ctypes.util, sys, trio\n"
        "ctypes.util.find_library = lambda name: None\n"
        "sys.modules['_sounddevice_data'] = None\n"
        "from voicemode.audio.portaudio_devices import list_devices\n"
        "try: trio.run(list_devices)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    assert said.startswith("DeviceError The PortAudio library is missing")
    assert "apt install libportaudio2" in said


HANGING = """
import sys, trio
from voicemode.audio.portaudio import open_stream

async def main():
    stream = await open_stream("microphone", None, 16_000, lambda *_: None)
    print("open", flush=True)
    sys.stdin.readline()
    await stream.close()

trio.run(main)
print("closed", flush=True)
"""


async def line_of(process: trio.Process) -> bytes:
    line = b""
    with trio.fail_after(DEADLINE):
        while not line.endswith(b"\n"):
            line += await process.stdout.receive_some(1)
    return line


async def test_a_process_ends_although_the_server_hangs(own_virtual_audio: VirtualAudio) -> None:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        env=own_virtual_audio.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert await line_of(process) == b"open\n"
        own_virtual_audio.stall()
        await process.stdin.send_all(b"\n")
        with trio.fail_after(DEADLINE):
            assert await process.wait() == 0
        assert await line_of(process) == b"closed\n"
    finally:
        process.kill()
        await process.wait()
