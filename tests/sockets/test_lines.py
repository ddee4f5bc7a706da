"""Lines over a socket, asked and answered; what is true of the control socket's server is tested there."""

from __future__ import annotations

from pathlib import Path

import trio

from voicemode.sockets.lines import LineServer, exchange
from voicemode.sockets.socket_file import Purpose

PURPOSE = Purpose(called="a socket", taken="Somebody listens", elsewhere="go elsewhere")


async def test_a_line_is_answered_while_another_is_thought_about(path: Path) -> None:
    thinking, go_on = trio.Event(), trio.Event()

    async def answer(line: bytes) -> bytes:
        if line == b"slow":
            thinking.set()
            await go_on.wait()
        return line.upper() + b"\n"

    server = LineServer(answer=answer, refuse=str.encode, lifetime=60, longest=100)
    slow: list[bytes] = []

    async def ask_slowly() -> None:
        slow.append(await exchange(path, b"slow\n", 100))

    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, path, PURPOSE)
        async with trio.open_nursery() as asking:
            asking.start_soon(ask_slowly)
            await thinking.wait()
            assert await exchange(path, b"fast\n", 100) == b"FAST"
            go_on.set()
        assert slow == [b"SLOW"]
        nursery.cancel_scope.cancel()
