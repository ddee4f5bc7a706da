"""How long a pause may last, under virtual time."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from tests.control.conftest import STANDING, FakeConversation
from voicemode.control.pauses import LOOK, limit_pauses

LONGEST = 300.0


@pytest.mark.parametrize("then", ["stop", "resume"])
async def test_what_is_paused_for_too_long_is_ended_or_goes_on(
    conversation: FakeConversation,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    then: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    nursery.start_soon(partial(limit_pauses, conversation, longest=LONGEST, then=then))
    await trio.sleep(2 * LONGEST)
    assert conversation.pressed == []
    conversation.pause()
    await trio.sleep(LONGEST - LOOK)
    assert conversation.pressed == ["pause"]
    await trio.sleep(3 * LOOK)
    assert conversation.pressed == ["pause", then]
    became = "stopped" if then == "stop" else "resumed"
    assert caplog.messages == [f"The conversation was paused for 300 s and is {became} now."]
    await trio.sleep(2 * LONGEST)
    assert conversation.pressed == ["pause", then]
    nursery.cancel_scope.cancel()


async def test_each_pause_counts_for_itself(
    conversation: FakeConversation, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    nursery.start_soon(partial(limit_pauses, conversation, longest=LONGEST, then="stop"))
    for _ in range(3):
        conversation.pause()
        await trio.sleep(LONGEST - 10)
        conversation.resume()
        await trio.sleep(2 * LOOK)
    assert "stop" not in conversation.pressed
    nursery.cancel_scope.cancel()


async def test_a_conversation_without_room_for_it_is_asked_again(
    conversation: FakeConversation, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    conversation.standing = evolve(STANDING, held=True)
    conversation.failure = trio.WouldBlock()
    nursery.start_soon(partial(limit_pauses, conversation, longest=LONGEST, then="stop"))
    await trio.sleep(LONGEST + 10)
    conversation.failure = None
    await trio.sleep(2 * LOOK)
    assert conversation.pressed == ["stop"]
    nursery.cancel_scope.cancel()
