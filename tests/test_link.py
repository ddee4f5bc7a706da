"""The link is held through everything that a network and a gateway may do, and nothing that was promised gets lost."""

from __future__ import annotations

import random
from itertools import pairwise
from math import inf

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import LinkFull, LinkLost, LinkRefused, SettingsError
from actors.link_messages import (
    Ack,
    AgentUser,
    CapabilitiesUpdate,
    DeliveryConfirmation,
    LinkMessage,
    Listen,
    Ready,
    Resume,
    Speak,
    Stop,
    UserMessage,
    UserMessageDelivery,
)
from actors.outgoing import Outgoing
from tests.fakes_link import DESK, FakeGateway, holding

CORA = (AgentUser(name="cora"),)


def message(id: str) -> UserMessage:  # noqa: A002
    return UserMessage(id=id, text="hello", target_user="cora")


def delivery(id: str) -> UserMessageDelivery:  # noqa: A002
    return UserMessageDelivery(id=id, text="hello", target_user="cora")


async def test_a_link_comes_up_and_the_users_are_announced(autojump_clock: MockClock) -> None:
    users, announced = trio.open_memory_channel[tuple[AgentUser, ...]](1)
    await users.send(CORA)
    async with holding(FakeGateway(), users=announced) as held:
        await trio.sleep(1.0)
        assert held.history == [(0.0, "connecting"), (0.1, "connected"), (0.1, "up")]
        assert held.gateway.last.messages == [
            Ready(device=DESK),
            CapabilitiesUpdate(users=CORA, platform="claude-code"),
        ]
        await users.send(())
        await wait_all_tasks_blocked()
        assert held.gateway.last.messages[-1] == CapabilitiesUpdate(users=(), platform="claude-code")


async def test_nobody_waits_for_the_gateway_to_be_there(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(seconds=10.0)):
        assert trio.current_time() == 0.0


async def test_a_link_that_is_lost_is_made_again_and_the_session_resumed(autojump_clock: MockClock) -> None:
    users, announced = trio.open_memory_channel[tuple[AgentUser, ...]](1)
    await users.send(CORA)
    async with holding(FakeGateway(), users=announced) as held:
        await trio.sleep(5.0)
        held.gateway.last.lose("The gateway was stopped.")
        await wait_all_tasks_blocked()
        assert held.statuses[-1].error == "The gateway was stopped."
        assert held.statuses[-1].retry_at == 6.0
        await trio.sleep(5.0)
        assert held.history[3:] == [(5.0, "reconnecting"), (6.0, "connecting"), (6.1, "connected"), (6.1, "up")]
        assert held.statuses[-1].resumed
        assert held.gateway.last.messages == [
            Resume(session_token=str(1)),
            CapabilitiesUpdate(users=CORA, platform="claude-code"),
        ]


async def test_a_gateway_that_has_forgotten_the_session_gets_a_new_one(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(remembers=False)) as held:
        await trio.sleep(5.0)
        held.gateway.last.lose()
        await trio.sleep(5.0)
        assert [type(each) for each in held.gateway.last.messages] == [Resume, Ready]
        assert held.state == "up"
        assert held.gateway.open == 1


async def test_a_gateway_that_is_away_is_tried_again_for_as_long_as_it_takes(autojump_clock: MockClock) -> None:
    gateway = FakeGateway([LinkLost("Nothing listens there.")] * 9, seconds=0.0)
    async with holding(gateway, chance=0.0) as held:
        await trio.sleep(600.0)
        assert held.state == "up"
        delays = [late - early for early, late in pairwise(time for time, _ in gateway.tried)]
        assert delays == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]


async def test_a_gateway_that_does_not_answer_is_tried_again(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(seconds=inf)) as held:
        await trio.sleep(35.0)
        assert held.history == [(0.0, "connecting"), (30.0, "reconnecting"), (31.0, "connecting")]
        assert held.statuses[-1].error == "There was no connection to the gateway after 30 s."


