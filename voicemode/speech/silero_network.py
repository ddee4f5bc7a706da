"""Silero VAD's network in numpy: windows with what went before them in, how likely each holds speech out.

It is that of snakers4/silero-vad 6.2 for 16 kHz, as its ``tinygrad_model.py`` writes it down, with the weights that its
ONNX file carries.  A runtime for networks would take a tenth of a second to load and 35 MB of memory for ten matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float32]

SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"
"""Of the one file that ``_LAYOUT`` is true of, silero_vad_16k_op15.onnx of silero-vad 6.2.3."""

_LAYOUT: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "basis": (50_235, (258, 256)),
    "encoder.0.weight": (314_482, (128, 129, 3)),
    "encoder.0.bias": (512_672, (128,)),
    "encoder.1.weight": (513_238, (64, 128, 3)),
    "encoder.1.bias": (611_587, (64,)),
    "encoder.2.weight": (611_896, (64, 64, 3)),
    "encoder.2.bias": (661_093, (64,)),
    "encoder.3.weight": (661_403, (128, 64, 3)),
    "encoder.3.bias": (759_753, (128,)),
    "cell.input.weight": (760_310, (512, 128)),
    "cell.state.weight": (1_022_499, (512, 128)),
    "cell.input.bias": (1_284_681, (512,)),
    "cell.state.bias": (1_286_767, (512,)),
    "decoder.weight": (1_288_862, (128,)),
    "decoder.bias": (1_289_412, (1,)),
}
"""Where in the file the little-endian floats of each part begin, and their shape (out, in, kernel)."""

STRIDES = (1, 2, 2, 1)
"""Of the four convolutions of the encoder."""

FRAME, HOP, REFLECTED = 256, 128, 64
"""Samples of a frame of the spectrum, from one to the next, and how many of the last are mirrored behind the window."""

KERNEL = 3
BINS = FRAME // 2 + 1
STATE = 128
"""Numbers in each of the two halves of what is remembered."""

GATES = 4

THREADED = 1 << 20
"""Products from which OpenBLAS calls its threads, and on a busy machine those take fifty times as long: no matrices
that come to so many are multiplied in one go."""


class NotTheModel(ValueError):
    """The file is not the one whose layout is known."""


@frozen(eq=False)
class _Convolution:
    """Over time, with one step of silence at both ends.  ``weight`` has a row for each number of a kernel's steps."""

    weight: Numbers
    bias: Numbers
    stride: int

    def __call__(self, steps: Numbers) -> Numbers:
        streams, length, width = steps.shape
        padded = np.zeros((streams, length + 2, width), np.float32)  # np.pad takes longer than all the rest
        padded[:, 1:-1] = steps
        starts = range(0, length, self.stride)
        kernels = np.empty((streams, len(starts), KERNEL * width), np.float32)
        for number, at in enumerate(starts):
            kernels[:, number] = padded[:, at : at + KERNEL].reshape(streams, -1)
        encoded = _product(kernels, self.weight)
        encoded += self.bias
        return np.maximum(encoded, 0, out=encoded)


@frozen(eq=False)
class Network:
    """Immutable: whoever calls it keeps the state."""

    basis: Numbers
    encoder: tuple[_Convolution, ...]
    cell: Numbers
    cell_bias: Numbers
    decoder: Numbers
    decoder_bias: float

    @classmethod
    def read(cls, model: Path) -> Network:
        """Raises OSError, or NotTheModel."""
        data = model.read_bytes()
        if sha256(data).hexdigest() != SHA256:
            raise NotTheModel("it is not the file that this version was tested with")
        part = {
            name: np.frombuffer(data, "<f4", prod(shape), offset).reshape(shape)
            for name, (offset, shape) in _LAYOUT.items()
        }
        return cls(
            basis=np.ascontiguousarray(part["basis"].T),
            encoder=tuple(
                _Convolution(_by_step(part[f"encoder.{layer}.weight"]), part[f"encoder.{layer}.bias"], stride)
                for layer, stride in enumerate(STRIDES)
            ),
            cell=_by_gate(np.hstack([part["cell.input.weight"], part["cell.state.weight"]])),
            cell_bias=_by_gate(part["cell.input.bias"] + part["cell.state.bias"]),
            decoder=part["decoder.weight"],
            decoder_bias=float(part["decoder.bias"][0]),
        )

    def __call__(self, windows: Numbers, state: Numbers) -> tuple[Numbers, Numbers]:
        """The probability of speech for each of ``windows`` (n, 576), and the state (2, n, 128) after them.

        Each window is of its own stream and has the last 64 samples of the one before in front, of -1 to 1.
        """
        encoded = self._spectrum(windows)
        for convolution in self.encoder:
            encoded = convolution(encoded)
        hidden, remembered = state
        gates = np.concatenate([encoded[:, 0], hidden], axis=1) @ self.cell + self.cell_bias
        taken, kept, shown = _sigmoid(gates[:-1])
        remembered = kept * remembered + taken * np.tanh(gates[-1])
        hidden = shown * np.tanh(remembered)
        speech = _sigmoid(np.maximum(hidden, 0) @ self.decoder + self.decoder_bias)
        return speech, np.stack([hidden, remembered])

    def _spectrum(self, windows: Numbers) -> Numbers:
        """Magnitudes: (n, 4 frames, 129 bins)."""
        mirrored = windows[:, -2 : -2 - REFLECTED : -1]
        sound = np.concatenate([windows, mirrored], axis=1)
        starts = range(0, sound.shape[1] - FRAME + 1, HOP)
        parts = np.stack([sound[:, at : at + FRAME] for at in starts], axis=1) @ self.basis
        parts *= parts
        magnitudes: Numbers = np.sqrt(parts[..., :BINS] + parts[..., BINS:])
        return magnitudes


def _product(steps: Numbers, weight: Numbers) -> Numbers:
    """Of all streams at once where that is not too much for one thread, which is quicker than one by one."""
    streams, length, width = steps.shape
    if streams * length * weight.size >= THREADED:
        return steps @ weight
    return (steps.reshape(-1, width) @ weight).reshape(streams, length, -1)


def _by_gate(numbers: Numbers) -> Numbers:
    """The rows of a matrix, or the numbers, by gate; the one that is no share comes last."""
    taken, kept, new, shown = numbers.reshape(GATES, STATE, -1).transpose(0, 2, 1)
    return np.ascontiguousarray(np.stack([taken, kept, shown, new]))


def _by_step(weight: Numbers) -> Numbers:
    return np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight)))


def _sigmoid(values: Numbers) -> Numbers:
    half = np.float32(0.5)
    likely: Numbers = half + half * np.tanh(half * values)  # exp(-values) overflows
    return likely
