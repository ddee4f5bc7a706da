"""Changes the rate of a sound that is still going on: stretches at one rate in, the same sound at another out."""

from __future__ import annotations

import numpy as np
import samplerate
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES

HELD = 20
"""Samples of the slower rate that the filter looks ahead; measured for all pairs of 8, 16, 22.05, 24, 44.1, 48 kHz."""

_FULL_SCALE = 32768


class StreamResampler:
    """Signed 16-bit mono at ``source_rate`` in, at ``target_rate`` out, both in Hz.

    Sample n of what comes out sounds n / ``target_rate`` seconds after the first sample that went in, whatever the
    stretches; only the end of each stretch is held back, for ``delay`` seconds.  Up to 0.6 of the slower rate's half
    nothing is lost; noise and aliases stay 90 dB below the sound.  About 20 µs for 10 ms at 16 kHz.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        if source_rate <= 0 or target_rate <= 0:
            raise ValueError("a sample rate is above 0 Hz")
        self._source, self._target = source_rate, target_rate
        self._converter = samplerate.Resampler("sinc_fastest", channels=1)
        self._taken = self._given = 0

    @property
    def delay(self) -> float:
        """Seconds of sound that are held back, at most."""
        if self._source == self._target:
            return 0.0
        return HELD / min(self._source, self._target) + 1 / self._target

    def convert(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Go on with ``pcm``; ``last`` gives back all that was held, and the next stretch begins a new sound."""
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        if self._source == self._target:
            return pcm
        self._taken += len(pcm) // SAMPLE_BYTES
        samples = self._process(np.divide(np.frombuffer(pcm, "<i2"), _FULL_SCALE, dtype=np.float32))
        if last:
            wanted = round(self._taken * self._target / self._source) - self._given
            silence = np.zeros(2 * HELD * -(-self._source // min(self._source, self._target)), np.float32)
            samples = np.concatenate([samples, self._process(silence)])[:wanted]
            self._converter.reset()
            self._taken = self._given = 0
        else:
            self._given += len(samples)
        scaled = np.rint(samples * _FULL_SCALE)
        return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()

    def _process(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._converter.process(samples, self._target / self._source), np.float32)
