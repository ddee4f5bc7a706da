"""Lines asked and answered over a Unix socket.  In: a socket's path, a line.  Out: the line that answers it.

Nothing a client does holds up the server or keeps it from ending: connections are few and last for a time, only the
same user's are heard, and what is read and kept of each is bounded.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import trio
from attrs import define, field

from .peer import user_of
from .socket_file import Purpose, SocketFile


@define(eq=False, kw_only=True)
class LineServer:
    """``answer`` is given each line and gives the one that answers it; ``refuse`` makes one of a sentence.

    ``lifetime`` is in seconds, ``longest`` in bytes of a request.
    """

    answer: Callable[[bytes], Awaitable[bytes]]
    refuse: Callable[[str], bytes]
    lifetime: float
    longest: int
    most_connections: int = 8
    _connected: int = field(default=0, init=False)

    async def serve(
        self, path: Path, purpose: Purpose, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; the socket is removed on every way out.

        Raises SettingsError where there can be none.
        """
        file = await trio.to_thread.run_sync(SocketFile.take, path, purpose)
        try:
            listener = trio.SocketListener(trio.socket.from_stdlib_socket(file.socket))
            task_status.started()
            await trio.serve_listeners(self.serve_one, [listener])
        finally:
            file.release()

    async def serve_one(self, stream: trio.SocketStream) -> None:
        """Serve one to the end.  Closing the stream is up to the caller."""
        if user_of(stream.socket) != os.geteuid():
            return
        self._connected += 1
        try:
            with trio.move_on_after(self.lifetime):
                if self._connected > self.most_connections:
                    await stream.send_all(self.refuse("Too many ask at once; try again in a moment."))
                else:
                    await self._converse(stream)
        except trio.BrokenResourceError:  # it left without waiting for the answer
            return
        finally:
            self._connected -= 1

    async def _converse(self, stream: trio.SocketStream) -> None:
        async with aclosing(self._lines(stream)) as lines:
            async for line in lines:
                if len(line) > self.longest:
                    too_long = f"A request has at most {self.longest} bytes, and this one has more."
                    await stream.send_all(self.refuse(too_long))
                    await stream.send_eof()
                    async for _ in stream:  # it hears the answer once it has said everything
                        pass
                    return
                await stream.send_all(await self.answer(line))

    async def _lines(self, stream: trio.SocketStream) -> AsyncGenerator[bytes]:
        """What is sent, line by line, the last with or without a newline; one that is too long as far as it was
        read."""
        rest = b""
        async for data in stream:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line
            if len(rest) > self.longest:
                yield rest
        if rest:
            yield rest


async def exchange(path: Path, line: bytes, longest: int) -> bytes:
    """Send ``line``, which ends with a newline; the first one that comes back, of which ``longest`` bytes are read.

    Raises OSError, and trio.BrokenResourceError for a server that leaves.
    """
    stream = await trio.open_unix_socket(path)
    async with stream:
        await stream.send_all(line)
        answer = b""
        async for data in stream:
            answer += data
            if b"\n" in data or len(answer) > longest:
                break
        return answer.partition(b"\n")[0]
