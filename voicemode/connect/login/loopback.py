"""Where the browser ends up: one address of this machine, open until the provider's answer has come.

In: ports.  Out: the query of the request that is ours.  Everything else that is asked for is not found here, so that
a page that knocks at ports can neither find this out nor end a sign-in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import trio
from attrs import frozen

from .errors import LoginError

PORTS = (8766, 8767, 8768, 8769, 0)
"""Providers that want to know the whole address are told the first four; others take any port, which 0 is."""

PATH = "/callback"

LONGEST = 16_384
"""Bytes of a request."""

PATIENCE = 10.0
"""Seconds for a request to arrive, and for its answer to be taken."""

LINGER = 1.0
"""Seconds for the browser to hang up when it has its page."""

MOST = 16
"""Connections at a time; more are closed at once."""

PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>voicemode</title>"
    "<body style='font: 1.2em sans-serif; margin: 3em'><p>You can close this window, and go on where you started "
    "voicemode.</p></html>"
)
MISSING = "There is nothing here."

_HEAD = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n"
    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n"
)


@frozen
class Loopback:
    listener: trio.SocketListener
    redirect_uri: str

    @classmethod
    async def open(cls, ports: Sequence[int] = PORTS) -> Loopback:
        """At the first port that is free.  Raises LoginError."""
        for port in ports:
            try:
                (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
            except OSError:
                continue
            taken = listener.socket.getsockname()[1]
            return cls(listener, f"http://127.0.0.1:{taken}{PATH}")
        raise LoginError(
            f"The browser's answer cannot be received: none of the ports {', '.join(map(str, ports))} is free."
        )

    async def query(self, is_ours: Callable[[str], bool]) -> str:
        """Of the first request for the path whose query ``is_ours``, which has been answered by then."""
        found: list[str] = []
        room = trio.CapacityLimiter(MOST)

        async def serve(stream: trio.SocketStream) -> None:
            try:
                room.acquire_nowait()
            except trio.WouldBlock:
                return
            try:
                with trio.move_on_after(PATIENCE):
                    query = _query_of(await _request(stream))
                    ours = query is not None and is_ours(query)
                    if query is not None and ours:
                        found.append(query)
                    await _answer(stream, *(("200 OK", PAGE) if ours else ("404 Not Found", MISSING)))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # who hangs up before the page is there has said what there is to say
            finally:
                room.release()
            if found:
                nursery.cancel_scope.cancel("the answer is here")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(trio.serve_listeners, serve, [self.listener], handler_nursery=nursery))
        return found[0]

    async def aclose(self) -> None:
        await self.listener.aclose()


async def _request(stream: trio.SocketStream) -> bytes:
    """What came of its head, which may not be all."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) <= LONGEST:
        more = await stream.receive_some(4096)
        if not more:
            break
        data += more
    return data


def _query_of(request: bytes) -> str | None:
    """None if it is no whole request for our path."""
    head, end, _ = request.partition(b"\r\n\r\n")
    method, _, rest = head.split(b"\r\n", 1)[0].partition(b" ")
    target, _, version = rest.partition(b" ")
    path, _, query = target.partition(b"?")
    if not end or method != b"GET" or path != PATH.encode() or not version.startswith(b"HTTP/1."):
        return None
    return query.decode("ascii", "replace")


async def _answer(stream: trio.SocketStream, status: str, page: str) -> None:
    body = page.encode()
    await stream.send_all(_HEAD.format(status=status, length=len(body)).encode() + body)
    await stream.send_eof()
    # closing with something unread would take the page back from a browser that has not read it
    with trio.move_on_after(LINGER):
        while await stream.receive_some(4096):
            pass
