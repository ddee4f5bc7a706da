"""Keeps this machine's agents reachable: the one nursery of ``voicemode connect up``.

In: whom to announce, what comes over the link, texts of this machine's agents for the user's devices.  Out: messages in
inboxes, confirmations once they are durable, texts at the devices.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio
from attrs import define, field, frozen

from actors.errors import VoiceError
from actors.inbox import write_inbox
from actors.link import hold_link
from actors.link_messages import (
    AGENTS_PLATFORM,
    Ack,
    AgentUser,
    DeliveryConfirmation,
    Device,
    Devices,
    LinkMessage,
    Transcription,
    UserMessageDelivery,
)
from actors.machines.link import LinkStatus
from actors.outgoing import Outgoing
from actors.ports import InboxStore, LinkTransport

from ..sockets.lines import LineServer
from ..sockets.socket_file import Purpose
from .local_protocol import LONGEST_LINE, Answer, Say, line_of, request_in, socket_in
from .speaking import Speaking

WAITING = 64
"""Messages that may wait for the inbox, and confirmations for the link."""

A_REQUEST = 900.0
"""Seconds that an agent of this machine may stay connected: a long text, and the answer to it."""

PURPOSE = Purpose(
    called="the link's socket",
    taken="Another voicemode connect up listens",
    elsewhere="give this one another VOICEMODE_BASE_DIR",
)


@frozen(kw_only=True)
class Reached:
    """What there is to see: how the link stands, who is announced, which devices there are."""

    link: LinkStatus = field(factory=LinkStatus)
    users: tuple[AgentUser, ...] = ()
    devices: tuple[str, ...] = ()


async def stay_reachable(
    *,
    transport: LinkTransport,
    device: Device,
    platform: str,
    watch: Callable[[trio.MemorySendChannel[tuple[AgentUser, ...]]], Awaitable[None]],
    store: InboxStore,
    base: Path,
    gateway: str,
    publish: Callable[[Reached], None],
) -> None:
    """Run until cancelled.

    ``gateway`` is what the other end is called, for whoever asks.  ``watch`` is an async function that sends the users
    to be announced whenever they change.  Raises SettingsError where another process does the same, LinkRefused when a
    person has to sign in.
    """
    desk = _Desk(publish, gateway)
    incoming, received = trio.open_memory_channel[LinkMessage](WAITING)
    seen, users = trio.open_memory_channel[tuple[AgentUser, ...]](1)
    announced, announcements = trio.open_memory_channel[tuple[AgentUser, ...]](1)
    deliveries, delivered = trio.open_memory_channel[UserMessageDelivery](WAITING)
    confirmed, confirmations = trio.open_memory_channel[DeliveryConfirmation](WAITING)
    server = LineServer(answer=desk.answer, refuse=desk.refuse, lifetime=A_REQUEST, longest=LONGEST_LINE)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, socket_in(base), PURPOSE)
        nursery.start_soon(watch, seen)
        nursery.start_soon(desk.announce, users, announced)
        nursery.start_soon(partial(write_inbox, delivered, confirmed, store=store))
        nursery.start_soon(desk.confirm, confirmations)
        nursery.start_soon(desk.sort, received, deliveries)
        await hold_link(
            desk.outgoing,
            incoming,
            transport=transport,
            device=device,
            platform=platform,
            users=announcements,
            publish=desk.linked,
        )


@define(eq=False)
class _Desk:
    """Where what comes over the link is sorted, and what goes out is handed in."""

    publish: Callable[[Reached], None]
    gateway: str
    outgoing: Outgoing = field(factory=Outgoing)
    speaking: Speaking = field(init=False)
    reached: Reached = field(factory=Reached)
    names: dict[str, str] = field(factory=dict[str, str])
    """What devices are called, by their ids."""

    def __attrs_post_init__(self) -> None:
        self.speaking = Speaking(self.outgoing.put, self.outgoing.take_back)

    def linked(self, status: LinkStatus) -> None:
        self._show(Reached(link=status, users=self.reached.users, devices=self.reached.devices))

    def _show(self, reached: Reached) -> None:
        if reached != self.reached:
            self.reached = reached
            self.publish(reached)

    async def announce(
        self,
        users: trio.MemoryReceiveChannel[tuple[AgentUser, ...]],
        announced: trio.MemorySendChannel[tuple[AgentUser, ...]],
    ) -> None:
        with users, announced:
            async for each in users:
                self._show(Reached(link=self.reached.link, users=each, devices=self.reached.devices))
                await announced.send(each)

    async def confirm(self, confirmations: trio.MemoryReceiveChannel[DeliveryConfirmation]) -> None:
        with confirmations:
            async for each in confirmations:
                self.outgoing.put(each)

    async def sort(
        self,
        received: trio.MemoryReceiveChannel[LinkMessage],
        deliveries: trio.MemorySendChannel[UserMessageDelivery],
    ) -> None:
        with received, deliveries:
            async for message in received:
                match message:
                    case UserMessageDelivery():
                        await deliveries.send(message)
                    case Transcription() if self.speaking.answered(message):
                        self.outgoing.put(DeliveryConfirmation(message_id=message.id))
                    case Transcription(is_final=True) if not message.target_user and len(self.reached.users) != 1:
                        self.outgoing.put(self._for_nobody(message))
                    case Transcription(is_final=True):
                        await deliveries.send(self._written(message))
                    case Ack():
                        self.speaking.acked(message)
                    case Devices():
                        self.names = {each.device_id: each.name for each in message.devices}
                        devices = tuple(
                            each.name or each.device_id for each in message.devices if each.platform != AGENTS_PLATFORM
                        )
                        self._show(Reached(link=self.reached.link, users=self.reached.users, devices=devices))
                    case _:
                        pass

    def _written(self, message: Transcription) -> UserMessageDelivery:
        """What was said to an agent that does not listen at the moment is a message to it.  Whom it is for the device
        says, unless there is only one."""
        device = message.device_id or ""
        return UserMessageDelivery(
            id=message.id,
            text=message.text,
            target_user=message.target_user or self.reached.users[0].name,
            sender=self.names.get(device) or device,
        )

    def _for_nobody(self, message: Transcription) -> DeliveryConfirmation:
        names = ", ".join(each.name for each in self.reached.users)
        reason = f"several can be meant, say to whom it goes: {names}" if names else "nobody is here"
        return DeliveryConfirmation(message_id=message.id, delivered=False, reason=reason)

    def refuse(self, reason: str) -> bytes:
        return line_of(Answer(ok=False, error=reason))

    async def answer(self, line: bytes) -> bytes:
        try:
            request = request_in(line)
            if not isinstance(request, Say):
                return line_of(self._status())
            said = await self.speaking.say(
                request.text,
                voice=request.voice,
                speed=request.speed,
                device_id=request.device_id,
                listen=request.listen,
                patience=request.patience,
            )
            return line_of(Answer(ok=True, fate=said.fate, heard=said.heard))
        except (ValueError, VoiceError) as error:
            return self.refuse(str(error))

    def _status(self) -> Answer:
        link = self.reached.link
        return Answer(
            ok=True,
            gateway=self.gateway,
            state=link.state,
            since=trio.current_time() - link.since,
            trouble=link.error,
            users=[f"{each.name} ({each.presence})" for each in self.reached.users],
        )
