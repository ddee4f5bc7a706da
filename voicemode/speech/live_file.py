"""An utterance as a file to send while it is being said.  In: its audio as it comes.  Out: 16 kHz mono, as WAV or FLAC.

Neither says how long it is.  FLAC may be silent about it (RFC 9639, STREAMINFO, 0 samples is "unknown").  WAV may not,
so its two sizes are the largest there are, as FFmpeg writes them into a pipe: FFmpeg, libsndfile, Python's ``wave`` and
whatever is fed by pipes read on to the end of what comes.  A size of 0 is taken at its word by libsndfile.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES

from .sink import Sink
from .upload import LARGEST, RATE, wav_header


class _Coder(Protocol):
    def feed(self, samples: NDArray[np.int16], *, last: bool) -> bytes: ...


class LiveFile:
    """One utterance at ``rate`` Hz, as a file of ``kind``, "wav" or "flac"."""

    def __init__(self, kind: str, rate: int) -> None:
        self.name, self.type = f"utterance.{kind}", f"audio/{kind}"
        self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="int16", quality="HQ")
        self._coder: _Coder = _Flac() if kind == "flac" else _Wav()
        self._rest = b""

    def feed(self, pcm: bytes, *, last: bool) -> bytes:
        """What can be sent of all that was given, which may be nothing unless it is the ``last``.

        Blocks: about 2 ms for a second as FLAC, 0.1 ms as WAV.
        """
        pcm = self._rest + pcm
        whole = len(pcm) // SAMPLE_BYTES
        self._rest = pcm[whole * SAMPLE_BYTES :]
        samples: NDArray[np.int16] = np.frombuffer(pcm, "<i2", whole)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        return self._coder.feed(samples, last=last)


class _Wav:
    def __init__(self) -> None:
        self._head = wav_header(LARGEST)

    def feed(self, samples: NDArray[np.int16], *, last: bool) -> bytes:  # noqa: ARG002 - nothing is held back
        head, self._head = self._head, b""
        return head + samples.astype("<i2").tobytes()


class _Flac:
    def __init__(self) -> None:
        self._sink = Sink()
        self._file = soundfile.SoundFile(cast("Any", self._sink), "w", RATE, 1, format="FLAC", subtype="PCM_16")

    def feed(self, samples: NDArray[np.int16], *, last: bool) -> bytes:
        self._file.write(samples)
        if last:
            self._file.close()
        return self._sink.taken()
