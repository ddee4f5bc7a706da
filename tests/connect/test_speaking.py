"""What becomes of a text for the user's devices, by what they and the gateway say of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.link_messages import Ack, AckStatus, Speak, Transcription
from voicemode.connect.delivery_id import delivery_id
from voicemode.connect.speaking import A_CHARACTER, ACCEPTED, NotSaid, Said, Speaking
from voicemode.groups import unwrapped


class Device:
    """Does what a test has it do with the text it was given."""

    def __init__(self) -> None:
        self.sent: list[Speak] = []
        self.taken_back: list[str] = []
        self.speaking = Speaking(self.sent.append, self.taken_back.append)

    def acks(self, status: AckStatus, error: str | None = None) -> None:
        self.speaking.acked(Ack(id=self.sent[-1].id, status=status, error=error))

    def hears(self, text: str, *, final: bool = True, by: str | None = None) -> bool:
        key = self.sent[-1].id if by is None else by
        return self.speaking.answered(Transcription(id=key, text=text, is_final=final, device_id="phone"))


async def said(device: Device, then: Callable[[], object], *, listen: bool = False, patience: float = 5) -> Said:
    result: list[Said] = []

    async def say() -> None:
        result.append(await device.speaking.say("Done.", listen=listen, patience=patience))

    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say)
            await wait_all_tasks_blocked()
            then()
    return result[0]


async def test_a_text_is_said_when_the_device_says_so(autojump_clock: MockClock) -> None:
    device = Device()
    assert await said(device, lambda: (device.acks("received"), device.acks("delivered"))) == Said(fate="said")
    assert (device.sent[0].text, device.sent[0].wait_for_response) == ("Done.", None)


async def test_a_device_that_only_takes_it_is_believed_after_the_time_it_takes_to_say(
    autojump_clock: MockClock,
) -> None:
    device = Device()
    began = trio.current_time()
    assert await said(device, lambda: device.acks("received")) == Said(fate="received")
    assert trio.current_time() - began == pytest.approx(ACCEPTED + A_CHARACTER * len("Done."))


async def test_the_answer_of_the_user_comes_with_it(autojump_clock: MockClock) -> None:
    device = Device()

    def answer() -> None:
        device.acks("delivered")
        assert device.hears("Goo", final=False) is False
        assert device.hears("Good.")
        assert device.hears("Good.")

    assert await said(device, answer, listen=True) == Said(fate="said", heard="Good.")


async def test_nobody_is_waited_for_longer_than_asked(autojump_clock: MockClock) -> None:
    device = Device()
    began = trio.current_time()
    assert await said(device, lambda: device.acks("delivered"), listen=True, patience=3) == Said(fate="said")
    assert trio.current_time() - began == 3


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (lambda device: device.acks("offline"), "None of your devices is connected"),
        (lambda device: device.acks("failed", "no voice"), "could not say it: no voice"),
        (lambda _: None, "Nobody said within 10 s"),
    ],
)
async def test_a_text_nobody_says_is_told(autojump_clock: MockClock, then: Callable[[Device], None], why: str) -> None:
    device = Device()
    with pytest.raises(NotSaid, match=why):
        await said(device, lambda: then(device))
    assert device.taken_back == [device.sent[0].id]


async def test_what_nobody_waits_for_any_more_is_nothing(autojump_clock: MockClock) -> None:
    device = Device()
    await said(device, lambda: device.acks("queued"))
    device.acks("delivered")
    assert device.hears("Too late.") is False


async def test_a_cancelled_text_is_forgotten(autojump_clock: MockClock) -> None:
    device = Device()
    with trio.move_on_after(1):
        await device.speaking.say("Done.")
    assert device.hears("Yes.") is False
    assert device.taken_back == [device.sent[0].id]


async def test_an_answer_that_comes_by_a_gateway_that_was_restarted_is_one_and_so_is_the_same_again(
    autojump_clock: MockClock,
) -> None:
    device = Device()

    def answered() -> None:
        device.acks("delivered")
        assert device.hears("Yes.", by=delivery_id("phone", device.sent[0].id))

    assert await said(device, answered, listen=True) == Said(fate="said", heard="Yes.")
    assert device.hears("Yes.")
    assert not device.hears("Yes.", by=delivery_id("tablet", device.sent[0].id))


async def test_an_answer_that_comes_when_nobody_waits_any_more_is_nobodys(autojump_clock: MockClock) -> None:
    device = Device()
    assert await said(device, lambda: device.acks("delivered"), listen=True) == Said(fate="said")
    assert not device.hears("Yes.")
