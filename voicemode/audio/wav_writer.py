"""Writes a WAV file piece by piece: audio in, a file that can be played at any moment out."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Self

from attrs import frozen

from actors.messages import SAMPLE_BYTES

from .file_errors import explaining

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LARGEST = 0xFFFFFFFF
"""What a size field can hold; readers take it for 'until the end of the file'."""


@frozen
class Head:
    """Of a file that a ``WavWriter`` made: ``promised`` bytes of audio as it says, ``held`` as there are, in blocks."""

    rate: int
    channels: int
    promised: int
    held: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """None when it is no such file.  Raises AudioFileError."""
        with explaining(path, "read"), path.open("rb") as file:
            head = file.read(_HEADER.size)
            length = os.fstat(file.fileno()).st_size
        if len(head) < _HEADER.size:
            return None
        riff, _, wave, form, size, coding, channels, rate, _, block, bits, data, promised = _HEADER.unpack(head)
        if (riff, wave, form, size, coding, bits, data) != (
            b"RIFF",
            b"WAVE",
            b"fmt ",
            16,
            1,
            8 * SAMPLE_BYTES,
            b"data",
        ):
            return None
        if not channels or not rate or block != SAMPLE_BYTES * channels:
            return None
        held = length - _HEADER.size
        return cls(rate, channels, promised, held - held % block)

    @property
    def seconds(self) -> float:
        return self.held / (SAMPLE_BYTES * self.channels * self.rate)


def make_whole(path: Path) -> None:
    """Let a file of a ``WavWriter``'s that a crash left say how much is in it.  Raises AudioFileError.

    Other files stay as they are; so does the time of the last change.
    """
    head = Head.of(path)
    if head is None or not head.held or head.held == head.promised or head.held > _LARGEST:
        return
    with explaining(path, "written"):
        times = path.stat()
        WavWriter(path, head.rate, head.channels, kept=head.held).close()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


class WavWriter:
    """A WAV file of signed 16-bit samples that is whole after every ``write``, even if the process is killed then.

    ``pcm`` is little-endian, the channels interleaved.  Everything goes to the page cache at once and nowhere further
    (about 10 µs a call), so that it may be used between two frames.  Every method raises AudioFileError.
    """

    def __init__(self, path: Path, rate: int, channels: int = 1, *, mode: int = 0o666, kept: int = 0) -> None:
        """Open ``path`` at once: new or emptied, or with the first ``kept`` bytes of audio an earlier writer left.

        ``mode`` is the permission bits of a new file, before the umask.
        """
        self.path, self.rate, self.channels = path, rate, channels
        self._size = kept
        with explaining(path, "written"):
            self._file = io.FileIO(path, "r+" if kept else "w", opener=lambda name, flags: os.open(name, flags, mode))
        try:
            self.resize(kept)
        except BaseException:
            self._file.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of audio in the file."""
        return self._size

    def write(self, pcm: bytes) -> None:
        """Append ``pcm``."""
        with explaining(self.path, "written"):
            self._put(_HEADER.size + self._size, pcm)
            self._size += len(pcm)
            self._put_header()

    def resize(self, size: int) -> None:
        """Make the audio ``size`` bytes long: drop what is beyond, or add silence, which takes no room on the disk."""
        with explaining(self.path, "written"):
            self._size = size
            self._put_header()
            self._file.truncate(_HEADER.size + size)

    def sync(self) -> None:
        """Wait until the audio is on the disk.  May take long: call it in a thread."""
        with explaining(self.path, "written"):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Idempotent."""
        self._file.close()

    def _put(self, position: int, data: bytes) -> None:
        self._file.seek(position)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _put_header(self) -> None:
        block = SAMPLE_BYTES * self.channels
        size = self._size - self._size % block
        self._put(
            0,
            _HEADER.pack(
                b"RIFF",
                min(size + _HEADER.size - 8, _LARGEST),
                b"WAVE",
                b"fmt ",
                16,
                1,
                self.channels,
                self.rate,
                self.rate * block,
                block,
                8 * SAMPLE_BYTES,
                b"data",
                min(size, _LARGEST),
            ),
        )
