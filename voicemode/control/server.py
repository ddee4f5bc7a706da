"""The side of the conversation.  In: requests of the same user's processes.  Out: its buttons pressed, and answers.

Nothing a client does holds up the conversation or keeps the server from ending: connections are few and short, and what
is read and kept of each is bounded.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import assert_never

import trio
from attrs import asdict

from actors.errors import SettingsError, VoiceError

from ..sockets.peer import user_of
from ..sockets.socket_file import Purpose, SocketFile
from .controllable import Controllable
from .pauses import PauseEnd, limit_pauses
from .protocol import LONGEST_LINE, Answer, Request, StatusAnswer, line_of, refusal, request_in

log = logging.getLogger(__name__)

PURPOSE = Purpose(
    called="a control socket",
    taken="Another conversation is controlled",
    elsewhere="choose another place with VOICEMODE_CONTROL_SOCKET",
)

MOST_CONNECTIONS = 8

LIFETIME = 10.0
"""Seconds after which a connection is closed, whatever it is doing."""


async def keep_control(
    conversation: Controllable,
    *,
    path: Path,
    longest_pause: float,
    after_pause: PauseEnd,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve ``conversation`` at ``path`` until cancelled, and let no pause last longer than ``longest_pause`` seconds.

    Where nobody can be listened to at ``path``, as when another conversation is, that is a warning, and the
    conversation goes on without.
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(limit_pauses, conversation, longest=longest_pause, then=after_pause))
        try:
            await nursery.start(serve_control, conversation, path)
        except SettingsError as error:
            log.warning("%s This conversation goes on without being controlled from outside.", error)
        task_status.started()


async def serve_control(
    conversation: Controllable, path: Path, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve until cancelled; the socket is removed on every way out.  Raises SettingsError where there can be none."""
    file = await trio.to_thread.run_sync(SocketFile.take, path, PURPOSE)
    try:
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(file.socket))
        task_status.started()
        await trio.serve_listeners(_Clients(conversation).serve, [listener])
    finally:
        file.release()


class _Clients:
    def __init__(self, conversation: Controllable) -> None:
        self._conversation = conversation
        self._connected = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one to the end.  Closing the stream is up to the caller."""
        if user_of(stream.socket) != os.geteuid():
            return
        self._connected += 1
        try:
            with trio.move_on_after(LIFETIME):
                if self._connected > MOST_CONNECTIONS:
                    await stream.send_all(line_of(refusal("Too many ask at once; try again in a moment.")))
                else:
                    await self._obey(stream)
        except trio.BrokenResourceError:  # it left without waiting for the answer
            return
        finally:
            self._connected -= 1

    async def _obey(self, stream: trio.SocketStream) -> None:
        async with aclosing(_lines(stream)) as lines:
            async for line in lines:
                if len(line) > LONGEST_LINE:
                    too_long = f"A request has at most {LONGEST_LINE} bytes, and this one has more."
                    await stream.send_all(line_of(refusal(too_long)))
                    await stream.send_eof()
                    async for _ in stream:  # it hears the answer once it has said everything
                        pass
                    return
                await stream.send_all(line_of(self._answer(line)))

    def _answer(self, line: bytes) -> Answer:
        try:
            request = request_in(line)
        except ValueError as error:
            return refusal(str(error))
        try:
            return self._done(request)
        except VoiceError as error:
            return refusal(str(error), request)
        except trio.WouldBlock:
            return refusal("Too much is asked of the conversation at once; try again in a moment.", request)

    def _done(self, request: Request) -> Answer:
        conversation = self._conversation
        match request.command:
            case "pause":
                conversation.pause()
            case "resume":
                conversation.resume()
            case "stop":
                conversation.stop()
            case "skip_back":
                conversation.skip_back()
            case "skip_forward":
                conversation.skip_forward()
            case "interrupt":
                conversation.interrupt()
            case "end_turn":
                conversation.end_turn()
            case "mute":
                conversation.mute(True)
            case "unmute":
                conversation.mute(False)
            case "repeat":
                conversation.repeat()
            case "status":
                status = asdict(conversation.status())
                return StatusAnswer(ok=True, action="status", request_id=request.request_id, **status)
            case _:
                assert_never(request.command)
        return Answer(ok=True, action=request.command, request_id=request.request_id)


async def _lines(stream: trio.SocketStream) -> AsyncGenerator[bytes]:
    """What is sent, line by line, the last with or without a newline; one that is too long as far as it was read."""
    rest = b""
    async for data in stream:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > LONGEST_LINE:
            yield rest
    if rest:
        yield rest
