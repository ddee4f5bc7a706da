"""The model that hears whether somebody is done: the adapter with a stand-in for the runtime, and the model itself
where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soxr
import trio
from numpy.typing import NDArray

from actors.errors import ProviderUnavailable, SettingsError
from tests.speech.human_speech import Recording, recording
from voicemode.speech import smart_turn
from voicemode.speech.log_mel import RATE, log_mel
from voicemode.speech.registry import load_turn_model
from voicemode.speech.smart_turn import LISTENS_TO, SmartTurn, installed_model

Spectrum = NDArray[np.float32]


class Session:
    """As the runtime's, with an answer of its own."""

    def __init__(self, answer: Callable[[Spectrum], object]) -> None:
        self.answer = answer
        self.heard: list[Spectrum] = []

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="input_features")]

    def run(self, outputs: None, inputs: dict[str, Spectrum]) -> list[object]:
        assert outputs is None
        [heard] = inputs.values()
        self.heard.append(heard)
        return [self.answer(heard)]


def certain(probability: float) -> Session:
    return Session(lambda _: np.array([[probability]], np.float32))


def tone(seconds: float, rate: int = RATE) -> bytes:
    times = np.arange(round(seconds * rate)) / rate
    return (8000 * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()


async def test_its_answer_is_the_models() -> None:
    assert await SmartTurn(certain(0.25)).finished(tone(1.0), RATE) == 0.25


async def test_what_is_short_has_silence_before_it() -> None:
    session = certain(0.5)
    await SmartTurn(session).finished(tone(1.0), RATE)
    [heard] = session.heard
    samples = np.frombuffer(tone(1.0), "<i2").astype(np.float32) / 32768
    padded = np.concatenate([np.zeros((LISTENS_TO - 1) * RATE, np.float32), samples])
    assert heard.shape == (1, 80, 100 * LISTENS_TO)
    assert np.array_equal(heard[0], log_mel(padded))


async def test_of_what_is_long_the_end_is_heard() -> None:
    session = certain(0.5)
    turn = SmartTurn(session)
    await turn.finished(tone(3.0) + tone(LISTENS_TO), RATE)
    await turn.finished(tone(LISTENS_TO), RATE)
    assert np.array_equal(*session.heard)


async def test_another_rate_is_converted() -> None:
    session = certain(0.5)
    turn = SmartTurn(session)
    for rate in (RATE, 24_000, 48_000):
        await turn.finished(tone(2.0, rate), rate)
    there, *converted = session.heard
    for heard in converted:
        assert np.abs(heard[..., -150:-20] - there[..., -150:-20]).mean() < 0.1


async def test_nothing_and_silence_are_judged_too() -> None:
    assert await SmartTurn(certain(0.5)).finished(b"", RATE) == 0.5
    assert await SmartTurn(certain(0.5)).finished(bytes(2 * RATE), RATE) == 0.5


async def test_a_cancelled_judgement_is_not_waited_for() -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(_: Spectrum) -> Spectrum:
        begun.set()
        assert release.wait(10)
        return np.array([[0.5]], np.float32)

    turn = SmartTurn(Session(slow))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.finished, tone(1.0), RATE)
            await trio.to_thread.run_sync(begun.wait)
            nursery.cancel_scope.cancel()
        assert turn.limiter.borrowed_tokens == 1
    finally:
        release.set()
    assert await turn.finished(tone(1.0), RATE) == 0.5


async def test_a_failing_runtime_is_an_engine_that_is_not_there() -> None:
    def fail(_: Spectrum) -> object:
        raise RuntimeError("no memory")

    with pytest.raises(ProviderUnavailable, match=r"The turn model failed \(no memory\)"):
        await SmartTurn(Session(fail)).finished(tone(1.0), RATE)


@pytest.mark.parametrize("answer", [[[1.5]], [[0.1, 0.9]], [0.5], [[float("nan")]]])
async def test_a_model_of_something_else_is_told_by_its_answer(answer: object) -> None:
    with pytest.raises(ProviderUnavailable, match="no Smart Turn v3 model"):
        await SmartTurn(Session(lambda _: np.array(answer, np.float32))).finished(tone(1.0), RATE)


async def test_no_name_is_no_model() -> None:
    assert await load_turn_model(None) is None


async def test_without_pipecat_it_is_said_where_the_model_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smart_turn, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="pip install --no-deps pipecat-ai"):
        await load_turn_model("smart-turn")


async def test_a_path_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no turn model at .*nowhere\.onnx"):
        await load_turn_model(str(tmp_path / "nowhere.onnx"))


async def test_a_broken_model_says_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ProviderUnavailable, match=r"cannot be read \(broken\.onnx.*Give the path"):
        await load_turn_model(str(broken))


async def test_the_model_of_another_task_is_refused_when_it_is_loaded() -> None:
    with pytest.raises(ProviderUnavailable, match="Is it a Smart Turn v3 model"):
        await load_turn_model(str(Path(smart_turn.__file__).with_name("silero_vad_16k_op15.onnx")))


def test_the_runtime_reports_to_nobody_and_writes_no_identifier(tmp_path: Path) -> None:
    model = Path(smart_turn.__file__).with_name("silero_vad_16k_op15.onnx")
    code = f"from voicemode.speech.smart_turn import _session; from pathlib import Path; _session(Path({str(model)!r}))"
    kept = {
        name: value for name, value in os.environ.items() if name not in {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
    }
    subprocess.run([sys.executable, "-c", code], env={**kept, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []


async def test_without_the_runtime_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "turn.onnx").touch()
    with pytest.raises(ProviderUnavailable, match=r"pip install 'voicemode\[smart-turn\]'"):
        await load_turn_model(str(tmp_path / "turn.onnx"))


def test_the_newest_model_for_a_cpu_is_taken_from_pipecat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "audio" / "turn" / "smart_turn" / "data"
    data.mkdir(parents=True)
    for name in ("smart-turn-v3.1-cpu.onnx", "smart-turn-v3.2-cpu.onnx", "smart-turn-v3.2-gpu.onnx", "other.onnx"):
        (data / name).touch()
    spec = ModuleSpec("pipecat", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(smart_turn, "find_spec", lambda _: spec)
    found = installed_model()
    assert found is not None
    assert found.name == "smart-turn-v3.2-cpu.onnx"


installed = pytest.mark.skipif(
    installed_model() is None, reason="no Smart Turn model: pip install --no-deps pipecat-ai"
)


def cut(human: Recording, seconds: float) -> bytes:
    """The first ``seconds`` of it, and as much silence as a pause has, at the model's rate."""
    samples = np.frombuffer(human.pcm, "<i2").astype(np.float32)
    heard = soxr.resample(samples, human.rate, RATE)[: round(seconds * RATE)]
    return np.concatenate([heard, np.zeros(RATE // 5)]).astype("<i2").tobytes()


@installed
async def test_the_real_model_hears_an_end_and_the_middle_of_a_sentence() -> None:
    model = await load_turn_model("smart-turn")
    assert model is not None
    human = recording("lj001-0008.wav")
    assert await model.finished(cut(human, 10.0), RATE) > 0.5 > await model.finished(cut(human, 0.7), RATE)
