"""A conversation whose buttons can be pressed, and what was pressed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from attrs import define, evolve, field

from voicemode.control.controllable import ConversationStatus
from voicemode.control.server import serve_control

STANDING = ConversationStatus(state="speaking", held=False, muted=False, turn=3, recent=2)


@define
class FakeConversation:
    """``failure`` is raised by whatever is pressed."""

    standing: ConversationStatus = STANDING
    pressed: list[str] = field(factory=list)
    failure: Exception | None = None

    @property
    def muted(self) -> bool:
        return self.standing.muted

    def status(self) -> ConversationStatus:
        return self.standing

    def _press(self, button: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.pressed.append(button)

    def pause(self) -> None:
        self._press("pause")
        self.standing = evolve(self.standing, held=True)

    def resume(self) -> None:
        self._press("resume")
        self.standing = evolve(self.standing, held=False)

    def stop(self) -> None:
        self._press("stop")
        self.standing = evolve(self.standing, held=False, state="idle", turn=None)

    def skip_back(self) -> None:
        self._press("skip_back")

    def skip_forward(self) -> None:
        self._press("skip_forward")

    def interrupt(self) -> None:
        self._press("interrupt")

    def end_turn(self) -> None:
        self._press("end_turn")

    def mute(self, muted: bool = True) -> None:
        self._press("mute" if muted else "unmute")
        self.standing = evolve(self.standing, muted=muted)

    def repeat(self) -> None:
        self._press("repeat")


@pytest.fixture
def conversation() -> FakeConversation:
    return FakeConversation()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where the socket is to be; in the end it is there no more, however the server ended."""
    path = tmp_path / "private" / "control.sock"
    yield path
    assert not path.exists()


@asynccontextmanager
async def serving(conversation: FakeConversation, path: Path) -> AsyncGenerator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, conversation, path)
        yield
        nursery.cancel_scope.cancel()


class Client:
    """Says and hears whatever the test likes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._heard = b""

    async def say(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def hear(self) -> dict[str, Any]:
        while b"\n" not in self._heard:
            data = await self.stream.receive_some()
            assert data, "the server said nothing more"
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        answer: dict[str, Any] = msgspec.json.decode(line)
        return answer

    async def ask(self, line: bytes) -> dict[str, Any]:
        await self.say(line + b"\n")
        return await self.hear()

    async def is_left(self) -> None:
        """The server has closed the connection, or does now."""
        try:
            while await self.stream.receive_some():
                pass
        except trio.BrokenResourceError:
            return


@asynccontextmanager
async def client_at(path: Path) -> AsyncGenerator[Client]:
    async with await trio.open_unix_socket(path) as stream:
        yield Client(stream)
