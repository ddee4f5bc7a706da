"""Silero VAD on streams: windows of 512 samples at 16 kHz in, the probability that they hold speech out.

The model file comes out of the pinned silero-vad wheel when this package is built (hatch_build.py); the package of that
name is never imported, because it imports torch.  What is given to the network as in snakers4/silero-vad 6.2,
``utils_vad.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trio

from actors.errors import ProviderUnavailable
from actors.messages import SAMPLE_BYTES

from .exclusive import Exclusive
from .silero_network import STATE, Network, NotTheModel, Numbers

NAME = "silero"
MODEL = Path(__file__).with_name("silero_vad_16k_op15.onnx")

CONTEXT = 64
"""Samples of the window before that the model wants in front of each; without them it silently detects nothing."""


class SileroModel:
    """Implements ``SpeechModel``.  One network serves all streams; each stream has its own state."""

    rate = 16_000
    window = 512

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    async def load(cls) -> SileroModel:
        """Raises ProviderUnavailable when the model file is missing or of no use."""
        return cls(await trio.to_thread.run_sync(_network))

    def stream(self) -> SileroStream:
        return SileroStream(self._network)


class SileroStream:
    """Implements ``SpeechStream``."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._input: Numbers = np.zeros((1, CONTEXT + SileroModel.window), np.float32)
        self._state: Numbers = np.zeros((2, 1, STATE), np.float32)

    async def probability(self, window: bytes) -> float:
        """Takes a third of a millisecond, less than a thread would cost.  A cancel before it leaves the state alone.

        Raises ValueError for a window of another size.
        """
        await trio.lowlevel.checkpoint()
        return self.probability_now(window)

    def probability_now(self, window: bytes) -> float:
        """The same, blocking, for work without an event loop."""
        if len(window) != SAMPLE_BYTES * SileroModel.window:
            raise ValueError(f"a window has {SileroModel.window} samples, not {len(window) / SAMPLE_BYTES:g}")
        self._input[0, :CONTEXT] = self._input[0, -CONTEXT:]
        self._input[0, CONTEXT:] = np.frombuffer(window, "<i2") / np.float32(32768)
        speech, self._state = self._network(self._input, self._state)
        return float(speech[0])


_loading = Exclusive()
_loaded: list[Network] = []


def _network() -> Network:
    """One for the process."""
    with _loading.hold():
        if not _loaded:
            _loaded.append(read_network(MODEL))
        return _loaded[0]


def read_network(model: Path) -> Network:
    """Raises ProviderUnavailable."""
    try:
        return Network.read(model)
    except (OSError, NotTheModel) as error:
        raise ProviderUnavailable(
            NAME,
            f"The model of the voice detector cannot be read ({model.name}: {error}). "
            "Reinstall voicemode with pip: its build puts the model there.",
            code="no_model",
        ) from error
