"""A chat endpoint for tests: real HTTP on a real socket, and bytes cut wherever a test wants them cut."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import trio
from attrs import define, field

from voicemode.groups import unwrapped

Reply: TypeAlias = Callable[[trio.SocketStream], Awaitable[None]]


class HungUp(Exception):
    """The server closes the connection."""


def said(text: str | None, **choice: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}, **choice}]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def whole(body: bytes, status: str = "200 OK", kind: str = "application/json") -> Reply:
    async def reply(stream: trio.SocketStream) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        await stream.send_all(head.encode() + body)

    return reply


def refusal(status: str, message: str) -> Reply:
    return whole(json.dumps({"error": {"message": message}}).encode(), status)


def streamed(*parts: bytes, ends: bool = True, before: Callable[[int], Awaitable[None]] | None = None) -> Reply:
    """``parts`` as chunks; without ``ends`` the connection breaks in the middle of the body."""

    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for index, part in enumerate(parts):
            if before is not None:
                await before(index)
            await stream.send_all(b"%x\r\n%b\r\n" % (len(part), part))
        if ends:
            await stream.send_all(b"0\r\n\r\n")
        else:
            raise HungUp

    return reply


async def hang(_: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def hang_up(_: trio.SocketStream) -> None:
    raise HungUp


@define
class ChatServer:
    """Answers each request with the next of ``replies``; ``left`` is set when a client goes away during one."""

    url: str = ""
    replies: list[Reply] = field(factory=list)
    asked: list[tuple[str, dict[str, str], Any]] = field(factory=list)
    was_asked: trio.Event = field(factory=trio.Event)
    connections: int = 0
    left: trio.Event = field(factory=trio.Event)

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        with suppress(HungUp), unwrapped(), trio.CancelScope() as scope:
            while await self._request(stream):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._notice_leaving, stream, scope)
                    await self.replies.pop(0)(stream)
                    nursery.cancel_scope.cancel()

    async def _notice_leaving(self, stream: trio.SocketStream, scope: trio.CancelScope) -> None:
        await trio.lowlevel.wait_readable(stream.socket)
        self.left.set()
        scope.cancel()

    async def _request(self, stream: trio.SocketStream) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            more = await stream.receive_some()
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
        while len(body) < int(headers.get("content-length", 0)):
            body += await stream.receive_some()
        self.asked.append((line.rsplit(" ", 1)[0], headers, json.loads(body or b"null")))
        self.was_asked.set()
        return True


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncGenerator[ChatServer]:
    server = ChatServer(replies=list(replies))
    with unwrapped():
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
            server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1"
            yield server
            nursery.cancel_scope.cancel()
