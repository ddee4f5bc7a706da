"""Adds sounds: 16-bit mono in, their sum limited to full scale out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from actors.messages import SAMPLE_BYTES

Placed: TypeAlias = tuple[int, bytes]
"""The position of the first sample, and pcm."""


def mixed(sounds: Sequence[Placed]) -> list[Placed]:
    """What is heard of ``sounds``: stretches in order, none of which overlaps another; those that stand alone stay as
    they are."""
    together: list[list[Placed]] = []
    end = 0
    for start, pcm in sorted(sounds, key=lambda placed: placed[0]):
        if together and start < end:
            together[-1].append((start, pcm))
        else:
            together.append([(start, pcm)])
        end = max(end, start + len(pcm) // SAMPLE_BYTES)
    return [group[0] if len(group) == 1 else _sum(group) for group in together]


def _sum(group: Sequence[Placed]) -> Placed:
    begin = group[0][0]
    total = np.zeros(max(start - begin + len(pcm) // SAMPLE_BYTES for start, pcm in group), np.int32)
    for start, pcm in group:
        total[start - begin : start - begin + len(pcm) // SAMPLE_BYTES] += np.frombuffer(pcm, "<i2")
    return begin, np.clip(total, -32768, 32767).astype("<i2").tobytes()
