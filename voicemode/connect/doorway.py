"""The stream under a WebSocket that begins.  In: bytes from a server.  Out: the same, if it agrees to be a WebSocket.

trio-websocket waits for ever for a server that hangs up instead of answering, or does not end the body of a refusal.
Here it is told at the first line of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import trio

AGREED = 101

_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")

_ENOUGH = len(b"HTTP/1.1 101")


class Doorway(trio.abc.Stream):
    """``shut`` is called when nothing more will come, or what comes is no agreement.  It never raises."""

    def __init__(self, stream: trio.abc.Stream, shut: Callable[[], None]) -> None:
        self._stream, self._shut = stream, shut
        self.status: int | None = None
        """Of the server's answer in HTTP, 0 for what is none, None until it has begun."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await (self._first() if self.status is None else self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._shut()
            raise
        if not data:
            self._shut()
        return data

    async def _first(self) -> bytes:
        head = b""
        while len(head) < _ENOUGH:
            data = await self._stream.receive_some()
            if not data:
                return b""
            head += data
        found = _STATUS.match(head)
        self.status = 0 if found is None else int(found[1])
        if self.status != AGREED:
            raise trio.BrokenResourceError
        return head

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._shut()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
