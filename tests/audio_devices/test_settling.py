"""When a device that says nothing counts as gone, by a clock of the test's own."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from attrs import define

from voicemode.audio import portaudio_stream
from voicemode.audio.portaudio_stream import FIRST, GRACE, SILENCE, DeviceStream

RATE, FRAMES = 24_000, 120


@define
class Device:
    """A speaker that takes a block when it is told to."""

    stream: DeviceStream
    now: float

    def takes_a_block(self) -> None:
        times = SimpleNamespace(currentTime=self.now, outputBufferDacTime=self.now + 0.015)
        self.stream.called_back(bytearray(2 * FRAMES), FRAMES, times, None)

    def has_gone_after(self, seconds: float) -> bool:
        """A silence is believed at the second look."""
        self.now += seconds
        self.stream.gone()
        self.now += GRACE
        return self.stream.gone() is not None


@pytest.fixture
async def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    stream = DeviceStream("speaker", lambda *_: None, lambda _: Future(), None)
    device = Device(stream, 100.0)
    monkeypatch.setattr(portaudio_stream, "time", SimpleNamespace(perf_counter=lambda: device.now))
    stream.begin(SimpleNamespace(latency=0.015, time=100.0), "null", RATE)
    device.takes_a_block()
    return device


async def test_one_that_fills_itself_up_and_then_waits_has_not_gone(device: Device) -> None:
    assert not device.has_gone_after(FIRST - 0.2)
    device.takes_a_block()
    assert not device.has_gone_after(0.01)


async def test_one_that_took_a_first_block_and_no_more_has_gone(device: Device) -> None:
    assert device.has_gone_after(FIRST)


async def test_once_it_has_settled_half_a_second_of_silence_is_enough(device: Device) -> None:
    device.now += FIRST
    device.takes_a_block()
    assert not device.has_gone_after(SILENCE - 2 * GRACE)
    assert device.has_gone_after(2 * GRACE)
