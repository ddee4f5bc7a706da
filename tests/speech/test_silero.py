"""The voice detector on human speech and on sounds that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
import trio

from actors.errors import ProviderUnavailable
from tests.speech.human_speech import Recording
from voicemode.speech import silero
from voicemode.speech.silero import MODEL, SileroModel, read_network
from voicemode.speech.silero_network import SHA256

RATE, WINDOW = SileroModel.rate, SileroModel.window


def windows(samples: np.ndarray) -> list[bytes]:
    return [samples[at : at + WINDOW].astype("<i2").tobytes() for at in range(0, len(samples) - WINDOW + 1, WINDOW)]


async def probabilities(samples: np.ndarray) -> np.ndarray:
    stream = (await SileroModel.load()).stream()
    return np.array([stream.probability_now(window) for window in windows(samples)])


def at_16_khz(recording: Recording) -> np.ndarray:
    samples = np.frombuffer(recording.pcm, "<i2").astype(np.float64)
    return soxr.resample(samples, recording.rate, RATE)


async def test_human_speech_is_heard(human: Recording) -> None:
    """Left without the end of the window before, the model hears nothing, and this fails."""
    samples = at_16_khz(human)
    heard = await probabilities(samples)
    loudness = np.array([np.frombuffer(window, "<i2").astype(float).std() for window in windows(samples)])
    voiced = loudness > loudness.max() / 10
    assert (heard[voiced] > 0.5).mean() > 0.8


def silence() -> np.ndarray:
    return np.zeros(2 * RATE)


def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 2000, 2 * RATE)


def tone() -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)


@pytest.mark.parametrize("sound", [silence, noise, tone])
async def test_what_is_no_speech_is_not_heard(sound: object) -> None:
    assert callable(sound)
    assert ((await probabilities(sound())) > 0.5).mean() < 0.02


async def test_the_async_and_the_blocking_way_agree(short_human: Recording) -> None:
    model = await SileroModel.load()
    slow, fast = model.stream(), model.stream()
    for window in windows(at_16_khz(short_human))[:20]:
        assert await slow.probability(window) == fast.probability_now(window)


async def test_each_stream_has_its_own_state(short_human: Recording) -> None:
    model = await SileroModel.load()
    heard = windows(at_16_khz(short_human))[:20]
    alone = [model.stream().probability_now(heard[0])]
    first, second = model.stream(), model.stream()
    for window in heard:
        first.probability_now(window)
    assert [second.probability_now(heard[0])] == alone


@pytest.mark.thorough
async def test_streams_at_once_hear_what_each_alone_hears(human: Recording) -> None:
    models = [await SileroModel.load() for _ in range(3)]
    heard = windows(at_16_khz(human))[:120]
    found: list[list[float]] = [[] for _ in range(20)]

    async def listen(number: int) -> None:
        stream = models[number % 3].stream()
        for window in heard[number:]:
            found[number].append(await stream.probability(window))

    async with trio.open_nursery() as nursery:
        for number in range(len(found)):
            nursery.start_soon(listen, number)
    for number, together in enumerate(found):
        alone = models[0].stream()
        assert together == pytest.approx([alone.probability_now(window) for window in heard[number:]], abs=1e-4)


async def test_a_stream_that_is_cancelled_among_others_disturbs_none_and_can_go_on(short_human: Recording) -> None:
    model = await SileroModel.load()
    heard = windows(at_16_khz(short_human))[:6]
    streams, found = [model.stream() for _ in range(5)], [0.0] * 5
    scopes = [trio.CancelScope() for _ in streams]

    async def listen(number: int) -> None:
        with scopes[number]:
            found[number] = await streams[number].probability(heard[number])

    async with trio.open_nursery() as nursery:
        scopes[3].cancel()
        for number in range(len(streams)):
            nursery.start_soon(listen, number)
    found[3] = streams[3].probability_now(heard[3])
    assert found == pytest.approx([model.stream().probability_now(window) for window in heard[:5]], abs=1e-5)


async def test_a_cancelled_window_leaves_the_state_as_it_was(short_human: Recording) -> None:
    model = await SileroModel.load()
    cancelled, untouched = model.stream(), model.stream()
    heard = windows(at_16_khz(short_human))
    with trio.CancelScope() as scope:
        scope.cancel()
        await cancelled.probability(heard[5])
    assert cancelled.probability_now(heard[6]) == untouched.probability_now(heard[6])


async def test_the_network_answers_what_the_runtime_it_was_made_for_does(human: Recording) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    samples = at_16_khz(human)
    session = onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    context, state, expected = np.zeros((1, 64), np.float32), np.zeros((2, 1, 128), np.float32), []
    for window in windows(samples):
        given = np.hstack([context, np.frombuffer(window, "<i2")[None] / np.float32(32768)])
        output, state = session.run(None, {"input": given, "state": state, "sr": np.array(RATE)})
        context = given[:, -64:]
        expected.append(output[0, 0])
    assert np.abs(await probabilities(samples) - expected).max() < 1e-4


def test_windows_of_many_streams_at_once_are_as_each_alone() -> None:
    network = read_network(MODEL)
    given = np.random.default_rng(2).normal(0, 0.1, (3, 576)).astype(np.float32)
    state = np.random.default_rng(3).normal(0, 0.5, (2, 3, 128)).astype(np.float32)
    together, after = network(given, state)
    for each in range(3):
        alone, left = network(given[each : each + 1], state[:, each : each + 1])
        assert alone == pytest.approx(together[each : each + 1], abs=1e-5)
        assert left[:, 0] == pytest.approx(after[:, each], abs=1e-5)


def test_the_file_whose_layout_is_known_is_the_one_that_the_build_fetches() -> None:
    assert f'MODEL_SHA256 = "{SHA256}"' in (Path(__file__).parents[2] / "hatch_build.py").read_text()


async def test_the_network_is_read_once() -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(SileroModel.load)
    assert len(silero._loaded) == 1


async def test_a_window_of_another_size_is_refused() -> None:
    stream = (await SileroModel.load()).stream()
    with pytest.raises(ValueError, match="a window has 512 samples, not 3"):
        await stream.probability(b"\0" * 6)


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProviderUnavailable, match="Reinstall voicemode with pip"):
        read_network(tmp_path / "none.onnx")


def test_a_broken_model_says_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ProviderUnavailable, match=r"cannot be read \(broken\.onnx: it is not the file"):
        read_network(broken)