async def test_a_gateway_that_says_nothing_is_tried_again(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(greets=False)) as held:
        await trio.sleep(21.15)
        assert held.gateway.open == 0
        assert held.history[:4] == [
            (0.0, "connecting"),
            (0.1, "connected"),
            (20.1, "reconnecting"),
            (21.1, "connecting"),
        ]


async def test_a_gateway_that_throws_everybody_out_is_left_alone_more_and_more(autojump_clock: MockClock) -> None:
    gateway = FakeGateway()
    async with holding(gateway, chance=0.0) as held, trio.open_nursery() as nursery:

        async def throw_out() -> None:
            while True:
                gateway.arrived = trio.Event()
                await gateway.arrived.wait()
                gateway.last.lose("Go away.")

        nursery.start_soon(throw_out)
        await trio.sleep(3600.0)
        assert len(gateway.tried) < 70
        assert held.state in {"reconnecting", "connecting", "connected", "up"}
        nursery.cancel_scope.cancel()


async def test_a_connection_that_vanished_is_found_out_after_a_minute(autojump_clock: MockClock) -> None:
    """Half open: the other end is gone, and nobody said so."""
    async with holding(FakeGateway()) as held:
        await trio.sleep(30.0)
        vanished = held.gateway.last
        vanished.there = False
        await trio.sleep(60.0)
        assert vanished.closed
        assert held.history[3:] == [(85.1, "reconnecting"), (86.1, "connecting"), (86.2, "connected"), (86.2, "up")]
        assert held.statuses[3].error == "Nothing was heard of the gateway for 60 s."


async def test_a_link_on_which_nothing_is_said_stays_up(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway()) as held:
        await trio.sleep(24 * 3600.0)
        assert len(held.gateway.tried) == 1
        assert len(held.gateway.last.pinged) == 3455


async def test_a_gateway_that_does_not_read_is_left_after_a_minute(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway()) as held:
        await trio.sleep(1.0)
        stuck = held.gateway.last
        stuck.reads = False
        held.outgoing.put(message("1"))
        for _ in range(100):
            await trio.sleep(1.0)
            if not stuck.closed:
                stuck.say(None)  # it is alive, it only reads nothing
        assert stuck.closed
        assert held.statuses[3].error == "The gateway has taken nothing for 60 s."
        assert message("1") in held.gateway.last.messages
        assert held.outgoing.waiting == 0


async def test_a_slow_listener_is_no_dead_link(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(), room=1) as held:
        await trio.sleep(1.0)
        said: list[LinkMessage] = [Stop(reason=str(number)) for number in range(5)]
        held.gateway.last.say(*said)
        await trio.sleep(600.0)
        assert len(held.gateway.tried) == 1
        assert held.gateway.last.pinged[-1] == 600.1
        assert [await held.incoming.receive() for _ in said] == said
        await trio.sleep(600.0)
        assert len(held.gateway.tried) == 1


async def test_a_link_that_dies_while_the_listener_is_slow_is_found_out_afterwards(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(), room=1) as held:
        await trio.sleep(1.0)
        held.gateway.last.say(Stop(reason="1"), Stop(reason="2"))
        await trio.sleep(1.0)
        held.gateway.last.there = False
        await trio.sleep(600.0)
        assert len(held.gateway.tried) == 1
        await held.incoming.receive()
        await trio.sleep(62.0)
        assert held.state == "up"
        assert len(held.gateway.tried) == 2


async def test_what_is_put_before_there_is_a_link_is_sent_when_there_is_one(autojump_clock: MockClock) -> None:
    outgoing = Outgoing()
    assert outgoing.put(message("1"))
    assert not outgoing.put(Stop())
    async with holding(FakeGateway([LinkLost("Nothing listens there.")]), outgoing=outgoing) as held:
        assert outgoing.put(message("2"))
        await trio.sleep(10.0)
        assert held.gateway.last.messages == [Ready(device=DESK), message("1"), message("2")]
        assert outgoing.waiting == 0


