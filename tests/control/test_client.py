"""The side of whoever controls: one question, one answer, or one sentence that says why there is none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.errors import VoiceError
from tests.control.conftest import FakeConversation, serving
from voicemode.control.client import NobodyListens, ask
from voicemode.control.protocol import StatusAnswer
from voicemode.control.server import PURPOSE
from voicemode.sockets.socket_file import SocketFile


async def refused(path: Path) -> str:
    with pytest.raises(VoiceError) as refusal:
        await ask(path, "status")
    return str(refusal.value)


async def test_it_is_answered(conversation: FakeConversation, path: Path) -> None:
    async with serving(conversation, path):
        assert (await ask(path, "pause")).ok
        status = await ask(path, "status")
    assert isinstance(status, StatusAnswer)
    assert (status.held, status.turn, status.recent) == (True, 3, 2)


async def test_a_refusal_is_an_error_in_the_conversations_words(conversation: FakeConversation, path: Path) -> None:
    conversation.failure = VoiceError("Nothing has been said yet.")
    async with serving(conversation, path):
        with pytest.raises(VoiceError, match=r"^Nothing has been said yet\.$"):
            await ask(path, "repeat")


async def test_where_nobody_listens_it_says_how_to_switch_it_on(path: Path) -> None:
    file = SocketFile.take(path, PURPOSE)
    file.socket.close()
    assert await refused(path) == str(NobodyListens(path))
    file.release()
    with pytest.raises(NobodyListens) as nobody:
        await ask(path, "pause")
    assert str(nobody.value) == (
        f"No conversation can be controlled at {path}: start one with voicemode talk --control, or switch it on "
        "for all with voicemode config set VOICEMODE_CONTROL_CHANNEL_ENABLED true."
    )


async def test_a_conversation_that_is_stuck_is_waited_for_two_seconds(
    path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    stuck = SocketFile.take(path, PURPOSE)
    assert await refused(path) == f"The conversation at {path} did not answer within 2 s."
    assert trio.current_time() == 2.0
    stuck.release()


@pytest.mark.parametrize("answer", [b"", b"hello\n", b"5\n", b'{"ok": "perhaps"}\n', b"x" * 100_000])
async def test_what_is_no_answer_is_said_to_be_none(path: Path, nursery: trio.Nursery, answer: bytes) -> None:
    async def say(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        try:
            await stream.send_all(answer)
        except trio.BrokenResourceError:
            return

    file = SocketFile.take(path, PURPOSE)
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(file.socket))
    await nursery.start(trio.serve_listeners, say, [listener])
    assert await refused(path) == f"Whoever listens at {path} gave no answer that can be understood."
    nursery.cancel_scope.cancel()
    file.release()


async def test_a_path_that_cannot_be_one_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert await refused(tmp_path / "file" / "control.sock") == (
        f"{tmp_path}/file/control.sock cannot be reached: {os.strerror(errno.ENOTDIR)}."
    )
    assert "too long" in await refused(tmp_path / ("x" * 120))
