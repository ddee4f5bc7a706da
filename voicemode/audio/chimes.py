"""The three short sounds that tell whose turn it is.  A rate in, samples out; nothing is read from disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from actors.messages import Chime

Notes: TypeAlias = tuple[float, ...]

NOTES: Mapping[Chime, tuple[Notes, float]] = {
    "listening": ((800.0, 1000.0), 0.1),
    "captured": ((1175.0, 1568.0), 0.08),
    "done": ((1000.0, 800.0), 0.1),
}
"""Frequencies in Hz, one after the other, and how long they last together in seconds.  Up is an invitation, down is an
end; users of earlier versions know the first and the last.  ``captured`` is D6 and G6, apart from both."""

AMPLITUDE = 0.075
"""Of full scale, -22 dBFS: to be noticed beside a voice, not to startle."""

FADE = 0.01
"""Seconds at either end of a note; a note that begins or ends at once is a click."""


def chimes(rate: int) -> dict[Chime, bytes]:
    """Every chime as signed 16-bit little-endian mono at ``rate`` Hz; the same bytes each time, 0.1 s at most.

    Each begins and ends with a sample of zero.  The notes need a rate of 4 kHz or more.
    """
    return {
        chime: b"".join(_note(note, seconds / len(notes), rate) for note in notes)
        for chime, (notes, seconds) in NOTES.items()
    }


def _note(frequency: float, seconds: float, rate: int) -> bytes:
    size, fade = round(seconds * rate), FADE * rate
    ramp = (1 - np.cos(np.pi * np.minimum(np.arange(size) / fade, 1))) / 2
    swing = np.sin(2 * np.pi * frequency * np.arange(size) / rate)
    return np.rint(32767 * AMPLITUDE * swing * ramp * ramp[::-1]).astype("<i2").tobytes()
