"""A file that is still coming.  In: its bytes, from the loop.  Out: the same to a decoder in a thread, which waits.

A decoder wants to know how long its file is and may look at its end, so the end is said to be far away, and nothing but
zeros stand there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

SIZE = 0x7FFF_FFFF
"""Bytes that the file is said to have until its end has come."""

TAIL = 128
"""Bytes at that end which are zeros: what looks there looks for an ID3v1 tag."""


class GrowingFile:
    """``add``, ``end`` and ``close`` never wait; the others are a file's, for one thread.

    ``hungry`` is called in that thread when it has read all there is, before it waits, and under the lock that ``add``
    takes: whoever adds afterwards is told of the next time.
    """

    def __init__(self, hungry: Callable[[], None]) -> None:
        self._changed = threading.Condition()
        self._hungry = hungry
        self._data = bytearray()
        self._ended = False
        self._at = 0

    def add(self, data: bytes, before: Callable[[], None]) -> None:
        """``before`` is called first, under the lock."""
        with self._changed:
            before()
            self._data += data
            self._changed.notify()

    def end(self, before: Callable[[], None]) -> None:
        """Nothing more comes."""
        with self._changed:
            before()
            self._ended = True
            self._changed.notify()

    def close(self) -> None:
        """Nobody wants the rest: it ends here for the decoder too."""
        with self._changed:
            self._data.clear()
            self._ended = True
            self._changed.notify()

    def peek(self, at: int, size: int) -> bytes:
        """``size`` bytes from ``at`` on, or what there is if the file ends before."""
        with self._changed:
            self._wait_for(at + size)
            return bytes(self._data[at : at + size])

    def overwrite(self, at: int, data: bytes) -> None:
        with self._changed:
            self._data[at : at + len(data)] = data

    def whole(self) -> bytes:
        """All of it, when it has come."""
        with self._changed:
            self._wait_for(SIZE)
            return bytes(self._data)

    def read(self, size: int) -> bytes:
        """What there is, at most ``size`` bytes; nothing at the end."""
        with self._changed:
            if not self._ended and self._at >= SIZE - TAIL:
                return bytes(size)
            self._wait_for(self._at + 1)
            data = bytes(self._data[self._at : self._at + size])
            self._at += len(data)
            return data

    def readinto(self, buffer: memoryview) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        end = len(self._data) if self._ended else SIZE
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def _wait_for(self, length: int) -> None:
        while not self._ended and len(self._data) < length:
            self._hungry()
            self._changed.wait()
