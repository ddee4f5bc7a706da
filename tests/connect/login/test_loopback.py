"""The one address at which the browser's answer is awaited, and everybody else who knocks there."""

from __future__ import annotations

import pytest
import trio

from voicemode.connect.login import loopback as module
from voicemode.connect.login.errors import LoginError
from voicemode.connect.login.loopback import Loopback

OURS = "code=1&state=s"


def is_ours(query: str) -> bool:
    return query == OURS


async def connected(loopback: Loopback) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", loopback.listener.socket.getsockname()[1])


async def said(loopback: Loopback, request: bytes) -> bytes:
    async with await connected(loopback) as stream:
        await stream.send_all(request)
        reply = b""
        async for chunk in stream:
            reply += chunk
        return reply


def get(target: str, method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


@pytest.mark.parametrize(
    "request_",
    [
        get("/"),
        get("/favicon.ico"),
        get("/callback"),
        get("/callback?code=1&state=other"),
        get(f"/callback/?{OURS}"),
        get(f"//callback?{OURS}"),
        get(f"/callback?{OURS}", "HEAD"),
        get(f"/callback?{OURS}", "POST"),
        get(f"http://127.0.0.1/callback?{OURS}"),
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        f"GET /callback?{OURS} SPDY/3\r\n\r\n".encode(),
        b"GET /callback?" + b"x" * 20_000,
        b"\r\n\r\n",
    ],
    ids=range(13),
)
async def test_nothing_else_is_found_there(request_: bytes) -> None:
    loopback = await Loopback.open((0,))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loopback.query, is_ours)
        assert (await said(loopback, request_)).startswith(b"HTTP/1.1 404 Not Found\r\n")
        page = await said(loopback, get(f"/callback?{OURS}"))
    await loopback.aclose()
    head, _, body = page.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Cache-Control: no-store" in head
    assert b"You can close this window" in body
    assert b"state" not in body


async def test_the_answer_is_its_query_and_then_nobody_listens() -> None:
    loopback = await Loopback.open((0,))
    found: list[str] = []

    async def wait() -> None:
        found.append(await loopback.query(is_ours))
        await loopback.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await said(loopback, get(f"/callback?{OURS}"))
    assert found == [OURS]
    with pytest.raises(OSError, match=r".*"):
        await trio.open_tcp_stream("127.0.0.1", int(loopback.redirect_uri.rsplit(":")[-1].split("/")[0]))


async def test_who_only_holds_connections_open_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    loopback = await Loopback.open((0,))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loopback.query, is_ours)
        idle = [await connected(loopback) for _ in range(2)]
        await idle[0].send_all(b"GET /callback?")
        assert b"200 OK" in await said(loopback, get(f"/callback?{OURS}"))
    await loopback.aclose()
    for stream in idle:
        await stream.aclose()


async def test_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    loopback = await Loopback.open((0,))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loopback.query, is_ours)
        async with await connected(loopback) as stream:
            assert await stream.receive_some() == b""
        nursery.cancel_scope.cancel()
    await loopback.aclose()


async def test_who_hangs_up_in_the_middle_ends_nothing() -> None:
    loopback = await Loopback.open((0,))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loopback.query, is_ours)
        for request in (b"", b"GET /callb", get("/callback?state=x")):
            async with await connected(loopback) as stream:
                await stream.send_all(request)
        assert b"200 OK" in await said(loopback, get(f"/callback?{OURS}"))
    await loopback.aclose()


async def test_the_next_port_is_taken_when_one_is_not_free() -> None:
    first = await Loopback.open((0,))
    taken = first.listener.socket.getsockname()[1]
    second = await Loopback.open((taken, 0))
    assert second.redirect_uri != first.redirect_uri
    assert second.redirect_uri.startswith("http://127.0.0.1:")
    await second.aclose()
    with pytest.raises(LoginError, match=f"none of the ports {taken} is free"):
        await Loopback.open((taken,))
    await first.aclose()


async def test_only_this_machine_can_knock() -> None:
    loopback = await Loopback.open((0,))
    assert loopback.listener.socket.getsockname()[0] == "127.0.0.1"
    await loopback.aclose()
