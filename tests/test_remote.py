"""An agent that talks with people at their devices: what it says, what stops it, and what it remembers of that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import VoiceError
from actors.link_messages import Ack, Listen, Speak, Stop, Transcription
from actors.messages import Message
from actors.remote import FAILED, FromDevice, ToDevice, converse_remotely


class Talk:
    """``answers`` by turn: texts with pauses of seconds between them, or the error that there is instead."""

    def __init__(self, *answers: Sequence[str | float] | VoiceError) -> None:
        self._answers = iter(answers)
        self.asked: list[tuple[str, list[Message]]] = []
        self.failures: list[str] = []
        self.closed = 0
        self.device, self._heard = trio.open_memory_channel[FromDevice](10)
        self._out, self.said = trio.open_memory_channel[ToDevice](100)

    async def answer(self, words: str, history: Sequence[Message]) -> AsyncGenerator[str, None]:
        self.asked.append((words, list(history)))
        parts = next(self._answers)
        if isinstance(parts, VoiceError):
            raise parts
        try:
            for part in parts:
                if isinstance(part, float):
                    await trio.sleep(part)
                else:
                    yield part
        finally:
            self.closed += 1

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        keys = count(1)
        async with trio.open_nursery() as nursery:

            async def hold() -> None:
                await converse_remotely(
                    self._heard,
                    self._out,
                    answer=self.answer,
                    new_id=lambda: f"s{next(keys)}",
                    failed=lambda error: self.failures.append(str(error)),
                )

            nursery.start_soon(hold)
            yield
            self.device.close()

    async def hears(self, text: str, *, final: bool = True) -> None:
        await self.device.send(Transcription(id="t", text=text, is_final=final, device_id="phone"))
        await wait_all_tasks_blocked()

    def out(self) -> list[ToDevice]:
        found: list[ToDevice] = []
        while True:
            try:
                found.append(self.said.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                return found


def speak(number: int, text: str) -> Speak:
    return Speak(id=f"s{number}", text=text, device_id="phone")


async def test_an_answer_goes_to_the_device_sentence_by_sentence_and_then_it_listens(
    autojump_clock: MockClock,
) -> None:
    talk = Talk(["One is here. Two", 1.0, " is too."])
    async with talk.held():
        await talk.hears("Count.")
        assert talk.out() == [speak(1, "One is here.")]
        await trio.sleep(2)
        assert talk.out() == [speak(2, "Two is too."), Listen(id="s3", device_id="phone")]


async def test_words_that_are_not_final_or_not_there_are_no_turn(autojump_clock: MockClock) -> None:
    talk = Talk()
    async with talk.held():
        await talk.hears("Cou", final=False)
        await talk.hears("  ")
        assert talk.asked == []


async def test_who_speaks_over_the_answer_ends_it_and_it_is_remembered_as_far_as_it_was_said(
    autojump_clock: MockClock,
) -> None:
    talk = Talk(["One is here. Two is too. Three", 60.0, " never."], ["Fine."])
    async with talk.held():
        await talk.hears("Count.")
        talk.out()
        await talk.device.send(Ack(id="s1", status="delivered"))
        await talk.hears("Wait!")
        await trio.sleep(1)
        assert talk.out() == [
            Stop(reason="barge-in", target="tts"),
            speak(3, "Fine."),
            Listen(id="s4", device_id="phone"),
        ]
    assert talk.asked[1] == (
        "Wait!",
        [Message(role="user", text="Count."), Message(role="assistant", text="One is here.")],
    )
    assert talk.closed == 2


async def test_a_device_that_never_tells_what_it_said_is_taken_to_have_said_it(autojump_clock: MockClock) -> None:
    talk = Talk(["One. Two."], ["Yes."])
    async with talk.held():
        await talk.hears("Count.")
        await trio.sleep(1)
        await talk.hears("Really?")
    assert talk.asked[1][1] == [Message(role="user", text="Count."), Message(role="assistant", text="One. Two.")]


async def test_a_stop_at_the_device_cancels_the_answer(autojump_clock: MockClock) -> None:
    talk = Talk(["One is here. Two", 60.0, " never."])
    async with talk.held():
        await talk.hears("Count.")
        await talk.device.send(Stop())
        await wait_all_tasks_blocked()
        assert talk.closed == 1
        assert talk.out() == [speak(1, "One is here.")]


async def test_an_agent_that_fails_is_told_and_the_talk_goes_on(autojump_clock: MockClock) -> None:
    talk = Talk(VoiceError("The model is gone."), ["Back."])
    async with talk.held():
        await talk.hears("Hello.")
        assert talk.failures == ["The model is gone."]
        assert talk.out() == [speak(1, FAILED), Listen(id="s2", device_id="phone")]
        await talk.hears("Hello?")
        await trio.sleep(1)
        assert talk.out()[0] == speak(3, "Back.")


async def test_a_cancel_leaves_nothing_running(autojump_clock: MockClock) -> None:
    talk = Talk(["One is here. Two", 60.0])
    with trio.CancelScope() as scope:
        async with talk.held():
            await talk.hears("Count.")
            scope.cancel()
            await trio.sleep(1)
    assert talk.closed == 1
