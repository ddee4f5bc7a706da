"""Several gateways of one account, with a broker between them, are as good as one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from actors import link_messages as link
from tests.gateway.gateways import AT_ONCE, BOB, Gateway, agent, emptied, gateway, phone
from voicemode.gateway.broker import Exchange
from voicemode.gateway.company import GONE, Company
from voicemode.gateway.events import Announce, Heard, RemoteSession
from voicemode.gateway.limits import Limits
from voicemode.gateway.peers import FromPeer, presence, read
from voicemode.gateway.queue import MessageQueue

HELLO = link.UserMessage(id="1", text="Hello.", target_user="cora")


@asynccontextmanager
async def two(
    limits: Limits | None = None, queue: MessageQueue | None = None
) -> AsyncGenerator[tuple[Gateway, Gateway]]:
    exchange = Exchange()
    async with (
        gateway(limits, broker=exchange.broker(), queue=queue) as one,
        gateway(limits, broker=exchange.broker()) as other,
    ):
        yield one, other


async def seen(peer_there: Gateway, account: str, count: int) -> None:
    """Wait until that gateway knows of so many sessions."""
    routing = peer_there.hub._routing
    with trio.fail_after(AT_ONCE):
        while len(routing._accounts[account].sessions) < count:
            await trio.lowlevel.checkpoint()


async def test_a_message_reaches_an_agents_side_at_another_gateway_and_is_acknowledged() -> None:
    async with two() as (one, other), agent(one.url) as cora, phone(other.url) as ada:
        await seen(other, "ada", 2)
        await ada.say(HELLO)
        delivery = await cora.wait_for(link.UserMessageDelivery)
        await ada.say(HELLO)
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        assert await ada.wait_for(link.Ack) == link.Ack(id="1", status="delivered")


async def test_a_reply_and_what_is_said_to_it_cross_as_well() -> None:
    async with two() as (one, other), agent(one.url) as cora, phone(other.url) as ada:
        await seen(one, "ada", 2)
        await cora.say(link.Speak(id="s", text="Good morning.", wait_for_response=True))
        assert (await ada.wait_for(link.Speak)).text == "Good morning."
        await ada.say(link.Ack(id="s", status="received"))
        assert (await cora.wait_for(link.Ack)).status == "received"
        await ada.say(link.Ack(id="s", status="delivered"))
        await ada.say(link.Transcription(id="t", text="Good morning to you."))
        heard = await cora.wait_for(link.Transcription)
        assert heard.text == "Good morning to you."
        await cora.say(link.DeliveryConfirmation(message_id=heard.id))
        assert (await ada.wait_for(link.Ack)).id == "t"
        await ada.say(link.Stop())
        assert isinstance(await cora.wait_for(link.Stop), link.Stop)


async def test_accounts_stay_apart_between_gateways_too() -> None:
    async with two() as (one, other), agent(one.url, token=BOB), phone(other.url) as ada:
        await ada.say(HELLO)
        assert (await ada.wait_for(link.Ack)).status == "offline"


async def test_one_that_goes_is_gone_everywhere_and_what_it_had_not_confirmed_goes_to_the_next() -> None:
    async with two() as (one, other), phone(other.url) as ada:
        async with agent(one.url) as cora:
            await seen(other, "ada", 2)
            await ada.say(HELLO)
            delivery = await cora.wait_for(link.UserMessageDelivery)
        async with agent(other.url) as again:
            assert await again.wait_for(link.UserMessageDelivery) == delivery
            await again.say(link.DeliveryConfirmation(message_id=delivery.id))
            assert (await ada.wait_for(link.Ack)).status == "delivered"


async def test_what_one_gateway_keeps_goes_to_an_agents_side_at_another(queue: MessageQueue) -> None:
    async with two(queue=queue) as (one, other), phone(one.url) as ada:
        async with agent(one.url):
            pass
        await ada.say(HELLO)
        assert (await ada.wait_for(link.Ack)).status == "queued"
        async with agent(other.url) as cora:
            delivery = await cora.wait_for(link.UserMessageDelivery)
            await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
            await emptied(one)


async def test_a_gateway_that_falls_silent_is_forgotten(autojump_clock: MockClock) -> None:
    there = RemoteSession(session="s", ready=link.Ready(device=link.Device(device_id="d", platform="x")))
    exchange, told = Exchange(), list[FromPeer]()
    company = Company(exchange.broker(), lambda _: (there,), told.append)
    dying = exchange.broker()
    async with trio.open_nursery() as nursery:
        await nursery.start(company.run)
        company.put(Announce("ada"))
        await trio.sleep(1)
        await dying.publish("ada", presence("dying", [there]))
        assert told == [Heard(process="dying", account="ada", sessions=(there,))]
        await trio.sleep(GONE + 30)
        assert told[1:] == [Heard(process="dying", account="ada")]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"letter": {}}', b'{"presence": 1}', b"\xff"])
def test_what_a_broker_brings_that_is_none_of_ours_is_nothing(data: bytes) -> None:
    assert read("here", "ada", data) == (None, False)