async def test_what_was_not_acknowledged_is_sent_again_in_order_over_the_next_connection(
    autojump_clock: MockClock,
) -> None:
    async with holding(FakeGateway(acknowledges=False)) as held:
        await trio.sleep(1.0)
        for each in ("1", "2", "3"):
            held.outgoing.put(message(each))
        await wait_all_tasks_blocked()
        held.gateway.last.say(Ack(id="2", status="queued"))
        await wait_all_tasks_blocked()
        held.gateway.acknowledges = True
        held.gateway.last.lose()
        await trio.sleep(5.0)
        assert held.gateway.last.messages[1:] == [message("1"), message("3")]
        assert held.outgoing.waiting == 0


async def test_what_is_not_acknowledged_is_sent_again_after_twenty_seconds(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway(acknowledges=False)) as held:
        held.outgoing.put(message("1"))
        await trio.sleep(45.0)
        times = [round(at, 6) for at, sent in held.gateway.last.sent if sent == message("1")]
        assert times == [0.1, 20.1, 40.1]


async def test_whoever_delivers_a_message_learns_what_became_of_it(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway()) as held:
        assert await held.outgoing.deliver(message("1")) == Ack(id="1", status="delivered")
        assert await held.incoming.receive() == Ack(id="1", status="delivered")


async def test_whoever_waits_no_longer_takes_a_message_back(autojump_clock: MockClock) -> None:
    outgoing = Outgoing()
    with trio.move_on_after(1.0):
        await outgoing.deliver(Speak(id="1", text="hello"))
    assert outgoing.waiting == 0
    async with holding(FakeGateway(), outgoing=outgoing) as held:
        await trio.sleep(1.0)
        assert held.gateway.last.messages == [Ready(device=DESK)]


def test_what_was_taken_back_is_not_sent_when_there_is_a_link() -> None:
    outgoing = Outgoing()
    outgoing.put(Speak(id="1", text="hello"))
    outgoing.take_back("1")
    outgoing.open()
    assert (outgoing.take(0.0), outgoing.waiting) == (None, 0)


async def test_an_order_to_listen_is_not_kept_for_later(autojump_clock: MockClock) -> None:
    outgoing = Outgoing()
    with pytest.raises(LinkLost, match="no link to the gateway at the moment"):
        await outgoing.deliver(Listen(id="1"))
    async with holding(FakeGateway(), outgoing=outgoing) as held, trio.open_nursery() as nursery:
        await trio.sleep(1.0)

        async def ask_in_vain() -> None:
            with pytest.raises(LinkLost):
                await outgoing.deliver(Listen(id="2"))

        nursery.start_soon(ask_in_vain)
        await wait_all_tasks_blocked()
        assert held.gateway.last.messages[-1] == Listen(id="2")
        held.gateway.last.lose()
        await trio.sleep(5.0)
        assert held.gateway.last.messages == [Resume(session_token=str(1))]


async def test_one_too_many_is_refused_to_whoever_sends_it() -> None:
    outgoing = Outgoing(capacity=2)
    outgoing.put(message("1"))
    outgoing.put(message("2"))
    with pytest.raises(LinkFull, match="2 messages already wait"):
        outgoing.put(message("3"))
    with pytest.raises(LinkFull):
        await outgoing.deliver(message("3"))
    assert outgoing.waiting == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [("x" * 100_001, "at most 100,000 characters, not 100,"), ("\ud83d", "half a character is none")],
)
def test_what_cannot_go_over_the_wire_is_refused_to_whoever_sends_it(text: str, error: str) -> None:
    outgoing = Outgoing()
    with pytest.raises(SettingsError, match=error):
        outgoing.put(UserMessage(id="1", text=text, target_user="cora"))
    assert outgoing.waiting == 0


async def test_what_comes_again_is_confirmed_again_and_not_handed_on(autojump_clock: MockClock) -> None:
    async with holding(FakeGateway()) as held:
        await trio.sleep(1.0)
        held.gateway.last.say(delivery("1"), delivery("1"))
        assert await held.incoming.receive() == delivery("1")
        held.gateway.last.lose()
        await wait_all_tasks_blocked()
        assert not held.outgoing.put(DeliveryConfirmation(message_id="1"))
        await trio.sleep(5.0)
        held.gateway.last.say(delivery("1"), delivery("2"))
        assert await held.incoming.receive() == delivery("2")
        await wait_all_tasks_blocked()
        assert held.gateway.last.messages[-1] == DeliveryConfirmation(message_id="1")


