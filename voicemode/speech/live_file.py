"""An utterance as a file to send while it is being said.  In: its audio as it comes.  Out: 16 kHz mono, as WAV.

A WAV file has to say how long it is; both its sizes are the largest there are, as FFmpeg writes them into a pipe.
FFmpeg, libsndfile and Python's ``wave``, which most servers decode with, then read on to the end of what comes.  A size
of 0 would be taken at its word by libsndfile, and FLAC, which may be silent about its length, libsndfile does not read
then: it wants to seek in it.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES

from .upload import LARGEST, RATE, wav_header

NAME, TYPE = "utterance.wav", "audio/wav"


class LiveFile:
    """One utterance at ``rate`` Hz."""

    def __init__(self, rate: int) -> None:
        self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="int16", quality="HQ")
        self._head = wav_header(LARGEST)
        self._rest = b""

    def feed(self, pcm: bytes, *, last: bool) -> bytes:
        """What can be sent of all that was given.  Blocks: about 0.2 ms for a second at another rate."""
        pcm = self._rest + pcm
        whole = len(pcm) // SAMPLE_BYTES
        self._rest = pcm[whole * SAMPLE_BYTES :]
        samples: NDArray[np.int16] = np.frombuffer(pcm, "<i2", whole)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        head, self._head = self._head, b""
        return head + samples.astype("<i2").tobytes()
