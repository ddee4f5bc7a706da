"""Silero VAD through onnxruntime: windows of 512 samples at 16 kHz in, the probability that they hold speech out.

The model file comes out of the pinned silero-vad wheel when this package is built (hatch_build.py); the package of that
name is never imported, because it imports torch.  Inputs and outputs as in snakers4/silero-vad 6.2, ``utils_vad.py``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import trio
from numpy.typing import NDArray

from actors.errors import ProviderUnavailable

MODEL = Path(__file__).with_name("silero_vad_16k_op15.onnx")

CONTEXT = 64
"""Samples of the window before that the model wants in front of each; without them it silently detects nothing."""


class SileroModel:
    """Implements ``SpeechModel``.  One session of the runtime serves all streams; each stream has its own state."""

    rate = 16_000
    window = 512

    def __init__(self, session: Any) -> None:
        self._session = session
        self._threads = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls) -> SileroModel:
        """Raises ProviderUnavailable when the runtime or the model file is missing."""
        return cls(await trio.to_thread.run_sync(_open_session))

    def stream(self) -> SileroStream:
        return SileroStream(self._session, self._threads)


class SileroStream:
    """Implements ``SpeechStream``."""

    def __init__(self, session: Any, threads: trio.CapacityLimiter) -> None:
        self._session, self._threads = session, threads
        self._input = np.zeros((1, CONTEXT + SileroModel.window), np.float32)
        self._state: NDArray[np.float32] = np.zeros((2, 1, 128), np.float32)
        self._rate = np.array(SileroModel.rate, np.int64)

    async def probability(self, window: bytes) -> float:
        """Runs for about 0.15 ms in a thread.  Raises ValueError for a window of another size."""
        return await trio.to_thread.run_sync(self._run, window, limiter=self._threads)

    def _run(self, window: bytes) -> float:
        if len(window) != 2 * SileroModel.window:
            raise ValueError(f"a window has {SileroModel.window} samples, not {len(window) // 2}")
        self._input[0, :CONTEXT] = self._input[0, -CONTEXT:]
        self._input[0, CONTEXT:] = np.frombuffer(window, "<i2") / np.float32(32768)
        output, self._state = self._session.run(None, {"input": self._input, "state": self._state, "sr": self._rate})
        return float(output[0, 0])


def _open_session() -> Any:
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError as error:
        raise ProviderUnavailable(
            "silero", f"The voice detector needs onnxruntime, which cannot be loaded ({error}). Reinstall voicemode."
        ) from error
    if not MODEL.exists():
        raise ProviderUnavailable(
            "silero", f"The model of the voice detector is missing ({MODEL.name}). Reinstall voicemode with pip."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])
