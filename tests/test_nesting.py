"""An agent that asks its own conversation for a turn is told so, and whoever may wait waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import voicemode
from actors.machines.turn_delay import TurnDelayPolicy
from actors.results import TurnResult
from tests.conversing import GREETING, Room, conversing
from tests.fakes import FakeEars, said
from voicemode import Conversation, Message, Settings, TurnPolicy
from voicemode.groups import unwrapped

TEXT = Settings(text=True)

Asks = Callable[[Conversation], Awaitable[Any]]

ASKS: dict[str, Asks] = {
    "say": lambda conversation: conversation.say("Which table?"),
    "converse": lambda conversation: conversation.converse("Which table?"),
    "listen": lambda conversation: conversation.listen(),
    "talk": lambda conversation: conversation.talk(lambda _transcript, _history: "Which table?"),  # type: ignore[arg-type,return-value]
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
async def test_an_agent_cannot_ask_its_own_conversation(autojump_clock: MockClock, ask: Asks) -> None:
    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        yield "Let me ask. "
        await ask(conversation)

    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(RuntimeError, match="would wait for the agent"):
            await conversation.say(agent)
        assert (await conversation.say("And on.")).spoken.complete


async def test_nor_can_a_stream_or_what_an_agent_waits_for(autojump_clock: MockClock) -> None:
    async def stream() -> AsyncIterator[str]:
        yield (await conversation.say("Which table?")).outcome

    async def agent(transcript: str, history: Sequence[Message]) -> str:
        async with trio.open_nursery() as tools:
            tools.start_soon(conversation.say, "Which table?")
        return "Good."

    async with voicemode.open_conversation(TEXT) as conversation:
        for speech in (stream(), agent):
            with pytest.RaisesGroup(RuntimeError, flatten_subgroups=True, allow_unwrapped=True):
                await conversation.say(speech)


async def test_an_agent_in_a_talk_is_told_and_the_talk_ends(autojump_clock: MockClock) -> None:
    async def agent(transcript: str, history: Sequence[Message]) -> str:
        return (await conversation.converse("Which table?")).transcript

    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(RuntimeError, match="its own conversation"), unwrapped():
            async with trio.open_nursery() as nursery:
                await nursery.start(conversation.talk, agent)
                conversation.answer("Hello.")


async def test_an_answer_that_is_begun_early_is_told_as_well(autojump_clock: MockClock) -> None:
    async def agent(transcript: str, history: Sequence[Message]) -> str:
        await trio.sleep(1.5)
        return (await conversation.converse("Which table?")).transcript

    room, patient = Room(), TurnPolicy(delay=TurnDelayPolicy(shortest=0.7))
    settings = Settings(turn=patient, speculative_replies=True)
    async with conversing(room, settings=settings, stt=FakeEars("Tell me a story!", wait=0.2)) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        with trio.fail_after(20), pytest.raises(RuntimeError, match="its own conversation"):
            await conversation.talk(agent)


async def test_an_agent_can_ask_another_conversation_whose_agent_cannot_ask_back(autojump_clock: MockClock) -> None:
    async def outer(transcript: str, history: Sequence[Message]) -> str:
        return (await other.say(inner)).spoken.heard

    async def inner(transcript: str, history: Sequence[Message]) -> str:
        return (await conversation.say("And back.")).spoken.heard

    async def fine(transcript: str, history: Sequence[Message]) -> str:
        return (await other.say("one two.")).spoken.heard

    async with voicemode.open_conversation(TEXT) as conversation, voicemode.open_conversation(TEXT) as other:
        assert (await conversation.say(fine)).spoken.heard == "one two."
        with pytest.raises(RuntimeError, match="its own conversation"):
            await conversation.say(outer)


async def test_what_an_agent_has_started_waits_for_its_turn_once_the_answer_is_over(autojump_clock: MockClock) -> None:
    results: list[TurnResult] = []

    async def remind() -> None:
        await trio.sleep(1.0)
        results.append(await conversation.say("three."))

    async def agent(transcript: str, history: Sequence[Message]) -> str:
        nursery.start_soon(remind)
        return GREETING

    async with conversing(Room()) as conversation, trio.open_nursery() as nursery:
        # the voice is still at it when the reminder comes, for two seconds in all
        await conversation.say(agent)
        assert results == []
    assert [result.spoken.heard for result in results] == ["three."]


async def test_whoever_else_asks_waits(autojump_clock: MockClock) -> None:
    async def agent(transcript: str, history: Sequence[Message]) -> str:
        await trio.sleep(1.0)
        return "one."

    async with conversing(Room()) as conversation:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conversation.say, agent)
            nursery.start_soon(conversation.say, "two.")
        assert sorted(message.text for message in conversation.history) == ["one.", "two."]


@pytest.mark.parametrize("wrong", [None, "hello", 5])
async def test_a_talk_without_an_agent_is_refused_at_once(autojump_clock: MockClock, wrong: Any) -> None:
    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(TypeError, match=f"held with an agent.*not with {type(wrong).__name__}"):
            await conversation.talk(wrong)
        with pytest.raises(voicemode.SettingsError, match="No turn is running"):
            conversation.answer("Hello.")


@pytest.mark.parametrize("wrong", [5, None, b"yes"])
async def test_an_answer_is_a_text(autojump_clock: MockClock, wrong: Any) -> None:
    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(TypeError, match=f"An answer is a text.*not {type(wrong).__name__}"):
            conversation.answer(wrong)


async def test_bytes_are_no_words(autojump_clock: MockClock) -> None:
    wrong: Any = b"yes"
    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(TypeError, match="not bytes"):
            await conversation.say(wrong)
