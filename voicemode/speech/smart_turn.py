"""Smart Turn v3 through onnxruntime: what was said until a pause in, the probability that the speaker is done out.

Pipecat's model (BSD-2, github.com/pipecat-ai/smart-turn) hears the sound of the last 8 s, not the words.  It does not
come with voicemode: an installed ``pipecat`` carries it, or a file of yours is named.  Input and output as in pipecat
1.14, ``local_smart_turn_v3.py``.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import trio
from numpy.typing import NDArray

from actors.errors import ProviderUnavailable, SettingsError

from .log_mel import RATE, log_mel

NAME = "smart-turn"
LISTENS_TO = 8
"""Seconds: the end of what was said; a shorter one is padded with silence before it."""

_IN_PIPECAT = "audio/turn/smart_turn/data"
_OUTPUT = (1, 1)


class SmartTurn:
    """Implements ``TurnModel``.  One judgement at a time; a cancelled one is left to end in its thread."""

    name = NAME

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input: str = session.get_inputs()[0].name
        self.limiter = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls, model: Path | None = None) -> SmartTurn:
        """``model`` is the model's file, ~ and all; without one, it is what an installed ``pipecat`` has.

        Raises SettingsError when there is none, ProviderUnavailable when the runtime is missing or the file of no use.
        """
        return await trio.to_thread.run_sync(cls._load, model)

    @classmethod
    def _load(cls, model: Path | None) -> SmartTurn:
        found = installed_model() if model is None else model.expanduser()
        if found is None:
            raise SettingsError(
                "The turn model smart-turn is not on this machine: install pipecat, whose package carries it "
                "(pip install --no-deps pipecat-ai), or give the path of a Smart Turn v3 model (.onnx) instead."
            )
        if not found.is_file():
            raise SettingsError(f"There is no turn model at {found}: give the path of a Smart Turn v3 model (.onnx).")
        turn = cls(_session(found))
        turn.finished_now(b"", RATE)  # also takes the slowness out of the first judgement
        return turn

    async def finished(self, pcm: bytes, rate: int) -> float:
        """Runs for about a tenth of a second in a thread.  Raises ProviderUnavailable when the runtime fails."""
        return await trio.to_thread.run_sync(self.finished_now, pcm, rate, limiter=self.limiter, abandon_on_cancel=True)

    def finished_now(self, pcm: bytes, rate: int) -> float:
        """The same, blocking, for work without an event loop."""
        spectrum = log_mel(_last(pcm, rate))
        try:
            output = np.asarray(self._session.run(None, {self._input: spectrum[np.newaxis]})[0])
        except Exception as error:  # the runtime's exceptions have no base of their own
            raise ProviderUnavailable(
                NAME, f"The turn model failed ({error}). Is it a Smart Turn v3 model?", code="failed"
            ) from error
        if output.shape != _OUTPUT or not 0.0 <= output[0, 0] <= 1.0:
            raise ProviderUnavailable(
                NAME, "The turn model gives no probability, so it is no Smart Turn v3 model.", code="no_model"
            )
        return float(output[0, 0])


def installed_model() -> Path | None:
    """The newest model for a CPU in an installed ``pipecat``, nothing of which is imported."""
    spec = find_spec("pipecat")
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    models = [model for place in places for model in Path(place, _IN_PIPECAT).glob("smart-turn-v3*cpu.onnx")]
    return max(models, key=lambda model: model.name, default=None)


def _last(pcm: bytes, rate: int) -> NDArray[np.float32]:
    """The last of ``pcm`` at the model's rate, exactly as long as it listens."""
    samples = np.frombuffer(pcm, "<i2")[-LISTENS_TO * rate :].astype(np.float32) / np.float32(32768)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE, quality="HQ")
    length = LISTENS_TO * RATE
    return np.pad(samples[-length:], (max(0, length - len(samples)), 0))


def _session(model: Path) -> Any:
    """A session of onnxruntime that keeps to one thread."""
    # from 1.31 on it writes an identifier of the device into the user's cache and reports to its makers, on Linux too
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError as error:
        raise ProviderUnavailable(
            NAME,
            f"The turn model needs onnxruntime, which cannot be loaded ({error}): pip install 'voicemode[smart-turn]'.",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no base of their own
        raise ProviderUnavailable(
            NAME,
            f"The turn model cannot be read ({model.name}: {error}). Give the path of a Smart Turn v3 model (.onnx).",
            code="no_model",
        ) from error
