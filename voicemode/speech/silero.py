"""Silero VAD on streams: windows of 512 samples at 16 kHz in, the probability that they hold speech out.

The model file comes out of the pinned silero-vad wheel when this package is built (hatch_build.py); the package of that
name is never imported, because it imports torch.  What is given to the network as in snakers4/silero-vad 6.2,
``utils_vad.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import trio
from attrs import frozen

from actors.errors import ProviderUnavailable
from actors.messages import SAMPLE_BYTES

from .exclusive import Exclusive
from .silero_network import STATE, Network, NotTheModel, Numbers
from .together import Together

NAME = "silero"
MODEL = Path(__file__).with_name("silero_vad_16k_op15.onnx")

CONTEXT = 64
"""Samples of the window before that the model wants in front of each; without them it silently detects nothing."""


MOST = 16
"""Windows that are judged at once: half a millisecond, in which nothing else happens in this thread."""

MANY, PATIENCE = 8, 0.006
"""So many windows within the time of one are of as many streams; then it pays to wait for others, in seconds, because
one of ten takes a third of the time of one of two."""


class SileroModel:
    """Implements ``SpeechModel``.  One network serves all streams; each stream has its own state.

    Windows of several streams, also of several conversations, that are ready at the same time are judged in one go.
    """

    rate = 16_000
    window = 512

    def __init__(self, network: Network) -> None:
        self._judge = _together(network)

    @classmethod
    async def load(cls) -> SileroModel:
        """Raises ProviderUnavailable when the model file is missing or of no use."""
        return cls(await trio.to_thread.run_sync(_network))

    def stream(self) -> SileroStream:
        return SileroStream(self._judge)


@frozen(eq=False)
class _Given:
    """A window and the stream it belongs to."""

    stream: SileroStream
    window: bytes


class SileroStream:
    """Implements ``SpeechStream``."""

    def __init__(self, judge: Together[_Given, float]) -> None:
        self._judge = judge
        self.context = bytes(SAMPLE_BYTES * CONTEXT)
        self.state: Numbers = np.zeros((2, STATE), np.float32)

    async def probability(self, window: bytes) -> float:
        """Takes a quarter of a millisecond, less than a thread would cost; with other streams at once, a fifth of that.

        A cancel before it leaves the state alone.  Raises ValueError for a window of another size.
        """
        return await self._judge.do(self._given(window))

    def probability_now(self, window: bytes) -> float:
        """The same, blocking and alone, for work without an event loop."""
        return self._judge.alone(self._given(window))

    def _given(self, window: bytes) -> _Given:
        if len(window) != SAMPLE_BYTES * SileroModel.window:
            raise ValueError(f"a window has {SileroModel.window} samples, not {len(window) / SAMPLE_BYTES:g}")
        return _Given(self, window)


@cache
def _together(network: Network) -> Together[_Given, float]:
    """One for all models of a process."""
    return Together(
        partial(_probabilities, network),
        most=MOST,
        many=MANY,
        lately=SileroModel.window / SileroModel.rate,
        patience=PATIENCE,
    )


def _probabilities(network: Network, given: Sequence[_Given]) -> list[float]:
    """How likely each window holds speech; the streams go on from there."""
    sounds = [each.stream.context + each.window for each in given]
    samples = np.frombuffer(b"".join(sounds), "<i2").reshape(len(given), -1)
    heard: Numbers = np.divide(samples, np.float32(32768), dtype=np.float32)
    speech, states = network(heard, np.stack([each.stream.state for each in given], axis=1))
    for number, (each, sound) in enumerate(zip(given, sounds, strict=True)):
        each.stream.context, each.stream.state = sound[-SAMPLE_BYTES * CONTEXT :], states[:, number]
    likely: list[float] = speech.tolist()
    return likely


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
