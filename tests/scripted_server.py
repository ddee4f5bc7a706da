"""A server for tests that answers as it is told: real HTTP on a real socket, and bytes cut wherever a test wants."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias, TypeVar

import trio
from attrs import define, field, frozen

from voicemode.groups import unwrapped

Reply: TypeAlias = Callable[[trio.SocketStream], Awaitable[None]]


class HungUp(Exception):
    """The server closes the connection."""


@frozen
class Asked:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, bytes]:
        """The parts of a form by name."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        parts = {}
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            parts[head.partition(b'name="')[2].partition(b'"')[0].decode()] = content[:-2]
        return parts


def head(status: str, kind: str, *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), *fields]
    return "\r\n".join((*lines, "", "")).encode()


def whole(body: bytes, kind: str = "application/json", status: str = "200 OK", *fields: str, missing: int = 0) -> Reply:
    """With ``missing`` the connection closes that many bytes before the end of the body."""

    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head(status, kind, *fields, f"Content-Length: {len(body) + missing}") + body)
        if missing:
            raise HungUp

    return reply


def refusal(status: str, message: str, *fields: str) -> Reply:
    return whole(json.dumps({"error": {"message": message}}).encode(), "application/json", status, *fields)


def streamed(
    *parts: bytes,
    kind: str,
    ends: bool = True,
    before: Callable[[int], Awaitable[None]] | None = None,
) -> Reply:
    """``parts`` as chunks; without ``ends`` the connection breaks in the middle of the body."""

    async def reply(stream: trio.SocketStream) -> None:
        await stream.send_all(head("200 OK", kind, "Transfer-Encoding: chunked"))
        for index, part in enumerate(parts):
            if before is not None:
                await before(index)
            await stream.send_all(b"%x\r\n%b\r\n" % (len(part), part))
        if not ends:
            raise HungUp
        await stream.send_all(b"0\r\n\r\n")

    return reply


async def hang(_: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def hang_up(_: trio.SocketStream) -> None:
    raise HungUp


@define
class ScriptedServer:
    """Each request is answered with the next of ``replies``; when there are none, ``reply_to`` finds one.

    ``left`` is set when a client goes away during an answer.  ``arriving`` is what has come of the body that comes at
    present.  ``cut_in`` answers the first body of more than so many bytes before it has all come.
    """

    url: str = ""
    replies: list[Reply] = field(factory=list[Reply])
    asked: list[Asked] = field(factory=list[Asked])
    was_asked: trio.Event = field(factory=trio.Event)
    connections: int = 0
    left: trio.Event = field(factory=trio.Event)
    arriving: bytes = b""
    cut_in: tuple[int, Reply] | None = None
    _came: trio.Event = field(factory=trio.Event, init=False)

    async def received(self, enough: Callable[[bytes], bool]) -> None:
        """Wait until ``enough`` of a body has come."""
        while not enough(self.arriving):
            await self._came.wait()

    def reply_to(self, asked: Asked) -> Reply:
        raise AssertionError(f"nobody has told what to answer to {asked.line}")

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        with suppress(HungUp, trio.BrokenResourceError), unwrapped(), trio.CancelScope() as scope:
            while asked := await self._request(stream):
                self.asked.append(asked)
                self.was_asked.set()
                reply = self.replies.pop(0) if self.replies else self.reply_to(asked)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._notice_leaving, stream, scope)
                    try:
                        await reply(stream)
                    except trio.BrokenResourceError:
                        self.left.set()
                    nursery.cancel_scope.cancel()

    async def _notice_leaving(self, stream: trio.SocketStream, scope: trio.CancelScope) -> None:
        with suppress(OSError):
            if await stream.socket.recv(1, socket.MSG_PEEK):
                return  # the next request, from a client that is quicker than we are
        self.left.set()
        scope.cancel()

    async def _request(self, stream: trio.SocketStream) -> Asked | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = await stream.receive_some()
            if not more:
                return None
            data += more
        top, _, data = data.partition(b"\r\n\r\n")
        line, *fields = top.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
        chunked = headers.get("transfer-encoding") == "chunked"
        while True:
            body, whole = dechunked(data) if chunked else (data, len(data) >= int(headers.get("content-length", 0)))
            self.arriving = body
            self._came.set()
            self._came = trio.Event()
            if whole:
                return Asked(line.rsplit(" ", 1)[0], headers, body)
            if self.cut_in is not None and len(body) > self.cut_in[0]:
                (_, reply), self.cut_in = self.cut_in, None
                await reply(stream)
                return None
            if not (more := await stream.receive_some()):
                return None
            data += more


def dechunked(data: bytes) -> tuple[bytes, bool]:
    """What has come of a body in chunks, and whether that is all of it."""
    body = b""
    while b"\r\n" in data:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return body, data.startswith(b"\r\n")
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return body, False


Server = TypeVar("Server", bound=ScriptedServer)


@asynccontextmanager
async def listening(server: Server) -> AsyncGenerator[Server]:
    """``server`` at an address of this machine, which is then its ``url``."""
    with unwrapped():
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
            server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1"
            yield server
            nursery.cancel_scope.cancel()
