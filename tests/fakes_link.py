"""A gateway in memory, at which anything can go wrong, for tests of the link under a virtual clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import trio
from attrs import define, field

from actors.errors import LinkLost, VoiceError
from actors.link import hold_link
from actors.link_messages import (
    Ack,
    AgentUser,
    Connected,
    Device,
    LinkError,
    LinkMessage,
    Resume,
    SessionResumed,
    Speak,
    Transcription,
    UserMessage,
)
from actors.machines.link import LinkState, LinkStatus
from actors.outgoing import Outgoing
from voicemode.groups import unwrapped

DESK = Device(device_id="dev-1", platform="mcp-server")


@define(eq=False)
class FakeConnection:
    """``sent`` and ``pinged`` are what the gateway got, with the time.

    ``reads``: it takes what it is sent; ``there``: what it is sent reaches it, and the other way round.
    """

    gateway: FakeGateway
    reads: bool = True
    there: bool = True
    sent: list[tuple[float, LinkMessage]] = field(factory=list[tuple[float, LinkMessage]])
    pinged: list[float] = field(factory=list[float])
    lost: bool = False
    closed: bool = False
    _channel: tuple[trio.MemorySendChannel[LinkMessage | None], trio.MemoryReceiveChannel[LinkMessage | None]] = field(
        factory=lambda: trio.open_memory_channel[LinkMessage | None](1000)
    )
    _broken: str = "The gateway has gone."

    def say(self, *messages: LinkMessage | None) -> None:
        for message in messages:
            if self.there:
                self._channel[0].send_nowait(message)

    def lose(self, reason: str = "The gateway has gone.") -> None:
        self._broken, self.lost, self.there = reason, True, False
        self._channel[0].close()

    @property
    def messages(self) -> list[LinkMessage]:
        return [message for _, message in self.sent]

    async def _reach(self) -> bool:
        await trio.lowlevel.checkpoint()
        if not self.reads:
            await trio.sleep_forever()
        if self.lost:
            raise LinkLost(self._broken)
        return self.there

    async def send(self, message: LinkMessage) -> None:
        if not await self._reach():
            return
        self.sent.append((trio.current_time(), message))
        if isinstance(message, Resume) and self.gateway.remembers:
            self.say(SessionResumed(session_token=message.session_token))
        elif isinstance(message, Resume):
            self.say(LinkError(code="SESSION_NOT_FOUND", message="there is none"))
        elif isinstance(message, UserMessage | Speak | Transcription) and self.gateway.acknowledges:
            self.say(Ack(id=message.id, status="delivered"))

    async def ping(self) -> None:
        if await self._reach():
            self.pinged.append(trio.current_time())
            self.say(None)

    async def receive(self) -> LinkMessage | None:
        try:
            return await self._channel[1].receive()
        except trio.EndOfChannel:
            raise LinkLost(self._broken) from None


@define(eq=False)
class FakeGateway:
    """``failures`` are what the next attempts to connect end with, in order."""

    failures: list[VoiceError] = field(factory=list[VoiceError])
    greets: bool = True
    remembers: bool = True
    """It resumes sessions."""
    acknowledges: bool = True
    seconds: float = 0.1
    """That a connection takes to be made."""
    connections: list[FakeConnection] = field(factory=list[FakeConnection])
    tried: list[tuple[float, bool]] = field(factory=list[tuple[float, bool]])
    """When somebody tried to connect, and whether with another token."""
    arrived: trio.Event = field(factory=trio.Event)
    _sessions: count[int] = field(factory=lambda: count(1))

    @property
    def last(self) -> FakeConnection:
        return self.connections[-1]

    @property
    def open(self) -> int:
        return sum(not each.closed for each in self.connections)

    @asynccontextmanager
    async def connect(self, *, renew: bool = False) -> AsyncGenerator[FakeConnection]:
        self.tried.append((trio.current_time(), renew))
        await trio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        connection = FakeConnection(self)
        self.connections.append(connection)
        if self.greets:
            session = str(next(self._sessions))
            connection.say(Connected(session_id=session, session_token=session))
        self.arrived.set()
        try:
            yield connection
        finally:
            connection.lose()
            connection.closed = True


@define(eq=False)
class Held:
    """A link that is held, and what is known of it."""

    gateway: FakeGateway
    outgoing: Outgoing
    incoming: trio.MemoryReceiveChannel[LinkMessage]
    scope: trio.CancelScope
    statuses: list[LinkStatus] = field(factory=list[LinkStatus])

    @property
    def state(self) -> LinkState:
        return self.statuses[-1].state

    @property
    def history(self) -> list[tuple[float, LinkState]]:
        return [(round(status.since, 6), status.state) for status in self.statuses]


@asynccontextmanager
async def holding(
    gateway: FakeGateway,
    *,
    outgoing: Outgoing | None = None,
    users: trio.MemoryReceiveChannel[tuple[AgentUser, ...]] | None = None,
    room: int = 100,
    chance: float = 1.0,
) -> AsyncGenerator[Held]:
    """With a ``chance`` of 1.0 every delay is a second."""
    send, receive = trio.open_memory_channel[LinkMessage](room)
    outgoing = outgoing or Outgoing()
    with unwrapped(), receive:
        async with trio.open_nursery() as nursery:
            held = Held(gateway, outgoing, receive, nursery.cancel_scope)
            await nursery.start(
                partial(
                    hold_link,
                    outgoing,
                    send,
                    transport=gateway,
                    device=DESK,
                    users=users,
                    platform="claude-code",
                    chance=lambda: chance,
                    publish=held.statuses.append,
                )
            )
            yield held
            nursery.cancel_scope.cancel()
