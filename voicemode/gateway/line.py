"""What a connection has still to be sent: frames in, as many as it reads out.  The writer waits, nobody else does."""

from __future__ import annotations

from collections import deque

import trio
from attrs import frozen

FRAME = 100
"""Bytes that even an empty frame takes."""

RESERVE = 3_000_000
"""Bytes that it may hold beyond what is too much: as many messages as are sent before they are confirmed."""


@frozen
class Closing:
    code: int
    reason: str


class Line:
    """``unread`` counts bytes that wait, about.  ``session`` is the one it is the connection of, once there is one.

    ``mistakes`` are those of the other end, since it last said something of use.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: deque[str] = deque()
        self._closing: Closing | None = None
        self._news, self._room = trio.Event(), trio.Event()
        self.session = ""
        self.account: str | None = None
        self.unread = self.dropped = self.mistakes = 0

    @property
    def full(self) -> bool:
        return self.unread > self._most

    @property
    def closing(self) -> bool:
        return self._closing is not None

    def put(self, frame: str) -> bool:
        """Whether there was room.  What is put after it was closed is dropped."""
        if self._closing is not None:
            return True
        if self.unread > self._most + RESERVE:
            self.dropped += 1
            return False
        self._frames.append(frame)
        self.unread += len(frame) + FRAME
        self._news.set()
        return True

    def close(self, code: int, reason: str, *, now: bool = False) -> None:
        """After all that was put before, or ``now``.  The first reason counts."""
        if now:
            self._frames.clear()
            self.unread = 0
        if self._closing is None:
            self._closing = Closing(code, reason)
        self._news.set()
        self._room.set()

    async def next(self) -> str | Closing:
        while not self._frames:
            if self._closing is not None:
                return self._closing
            self._news = trio.Event()
            await self._news.wait()
        frame = self._frames.popleft()
        self.unread -= len(frame) + FRAME
        if not self.full:
            self._room.set()
        return frame

    async def room(self) -> None:
        """Wait until there is not too much of it."""
        while self.full and self._closing is None:
            self._room = trio.Event()
            await self._room.wait()
