"""A phone, a gateway and this machine's agents, as people run them: what is acknowledged is in the inbox, once."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest
import trio

from actors.link_messages import Ack, Stop, UserMessage
from tests.connect.world import SOON, Phone, World, world

pytestmark = pytest.mark.realtime


async def everything_promised_is_there_once(here: World, promised: list[str]) -> None:
    """What was queued is delivered when the agent's side is there, so it may take a moment."""
    with trio.fail_after(SOON):
        while set(promised) - {line["text"].removeprefix("text ") for line in here.inbox("cora")}:  # noqa: ASYNC110
            await trio.sleep(0.1)  # it is another process that writes
    found = Counter(line["text"].removeprefix("text ") for line in here.inbox("cora"))
    assert {key: found[key] for key in promised} == dict.fromkeys(promised, 1)
    assert max(found.values()) == 1


async def test_what_is_written_on_the_phone_is_in_the_inbox_and_the_reply_is_spoken_there(tmp_path: Path) -> None:
    phone = Phone()
    async with world(tmp_path) as here, trio.open_nursery() as nursery:
        await here.gateway()
        await here.up()
        await nursery.start(phone.hold, here.url)
        with trio.fail_after(SOON):
            await phone.linked.wait()
            ack = await phone.write("one", "cora")
        assert ack.status == "delivered"
        [line] = here.inbox("cora")
        assert (line["text"], line["from"]) == ("text one", "Ada")
        assert await here.voicemode("connect", "say", "It is done.") == "said\n"
        assert await here.voicemode("connect", "say", "Shall I go on?", "--listen") == "Fine.\n"
        assert phone.spoken == ["It is done.", "Shall I go on?"]
        status = await here.voicemode("connect", "status")
        assert "cora" in status
        nursery.cancel_scope.cancel()


async def test_a_message_to_somebody_who_is_not_there_is_given_to_nobody(tmp_path: Path) -> None:
    phone = Phone()
    async with world(tmp_path) as here, trio.open_nursery() as nursery:
        await here.gateway()
        await here.up()
        await nursery.start(phone.hold, here.url)
        with trio.fail_after(SOON):
            await phone.linked.wait()
            lost = await phone.outgoing.deliver(UserMessage(id="one", text="text one", target_user="nobody"))
            assert (lost.status, lost.error_code) == ("offline", "AGENT_OFFLINE")
            await phone.write("two", "cora")
        assert [line["text"] for line in here.inbox("cora")] == ["text two"]
        nursery.cancel_scope.cancel()


async def test_whoever_is_killed_meanwhile_what_was_promised_is_there_once(tmp_path: Path) -> None:
    phone = Phone()
    promised: list[str] = []

    async def write(number: int) -> None:
        ack: Ack = await phone.write(f"m{number}", "cora", aloud=number % 2 == 1)
        assert ack.status in {"delivered", "queued"}
        promised.append(f"m{number}")

    async with world(tmp_path) as here, trio.open_nursery() as nursery:
        await here.gateway()
        await here.up()
        await nursery.start(phone.hold, here.url)
        async with trio.open_nursery() as writing:
            for number in range(60):
                writing.start_soon(write, number)
                await trio.sleep(0.05)
                if number == 10:
                    await here.kill("gateway")
                if number == 15:
                    await here.gateway()
                if number == 25:
                    await here.kill("up")
                if number == 30:
                    await here.up()
                if number == 40:
                    here.signal("gateway", signal.SIGSTOP)
                if number == 50:
                    here.signal("gateway", signal.SIGCONT)
        assert len(promised) == 60
        await everything_promised_is_there_once(here, promised)
        nursery.cancel_scope.cancel()


AGENT = """
import trio

async def answer(words, history):
    yield f"You said {words} "
    if words == "Count.":
        yield "One. Two. "
        await trio.sleep(3600)
    yield f"After {len(history)} messages."
"""


async def test_an_agent_is_talked_with_from_the_phone_and_stopped_there(tmp_path: Path) -> None:
    phone = Phone()
    (tmp_path / "parrot.py").write_text(AGENT)
    async with world(tmp_path) as here, trio.open_nursery() as nursery:
        await here.gateway()
        await here.talk(tmp_path / "parrot.py")
        await nursery.start(phone.hold, here.url)
        with trio.fail_after(SOON):
            await phone.linked.wait()
            await phone.says("t1", "Count.")
            await phone.has_spoken("Two.")
            phone.outgoing.put(Stop())
            await phone.says("t2", "Again?")
            await phone.has_spoken("After 2 messages.")
            await phone.is_to_listen()
        assert phone.spoken == ["You said Count.", "One.", "Two.", "You said Again?", "After 2 messages."]
        nursery.cancel_scope.cancel()
