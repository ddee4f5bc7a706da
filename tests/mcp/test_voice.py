"""The conversation behind all calls is as the call wants it that has it, whoever else wants it open."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from actors.machines.policy import TurnPolicy
from tests.conversing import Room, conversing
from voicemode import Conversation, Settings
from voicemode.mcp.voice import Voice

WISHED = Settings(turn=TurnPolicy(longest=2.0, no_speech=2.0))


@asynccontextmanager
async def slowly(settings: Settings) -> AsyncGenerator[Conversation]:
    await trio.sleep(1.0)
    async with conversing(Room(), settings=settings) as conversation:
        yield conversation


@pytest.mark.parametrize("warmed_up_at", [0.5, 1.5])
async def test_a_warm_up_that_comes_late_leaves_the_settings_of_the_call_that_was_first(
    autojump_clock: MockClock, warmed_up_at: float
) -> None:
    async with trio.open_nursery() as nursery:
        voice = Voice(nursery, slowly)

        async def warm_up() -> None:
            await trio.sleep(warmed_up_at)
            await voice.open(Settings())

        nursery.start_soon(warm_up)
        await voice.open_as(WISHED)
        await trio.sleep(2.0)
        assert voice.conversation is not None
        assert voice.conversation.settings.turn == WISHED.turn
        nursery.cancel_scope.cancel()


async def test_a_call_that_comes_while_it_is_warmed_up_has_its_own_settings(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        voice = Voice(nursery, slowly)
        nursery.start_soon(voice.open, Settings())
        await trio.sleep(0.5)
        await voice.open_as(WISHED)
        assert voice.conversation is not None
        assert voice.conversation.settings.turn == WISHED.turn
        nursery.cancel_scope.cancel()
