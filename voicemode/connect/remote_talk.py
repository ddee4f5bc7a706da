"""An agent talked with from the user's devices: the one nursery of ``voicemode connect talk``.

In: what a device heard or was written to the agent, over the link.  Out: the agent's words, for the device to say.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial
from uuid import uuid4

import trio

from actors.errors import LinkFull, VoiceError
from actors.link import hold_link
from actors.link_messages import (
    Ack,
    AgentUser,
    DeliveryConfirmation,
    Device,
    LinkMessage,
    Stop,
    Transcription,
    UserMessageDelivery,
)
from actors.machines.link import LinkStatus
from actors.outgoing import Outgoing
from actors.ports import LinkTransport
from actors.remote import Answering, FromDevice, ToDevice, converse_remotely

from .external import cut

log = logging.getLogger(__name__)

WAITING = 64
"""Messages that may wait on each way."""


async def talk_remotely(
    *,
    transport: LinkTransport,
    device: Device,
    user: AgentUser,
    platform: str,
    answer: Answering,
    failed: Callable[[VoiceError], None],
    publish: Callable[[LinkStatus], None],
) -> None:
    """Run until cancelled; ``user`` is who the agent is to those that talk with it.

    Raises LinkRefused when a person has to sign in.
    """
    outgoing = Outgoing()
    incoming, received = trio.open_memory_channel[LinkMessage](WAITING)
    hearing, heard = trio.open_memory_channel[FromDevice](WAITING)
    saying, said = trio.open_memory_channel[ToDevice](WAITING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(converse_remotely, heard, saying, answer=answer, new_id=_new_id, failed=failed))
        nursery.start_soon(_say, said, outgoing)
        nursery.start_soon(_sort, received, hearing, outgoing)
        await hold_link(
            outgoing,
            incoming,
            transport=transport,
            device=device,
            platform=platform,
            users=_once(user),
            publish=publish,
        )


async def _sort(
    received: trio.MemoryReceiveChannel[LinkMessage], hearing: trio.MemorySendChannel[FromDevice], outgoing: Outgoing
) -> None:
    with received, hearing:
        async for message in received:
            match message:
                case Transcription(is_final=True):
                    outgoing.put(DeliveryConfirmation(message_id=message.id))
                    await hearing.send(
                        Transcription(id=message.id, text=cut(message.text), device_id=message.device_id)
                    )
                case UserMessageDelivery():
                    outgoing.put(DeliveryConfirmation(message_id=message.id, target_user=message.sender))
                    await hearing.send(Transcription(id=message.id, text=cut(message.text)))
                case Stop() | Ack():
                    await hearing.send(message)
                case _:
                    pass


async def _say(said: trio.MemoryReceiveChannel[ToDevice], outgoing: Outgoing) -> None:
    with said:
        async for message in said:
            try:
                outgoing.put(message)
            except LinkFull as error:
                log.warning("A part of the answer was not said: %s", error)


async def _once(user: AgentUser) -> AsyncGenerator[tuple[AgentUser, ...]]:
    yield (user,)


def _new_id() -> str:
    return f"say_{uuid4().hex[:12]}"
