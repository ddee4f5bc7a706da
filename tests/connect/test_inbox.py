"""``write_inbox``: each delivery is confirmed when the store has it, or with the reason why it has not."""

from __future__ import annotations

import logging
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.errors import InboxError, UnknownRecipient
from actors.inbox import write_inbox
from actors.link_messages import DeliveryConfirmation, UserMessageDelivery

Channels = tuple[
    trio.MemorySendChannel[UserMessageDelivery],
    trio.MemoryReceiveChannel[UserMessageDelivery],
    trio.MemorySendChannel[DeliveryConfirmation],
    trio.MemoryReceiveChannel[DeliveryConfirmation],
]


class Store:
    """Writes what it is let; ``wrong`` is raised instead."""

    def __init__(self) -> None:
        self.asked, self.kept = list[str](), list[str]()
        self.wrong: Exception | None = None
        self.may_write = trio.Event()
        self.may_write.set()

    async def deliver(self, message: UserMessageDelivery) -> None:
        self.asked.append(message.id)
        if self.wrong is not None:
            raise self.wrong
        await self.may_write.wait()
        self.kept.append(message.id)


@pytest.fixture
def channels() -> Channels:
    return *trio.open_memory_channel[UserMessageDelivery](9), *trio.open_memory_channel[DeliveryConfirmation](9)


def delivery(identifier: str) -> UserMessageDelivery:
    return UserMessageDelivery(id=identifier, text="Secret.", target_user="cora", sender="Mike")


async def test_what_is_delivered_is_confirmed_and_not_before(channels: Channels, nursery: trio.Nursery) -> None:
    send, deliveries, confirmations, receive = channels
    store = Store()
    store.may_write = trio.Event()
    nursery.start_soon(partial(write_inbox, deliveries, confirmations, store=store))
    send.send_nowait(delivery("msg_1"))
    await wait_all_tasks_blocked()
    assert store.asked == ["msg_1"]
    with pytest.raises(trio.WouldBlock):
        receive.receive_nowait()
    store.may_write.set()
    assert await receive.receive() == DeliveryConfirmation(message_id="msg_1", target_user="Mike")


async def test_what_cannot_be_delivered_is_told_with_its_reason_and_what_follows_is_delivered(
    channels: Channels, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    send, deliveries, confirmations, receive = channels
    store = Store()
    store.wrong = UnknownRecipient("There is no user cora in /home/me.", reason="no such user")
    nursery.start_soon(partial(write_inbox, deliveries, confirmations, store=store))
    with caplog.at_level(logging.DEBUG):
        send.send_nowait(delivery("msg_1"))
        refused = await receive.receive()
    assert (refused.message_id, refused.delivered, refused.reason) == ("msg_1", False, "no such user")
    assert "There is no user cora in /home/me." in caplog.text
    assert "Secret." not in caplog.text
    store.wrong = None
    send.send_nowait(delivery("msg_2"))
    assert (await receive.receive()).delivered
    assert (store.asked, store.kept) == (["msg_1", "msg_2"], ["msg_2"])


async def test_nothing_is_tried_again(channels: Channels) -> None:
    send, deliveries, confirmations, receive = channels
    store = Store()
    store.wrong = InboxError("No.", reason="no")
    with send:
        send.send_nowait(delivery("msg_1"))
    await write_inbox(deliveries, confirmations, store=store)
    assert store.asked == ["msg_1"]
    assert [each.delivered async for each in receive] == [False]


async def test_a_repeat_is_asked_for_and_confirmed_again(channels: Channels) -> None:
    send, deliveries, confirmations, receive = channels
    with send:
        for _ in range(2):
            send.send_nowait(delivery("msg_1"))
    await write_inbox(deliveries, confirmations, store=Store())
    assert [each.message_id async for each in receive] == ["msg_1", "msg_1"]


async def test_it_ends_when_nobody_takes_confirmations(channels: Channels) -> None:
    send, deliveries, confirmations, receive = channels
    store = Store()
    send.send_nowait(delivery("msg_1"))
    receive.close()
    await write_inbox(deliveries, confirmations, store=store)
    assert store.kept == ["msg_1"]
    with pytest.raises(trio.BrokenResourceError):
        send.send_nowait(delivery("msg_2"))


async def test_an_error_that_is_none_of_the_inbox_takes_it_down(channels: Channels) -> None:
    send, deliveries, confirmations, _ = channels
    store = Store()
    store.wrong = TypeError("a bug")
    send.send_nowait(delivery("msg_1"))
    with pytest.raises(TypeError):
        await write_inbox(deliveries, confirmations, store=store)
