"""A file that is sent while it is written.  In: what a coder writes, in a thread.  Out: bytes to send."""

from __future__ import annotations

import os


class Sink:
    """What a coder would change later has gone already."""

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
