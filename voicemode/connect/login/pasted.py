"""What a person pastes at the terminal.  In: a descriptor.  Out: its lines, until there are no more.

A terminal or a pipe is read without a thread, which nothing could stop.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import trio
from attrs import define, field

LONGEST = 65_536
"""Bytes of a line; more is cut into several."""


@define
class PastedLines:
    """An async iterator of lines that are not empty."""

    descriptor: int
    _read: bytearray = field(factory=bytearray, init=False)
    _ended: bool = field(default=False, init=False)

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        while True:
            line = self._line()
            if line is None and self._ended:
                raise StopAsyncIteration
            if line:
                return line
            if line is None:
                await self._more()

    def _line(self) -> str | None:
        end = self._read.find(b"\n")
        if end < 0:
            if not self._read or not (self._ended or len(self._read) > LONGEST):
                return None
            end = len(self._read)
        line = self._read[:end].decode(errors="replace").strip()
        del self._read[: end + 1]
        return line

    async def _more(self) -> None:
        try:
            try:
                await trio.lowlevel.wait_readable(self.descriptor)
            except PermissionError:
                await trio.lowlevel.checkpoint()  # a plain file, which is always readable
            chunk = os.read(self.descriptor, 4096)
        except OSError:
            chunk = b""
        self._read += chunk
        self._ended = not chunk
