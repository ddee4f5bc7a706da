"""How loud sound is: pcm in, dBFS out."""

from __future__ import annotations

import math

import numpy as np

FLOOR = -96.0
"""Level of digital silence in dBFS: one step of 16 bits is 96 dB below full scale."""


def level_of(pcm: bytes) -> float:
    """How loud ``pcm`` is on average, in dBFS from FLOOR to 0; a full-scale square wave is at 0.

    It is asked for each window of each conversation, which is why it is numpy's work.
    """
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    power = float(samples @ samples) / max(1, len(samples)) / 32768**2
    return max(FLOOR, 10 * math.log10(power)) if power else FLOOR
