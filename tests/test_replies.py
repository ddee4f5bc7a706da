"""Answers that are begun before the user is certainly done: earlier when they are, without a trace when they go on.

The user's words are known 0.2 s after they paused, and the pause is waited out for 0.7 s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import ProviderUnavailable, VoiceError
from actors.events import Event, ReplySpeculated
from actors.machines.turn_delay import TurnDelayPolicy
from actors.messages import Message, SpeakingStarted, TextPiece, TurnId
from actors.results import Presumed
from tests.conversing import Room, conversing, follow
from tests.fakes import FakeEars, said
from voicemode import Conversation, Settings, TurnPolicy
from voicemode.groups import unwrapped
from voicemode.replies import PIECES, Question, Replies

PATIENT = TurnPolicy(delay=TurnDelayPolicy(shortest=0.7))
AHEAD = Settings(turn=PATIENT, speculative_replies=True)
WINDOW = 0.033
ASKED = "Tell me a story!"


class Thinker:
    """Thinks for ``wait`` seconds, then answers; keeps when it was called with what, and when it was closed."""

    def __init__(self, wait: float = 0.5, *, answer: str = "once upon a time.", fails_at: int | None = None) -> None:
        self.wait, self.answer, self.fails_at = wait, answer, fails_at
        self.called: list[tuple[float, str]] = []
        self.histories: list[tuple[Message, ...]] = []
        self.open = self.most = 0

    async def __call__(self, transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        self.called.append((trio.current_time(), transcript))
        self.histories.append(tuple(history))
        number = len(self.called)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await trio.sleep(self.wait)
            if number == self.fails_at:
                raise LookupError("no story")
            yield self.answer
        finally:
            self.open -= 1


async def talked(
    agent: Thinker, *speech: tuple[float, float], heard: Sequence[str], until: float = 12.0, **parts: Any
) -> tuple[list[Event], Conversation, float]:
    """A talk in which the user says something from each first to each second number of seconds."""
    room, seen = Room(), list[Event]()
    greeting = parts.pop("greeting", None)
    parts.setdefault("settings", AHEAD)
    async with conversing(room, stt=FakeEars(*heard), **parts) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        for start, end in speech:
            room.microphone.place(said(end - start), began + start)

        async def stop() -> None:
            await trio.sleep_until(began + until)
            conversation.stop()

        nursery.start_soon(stop)
        await conversation.talk(agent, greeting=greeting)
        assert agent.open == 0
        nursery.cancel_scope.cancel()
    return seen, conversation, began


def fates(seen: list[Event]) -> list[str]:
    return [event.fate for event in seen if isinstance(event, ReplySpeculated)]


def account(seen: list[Event]) -> tuple[int, int, int]:
    last = [event for event in seen if isinstance(event, ReplySpeculated)][-1]
    return last.begun, last.used, last.dropped


def sounded(seen: list[Event]) -> list[float]:
    return [event.at for event in seen if isinstance(event, SpeakingStarted)]


@pytest.mark.parametrize(("ahead", "first"), [(True, 2.7), (False, 3.2)])
async def test_an_agent_is_asked_at_the_pause_and_heard_when_it_is_over(
    ahead: bool, first: float, autojump_clock: MockClock
) -> None:
    agent = Thinker(0.5)
    settings = Settings(turn=PATIENT, speculative_replies=ahead)
    seen, conversation, began = await talked(agent, (1.0, 2.0), heard=[ASKED], settings=settings)
    [(called, transcript)] = agent.called
    assert transcript == ASKED
    assert called == pytest.approx(began + (2.2 if ahead else 2.7), abs=2 * WINDOW)
    assert sounded(seen)[0] == pytest.approx(began + first, abs=2 * WINDOW)
    assert fates(seen) == (["begun", "used"] if ahead else [])
    assert conversation.history == (
        Message(role="user", text=ASKED),
        Message(role="assistant", text="once upon a time."),
    )


async def test_who_goes_on_is_asked_about_all_they_said(autojump_clock: MockClock) -> None:
    agent, whole = Thinker(5.0), "Tell me a story! And make it short!"
    seen, _, began = await talked(agent, (1.0, 2.0), (2.4, 3.4), heard=[ASKED, whole])
    assert [transcript for _, transcript in agent.called] == [ASKED, whole]
    assert agent.most == 1, "the first was closed before the second was called"
    assert fates(seen) == ["begun", "dropped", "begun", "used"]
    assert account(seen) == (2, 1, 1)
    dropped = next(event for event in seen if isinstance(event, ReplySpeculated) and event.fate == "dropped")
    assert dropped.at == pytest.approx(began + 2.4, abs=0.15)


async def test_what_does_not_look_finished_is_not_asked_about(autojump_clock: MockClock) -> None:
    agent = Thinker()
    seen, _, began = await talked(agent, (1.0, 2.0), heard=["I went there and"])
    assert fates(seen) == []
    assert agent.called[0][0] > began + 2.7


async def test_what_was_heard_of_the_assistant_is_in_the_history_it_is_asked_with(autojump_clock: MockClock) -> None:
    agent, plain = Thinker(), Thinker()
    seen, _, _ = await talked(agent, (1.4, 2.4), heard=[ASKED], greeting="hello there, how are you today?")
    await talked(
        plain,
        (1.4, 2.4),
        heard=[ASKED],
        greeting="hello there, how are you today?",
        settings=Settings(turn=PATIENT),
    )
    assert fates(seen) == ["begun", "used"]
    assert agent.histories == plain.histories


async def test_an_agent_that_has_to_be_asked_again_is_closed_first(autojump_clock: MockClock) -> None:
    agent = Thinker(5.0)
    # the last transcript is of the whole utterance, and not what it was at the pause
    settings = Settings(turn=TurnPolicy(delay=TurnDelayPolicy(shortest=0.7), drafts=1), speculative_replies=True)
    seen, _, _ = await talked(
        agent, (1.0, 2.0), (2.4, 3.4), heard=[ASKED, "Tell me a story about a dog!"], settings=settings
    )
    assert [transcript for _, transcript in agent.called] == [ASKED, "Tell me a story about a dog!"]
    assert agent.most == 1
    assert fates(seen) == ["begun", "dropped"]


async def test_an_error_of_an_answer_that_is_dropped_is_nobodys(autojump_clock: MockClock) -> None:
    agent = Thinker(0.1, fails_at=1)
    seen, conversation, _ = await talked(agent, (1.0, 2.0), (2.5, 3.4), heard=[ASKED, "Tell me a joke!"])
    assert fates(seen) == ["begun", "dropped", "begun", "used"]
    assert conversation.history[-1].text == "once upon a time."


async def test_an_error_after_an_answer_was_left_is_told_where_errors_are_wanted(autojump_clock: MockClock) -> None:
    async def untidy(_: str, __: Sequence[Message]) -> AsyncIterator[str]:
        try:
            yield "one"
            await trio.sleep_forever()
        finally:
            raise ProviderUnavailable("kettle", "The kettle is still on.")

    told: list[VoiceError] = []
    async with trio.open_nursery() as nursery:
        replies = Replies(untidy, nursery, history=tuple, publish=lambda _: None, on_error=told.append)
        for transcript in (ASKED, "Tell me a joke!"):
            words = replies(transcript, ())
            assert await anext(words) == "one"
            await words.aclose()
            replies.presume(Presumed(turn=TurnId(1), text="Tell me a joke!", heard=""))
        await wait_all_tasks_blocked()
        replies.drop()
    assert [str(error) for error in told] == ["The kettle is still on."] * 2


@pytest.mark.parametrize("wait", [0.1, 2.0])
async def test_an_error_of_an_answer_that_is_used_comes_out_as_it_is(wait: float, autojump_clock: MockClock) -> None:
    agent = Thinker(wait, fails_at=1)
    with pytest.raises(LookupError, match="no story"), unwrapped():
        await talked(agent, (1.0, 2.0), heard=[ASKED])
    assert len(agent.called) == 1
    assert agent.open == 0


async def test_speaking_over_an_answer_that_was_begun_early_stops_it(autojump_clock: MockClock) -> None:
    agent = Thinker(0.1, answer="one two three four five six seven eight nine ten eleven twelve thirteen.")
    seen, conversation, _ = await talked(agent, (1.0, 2.0), (4.0, 5.0), heard=[ASKED, "Stop it now!"], until=6.2)
    assert [message.text for message in conversation.history][:1] == [ASKED]
    assert conversation.history[1].text.startswith("one two three")
    assert not conversation.history[1].text.endswith("thirteen.")
    assert conversation.history[2].text == "Stop it now!"
    assert fates(seen)[:3] == ["begun", "used", "begun"]


async def test_a_user_who_speaks_again_before_the_answer_gets_one_to_that(autojump_clock: MockClock) -> None:
    """The words after the pause come while the first are still being understood, so that nothing was said of them."""
    agent = Thinker(3.0)
    seen, _, _ = await talked(agent, (1.0, 2.0), (3.2, 4.2), heard=[ASKED, "Tell me a joke!"])
    assert [transcript for _, transcript in agent.called] == [ASKED, "Tell me a joke!"]
    assert agent.most == 1
    assert account(seen) == (2, 2, 0)


@pytest.mark.parametrize("tenths", range(10, 60, 4))
@pytest.mark.parametrize("how", ["cancel", "stop", "interrupt"])
async def test_whenever_it_ends_nothing_is_left_running(tenths: int, how: str, autojump_clock: MockClock) -> None:
    room, agent, seen = Room(), Thinker(0.6), list[Event]()
    async with conversing(room, stt=FakeEars(ASKED, wait=0.1), settings=AHEAD) as conversation:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, conversation, seen)
            await wait_all_tasks_blocked()
            began = trio.current_time()
            room.microphone.place(said(1.0), began + 1.0)
            talk = trio.CancelScope()

            async def talking() -> None:
                with talk:
                    await conversation.talk(agent)

            async with trio.open_nursery() as talks:
                talks.start_soon(talking)
                await trio.sleep_until(began + tenths / 10)
                if how == "cancel":
                    talk.cancel()
                elif how == "stop":
                    conversation.stop()
                else:
                    conversation.interrupt()
                    await trio.sleep(8.0)
                    talk.cancel()
            assert agent.open == 0
            assert conversation.status().state == "idle"
            nursery.cancel_scope.cancel()
        begun, used, dropped = account(seen) if fates(seen) else (0, 0, 0)
        assert begun == used + dropped
        assert (await conversation.say("still here.")).outcome == "said"


async def test_an_answer_that_nobody_reads_yet_stops_after_some_pieces(autojump_clock: MockClock) -> None:
    made = 0

    async def endless(_: str, __: Sequence[Message]) -> AsyncIterator[str]:
        nonlocal made
        while True:
            made += 1
            yield "word "

    events: list[Event] = []
    async with trio.open_nursery() as nursery:
        replies = Replies(endless, nursery, history=tuple, publish=events.append)
        replies.presume(Presumed(turn=TurnId(1), text=ASKED, heard=""))
        await wait_all_tasks_blocked()
        assert made == PIECES + 1
        words = replies(ASKED, ())
        assert [await anext(words) for _ in range(100)] == ["word "] * 100
        await words.aclose()
    assert fates(events) == ["begun", "used"]


async def test_the_same_words_again_are_the_same_question(autojump_clock: MockClock) -> None:
    agent, events = Thinker(), list[Event]()
    async with trio.open_nursery() as nursery:
        replies = Replies(agent, nursery, history=tuple, publish=events.append)
        for _ in range(3):
            replies.presume(Presumed(turn=TurnId(1), text=ASKED, heard=""))
        await wait_all_tasks_blocked()
        replies.drop()
    assert len(agent.called) == 1
    assert fates(events) == ["begun", "dropped"]


async def test_what_is_dropped_before_it_began_never_reaches_the_agent(autojump_clock: MockClock) -> None:
    agent = Thinker()
    async with trio.open_nursery() as nursery:
        replies = Replies(agent, nursery, history=tuple, publish=lambda _: None)
        replies.presume(Presumed(turn=TurnId(1), text=ASKED, heard=""))
        replies.presume(None)
    assert agent.called == []


async def test_what_goes_wrong_in_an_agent_that_was_interrupted_is_not_hidden(autojump_clock: MockClock) -> None:
    async def untidy(_: str, __: Sequence[Message]) -> AsyncIterator[str]:
        try:
            yield "one"
            await trio.sleep_forever()
        finally:
            raise LookupError("the kettle is still on")

    with pytest.raises(LookupError, match="kettle"), unwrapped():
        async with trio.open_nursery() as nursery:
            replies = Replies(untidy, nursery, history=tuple, publish=lambda _: None)
            replies.presume(Presumed(turn=TurnId(1), text=ASKED, heard=""))
            words = replies(ASKED, ())
            assert await anext(words) == "one"
            await words.aclose()


def test_a_question_has_what_was_heard_before_it_and_nothing_if_nothing_was() -> None:
    before = (Message(role="user", text="Hello."),)
    presumed = Presumed(turn=TurnId(1), text=ASKED, heard="once upon ")
    assert Question.presumed(presumed, before).history == (*before, Message(role="assistant", text="once upon"))
    silent = Presumed(turn=TurnId(1), text=ASKED, heard=" ")
    assert Question.presumed(silent, before) == Question(ASKED, before)


async def test_the_pieces_of_an_answer_belong_to_the_turn_that_says_it(autojump_clock: MockClock) -> None:
    seen, _, _ = await talked(Thinker(0.1), (1.0, 2.0), heard=[ASKED])
    assert [piece.turn for piece in seen if isinstance(piece, TextPiece)] == [TurnId(2)]
