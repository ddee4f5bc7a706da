"""Messages between devices and agents' sides, at real sockets."""

from __future__ import annotations

import pytest
from attrs import evolve

from actors import link_messages as link
from tests.gateway.gateways import ADA, BOB, agent, connected, device, gateway, introduce, phone, users
from voicemode.gateway.limits import Limits

HELLO = link.UserMessage(id="1", text="Hello.", target_user="cora")
SPEAK = link.Speak(id="s", text="Good morning.")


async def test_a_message_is_acknowledged_when_the_agents_side_has_it() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(HELLO)
        delivery = await cora.wait_for(link.UserMessageDelivery)
        assert (delivery.text, delivery.target_user, delivery.sender) == ("Hello.", "cora", "phone")
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        assert await ada.wait_for(link.Ack) == link.Ack(id="1", status="delivered")


async def test_a_message_that_is_sent_again_is_delivered_once_and_answered_twice() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(HELLO)
        await ada.say(HELLO)
        delivery = await cora.wait_for(link.UserMessageDelivery)
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        assert (await ada.wait_for(link.Ack)).status == "delivered"
        await ada.say(HELLO)
        assert (await ada.wait_for(link.Ack)).status == "delivered"
        await ada.say(link.UserMessage(id="2", text="And again.", target_user="cora"))
        assert (await cora.wait_for(link.UserMessageDelivery)).text == "And again."


async def test_nobody_there_is_said_at_once() -> None:
    async with gateway() as there, phone(there.url) as ada:
        await ada.say(HELLO)
        answer = await ada.wait_for(link.Ack)
        assert (answer.status, answer.error) == ("offline", "agent offline")


async def test_an_agents_side_that_cannot_keep_it_says_why() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(HELLO)
        delivery = await cora.wait_for(link.UserMessageDelivery)
        refusal = link.DeliveryConfirmation(message_id=delivery.id, delivered=False, reason="no room")
        await cora.say(refusal)
        answer = await ada.wait_for(link.Ack)
        assert (answer.status, answer.error, answer.error_code) == ("failed", "no room", "NOT_DELIVERED")


async def test_accounts_do_not_reach_one_another() -> None:
    async with gateway() as there, agent(there.url, token=BOB), phone(there.url) as ada:
        await ada.say(HELLO)
        assert (await ada.wait_for(link.Ack)).status == "offline"


async def test_what_one_is_called_is_no_name_as_long_as_another_has_it_for_a_name() -> None:
    named = link.CapabilitiesUpdate(
        users=(
            link.AgentUser(name="cora", host="box", display_name="Cora 7"),
            link.AgentUser(name="Cora 7", host="box", display_name="cora"),
        )
    )
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await cora.say(named)
        await ada.say(link.UserMessage(id="1", text="One.", target_user="cora"))
        assert (await cora.wait_for(link.UserMessageDelivery)).target_user == "cora"
        await cora.say(link.CapabilitiesUpdate(users=named.users[:1]))
        await ada.wait_for(link.CapabilitiesUpdate)
        await ada.say(link.UserMessage(id="2", text="Two.", target_user="Cora 7"))
        assert (await cora.wait_for(link.UserMessageDelivery)).target_user == "cora"


async def test_of_two_hosts_with_an_agent_of_the_name_one_has_to_be_named() -> None:
    async with (
        gateway() as there,
        agent(there.url, host="one") as one,
        agent(there.url, host="two"),
        phone(there.url) as ada,
    ):
        await ada.say(HELLO)
        answer = await ada.wait_for(link.Ack)
        assert (answer.status, answer.error_code) == ("failed", "AMBIGUOUS_TARGET")
        assert answer.error == "several are meant: cora@one, cora@two"
        await ada.say(link.UserMessage(id="2", text="You.", target_user="cora@one"))
        assert (await one.wait_for(link.UserMessageDelivery)).text == "You."


async def test_of_two_connections_of_one_host_the_later_is_written_to_while_it_lasts() -> None:
    async with gateway() as there, agent(there.url) as first, phone(there.url) as ada:
        async with agent(there.url) as second:
            await ada.say(HELLO)
            delivery = await second.wait_for(link.UserMessageDelivery)
        # it went without a word: whoever has the name now gets the same message
        assert await first.wait_for(link.UserMessageDelivery) == delivery