async def test_what_could_not_be_handed_on_before_the_link_broke_is_handed_on_when_it_comes_again(
    autojump_clock: MockClock,
) -> None:
    async with holding(FakeGateway(), room=1) as held:
        await trio.sleep(1.0)
        held.gateway.last.say(delivery("1"), delivery("2"))
        await trio.sleep(1.0)
        held.gateway.last.lose()
        held.outgoing.put(message("1"))
        await trio.sleep(5.0)
        assert len(held.gateway.tried) == 2
        assert await held.incoming.receive() == delivery("1")
        assert await held.incoming.receive() == Ack(id="1", status="delivered")
        held.gateway.last.say(delivery("2"))
        with trio.fail_after(1.0):
            assert await held.incoming.receive() == delivery("2")


async def test_another_token_is_asked_for_and_then_the_link_is_given_up(autojump_clock: MockClock) -> None:
    gateway = FakeGateway([LinkRefused("Sign in with voicemode connect login.")] * 2)
    with pytest.raises(LinkRefused, match=r"^Sign in with voicemode connect login\.$"):
        async with holding(gateway) as held:
            await trio.sleep_forever()
    assert [renew for _, renew in gateway.tried] == [False, True]
    assert held.state == "refused"


async def test_what_no_other_attempt_would_mend_comes_out(autojump_clock: MockClock) -> None:
    with pytest.raises(SettingsError, match="no address"):
        async with holding(FakeGateway([SettingsError("This is no address.")])):
            await trio.sleep_forever()


async def test_what_is_outgoing_goes_over_one_link(autojump_clock: MockClock) -> None:
    outgoing = Outgoing()
    async with holding(FakeGateway(), outgoing=outgoing):
        with pytest.raises(RuntimeError, match="one link"):
            async with holding(FakeGateway(), outgoing=outgoing):
                pass
    async with holding(FakeGateway(), outgoing=outgoing) as held:
        await trio.sleep(1.0)
        assert held.state == "up"


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 1.0, 5.5, 6.05])
async def test_a_cancel_closes_the_connection_at_any_moment(autojump_clock: MockClock, seconds: float) -> None:
    gateway = FakeGateway()
    async with holding(gateway) as held, trio.open_nursery() as nursery:

        async def lose_at_five() -> None:
            await trio.sleep(5.0)
            gateway.last.lose()

        nursery.start_soon(lose_at_five)
        await trio.sleep(seconds)
        held.scope.cancel()
    assert gateway.open == 0
    assert trio.current_time() == seconds


async def test_nothing_gets_lost_whatever_happens(autojump_clock: MockClock) -> None:
    """An hour in which the network does what it likes; in the end the gateway has got everything, in order."""
    chances = random.Random(7)
    gateway = FakeGateway()
    promised: list[str] = []
    async with holding(gateway, room=1000) as held:
        for number in range(600):
            await trio.sleep(chances.uniform(0.0, 12.0))
            if chances.random() < 0.7:
                held.outgoing.put(message(str(number)))
                promised.append(str(number))
            gateway.acknowledges = chances.random() < 0.7
            if gateway.connections and chances.random() < 0.1:
                match chances.randrange(3):
                    case 0:
                        gateway.last.lose()
                    case 1:
                        gateway.last.there = False
                    case _:
                        gateway.last.reads = False
        gateway.acknowledges = True
        await trio.sleep(300.0)
        assert held.outgoing.waiting == 0
    assert len(gateway.connections) > 10
    got: list[str] = []
    for connection in gateway.connections:
        firsts = list(dict.fromkeys(each.id for each in connection.messages if isinstance(each, UserMessage)))
        assert firsts == sorted(firsts, key=int)
        got += firsts
    assert list(dict.fromkeys(got)) == promised
