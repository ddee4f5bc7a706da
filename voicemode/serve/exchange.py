"""One HTTP request and its answer, as an ASGI application sees them (asgi.readthedocs.io, HTTP 2.5).

In: the server's ``scope``, ``receive`` and ``send``.  Out: the body in bounded steps, and an answer whole or in parts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn, TypeAlias

import msgspec
import trio

from .refusal import Refusal

Scope: TypeAlias = Mapping[str, Any]
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"


class Exchange:
    """To be answered inside ``scope``, which is cancelled when the client leaves.

    ``answered`` says whether the answer has begun, so that it is too late for another.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        self.scope = trio.CancelScope()
        self.answered = False
        self._receive, self._send = receive, send
        self._read = trio.Event()

    def header(self, name: bytes) -> bytes:
        """The value of the header ``name`` (in lower case), or nothing."""
        return dict(self.headers).get(name, b"")

    async def read_body(
        self,
        take: Callable[[bytes], object],
        *,
        most: int,
        small: int = 0,
        room: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Give ``take`` all of the body, as it comes.

        ``room`` is waited for, once, before there are more than ``small`` bytes, and for a smaller one at its end.
        Raises Refusal as soon as it is certain that there are more than ``most`` bytes.
        """
        with suppress(ValueError):
            _refuse_beyond(most, int(self.header(b"content-length")))
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                await self._leave()
            data: bytes = message.get("body", b"")
            size += len(data)
            _refuse_beyond(most, size)
            more = message.get("more_body", False)
            if room is not None and (size > small or not more):
                await room()
                room = None
            take(data)
        self._read.set()

    async def watch_client(self) -> None:
        """Wait until the client leaves, from when its request has been read."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        await self._leave()

    async def begin(
        self, content_type: bytes, *, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """Begin an answer that comes in parts."""
        self.answered = True
        all_headers = [(b"content-type", content_type), *headers]
        await self._tell({"type": "http.response.start", "status": status, "headers": all_headers})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Send a part of the answer; waits while the client takes none."""
        await self._tell({"type": "http.response.body", "body": data, "more_body": not last})

    async def reply(
        self,
        body: bytes,
        content_type: bytes = JSON,
        *,
        status: int = 200,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        """Send a whole answer."""
        length = (b"content-length", b"%d" % len(body))
        await self.begin(content_type, status=status, headers=(length, *headers))
        await self.write(body, last=True)

    async def reply_json(self, value: object) -> None:
        """Send ``value`` as JSON."""
        await self.reply(msgspec.json.encode(value))

    async def refuse(self, refusal: Refusal) -> None:
        """Send an error."""
        await self.reply(refusal.body, status=refusal.status, headers=refusal.headers)

    async def _tell(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:  # what ASGI servers raise when nobody is there any more
            await self._leave()

    async def _leave(self) -> NoReturn:
        self.scope.cancel("the client has left")
        await trio.sleep_forever()
        raise AssertionError("left outside its scope")


def _refuse_beyond(most: int, size: int) -> None:
    if size > most:
        raise Refusal(413, f"The request is too large: at most {most} bytes are taken.", code="request_too_large")
