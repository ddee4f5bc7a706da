"""Speech in the format a client asks for.  In: samples as they are made.  Out: bytes to send, and a rest at the end.

WAV and raw samples are sent as they are; libsndfile makes MP3 and Opus in a thread.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Any, Protocol, cast

import numpy as np
import soundfile
import trio

RATE = 24_000
"""Hz of the audio in an answer, as OpenAI documents for pcm."""

CONTENT_TYPES: Mapping[str, str] = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
}

_UNTOLD = 0xFFFFFFFF
"""Stands for a size in the header of a WAV file whose end is not known yet."""

WAV_HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", _UNTOLD, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", _UNTOLD
)

CODERS: Mapping[str, Mapping[str, str]] = {
    # of a variable bit rate, readers would take the length from a head that is sent before the length is known
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
}


class SoundFormat(Protocol):
    async def take(self, pcm: bytes, *, last: bool) -> bytes:
        """What can be sent of all that was given."""
        ...

    def close(self) -> None:
        """Let go of it, also half-way.  Idempotent."""
        ...


def sound_format(name: str) -> SoundFormat:
    """One for one answer; ``name`` is one of CONTENT_TYPES."""
    return _Coded(name) if name in CODERS else _Plain(WAV_HEADER if name == "wav" else b"")


class _Plain:
    def __init__(self, head: bytes) -> None:
        self._head = head

    async def take(self, pcm: bytes, *, last: bool) -> bytes:  # noqa: ARG002 - there is no rest
        head, self._head = self._head, b""
        return head + pcm

    def close(self) -> None:
        return


class _Coded:
    def __init__(self, name: str) -> None:
        self._sink = _Sink()
        self._file = soundfile.SoundFile(cast("Any", self._sink), "w", RATE, 1, **cast("Any", CODERS[name]))
        self._limiter = trio.CapacityLimiter(1)

    async def take(self, pcm: bytes, *, last: bool) -> bytes:
        await trio.to_thread.run_sync(self._write, pcm, last, limiter=self._limiter)
        return self._sink.taken()

    def close(self) -> None:
        self._file.close()

    def _write(self, pcm: bytes, last: bool) -> None:
        self._file.write(np.frombuffer(pcm, "<i2"))
        if last:
            self._file.close()


class _Sink:
    """A file that is sent while it is written: what a coder would change later has gone already."""

    def __init__(self) -> None:
        self._at = self._end = 0
        self._new = bytearray()

    def write(self, data: memoryview) -> int:
        self._at += len(data)
        if self._at > self._end:
            self._new += data[len(data) - (self._at - self._end) :]
            self._end = self._at
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:  # noqa: ARG002 - it is there because soundfile looks for it
        return b""

    def taken(self) -> bytes:
        new, self._new = bytes(self._new), bytearray()
        return new
