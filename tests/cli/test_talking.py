"""What ends a talk and what does not, and how it is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TypeAlias

import pytest
import trio
from trio.testing import MockClock

from actors.account import SpokenText
from actors.errors import DeviceLost, ProviderUnavailable, VoiceError
from actors.events import TurnEnded, TurnFailed
from actors.machines.turn_delay import TurnDelayPolicy
from actors.messages import Message, TurnId
from actors.ports import Agent
from actors.results import Timings, TurnResult
from tests.conversing import Room, conversing
from tests.fakes import FakeEars, said
from voicemode import Settings, TurnPolicy
from voicemode.agents import answer
from voicemode.cli.talk_agent import AgentChoice
from voicemode.cli.talk_lines import line_of
from voicemode.cli.talking import FAILURES, Talk
from voicemode.cli.tally import Tally
from voicemode.replies import OnError

NOBODY = AgentChoice(url=None, model=None, system=None, command=None, path="a:b")


def failure(recording: str | None = None) -> VoiceError:
    error = ProviderUnavailable("ear", "The ear is deaf.")
    error.recording = None if recording is None else Path(recording)
    return error


def ended(outcome: str = "heard", said: str = "", heard: str = "", **timings: float) -> TurnEnded:
    spoken = SpokenText(text=heard, heard=heard)
    result = TurnResult(turn=TurnId(1), outcome=outcome, transcript=said, spoken=spoken, timings=Timings(**timings))
    return TurnEnded(turn=TurnId(1), at=0.0, result=result)


Course: TypeAlias = Callable[[Agent, OnError], Awaitable[None]]


class FakeConversation:
    """Each talk goes as the next of ``talks`` says; the last is stopped."""

    def __init__(self, *talks: Course) -> None:
        self.talks = list(talks)
        self.greetings: list[str | None] = []
        self.stopped = False

    async def talk(self, agent: Agent, *, greeting: str | None = None, on_error: OnError) -> None:
        self.greetings.append(greeting)
        await trio.lowlevel.checkpoint()
        if self.talks:
            await self.talks.pop(0)(agent, on_error)

    def stop(self) -> None:
        self.stopped = True


def failing(error: VoiceError) -> Course:
    async def talk(_: Agent, __: OnError) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    return talk


def asking(times: int, heard: list[str]) -> Course:
    async def talk(agent: Agent, on_error: OnError) -> None:
        for _ in range(times):
            try:
                async with aclosing(answer(agent, "Well?", ())) as words:
                    async for text in words:
                        heard.append(text)
            except VoiceError as error:
                on_error(error)

    return talk


async def broken(said: str, history: Sequence[Message]) -> AsyncIterator[str]:
    yield "I think"
    raise failure()


def talk_of(greeting: str | None = None) -> Talk:
    return Talk(NOBODY, Settings(), greeting, None)


async def test_an_engine_that_fails_is_shown_and_the_talk_goes_on_without_greeting_again() -> None:
    talk = talk_of("Hello.")
    conversation = FakeConversation(failing(failure("a.wav")), failing(failure("b.wav")))
    await talk.go_on(conversation, broken)
    assert conversation.greetings == ["Hello.", None, None]
    shown = [str(talk.shown.receive_nowait()) for _ in range(2)]
    later = "voicemode transcribe --pending finishes it later."
    assert shown == [f"The ear is deaf. What was said is kept in {name}.wav: {later}" for name in "ab"]


async def test_failures_one_after_the_other_end_it() -> None:
    conversation = FakeConversation(*[failing(failure("a.wav"))] * FAILURES)
    with pytest.raises(ProviderUnavailable):
        await talk_of().go_on(conversation, broken)
    assert len(conversation.greetings) == FAILURES


@pytest.mark.parametrize("error", [failure(), DeviceLost("The microphone has gone.")], ids=["at first", "device"])
async def test_what_fails_before_anything_was_said_or_for_good_ends_it_at_once(error: VoiceError) -> None:
    conversation = FakeConversation(failing(error))
    with pytest.raises(type(error)):
        await talk_of("Hello.").go_on(conversation, broken)
    assert conversation.greetings == ["Hello."]


async def test_an_agent_that_fails_says_what_it_could_and_the_third_time_ends_it() -> None:
    talk, heard = talk_of(), []
    conversation = FakeConversation(asking(FAILURES, heard))
    with pytest.raises(ProviderUnavailable):
        await talk.go_on(conversation, broken)
    assert heard == ["I think"] * FAILURES
    assert conversation.stopped


@pytest.mark.parametrize("goes_on", [True, False])
async def test_an_error_of_an_answer_is_shown_and_counted_only_if_somebody_waits_for_it(
    goes_on: bool, autojump_clock: MockClock
) -> None:
    room, talk, asked = Room(), talk_of(), list[str]()
    patient = TurnPolicy(delay=TurnDelayPolicy(shortest=0.7))
    settings = Settings(turn=patient, speculative_replies=True)
    ears = FakeEars("Tell me a story!", "Tell me a joke!", wait=0.2)

    async def agent(transcript: str, _: Sequence[Message]) -> AsyncIterator[str]:
        asked.append(transcript)
        if len(asked) == 1:
            raise failure()
        yield "once upon a time."

    async with conversing(room, stt=ears, settings=settings) as conversation, trio.open_nursery() as nursery:
        began = trio.current_time()
        for at, seconds in ((1.0, 1.0), (2.5, 0.9))[: 2 if goes_on else 1]:
            room.microphone.place(said(seconds), began + at)

        async def stop() -> None:
            await trio.sleep(8.0)
            conversation.stop()

        nursery.start_soon(stop)
        await talk.go_on(conversation, agent)
    assert asked == (["Tell me a story!", "Tell me a joke!"] if goes_on else ["Tell me a story!"])
    assert talk.tally.failures == (0 if goes_on else 1)
    if not goes_on:
        assert str(talk.shown.receive_nowait()) == "The ear is deaf."
    with pytest.raises(trio.WouldBlock):
        talk.shown.receive_nowait()


def test_an_answer_that_was_heard_forgives_the_failures_before_it() -> None:
    tally = Tally()
    tally.turn_failed()
    tally.agent_failed()
    tally.take(ended(heard="I think"))
    assert tally.failures == 2
    tally.take(ended(said="Go on"))
    assert tally.failures == 2
    tally.take(ended(heard="Well then."))
    assert tally.failures == 0


def test_the_summary_has_medians_and_the_recordings_of_what_was_not_understood() -> None:
    tally = Tally()
    assert tally.empty
    tally.take(ended(heard="Hello.", said="Hi", first_sample_ms=1.0, speech_end_to_transcript_ms=800.0))
    tally.take(ended("interrupted", heard="I am", said="Stop", first_sample_ms=300.0, barge_in_ms=210.0))
    tally.take(ended(heard="Yes.", first_sample_ms=500.0, speech_end_to_transcript_ms=900.0))
    tally.take(ended("no_speech"))
    tally.take(TurnFailed(turn=TurnId(5), at=0.0, error=failure("/a/b.wav")))
    assert str(tally.summary()).splitlines() == [
        "3 turns, 1 interruption",
        "medians: transcript → first sound 400 ms, barge-in 210 ms, end of speech → transcript 850 ms",
        "recording: /a/b.wav",
    ]


def test_an_error_for_programs_names_the_recording() -> None:
    line = line_of(failure("a.wav"))
    assert line is not None
    assert (line["event"], line["type"], line["recording"]) == ("error", "ProviderUnavailable", Path("a.wav"))
    assert "spoken" not in line


def test_an_error_of_a_turn_tells_programs_what_was_heard_of_the_assistant() -> None:
    error = failure()
    error.spoken, error.interrupted = SpokenText(text="Hello.", heard="Hel", complete=False), True
    line = line_of(error)
    assert line is not None
    assert line["spoken"] == {"text": "Hello.", "heard": "Hel", "complete": False}
    assert line["interrupted"] is True
