"""A speaker that records what it plays: audio in, a WAV file with the silences between out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import soxr
import trio

from actors.messages import SAMPLE_BYTES, seconds_of

from .file_errors import explaining
from .virtual_speaker import VirtualPlayback
from .wav_writer import WavWriter


class FileSpeaker:
    """Implements ``Speaker``.  Only what was really played is in the file, at the time it was played.

    The file begins at the first opening, ends at the last closing and has the first opening's rate; what a later
    opening plays at another rate is resampled.  An existing file is overwritten at the first opening, not before.
    Raises AudioFileError here and at the opening when ``path`` cannot be written, and from ``write``, ``drain`` and
    the closing when that fails later.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began: float | None = None
        self._rate = self._size = 0
        with explaining(path, "written"):
            new = not path.exists()
            path.open("ab").close()
            if new:
                path.unlink()

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[VirtualPlayback]:
        await trio.lowlevel.checkpoint()
        if self._began is None:
            self._began, self._rate = trio.current_time(), rate
        writer = WavWriter(self.path, self._rate, kept=self._size)
        try:
            tape = _Tape(writer, self._began)
            playback = VirtualPlayback(rate, tape.add)
            try:
                yield playback
            finally:
                playback.close()
                tape.finish(trio.current_time())
        finally:
            self._size = writer.size
            writer.close()


class _Tape:
    """Puts sounds in a file where they belong in time; sounds that follow one another are resampled as one."""

    def __init__(self, writer: WavWriter, began: float) -> None:
        self._writer, self._began = writer, began
        self._ended_at = float("-inf")
        self._converter: soxr.ResampleStream | None = None

    def add(self, at: float, pcm: bytes, rate: int) -> None:
        if abs(at - self._ended_at) * rate > 0.5:
            self._flush()
            self._wind_to(at)
            if rate != self._writer.rate:
                self._converter = soxr.ResampleStream(rate, self._writer.rate, 1, dtype="int16")
        self._ended_at = at + seconds_of(pcm, rate)
        self._writer.write(self._converted(pcm, last=False))

    def finish(self, at: float) -> None:
        self._flush()
        self._wind_to(at)

    def _flush(self) -> None:
        self._writer.write(self._converted(b"", last=True))
        self._converter = None

    def _converted(self, pcm: bytes, *, last: bool) -> bytes:
        if self._converter is None:
            return pcm
        converted = self._converter.resample_chunk(np.frombuffer(pcm, np.int16), last=last)
        return np.asarray(converted, "<i2").tobytes()

    def _wind_to(self, at: float) -> None:
        position = SAMPLE_BYTES * round((at - self._began) * self._writer.rate)
        if position > self._writer.size:
            self._writer.resize(position)
