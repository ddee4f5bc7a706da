from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import room
from attrs import evolve

from actors.errors import DeviceError, SettingsError
from actors.machines.barge_in import BargeInPolicy
from actors.machines.endpointer import EndpointPolicy
from actors.messages import AudioFrame, StreamId
from voicemode.audio import echo
from voicemode.audio.echo import REMAINS, EchoCanceller, available, load_echo_canceller
from voicemode.speech.silero import SileroModel

DEVICE_RATE = 22_050


@pytest.fixture(scope="module")
def voices() -> dict[str, room.Samples]:
    return room.human_voices()


@pytest.fixture(scope="module")
def assistant(voices: dict[str, room.Samples]) -> room.Samples:
    return room.assembled([voice for name, voice in voices.items() if name.startswith("lj")], seconds=12)


@pytest.fixture
async def canceller(require: Callable[[object, str], None]) -> EchoCanceller:
    require(available(), "livekit is not installed")
    return await load_echo_canceller()


@pytest.fixture
async def model() -> SileroModel:
    return await SileroModel.load()


def noticed(
    canceller: EchoCanceller, model: SileroModel, played: room.Samples, heard: room.Samples, *, begin: float = 0.0
) -> room.Noticed:
    blocks = room.blocks(room.at_rate(played, DEVICE_RATE), DEVICE_RATE, begin=begin)
    clean = room.cleaned(canceller, blocks, room.frames(heard, begin=begin))
    activities = room.heeded(room.windows(model, clean, begin=begin), blocks, REMAINS)
    return room.noticed(activities, EndpointPolicy(), BargeInPolicy())


@pytest.mark.thorough
@pytest.mark.parametrize("delay", [0.03, 0.1, 0.25])
@pytest.mark.parametrize("gain", [0.1, 0.3, 1.0])
async def test_the_assistant_does_not_interrupt_itself(
    canceller: EchoCanceller, model: SileroModel, assistant: room.Samples, gain: float, delay: float
) -> None:
    played = assistant[: 5 * room.RATE]
    heard = room.heard(played, room.Acoustics(gain=gain, delay=delay))
    assert noticed(canceller, model, played, heard) == room.Noticed(started=(), committed=())
    untouched = room.noticed(room.windows(model, room.pcm_of(heard)), EndpointPolicy(), BargeInPolicy())
    assert untouched.committed, "without a canceller it would"


@pytest.mark.thorough
@pytest.mark.parametrize(("gain", "within"), [(0.1, 0.2), (0.3, 0.3), (1.0, 0.7)])
async def test_a_user_who_speaks_over_the_assistant_is_heard(
    canceller: EchoCanceller,
    model: SileroModel,
    assistant: room.Samples,
    voices: dict[str, room.Samples],
    gain: float,
    within: float,
) -> None:
    user = voices["librivox-0870.wav"]
    played = assistant[: 7 * room.RATE]
    heard = room.heard(played, room.Acoustics(gain=gain, delay=0.1), [room.Said(5.0, user)])
    found = noticed(canceller, model, played, heard)
    onset = 5.0 + room.onset(user) / room.RATE
    assert onset < found.started[0] < onset + within
    assert onset < found.committed[0] < onset + within + 0.15


@pytest.mark.thorough
@pytest.mark.parametrize(("gain", "off"), [(0.3, 0.0073), (1.0, -0.0051)])
async def test_from_the_second_opening_on_who_speaks_early_is_heard_as_soon(
    canceller: EchoCanceller,
    model: SileroModel,
    assistant: room.Samples,
    voices: dict[str, room.Samples],
    gain: float,
    off: float,
) -> None:
    acoustics = room.Acoustics(gain=gain, delay=0.1)
    before = assistant[: 8 * room.RATE]
    assert not noticed(canceller, model, before, room.heard(before, acoustics)).started
    user, played = voices["librivox-0870.wav"], assistant[4 * room.RATE : 8 * room.RATE]
    heard = room.heard(played, evolve(acoustics, delay=0.1 + off), [room.Said(1.5, user)])
    found = noticed(canceller, model, played, heard, begin=20.0)
    onset = 21.5 + room.onset(user) / room.RATE
    assert onset < found.started[0] < onset + 0.25


async def test_a_microphone_that_was_closed_meanwhile_hears_no_echo_either(
    canceller: EchoCanceller, model: SileroModel, assistant: room.Samples
) -> None:
    heard = room.heard(assistant, room.Acoustics(gain=0.3))
    half = 6 * room.RATE
    assert not noticed(canceller, model, assistant[:half], heard[:half]).started
    for block in room.blocks(room.at_rate(assistant, DEVICE_RATE), DEVICE_RATE, begin=6.0):
        canceller.played(*block)
    assert not noticed(canceller, model, assistant[half:], heard[half:], begin=40.0).started
    assert canceller.lost == 0


async def test_frames_keep_their_place_and_their_stream(canceller: EchoCanceller) -> None:
    frame = AudioFrame(start=3.5, pcm=bytes(320), rate=room.RATE, stream=StreamId(7))
    assert canceller.clean(frame) == frame
    longer = evolve(frame, start=3.51, pcm=bytes(960))
    assert canceller.clean(longer) == longer
    with pytest.raises(ValueError, match="10 ms, not 15"):
        canceller.clean(AudioFrame(start=3.54, pcm=bytes(480), rate=room.RATE))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
async def test_a_microphone_may_have_a_rate_of_its_own(canceller: EchoCanceller, rate: int) -> None:
    frame = canceller.clean(AudioFrame(start=0.0, pcm=bytes(rate // 100 * 2), rate=rate))
    assert (len(frame.pcm), frame.rate) == (rate // 100 * 2, rate)


@pytest.mark.parametrize("suppression", [False, True])
async def test_noise_is_suppressed_when_asked_for(require: Callable[[object, str], None], suppression: bool) -> None:
    require(available(), "livekit is not installed")
    canceller = await load_echo_canceller(noise_suppression=suppression, cancel=False)
    noise = np.random.default_rng(1).normal(size=4 * room.RATE) * 0.01
    clean = room.samples_of(room.cleaned(canceller, [], room.frames(noise)))
    reduction = 10 * np.log10((noise**2).mean() / (clean[room.RATE :] ** 2).mean())
    assert (reduction > 6) == suppression


async def test_without_the_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "find_spec", lambda _: None)
    assert not available()
    with pytest.raises(SettingsError, match="pip install livekit"):
        await load_echo_canceller()


async def test_a_package_that_does_not_work_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        raise OSError("liblivekit_ffi.so: cannot open shared object file")

    monkeypatch.setattr(echo, "find_spec", lambda _: object())
    monkeypatch.setattr(echo, "import_module", broken)
    with pytest.raises(DeviceError, match=r"liblivekit_ffi.so.*headphones"):
        await load_echo_canceller()


def test_asking_whether_it_is_there_imports_nothing() -> None:
    code = "import sys; from voicemode.audio.echo import available; available(); print('livekit.rtc' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
