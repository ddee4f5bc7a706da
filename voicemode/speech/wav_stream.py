"""A WAV file as it arrives.  In: its bytes, cut anywhere.  Out: its sound, as soon as it is there.

RIFF/WAVE as in Microsoft's "Multiple Channel Audio Data and WAVE Files": chunks in any order, the sound last.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

SLOWEST, FASTEST = 8_000, 192_000
"""Rates that are taken for those of speech, in Hz."""

LONGEST_HEAD = 1 << 16
"""Bytes before the sound."""

UNKNOWN = 0x7FFF_0000
"""From this size on, and with a size of 0, whoever wrote the header did not know how much would follow."""

PCM, EXTENSIBLE = 1, 0xFFFE


class NotSpeech(Exception):
    """This is no sound that can be played; the message says what it is instead, as the end of a sentence."""


class Samples:
    """Interleaved signed 16-bit frames, cut anywhere, in; mono samples out.  ``rate`` is in Hz."""

    def __init__(self, rate: int, channels: int) -> None:
        """Raises NotSpeech for a rate or a number of channels that speech does not have."""
        if not SLOWEST <= rate <= FASTEST:
            raise NotSpeech(f"sound at {rate} Hz")
        if channels not in {1, 2}:
            raise NotSpeech(f"sound with {channels} channels")
        self.rate = rate
        self._channels = channels
        self._cut = b""

    def feed(self, data: bytes) -> bytes:
        data = self._cut + data
        whole = len(data) - len(data) % (2 * self._channels)
        self._cut = data[whole:]
        if self._channels == 1:
            return data[:whole]
        both = np.frombuffer(data, "<i2", whole // 2).reshape(-1, 2)
        mixed: NDArray[np.int16] = both.mean(axis=1).round().astype("<i2")
        return mixed.tobytes()


class WavStream:
    """``rate`` is known, in Hz, when the first sound comes out."""

    def __init__(self) -> None:
        self._head, self._at = b"", 12
        self._samples: Samples | None = None
        self._left: int | None = None
        self._begun = False

    @property
    def rate(self) -> int:
        assert self._samples is not None  # noqa: S101 - there is no sound before the format of it
        return self._samples.rate

    def feed(self, data: bytes) -> bytes:
        """Mono samples.  Raises NotSpeech for WAV of a kind that is not spoken."""
        if not self._begun:
            self._head += data
            begin = self._find_sound()
            if begin is None:
                if len(self._head) > LONGEST_HEAD:
                    raise NotSpeech("WAV without sound")
                return b""
            data, self._head = self._head[begin:], b""
            self._begun = True
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        assert self._samples is not None  # noqa: S101 - it was found before the sound
        return self._samples.feed(data)

    def _find_sound(self) -> int | None:
        """Where in the head the sound begins, once it has come that far."""
        while len(self._head) >= self._at + 8:
            kind, size = struct.unpack_from("<4sI", self._head, self._at)
            begin = self._at + 8
            if kind == b"data":
                if self._samples is None:
                    raise NotSpeech("WAV that does not say what is in it")
                self._left = size if 0 < size < UNKNOWN else None
                return begin
            if len(self._head) < begin + size:
                break
            if kind == b"fmt ":
                self._samples = _format(self._head[begin : begin + size])
            self._at = begin + size + size % 2
        return None


def _format(chunk: bytes) -> Samples:
    if len(chunk) < 16:
        raise NotSpeech("WAV with a broken header")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == EXTENSIBLE and len(chunk) >= 26:
        (kind,) = struct.unpack_from("<H", chunk, 24)
    if kind != PCM or bits != 16:
        raise NotSpeech(f"WAV of {bits} bits" if kind == PCM else f"WAV of kind {kind}, not plain samples")
    return Samples(rate, channels)
