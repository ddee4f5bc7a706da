"""A TCP connection as anycorn reads and writes it, that nobody at the other end can hold up or fill up.

anycorn writes where no cancellation reaches, so a client that stops reading would keep its task, and the server, for
ever; it answers as many pings as come; and once it has sent that a message is too big it goes on collecting the rest.
Here a write that takes too long breaks the connection, reading is no faster than is allowed, in bytes and in frames,
and after a close frame there is an end to both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import anyio.abc
import trio

from .frames import FrameCounter
from .limits import Limits
from .rate import TokenBucket

CLOSE_FRAME = 0x88
"""The first byte of a WebSocket's last frame; no answer of HTTP begins with it."""

AT_ONCE = 4_096
"""Bytes.  All that has been read is worked through before anything else happens to the connection, its end included."""

LEAST = 512
"""Bytes that a read counts for, because it takes its time, too."""

AFTER_CLOSE = 2.0
"""Seconds in which the other end may close too."""

MOST_AFTER_CLOSE = 1_000_000
"""Bytes that are still handed on then; what comes after them is thrown away."""


class PatientStream(anyio.abc.ByteStream):
    """Satisfies anyio's port, whose exceptions it raises."""

    def __init__(self, stream: trio.SocketStream, limits: Limits) -> None:
        self._stream, self._slow = stream, limits.slow
        self._bytes = TokenBucket(limits.bytes, limits.burst_bytes)
        self._frames, self._counter = TokenBucket(limits.frames, limits.burst), FrameCounter()
        self._wait = 0.0
        self._end = float("inf")
        self._left = MOST_AFTER_CLOSE

    async def receive(self, max_bytes: int = AT_ONCE) -> bytes:
        while True:
            data = b""
            with trio.move_on_at(self._end):
                await trio.sleep(self._wait)
                data = await self._receive(min(max_bytes, AT_ONCE))
            if not data:
                raise anyio.EndOfStream
            now = trio.current_time()
            self._wait = max(
                self._bytes.owe(now, max(len(data), LEAST)), self._frames.owe(now, self._counter.feed(data))
            )
            if self._end == float("inf"):
                return data
            self._left -= len(data)
            if self._left > 0:
                return data

    async def _receive(self, most: int) -> bytes:
        try:
            return bytes(await self._stream.receive_some(most))
        except trio.BrokenResourceError as error:
            raise anyio.BrokenResourceError from error
        except trio.ClosedResourceError as error:
            raise anyio.ClosedResourceError from error

    async def send(self, item: bytes) -> None:
        if item[:1] == bytes([CLOSE_FRAME]):
            self._end = min(self._end, trio.current_time() + AFTER_CLOSE)
        try:
            with trio.fail_after(self._slow):
                await self._stream.send_all(item)
        except (trio.BrokenResourceError, trio.TooSlowError) as error:
            self.abort()
            raise anyio.BrokenResourceError from error
        except (trio.ClosedResourceError, trio.BusyResourceError) as error:
            # busy with saying that nothing more comes
            raise anyio.ClosedResourceError from error

    async def send_eof(self) -> None:
        try:
            await self._stream.send_eof()
        except trio.BusyResourceError as error:
            raise anyio.BusyResourceError("sending from") from error
        except trio.BrokenResourceError as error:
            raise anyio.BrokenResourceError from error
        except trio.ClosedResourceError as error:
            raise anyio.ClosedResourceError from error

    def abort(self) -> None:
        """Close it now, whoever reads or writes just then is told.  Never blocks."""
        self._stream.socket.close()

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {anyio.abc.SocketAttribute.raw_socket: lambda: self._stream.socket}
