"""Frames of MP3 and AAC, by their heads.  In: bytes.  Out: which of the two begins there, and how long its frame is.

MP3 as in ISO/IEC 11172-3 and 13818-3 (layer III, and the half rates of MPEG 2.5); AAC as ADTS in ISO/IEC 13818-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["MP3", "AAC"]

HEAD = 7
"""Bytes of the longer of the two heads."""

RATES: Mapping[int, tuple[int, ...]] = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}
"""Hz, by the two bits for MPEG 1, 2 and 2.5."""

KILOBITS: Mapping[bool, tuple[int, ...]] = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""A second, for MPEG 1 and for the others; the first is for a rate that is not told."""


def frame_at(data: bytes, at: int = 0) -> tuple[Kind, int] | None:
    """The kind and the length in bytes of the frame whose head stands at ``at``; None if none does."""
    head = data[at : at + HEAD]
    if len(head) < HEAD or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return ("AAC", length) if length > HEAD else None
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    if layer != 1 or version == 1 or bits in {0, 15} or rate == 3:
        return None
    samples_by_eight = 144 if version == 3 else 72
    kilobits = KILOBITS[version == 3][bits]
    return "MP3", samples_by_eight * 1000 * kilobits // RATES[version][rate] + (head[2] >> 1 & 1)


def frames_of(data: bytes, *, whole: bool) -> Kind | Literal["undecided"] | None:
    """What ``data`` holds if it begins with two frames of a kind, or with one if that is ``whole`` of it: one head may
    be mere chance in something else."""
    first = frame_at(data)
    if first is None:
        return None
    kind, length = first
    if len(data) < length + HEAD:
        if not whole:
            return "undecided"
        return kind if len(data) >= length else None
    second = frame_at(data, length)
    return kind if second is not None and second[0] == kind else None
