"""A client's end of a connection: bytes in, h11's events out, and what h11 has to say back on its way as bytes.

Nothing is read before it is asked for, nothing is held that the client has not taken, and every wait can be cancelled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import h11
import trio

HEAD = 16 * 1024
"""Bytes of headers that are waited for while there is no end to them, and of requests that come before their time."""

READ = 64 * 1024
"""Bytes read from the socket at a time."""

STALLED = 30.0
"""Seconds in which a client takes something of its answer, or sends something of its request."""

LINGER = 1.0
"""Seconds that are spent reading what a client still sends after its answer: closed at once, it might lose that."""

_NETWORK = (trio.BrokenResourceError, trio.ClosedResourceError)

Value = TypeVar("Value")


class Disconnected(ConnectionError):
    """The client has left, or does nothing."""


class Wire:
    """``http`` is the state of the protocol.  Closing the stream is up to whoever opened it."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        self._stream = stream

    async def event(self) -> object:
        """What the client says next.  Raises Disconnected, and h11's RemoteProtocolError for what is no HTTP."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(bytes(await _attended(self._stream.receive_some, READ)))
        return event

    async def write(self, data: bytes) -> None:
        """Send ``data``.  Raises Disconnected, also when the client does not take it in time."""
        with trio.move_on_after(STALLED):
            await _attended(self._stream.send_all, data)
            return
        raise Disconnected

    async def disconnected(self) -> None:
        """Wait until the client leaves; the beginning of its next request is kept."""
        try:
            while len(self.http.trailing_data[0]) < HEAD and (data := await self._stream.receive_some(READ)):
                self.http.receive_data(bytes(data))
        except _NETWORK:
            return

    async def linger(self) -> None:
        """Let a client that has not sent all of its request read the answer nevertheless."""
        if self.http.their_state in {h11.DONE, h11.MUST_CLOSE, h11.CLOSED}:
            return
        with trio.move_on_after(LINGER):
            try:
                await self._stream.send_eof()
                while await self._stream.receive_some(READ):
                    pass
            except _NETWORK:
                return


async def _attended(act: Callable[..., Awaitable[Value]], argument: object) -> Value:
    """What ``act`` gives; raises Disconnected where Trio says that the other end is gone."""
    try:
        return await act(argument)
    except _NETWORK as error:
        raise Disconnected from error
