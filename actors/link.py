"""Holds the link to a gateway for as long as somebody wants it.

In: what is outgoing, and the users to be announced, by way of a transport that makes connections.  Out: what comes over
them, each message once, and how the link stands to whoever watches.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterable, Callable
from math import inf

import trio
from attrs import define, field

from .errors import LinkLost, LinkRefused, VoiceError
from .link_messages import AgentUser, Capabilities, Device, LinkMessage
from .machines.link import Link, LinkPolicy, LinkStatus
from .machines.link_orders import (
    Announce,
    Blocked,
    Connect,
    Drop,
    HandOn,
    LinkEvent,
    Lost,
    Opened,
    Ping,
    Received,
    Refused,
    Send,
    Tick,
    Unblocked,
)
from .outgoing import Outgoing
from .ports import LinkConnection, LinkTransport

NOTHING = Capabilities()

USUAL = LinkPolicy()


async def hold_link(
    outgoing: Outgoing,
    incoming: trio.MemorySendChannel[LinkMessage],
    *,
    transport: LinkTransport,
    device: Device,
    capabilities: Capabilities = NOTHING,
    users: AsyncIterable[tuple[AgentUser, ...]] | None = None,
    platform: str = "",
    policy: LinkPolicy = USUAL,
    chance: Callable[[], float] = random.random,
    publish: Callable[[LinkStatus], None] = lambda _: None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run until cancelled, connecting again as often as it takes; then the connection is closed, within a second.

    Ready at once, not when there is a link: ``publish`` is told of every change.  ``users`` gives all users whenever
    they change, of an agent's side on ``platform``; a device has none.  ``chance`` gives numbers from 0 to 1.  While
    ``incoming`` is full nothing is read, and a link that breaks meanwhile is found out afterwards.

    Raises LinkRefused when a person has to sign in, and SettingsError when the address cannot be.
    """
    link = Link(device=device, capabilities=capabilities, platform=platform, policy=policy, chance=chance)
    holding = _Holding(link, outgoing, incoming, publish)
    with incoming, outgoing.held(holding.stir):
        async with trio.open_nursery() as nursery:
            if users is not None:
                nursery.start_soon(holding.announce, users)
            task_status.started()
            await holding.hold(transport)
            nursery.cancel_scope.cancel("the link has ended for good")
    if holding.over is not None:
        raise holding.over


@define(eq=False)
class _Holding:
    """``urgent`` goes before what is outgoing: the handshake, announcements and pings, of each kind the newest.
    ``over`` is what ended it for good."""

    link: Link
    outgoing: Outgoing
    incoming: trio.MemorySendChannel[LinkMessage]
    publish: Callable[[LinkStatus], None]
    attempt: trio.CancelScope = field(factory=trio.CancelScope)
    moved: trio.Event = field(factory=trio.Event)
    stirred: trio.Event = field(factory=trio.Event)
    urgent: dict[type[object], Send | Ping] = field(factory=dict[type[object], Send | Ping])
    over: VoiceError | None = None

    def stir(self) -> None:
        """There may be something to send."""
        self.stirred.set()

    def feed(self, event: LinkEvent) -> list[Connect | HandOn]:
        """Do what follows from ``event``, but for what is returned."""
        before = self.link.status
        rest: list[Connect | HandOn] = []
        for command in self.link.feed(event, trio.current_time()):
            match command:
                case Send() | Ping():
                    kind = type(command.message) if isinstance(command, Send) else Ping
                    self.urgent.pop(kind, None)
                    self.urgent[kind] = command
                case Drop():
                    self.attempt.cancel("the link is lost")
                case Connect() | HandOn():
                    rest.append(command)
        if self.link.status != before:
            self._changed(before)
        self.moved.set()
        self.stir()
        return rest

    def _changed(self, before: LinkStatus) -> None:
        after = self.link.status
        if after.state == "up" and before.state != "up":
            self.outgoing.open()
        elif before.state == "up" and after.state != "up":
            self.outgoing.close()
        self.publish(after)

    async def announce(self, users: AsyncIterable[tuple[AgentUser, ...]]) -> None:
        async for each in users:
            self.feed(Announce(each))

    async def hold(self, transport: LinkTransport) -> None:
        """Until it is ``over``."""
        while self.over is None:
            await trio.sleep_until(max(self.link.deadline, trio.current_time()))
            for command in self.feed(Tick()):
                if isinstance(command, Connect):
                    await self.connect(transport, renew=command.renew)
            if self.link.status.state == "refused":
                self.over = LinkRefused(str(self.link.status.error))

    async def connect(self, transport: LinkTransport, *, renew: bool) -> None:
        """From the attempt to make a connection to its end."""
        self.urgent.clear()
        with trio.CancelScope() as self.attempt:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.watch)
                try:
                    async with transport.connect(renew=renew) as connection:
                        self.feed(Opened())
                        await self.use(connection)
                except (LinkLost, LinkRefused) as error:
                    self.feed(_told(error))
                except VoiceError as error:
                    # another attempt would fare no better
                    self.over = error
                finally:
                    nursery.cancel_scope.cancel("the connection is closed")

    async def watch(self) -> None:
        """The time that passes."""
        while True:
            self.moved = trio.Event()
            with trio.move_on_at(self.link.deadline):
                await self.moved.wait()
            self.feed(Tick())

    async def use(self, connection: LinkConnection) -> None:
        """Until the attempt is cancelled, which is what comes of a loss."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.write, connection)
            await self.read(connection)

    async def read(self, connection: LinkConnection) -> None:
        try:
            while True:
                message = await connection.receive()
                for command in self.feed(Received(message)):
                    if isinstance(command, HandOn) and self.outgoing.arrived(command.message, trio.current_time()):
                        await self.hand_on(command.message)
        except (LinkLost, LinkRefused) as error:
            self.feed(_told(error))

    async def hand_on(self, message: LinkMessage) -> None:
        try:
            self.incoming.send_nowait(message)
        except trio.WouldBlock:
            self.feed(Blocked())
            try:
                await self.incoming.send(message)
            except trio.Cancelled:
                self.outgoing.missed(message)
                raise
            self.feed(Unblocked())

    async def write(self, connection: LinkConnection) -> None:
        try:
            while True:
                self.stirred = trio.Event()
                command = self.next()
                if command is None:
                    with trio.move_on_at(inf if self.outgoing.due is None else self.outgoing.due):
                        await self.stirred.wait()
                    continue
                with trio.fail_after(self.link.policy.dead):
                    if isinstance(command, Ping):
                        await connection.ping()
                    else:
                        await connection.send(command.message)
        except (LinkLost, LinkRefused) as error:
            self.feed(_told(error))
        except trio.TooSlowError:
            self.feed(Lost(f"The gateway has taken nothing for {self.link.policy.dead:g} s."))

    def next(self) -> Send | Ping | None:
        """What is to be sent."""
        if self.urgent:
            return self.urgent.pop(next(iter(self.urgent)))
        message = self.outgoing.take(trio.current_time())
        return None if message is None else Send(message)


def _told(error: LinkLost | LinkRefused) -> Lost | Refused:
    return Lost(str(error)) if isinstance(error, LinkLost) else Refused(str(error))
