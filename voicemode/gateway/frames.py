"""Counts the frames of a WebSocket as they arrive, of whatever kind.  In: bytes of a connection.  Out: how many frames
began in them.

Each costs its server some time, however small it is, and of those that are no messages the application never hears.
"""

from __future__ import annotations

from attrs import define, field

END_OF_HEAD = b"\r\n\r\n"

MASK = 4
"""Bytes between the length and the data."""


@define
class FrameCounter:
    """What comes after the head of the first request is taken for frames; it need not be right for what are none."""

    _tail: bytes = field(default=b"", init=False)
    """Of the head of the request, or of a frame, what has come of it."""
    _talking: bool = field(default=False, init=False)
    _skip: int = field(default=0, init=False)

    def feed(self, data: bytes) -> int:
        data = self._tail + data
        if not self._talking:
            end = data.find(END_OF_HEAD)
            if end < 0:
                self._tail = data[-len(END_OF_HEAD) + 1 :]
                return 0
            data, self._talking = data[end + len(END_OF_HEAD) :], True
        return self._count(data)

    def _count(self, data: bytes) -> int:
        count, at = 0, self._skip
        while (head := _head(data, at)) is not None:
            count += 1
            at += head
        self._skip = max(0, at - len(data))
        self._tail = data[at:] if at < len(data) else b""
        return count


def _head(data: bytes, at: int) -> int | None:
    """The length of the frame that begins at ``at``; None when that cannot be told yet."""
    if at + 2 > len(data):
        return None
    masked, length = data[at + 1] & 0x80, data[at + 1] & 0x7F
    size = {126: 2, 127: 8}.get(length, 0)
    if at + 2 + size > len(data):
        return None
    if size:
        length = int.from_bytes(data[at + 2 : at + 2 + size], "big")
    return 2 + size + (MASK if masked else 0) + length