async def test_a_reply_is_spoken_on_the_device_and_the_device_says_so() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await cora.say(SPEAK)
        assert await ada.wait_for(link.Speak) == SPEAK
        await ada.say(link.Ack(id="s", status="received"))
        assert (await cora.wait_for(link.Ack)).status == "received"
        await ada.say(link.Ack(id="s", status="delivered"))
        assert (await cora.wait_for(link.Ack)).status == "delivered"


async def test_a_reply_without_a_device_is_offline() -> None:
    async with gateway() as there, agent(there.url) as cora:
        await cora.say(SPEAK)
        assert (await cora.wait_for(link.Ack)).error == "no device is connected"


async def test_a_reply_reaches_the_device_that_is_named() -> None:
    async with (
        gateway() as there,
        agent(there.url) as cora,
        phone(there.url, name="phone") as one,
        phone(there.url, name="tablet") as other,
    ):
        await cora.say(link.Speak(id="s", text="Here.", device_id="tablet"))
        await cora.say(link.Speak(id="t", text="Both."))
        assert (await other.wait_for(link.Speak)).text == "Here."
        assert (await other.wait_for(link.Speak)).text == "Both."
        assert (await one.wait_for(link.Speak)).text == "Both."


async def test_what_is_said_goes_to_whoever_asked_to_listen() -> None:
    async with (
        gateway() as there,
        agent(there.url, "cora") as cora,
        agent(there.url, "dora") as dora,
        phone(there.url) as ada,
    ):
        await dora.say(link.Listen(id="l"))
        await ada.wait_for(link.Listen)
        said = link.Transcription(id="t", text="To you.")
        await ada.say(said)
        heard = await dora.wait_for(link.Transcription)
        assert (heard.text, heard.device_id) == ("To you.", "phone")
        await dora.say(link.DeliveryConfirmation(message_id=heard.id))
        assert await ada.wait_for(link.Ack) == link.Ack(id="t", status="delivered")
        await ada.say(link.Transcription(id="u", text="To her.", target_user="cora"))
        heard = await cora.wait_for(link.Transcription)
        assert heard.text == "To her."
        await cora.say(link.Ack(id=heard.id, status="delivered"))
        assert await ada.wait_for(link.Ack) == link.Ack(id="u", status="delivered")


async def test_an_answer_goes_by_the_id_of_what_it_answers() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await cora.say(link.Speak(id="s", text="Shall I?", wait_for_response=True))
        await ada.wait_for(link.Speak)
        await ada.say(link.Transcription(id="s", text="Do."))
        assert (await cora.wait_for(link.Transcription)).id == "s"


async def test_two_devices_may_choose_the_same_id() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as one, phone(there.url, name="b") as two:
        for device, text in ((one, "Here."), (two, "There.")):
            await device.say(link.Transcription(id="1", text=text, target_user="cora"))
        heard = [await cora.wait_for(link.Transcription) for _ in range(2)]
        assert {each.text for each in heard} == {"Here.", "There."}
        assert len({each.id for each in heard}) == 2
        for each in heard:
            await cora.say(link.DeliveryConfirmation(message_id=each.id))
        for device in (one, two):
            assert await device.wait_for(link.Ack) == link.Ack(id="1", status="delivered")


async def test_what_is_said_to_nobody_in_particular_goes_to_nobody_where_there_are_two() -> None:
    async with gateway() as there, agent(there.url, "cora") as cora, phone(there.url) as ada:
        await ada.say(link.Transcription(id="t", text="To you."))
        assert (await cora.wait_for(link.Transcription)).text == "To you."
        async with agent(there.url, "dora"):
            await ada.say(link.Transcription(id="u", text="To whom?"))
            assert (await ada.wait_for(link.Ack)).error_code == "AMBIGUOUS_TARGET"


async def test_a_stop_reaches_the_other_side() -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        await cora.say(link.Stop(target="tts"))
        assert await ada.wait_for(link.Stop) == link.Stop(target="tts")
        await ada.say(link.Stop(target="all"))
        assert await cora.wait_for(link.Stop) == link.Stop(target="all")


async def test_everybody_hears_who_is_there_and_devices_who_can_be_written_to() -> None:
    async with gateway() as there, phone(there.url) as ada, agent(there.url):
        while len(devices := (await ada.wait_for(link.Devices)).devices) < 2:
            pass
        assert {each.platform for each in devices} == {"ios", "mcp-server"}
        while not (found := (await ada.wait_for(link.CapabilitiesUpdate)).users):
            pass
        assert [user.name for user in found] == ["cora"]


