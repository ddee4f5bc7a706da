"""A client of the SDK beside our server, over a room under a virtual clock: what tests of the tools share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, evolve, field
from mcp.client import Client
from mcp_types import CallToolResult

from actors.events import Event
from actors.messages import MicrophoneClosed, MicrophoneOpened
from tests.conversing import Room, conversing, follow
from tests.fakes import said
from voicemode import Conversation, Settings
from voicemode.config import read_configuration
from voicemode.mcp import resources, tools
from voicemode.mcp.converse import Converse
from voicemode.mcp.server import server_of
from voicemode.mcp.statistics import Statistics
from voicemode.mcp.terms import Terms
from voicemode.mcp.voice import Voice


@define
class Desk:
    """``notes`` are the progress notifications with when they came, in seconds since ``began``."""

    client: Client
    room: Room
    voice: Voice
    began: float
    notes: list[tuple[float, str]] = field(factory=list[tuple[float, str]])
    opened: list[Settings] = field(factory=list[Settings])
    seen: list[Event] = field(factory=list[Event])

    @property
    def conversation(self) -> Conversation:
        assert self.voice.conversation is not None
        return self.voice.conversation

    @property
    def openings(self) -> int:
        """Of the microphone."""
        return sum(isinstance(event, MicrophoneOpened) for event in self.seen)

    @property
    def listening(self) -> bool:
        return self.openings > sum(isinstance(event, MicrophoneClosed) for event in self.seen)

    @property
    def now(self) -> float:
        return trio.current_time() - self.began

    def user_says(self, at: float, seconds: float) -> None:
        self.room.microphone.place(said(seconds), self.began + at)

    async def call(self, name: str, **arguments: Any) -> CallToolResult:
        result = await self.client.call_tool(name, arguments, progress_callback=self._note)
        assert isinstance(result, CallToolResult)
        return result

    async def converse(self, message: str | None = None, **arguments: Any) -> dict[str, Any]:
        """The structure of an answer that is no error."""
        result = await self.call("converse", **({} if message is None else {"message": message}), **arguments)
        assert not result.is_error, words(result)
        assert result.structured_content is not None
        return result.structured_content

    async def refused(self, name: str, **arguments: Any) -> str:
        """The words of an answer that is an error."""
        result = await self.call(name, **arguments)
        assert result.is_error, result.structured_content
        return words(result)

    async def _note(self, _: float, __: float | None, message: str | None) -> None:
        self.notes.append((self.now, message or ""))


def words(result: CallToolResult) -> str:
    [content] = result.content
    assert content.type == "text"
    return content.text


@asynccontextmanager
async def desk(
    *,
    call_limit: float = 50.0,
    settings: Settings | None = None,
    mode: str = "auto",
    loading: float = 0.0,
    **parts: Any,
) -> AsyncGenerator[Desk]:
    """The server as it is, but for the conversation that it opens: that one is in the room, and its engines take so
    many seconds of ``loading``; if that is some, it is not opened before a call asks for it.

    ``mode`` is how the client begins: as the SDK's clients do, with the old handshake ("legacy") or a revision.
    """
    # files are locked in threads, and a virtual clock waits for none
    room, settings = Room(), evolve(settings or Settings(), floor=False)
    opened: list[Settings] = []
    seen: list[Event] = []

    @asynccontextmanager
    async def opener(wanted: Settings) -> AsyncGenerator[Conversation]:
        opened.append(wanted)
        await trio.sleep(loading)
        async with conversing(room, settings=wanted, **parts) as conversation, trio.open_nursery() as following:
            following.start_soon(follow, conversation, seen)
            yield conversation
            following.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        voice, statistics = Voice(nursery, opener), Statistics()
        converse = Converse(voice, settings, nursery, statistics=statistics, terms=Terms(call_limit=call_limit))
        configuration = read_configuration(environment={}, directory=None, home=None)
        server = server_of(tools.specs(converse, voice, settings), resources.specs(settings, configuration, statistics))
        async with Client(server, mode=mode) as client:
            if not loading:
                await voice.open(settings)
            yield Desk(client, room, voice, trio.current_time(), opened=opened, seen=seen)
        nursery.cancel_scope.cancel()
