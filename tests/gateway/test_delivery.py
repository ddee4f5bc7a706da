"""Messages between a device and an agent's side, at real sockets."""

from __future__ import annotations

import trio
from tests.gateway.gateways import BOB, agent, connected, device, gateway, introduce, phone, users

from actors import link_messages as link


async def test_a_message_is_acknowledged_when_the_agents_side_has_it() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(link.UserMessage(id="1", text="Hello.", target_user="cora"))
        delivery = await cora.wait_for(link.UserMessageDelivery)
        assert (delivery.text, delivery.target_user, delivery.sender) == ("Hello.", "cora", "phone")
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        assert await ada.wait_for(link.Ack) == link.Ack(id="1", status="delivered")
