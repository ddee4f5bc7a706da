"""Silero VAD through onnxruntime: windows of 512 samples at 16 kHz in, the probability that they hold speech out.

The model file comes out of the pinned silero-vad wheel when this package is built (hatch_build.py); the package of that
name is never imported, because it imports torch.  Inputs and outputs as in snakers4/silero-vad 6.2, ``utils_vad.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trio
from numpy.typing import NDArray

from actors.errors import ProviderUnavailable
from actors.messages import SAMPLE_BYTES

from . import onnx_session
from .exclusive import Exclusive

NAME = "silero"
MODEL = Path(__file__).with_name("silero_vad_16k_op15.onnx")

CONTEXT = 64
"""Samples of the window before that the model wants in front of each; without them it silently detects nothing."""


class SileroModel:
    """Implements ``SpeechModel``.  One session of the runtime serves all streams; each stream has its own state."""

    rate = 16_000
    window = 512

    def __init__(self, session: Any) -> None:
        self._session = session
        self.limiter = trio.CapacityLimiter(1)

    @classmethod
    async def load(cls) -> SileroModel:
        """Raises ProviderUnavailable when the runtime or the model file is missing or of no use."""
        return cls(await trio.to_thread.run_sync(_session))

    def stream(self) -> SileroStream:
        return SileroStream(self._session, self.limiter)


class SileroStream:
    """Implements ``SpeechStream``."""

    def __init__(self, session: Any, limiter: trio.CapacityLimiter) -> None:
        self._session, self._limiter = session, limiter
        self._input = np.zeros((1, CONTEXT + SileroModel.window), np.float32)
        self._state: NDArray[np.float32] = np.zeros((2, 1, 128), np.float32)
        self._rate = np.array(SileroModel.rate, np.int64)

    async def probability(self, window: bytes) -> float:
        """Runs for about 0.15 ms in a thread; a cancel before it leaves the state as it was.

        Raises ValueError for a window of another size, ProviderUnavailable when the runtime fails.
        """
        return await trio.to_thread.run_sync(self.probability_now, window, limiter=self._limiter)

    def probability_now(self, window: bytes) -> float:
        """The same, blocking, for work without an event loop."""
        if len(window) != SAMPLE_BYTES * SileroModel.window:
            raise ValueError(f"a window has {SileroModel.window} samples, not {len(window) / SAMPLE_BYTES:g}")
        self._input[0, :CONTEXT] = self._input[0, -CONTEXT:]
        self._input[0, CONTEXT:] = np.frombuffer(window, "<i2") / np.float32(32768)
        try:
            output, self._state = self._session.run(
                None, {"input": self._input, "state": self._state, "sr": self._rate}
            )
        except Exception as error:  # the runtime's exceptions have no base of their own
            raise ProviderUnavailable(
                NAME, f"The voice detector failed ({error}). Start the conversation anew.", code="failed"
            ) from error
        return float(output[0, 0])


_loading = Exclusive()
_loaded: list[Any] = []


def _session() -> Any:
    """The runtime's session, one for the process.  The first call takes up to a second."""
    with _loading.hold():
        if not _loaded:
            _loaded.append(open_session(MODEL))
        return _loaded[0]


def open_session(model: Path) -> Any:
    """Load ``model``.  Raises ProviderUnavailable."""
    return onnx_session.open_session(
        model,
        provider=NAME,
        called="voice detector",
        remedy="Reinstall voicemode with pip: its build puts the model there.",
    )