async def test_a_session_goes_on_with_what_it_had_not_confirmed() -> None:
    async with gateway() as there, phone(there.url) as ada:
        async with agent(there.url) as cora:
            await ada.say(HELLO)
            first = await cora.wait_for(link.UserMessageDelivery)
        await ada.wait_for(link.CapabilitiesUpdate)
        await ada.say(link.UserMessage(id="2", text="Still there?", target_user="cora"))
        async with connected(there.url) as again:
            await introduce(again)
            await again.say(link.Resume(session_token=cora.token))
            resumed = await again.wait_for(link.SessionResumed)
            assert (resumed.session_token, resumed.queued_message_count) == (cora.token, 1)
            assert await again.wait_for(link.UserMessageDelivery) == first
            second = await again.wait_for(link.UserMessageDelivery)
            assert second.text == "Still there?"
            await again.say(link.DeliveryConfirmation(message_id=second.id))
            assert await ada.wait_for(link.Ack) == link.Ack(id="2", status="delivered")


async def test_a_session_is_resumed_by_its_account_alone_and_ready_is_as_good() -> None:
    async with gateway() as there, phone(there.url) as ada, connected(there.url, BOB) as thief:
        await introduce(thief)
        await thief.say(link.Resume(session_token=ada.token))
        assert (await thief.wait_for(link.LinkError)).code == "SESSION_NOT_FOUND"
        await thief.say(device("another"))
        assert len((await thief.wait_for(link.Devices)).devices) == 1


async def test_a_connection_that_hangs_is_replaced_by_the_one_that_resumes() -> None:
    async with gateway() as there, agent(there.url) as hanging, phone(there.url) as ada:
        await ada.say(HELLO)
        async with connected(there.url) as again:
            await introduce(again)
            await again.say(link.Resume(session_token=hanging.token))
            delivery = await again.wait_for(link.UserMessageDelivery)
            assert await hanging.closed() == (4002, "the session goes on over another connection")
            await again.say(link.DeliveryConfirmation(message_id=delivery.id))
            assert (await ada.wait_for(link.Ack)).status == "delivered"


async def test_a_device_that_comes_back_anew_is_told_what_became_of_its_message() -> None:
    async with gateway() as there, agent(there.url) as cora:
        async with phone(there.url) as ada:
            await ada.say(HELLO)
            delivery = await cora.wait_for(link.UserMessageDelivery)
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        await cora.say(link.Heartbeat(timestamp=1))
        await cora.wait_for(link.HeartbeatAck)
        async with phone(there.url) as ada:
            await ada.say(HELLO)
            assert (await ada.wait_for(link.Ack)).status == "delivered"


@pytest.mark.parametrize("message", [HELLO, link.Transcription(id="1", text="", target_user="cora"), SPEAK])
async def test_a_text_that_is_too_long_is_refused(message: link.UserMessage | link.Transcription | link.Speak) -> None:
    async with gateway() as there, agent(there.url) as cora, phone(there.url) as ada:
        sender = cora if message is SPEAK else ada
        await sender.say(evolve(message, text="x" * 10_001))
        assert (await sender.wait_for(link.Ack)).error_code == "TEXT_TOO_LONG"


async def test_what_nobody_confirms_is_offline_in_the_end() -> None:
    async with gateway(Limits(patience=0.05)) as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(HELLO)
        await cora.wait_for(link.UserMessageDelivery)
        assert (await ada.wait_for(link.Ack)).status == "offline"
        await cora.say(SPEAK)
        assert (await cora.wait_for(link.Ack)).error == "no device answered"


async def test_a_device_says_nothing_in_an_agents_name() -> None:
    async with gateway() as there, phone(there.url) as ada, phone(there.url, name="other") as other:
        await ada.say(SPEAK)
        assert (await ada.wait_for(link.LinkError)).message == "this is not for you to say"
        await other.say(users("cora"))
        await ada.say(HELLO)
        assert (await other.wait_for(link.UserMessageDelivery)).text == "Hello."


async def test_the_token_of_the_session_is_as_secret_as_the_other() -> None:
    async with gateway() as there, phone(there.url) as ada:
        assert len(ada.token) >= 40
        assert ADA not in ada.token
