"""MCP's messages over this process's own standard streams, so that everything ends when it should.

In: lines on standard input.  Out: lines on standard output; what else is written there goes to standard error.  A line
that is no message is answered here.

The SDK reads in a thread that nothing stops, so that a signal would wait for the client to say something; here pipes
and sockets are read without one, and other files in a thread that is left behind.
"""

from __future__ import annotations

import logging
import os
import signal
import stat
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias, cast

import anyio
import trio
from mcp.server.stdio import stdio_server

from .wellformed import Refusal, too_long, wellformed

log = logging.getLogger(__name__)

Serve: TypeAlias = Callable[[Any, Any], Awaitable[None]]
"""Is given the streams that a server of the SDK reads and writes."""

GRACE = 1.0
"""Seconds that answers may take to be written once the client has said its last word; it may have stopped reading."""

LONGEST_LINE = 4 << 20
"""Bytes; no message to us is anywhere near, and whoever sends more is not listened to until the line ends."""

READ = 1 << 16

REFUSALS = 100
"""Lines that are refused and not yet answered; more of them, from who reads nothing, are not answered."""


async def serve_stdio(serve: Serve, *, grace: float = GRACE) -> int | None:
    """Let ``serve`` talk with the client until its input ends, a signal comes, or nobody reads our output any more.

    Returns the number of the signal, if it was one.  ``serve`` is cancelled in any case.
    """
    received: int | None = None
    incoming, outgoing = _divert()
    refuse, refused = trio.open_memory_channel[Refusal](REFUSALS)
    lines, out, answered = Lines(incoming, refuse), Out(outgoing), trio.Event()
    try:
        async with trio.open_nursery() as nursery:

            async def heed_signals(*, task_status: trio.TaskStatus[None]) -> None:
                nonlocal received
                with trio.open_signal_receiver(*_signals()) as signals:
                    task_status.started()
                    async for number in signals:
                        received = number
                        nursery.cancel_scope.cancel(f"signal {number}")
                        return

            async def heed_the_end() -> None:
                await lines.over.wait()
                await trio.sleep(grace)
                nursery.cancel_scope.cancel("the client has said its last word")

            async def answer_refused() -> None:
                with refused:
                    async for each in refused:
                        await out.write(each.line())
                answered.set()

            await nursery.start(heed_signals)
            nursery.start_soon(heed_the_end)
            nursery.start_soon(answer_refused)
            async with stdio_server(cast("Any", lines), cast("Any", out)) as (reading, writing):
                await serve(reading, writing)
            refuse.close()
            await answered.wait()
            nursery.cancel_scope.cancel("served")
    except* (trio.BrokenResourceError, anyio.BrokenResourceError, BrokenPipeError):
        log.info("nobody reads the answers any more")
    finally:
        out.close()
        lines.close()
    return received


def _divert() -> tuple[int, int]:
    """Descriptors of the client's, which nobody else in this process or its children can read or write from now on."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def _signals() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _stream(descriptor: int) -> trio.lowlevel.FdStream | None:
    """Only for what is ours alone: on a terminal it would change how everybody else reads and writes."""
    mode = os.fstat(descriptor).st_mode
    if hasattr(trio.lowlevel, "FdStream") and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return trio.lowlevel.FdStream(descriptor)
    return None


class Lines:
    """An iterator over the messages in ``descriptor``, a line each; ``over`` once there are no more.  What is said
    against other lines goes to ``refuse``."""

    def __init__(
        self, descriptor: int, refuse: trio.MemorySendChannel[Refusal], *, longest: int = LONGEST_LINE
    ) -> None:
        self.over = trio.Event()
        self._descriptor, self._refused, self._longest = descriptor, refuse, longest
        self._stream = _stream(descriptor)
        self._read = bytearray()
        self._ended = self._skipping = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            while (end := self._read.find(b"\n")) >= 0:
                line = bytes(self._read[:end])
                del self._read[: end + 1]
                if self._skipping:
                    self._skipping = False
                elif line.strip() and (message := self._message(line)) is not None:
                    return message
            if self._ended:
                self.over.set()
                raise StopAsyncIteration
            if len(self._read) > self._longest:
                self._refuse(too_long(bytes(self._read), self._longest))
                self._skipping = True
            if self._skipping:
                self._read.clear()
            await self._more()

    def _message(self, line: bytes) -> str | None:
        found = wellformed(line)
        if isinstance(found, Refusal):
            self._refuse(found)
            return None
        return found

    def _refuse(self, refusal: Refusal) -> None:
        log.warning("a line of the client's is refused: %s", refusal.message)
        try:
            self._refused.send_nowait(refusal)
        except trio.WouldBlock:
            log.warning("it is not answered either, as too many before it have not been read")

    async def _more(self) -> None:
        chunk = await self._chunk()
        self._read += chunk
        if not chunk:
            self._ended = True
            # a last line may lack its end
            self._read += b"\n"

    async def _chunk(self) -> bytes:
        try:
            if self._stream is not None:
                return bytes(await self._stream.receive_some(READ))
            return await trio.to_thread.run_sync(os.read, self._descriptor, READ, abandon_on_cancel=True)
        except (trio.BrokenResourceError, OSError):
            return b""

    def close(self) -> None:
        """Only what is a stream: a thread may still be at what is none."""
        if self._stream is not None:
            self._stream.close()


class Out:
    """What the SDK takes for a file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._stream = _stream(descriptor)
        self._whole = trio.Lock()

    async def write(self, text: str) -> None:
        """Raises BrokenResourceError or BrokenPipeError when nobody reads it."""
        data = text.encode()
        async with self._whole:
            if self._stream is not None:
                await self._stream.send_all(data)
            else:
                await trio.to_thread.run_sync(_write_all, self._descriptor, data, abandon_on_cancel=True)

    async def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except OSError as error:
            raise BrokenPipeError(error.errno, "standard output cannot be written") from error
