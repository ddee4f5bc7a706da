"""What was really said stands in the history, however its turn ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import trio
from trio.testing import MockClock

from actors.errors import ProviderUnavailable
from actors.messages import Transcribed
from tests.conversing import GREETING, Room, conversing
from tests.fakes import FakeEars, said
from voicemode import Conversation, Message


async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
    yield GREETING + " "
    await trio.sleep_forever()


def told(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in conversation.history]


async def test_of_a_turn_that_is_cancelled_what_was_heard_is_remembered(autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation:
        with trio.move_on_after(0.9):
            await conversation.converse(agent)
        assert told(conversation) == [("assistant", "one two")]
        await conversation.say("again.")
        assert told(conversation) == [("assistant", "one two"), ("assistant", "again.")]


async def test_a_cancel_and_a_stop_leave_the_same(autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation, trio.open_nursery() as nursery:

        async def press() -> None:
            await trio.sleep(0.9)
            conversation.stop()

        nursery.start_soon(press)
        await conversation.converse(agent)
        assert told(conversation) == [("assistant", "one two")]


async def test_a_turn_that_is_cancelled_before_anything_was_heard_leaves_nothing(autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation:
        with trio.CancelScope() as scope:
            scope.cancel()
            await conversation.converse(GREETING)
        assert told(conversation) == []


async def test_of_a_turn_that_an_agents_error_ends_what_was_heard_is_remembered(autojump_clock: MockClock) -> None:
    async def broken(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        yield "one two three. "
        await trio.sleep(0.5 + 0.3)  # it is said once it is certain that it is whole
        raise LookupError(transcript)

    async with conversing(Room()) as conversation:
        with pytest.raises(LookupError):
            await conversation.converse(broken)
        assert told(conversation) == [("assistant", "one two")]


async def test_of_a_turn_whose_recogniser_fails_what_was_heard_is_remembered(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room, stt=FakeEars(error=ProviderUnavailable("ears", "They are deaf."))) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        with pytest.raises(ProviderUnavailable):
            await conversation.converse("one.")
        assert told(conversation) == [("assistant", "one.")]


async def test_what_was_understood_before_the_cancel_is_remembered(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room, stt=FakeEars("hello", wait=0.1)) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def cancel_when_understood() -> None:
                    async for event in events:
                        if isinstance(event, Transcribed):
                            scope.cancel()

                events = conversation.events()
                nursery.start_soon(cancel_when_understood)
                await conversation.converse("one.")
                nursery.cancel_scope.cancel()
        assert told(conversation) == [("assistant", "one."), ("user", "hello")]
