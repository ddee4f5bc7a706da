from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.errors import ProviderUnavailable
from actors.messages import TextPiece, TurnId
from actors.reader import read_words
from tests.conversing import Room, conversing
from tests.fakes import FakeVoice

SENTENCES = ("One two. ", "Three four. ", "Five six. ", "Seven eight. ")


@pytest.mark.parametrize("streamed", [True, False])
async def test_who_reads_for_nobody_stops_and_closes_the_stream(autojump_clock: MockClock, streamed: bool) -> None:
    closed: list[str] = []
    published: list[TextPiece] = []

    async def words() -> AsyncGenerator[str, None]:
        try:
            for sentence in SENTENCES:
                yield sentence
        finally:
            closed.append("closed")

    send, receive = trio.open_memory_channel[TextPiece](0)
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            text: Any = words() if streamed else "".join(SENTENCES)
            await read_words(text, send, turn=TurnId(1), publish=published.append)

        nursery.start_soon(read)
        assert (await receive.receive()).text == SENTENCES[0]
        receive.close()
    assert [piece.text for piece in published] == list(SENTENCES[:2])
    assert closed == (["closed"] if streamed else [])


async def test_a_voice_that_dies_under_an_agent_that_goes_on_is_the_error_of_the_turn(
    autojump_clock: MockClock,
) -> None:
    async def agent(transcript: str, history: object) -> AsyncGenerator[str, None]:
        for sentence in SENTENCES:
            yield sentence

    async with conversing(Room(), tts=FakeVoice(dies_at="One")) as conversation:
        for _ in range(20):
            with pytest.raises(ProviderUnavailable, match="The fake voice died"):
                await conversation.converse(agent)
