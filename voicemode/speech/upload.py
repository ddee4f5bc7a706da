"""An utterance as a file to send.  In: its audio.  Out: 16 kHz mono as WAV, or as FLAC, which is about half as long."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES

RATE = 16_000
"""Of the sound that is sent, in Hz: what the recognisers work at."""

LARGEST = 0xFFFFFFFF
"""Size that a WAV file can say it has; one that says so is a stream whose end was not known."""


def upload_of(pcm: bytes, rate: int, kind: str) -> tuple[str, bytes, str]:
    """Name, content and type of a file of ``kind``, "wav" or "flac".

    Blocks: about 1 ms for 5 s of audio at another rate, and as WAV; 2 ms for a second as FLAC.
    """
    samples: NDArray[np.int16] = np.frombuffer(pcm, "<i2", len(pcm) // SAMPLE_BYTES)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE, quality="HQ")
    return f"utterance.{kind}", FILES[kind](samples), f"audio/{kind}"


def wav_header(size: int) -> bytes:
    """Of a file with ``size`` bytes of sound; the largest number there is stays what it is."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, SAMPLE_BYTES * RATE, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    chunks = b"WAVE" + form + struct.pack("<4sI", b"data", size)
    return struct.pack("<4sI", b"RIFF", min(len(chunks) + size, LARGEST)) + chunks


def _wav(samples: NDArray[np.int16]) -> bytes:
    sound = samples.astype("<i2").tobytes()
    return wav_header(len(sound)) + sound


def _flac(samples: NDArray[np.int16]) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


FILES: Mapping[str, Callable[[NDArray[np.int16]], bytes]] = {"wav": _wav, "flac": _flac}
