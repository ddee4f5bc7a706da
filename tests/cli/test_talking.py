"""What ends a talk and what does not, and how it is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.account import SpokenText
from actors.errors import DeviceLost, ProviderUnavailable, VoiceError
from actors.events import TurnEnded, TurnFailed
from actors.messages import Message, TurnId
from actors.ports import Agent
from actors.results import Timings, TurnResult
from voicemode import Settings
from voicemode.cli.talk_agent import AgentChoice
from voicemode.cli.talk_lines import line_of
from voicemode.cli.talking import FAILURES, Talk
from voicemode.cli.tally import Tally

NOBODY = AgentChoice(url=None, model=None, system=None, command=None, path="a:b")


def failure(recording: str | None = None) -> VoiceError:
    error = ProviderUnavailable("ear", "The ear is deaf.")
    error.recording = None if recording is None else Path(recording)
    return error


def ended(outcome: str = "heard", said: str = "", heard: str = "", **timings: float) -> TurnEnded:
    spoken = SpokenText(text=heard, heard=heard)
    result = TurnResult(turn=TurnId(1), outcome=outcome, transcript=said, spoken=spoken, timings=Timings(**timings))
    return TurnEnded(turn=TurnId(1), at=0.0, result=result)


class FakeConversation:
    """Each talk goes as the next of ``talks`` says; the last is stopped."""

    def __init__(self, *talks: Callable[[Agent], Awaitable[None]]) -> None:
        self.talks = list(talks)
        self.greetings: list[str | None] = []
        self.stopped = False

    async def talk(self, agent: Agent, *, greeting: str | None = None) -> None:
        self.greetings.append(greeting)
        await trio.lowlevel.checkpoint()
        if self.talks:
            await self.talks.pop(0)(agent)

    def stop(self) -> None:
        self.stopped = True


def failing(error: VoiceError) -> Callable[[Agent], Awaitable[None]]:
    async def talk(_: Agent) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    return talk


def asking(times: int, heard: list[str]) -> Callable[[Agent], Awaitable[None]]:
    async def talk(agent: Agent) -> None:
        for _ in range(times):
            words: Any = agent("Well?", ())
            heard.extend([text async for text in words])

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
