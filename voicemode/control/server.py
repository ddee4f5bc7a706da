"""The side of the conversation.  In: requests of the same user's processes.  Out: its buttons pressed, and answers."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import assert_never

import trio
from attrs import asdict

from actors.errors import SettingsError, VoiceError

from ..sockets.lines import LineServer
from ..sockets.socket_file import Purpose
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
    server = LineServer(
        answer=_Buttons(conversation).answer,
        refuse=lambda reason: line_of(refusal(reason)),
        lifetime=LIFETIME,
        longest=LONGEST_LINE,
        most_connections=MOST_CONNECTIONS,
    )
    await server.serve(path, PURPOSE, task_status=task_status)


class _Buttons:
    def __init__(self, conversation: Controllable) -> None:
        self._conversation = conversation

    async def answer(self, line: bytes) -> bytes:
        return line_of(self._answer(line))

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
