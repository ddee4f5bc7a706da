"""How long what is said may be, at the machine and at a socket."""

from __future__ import annotations

import pytest

from actors import link_messages as link
from tests.gateway.gateways import agent, gateway, phone, users
from voicemode.gateway.limits import Limits
from voicemode.gateway.sizes import too_long

LONG = "x" * 201


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (link.Ready(device=link.Device(device_id=LONG, platform="x")), "device_id has at most 200 characters"),
        (users(LONG), "name has at most 200 characters"),
        (users(*map(str, range(101))), "there are at most 100 users"),
        (link.Speak(id="s", text="x" * 10_000, instructions="x" * 10_000), None),
        (link.Speak(id="s", text="x" * 10_001), "text has at most 10,000 characters"),
        (link.Transcription(id="t", text="", language=LONG), "language has at most 200 characters"),
        (link.Stop(reason="x" * 1_001), "reason has at most 1,000 characters"),
    ],
)
def test_every_part_has_a_length(message: link.LinkMessage, reason: str | None) -> None:
    assert too_long(message) == reason


async def test_what_is_too_long_is_refused_whole() -> None:
    async with gateway() as there, phone(there.url) as ada, agent(there.url) as cora:
        await cora.say(users(*map(str, range(101))))
        assert (await cora.wait_for(link.LinkError)).message == "there are at most 100 users"
        await ada.say(link.UserMessage(id="1", text="Hello.", target_user=LONG))
        assert (await ada.wait_for(link.Ack)).error_code == "TEXT_TOO_LONG"
        await ada.say(link.UserMessage(id="2", text="Hello.", target_user="cora"))
        assert (await cora.wait_for(link.UserMessageDelivery)).text == "Hello."


async def test_what_waits_has_a_size_in_all() -> None:
    async with gateway(Limits(waiting_size=15_000)) as there, phone(there.url) as ada, agent(there.url) as cora:
        for number in range(2):
            await ada.say(link.UserMessage(id=str(number), text="x" * 10_000, target_user="cora"))
        assert (await ada.wait_for(link.Ack)).error_code == "BUSY"
        delivery = await cora.wait_for(link.UserMessageDelivery)
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        assert (await ada.wait_for(link.Ack)).id == "0"
        await ada.say(link.UserMessage(id="1", text="x" * 10_000, target_user="cora"))
        await cora.wait_for(link.UserMessageDelivery)
